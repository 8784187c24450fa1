package kind

import (
	"context"
	"errors"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	encodingproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"durward/policies"
	"durward/policies/policypb"
	"durward/policies/sdk/protocol"
)

// wireDecisions are the decisions that a policy of the type Wire makes: of a credential "Bearer allow-NAME" it says what
// is at NAME here, and of "Bearer allow-ada" that it is allowed. A []byte goes out as it is, and an error as one.
func wireDecisions() map[string]any {
	someone := func() *policypb.Principal {
		return &policypb.Principal{Issuer: Issuer, Subject: "mallory", Client: Client, Grant: "mallory"}
	}
	allow := func(edit func(*policypb.Decision)) *policypb.Decision {
		d := &policypb.Decision{Outcome: policypb.Outcome(policies.Allow), Principal: someone(), Ttl: int64(time.Minute)}
		edit(d)
		return d
	}
	respond := func(code int32, header ...*policypb.Header) *policypb.Decision {
		return &policypb.Decision{
			Outcome:  policypb.Outcome(policies.Respond),
			Response: &policypb.HTTPResponse{Status: code, Header: header, Body: []byte("a page\n")},
		}
	}
	field := func(name, value string) *policypb.Header {
		return &policypb.Header{Name: name, Values: [][]byte{[]byte(value)}}
	}
	return map[string]any{
		"no-outcome":        allow(func(d *policypb.Decision) { d.Outcome = 0 }),
		"unknown-outcome":   allow(func(d *policypb.Decision) { d.Outcome = 99 }),
		"empty-message":     []byte{},
		"garbage":           []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		"cut-message":       []byte{0x0a, 0x7f, 0x01},
		"another-message":   &policypb.Description{Type: "hostile"},
		"gigantic-message":  append([]byte{0x7a, 0x80, 0x80, 0x80, 0x04}, make([]byte, 8<<20)...),
		"gigantic-error":    status.Error(codes.Internal, strings.Repeat("e", 1<<20)),
		"odd-error":         status.Error(codes.Code(4711), "\x00\xff\n{}"),
		"ok-error":          errors.New("\x1b[2J"),
		"no-principal":      allow(func(d *policypb.Decision) { d.Principal = nil }),
		"half-principal":    allow(func(d *policypb.Decision) { d.Principal.Subject = "" }),
		"expired-principal": allow(func(d *policypb.Decision) { d.Principal.Expires = 1 }),
		"negative-ttl":      allow(func(d *policypb.Decision) { d.Ttl = -1 }),
		"least-ttl":         allow(func(d *policypb.Decision) { d.Ttl = math.MinInt64 }),
		"million-tags": allow(func(d *policypb.Decision) {
			for range 1_000_000 {
				d.Tags = append(d.Tags, "t")
			}
		}),
		"huge-ttl":          allow(func(d *policypb.Decision) { d.Ttl = math.MaxInt64 }),
		"empty-tag":         allow(func(d *policypb.Decision) { d.Tags = []string{""} }),
		"endless-tag":       allow(func(d *policypb.Decision) { d.Tags = []string{strings.Repeat("t", 1<<20)} }),
		"allow-and-refuse":  allow(func(d *policypb.Decision) { d.Response = respond(403).Response }),
		"allow-and-unknown": allow(func(d *policypb.Decision) { d.RefusedCredential = true }),
		"crlf-to-upstream":  allow(func(d *policypb.Decision) { d.SetHeader = append(d.SetHeader, field("X-A", "b\r\nX-C: d")) }),
		"no-response":       &policypb.Decision{Outcome: policypb.Outcome(policies.Respond)},
		"respond-principal": func() *policypb.Decision { d := respond(403); d.Principal = someone(); return d }(),
		"status-0":          respond(0),
		"status-100":        respond(100),
		"status-101":        respond(101, field("Upgrade", "websocket"), field("Connection", "Upgrade")),
		"status-99999":      respond(99999),
		"status-negative":   respond(-200),
		"crlf-in-value":     respond(403, field("X-A", "b\r\nSet-Cookie: c=d")),
		"crlf-in-name":      respond(403, field("X-A: b\r\nX-C", "d")),
		"gigantic-header":   respond(403, field("X-A", strings.Repeat("h", 1<<20))),
		"gigantic-body": func() *policypb.Decision {
			d := respond(403)
			d.Response.Body = make([]byte, 2<<20)
			return d
		}(),
		"foreign-cookie": respond(403, &policypb.Header{
			Name: "Set-Cookie", Values: [][]byte{[]byte("dw-clerk-session=stolen"), []byte("__Host-dw-clerk-x=y")}}),
		"framing": respond(403, field("Content-Length", "999999"), field("Transfer-Encoding", "chunked"), field("Trailer", "X")),
	}
}

// serveWire is package sdk's Serve with nothing in it that keeps a policy from talking nonsense.
func serveWire() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  protocol.Handshake(),
		VersionedPlugins: map[int]plugin.PluginSet{protocol.Version: {protocol.PluginName: &wirePlugin{}}},
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, grpc.ForceServerCodecV2(rawCodec{encoding.GetCodecV2(encodingproto.Name)}),
				grpc.MaxSendMsgSize(math.MaxInt32), grpc.UnaryInterceptor(nonsense(wireDecisions()).answer))...)
		},
	})
	os.Exit(0)
}

type wirePlugin struct{ plugin.NetRPCUnsupportedPlugin }

func (wirePlugin) GRPCServer(_ *plugin.GRPCBroker, registrar *grpc.Server) error {
	policypb.RegisterPolicyServer(registrar, wire{})
	return nil
}

func (wirePlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a policy's process serves and does not call")
}

// wire is a policy's service. What it answers to Evaluate and ServeHTTP is put in by nonsense.
type wire struct {
	policypb.UnimplementedPolicyServer
}

func (wire) Describe(context.Context, *policypb.DescribeRequest) (*policypb.Description, error) {
	return policypb.EncodeDescription(Type(Wire).Describe()), nil
}

func (wire) Configure(_ context.Context, m *policypb.ConfigureRequest) (*policypb.Report, error) {
	in, err := policypb.DecodeInput(m.GetInput())
	if err != nil {
		return nil, err
	}
	return policypb.EncodeReport(Type(Wire).Validate(in)), nil
}

// nonsense is what there is to say, by its name.
type nonsense map[string]any

// answer answers Evaluate by the credential's name, and ServeHTTP, with the decision's response, by the query's.
func (n nonsense) answer(ctx context.Context, m any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	switch m := m.(type) {
	case *policypb.EvaluateRequest:
		_, r, err := policypb.DecodeRequest(m)
		if err != nil {
			return nil, err
		}
		name, _ := strings.CutPrefix(r.Header.Get("Authorization"), Credential(""))
		if name == "ada" {
			return policypb.EncodeDecision(policies.Decision{
				Outcome: policies.Allow, Principal: &policies.Principal{Issuer: Issuer, Subject: "ada"}, TTL: time.Minute,
			})
		}
		return n.said(name, func(d *policypb.Decision) any { return d })
	case *policypb.HTTPRequest:
		path, name, _ := strings.Cut(string(m.GetTarget()), "?")
		if strings.HasSuffix(path, "/grant") {
			return &policypb.HTTPResponse{Status: http.StatusNoContent}, nil
		}
		return n.said(name, func(d *policypb.Decision) any {
			if d.Response == nil {
				return []byte{0xff}
			}
			return d.Response
		})
	}
	return next(ctx, m)
}

func (n nonsense) said(name string, of func(*policypb.Decision) any) (any, error) {
	switch d := n[name].(type) {
	case error:
		return nil, d
	case *policypb.Decision:
		return of(d), nil
	case nil:
		return nil, status.Error(codes.NotFound, "the policy knows of no such nonsense")
	default:
		return d, nil
	}
}

// WireNames are the names of wireDecisions, in order.
func WireNames() []string { return slices.Sorted(maps.Keys(wireDecisions())) }

// rawCodec sends bytes as they are.
type rawCodec struct{ encoding.CodecV2 }

func (c rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if raw, ok := v.([]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(raw)}, nil
	}
	return c.CodecV2.Marshal(v)
}
