package policypb

import (
	"errors"
	"fmt"
	"time"

	"durward/policies"
)

// EncodeRequest gives the message with which the host asks for a decision.
func EncodeRequest(c policies.Call, r policies.Request) *EvaluateRequest {
	return &EvaluateRequest{
		Call:          EncodeCall(c),
		Route:         r.Route,
		Header:        EncodeHeader(r.Header),
		Origin:        r.Origin,
		ClientAddress: r.ClientAddress,
		Method:        r.Method,
		Name:          r.Name,
	}
}

// DecodeRequest reads what the host asks.
func DecodeRequest(m *EvaluateRequest) (policies.Call, policies.Request, error) {
	call, err := DecodeCall(m.GetCall())
	if err != nil {
		return policies.Call{}, policies.Request{}, fmt.Errorf("decode request: %w", err)
	}
	if m.GetRoute() == "" {
		return policies.Call{}, policies.Request{}, errors.New("decode request: route is missing")
	}
	header, err := DecodeHeader(m.GetHeader())
	if err != nil {
		return policies.Call{}, policies.Request{}, fmt.Errorf("decode request: %w", err)
	}
	return call, policies.Request{
		Route:         m.GetRoute(),
		Header:        header,
		Origin:        m.GetOrigin(),
		ClientAddress: m.GetClientAddress(),
		Method:        m.GetMethod(),
		Name:          m.GetName(),
	}, nil
}

// EncodeDecision gives the message of a decision, or an error if the decision is malformed as DecodeDecision has it.
func EncodeDecision(d policies.Decision) (*Decision, error) {
	d.Reason = text(d.Reason)
	if err := checkDecision(d); err != nil {
		return nil, fmt.Errorf("encode decision: %w", err)
	}
	m := &Decision{
		Outcome:           Outcome(d.Outcome),
		SetHeader:         EncodeHeader(d.SetHeader),
		RefusedCredential: d.RefusedCredential,
		Ttl:               int64(d.TTL),
		Tags:              d.Tags,
		Reason:            d.Reason,
	}
	if d.Principal != nil {
		m.Principal = encodePrincipal(d.Principal)
	}
	if d.Response != nil {
		m.Response = encodeResponse(*d.Response)
	}
	return m, nil
}

// DecodeDecision reads a decision. It answers an error, which the host treats as unavailable, for an unknown outcome and
// for anything that does not go with the outcome: an allow with a response or with half an identity, a respond without
// a response, an unavailable with a lifetime, too many or too long tags, a body or header beyond the bounds.
func DecodeDecision(m *Decision) (policies.Decision, error) {
	if m == nil {
		return policies.Decision{}, fmt.Errorf("decode decision: %w", errMissing)
	}
	header, err := DecodeHeader(m.GetSetHeader())
	if err != nil {
		return policies.Decision{}, fmt.Errorf("decode decision: %w", err)
	}
	d := policies.Decision{
		Outcome:           policies.Outcome(m.GetOutcome()),
		SetHeader:         header,
		RefusedCredential: m.GetRefusedCredential(),
		TTL:               time.Duration(m.GetTtl()),
		Tags:              m.GetTags(),
		Reason:            m.GetReason(),
	}
	if p := m.GetPrincipal(); p != nil {
		d.Principal = decodePrincipal(p)
	}
	if r := m.GetResponse(); r != nil {
		response, err := DecodeResponse(r)
		if err != nil {
			return policies.Decision{}, fmt.Errorf("decode decision: %w", err)
		}
		d.Response = &response
	}
	if err := checkDecision(d); err != nil {
		return policies.Decision{}, fmt.Errorf("decode decision: %w", err)
	}
	return d, nil
}

func checkDecision(d policies.Decision) error {
	if err := checkOutcome(d); err != nil {
		return err
	}
	if d.TTL < 0 {
		return errors.New("lifetime is negative")
	}
	if len(d.Tags) > policies.MaxTags {
		return fmt.Errorf("%d tags, more than %d", len(d.Tags), policies.MaxTags)
	}
	for _, tag := range d.Tags {
		if tag == "" || len(tag) > MaxTag {
			return fmt.Errorf("a tag is empty or longer than %d bytes", MaxTag)
		}
	}
	if err := checkHeader(d.SetHeader); err != nil {
		return err
	}
	if d.Response != nil {
		if err := checkResponse(*d.Response); err != nil {
			return err
		}
	}
	if err := checkPrincipal(d.Principal); err != nil {
		return err
	}
	return checkTexts(d.Reason)
}

// checkPrincipal bounds what goes into headers, logs and memory with every request.
func checkPrincipal(p *policies.Principal) error {
	if p == nil {
		return nil
	}
	if len(p.Scopes) > MaxScopes {
		return fmt.Errorf("%d scopes, more than %d", len(p.Scopes), MaxScopes)
	}
	size := 0
	for _, scope := range p.Scopes {
		size += len(scope)
	}
	if size > MaxText {
		return fmt.Errorf("scopes have %d bytes, more than %d", size, MaxText)
	}
	return checkTexts(p.Issuer, p.Subject, p.Email, p.Name, p.Client, p.Grant)
}

// checkOutcome refuses what does not go together. Whatever is not listed here is no decision.
func checkOutcome(d policies.Decision) error {
	switch d.Outcome {
	case policies.Allow:
		if d.Response != nil || d.RefusedCredential {
			return errors.New("an allow carries a refusal")
		}
		if d.Principal != nil && (d.Principal.Issuer == "" || d.Principal.Subject == "") {
			return errors.New("an allow names half an identity")
		}
	case policies.Respond:
		if d.Response == nil {
			return errors.New("a respond has no response")
		}
		if d.Principal != nil || len(d.SetHeader) > 0 {
			return errors.New("a respond carries parts of an allow")
		}
	case policies.Unavailable:
		if d.Principal != nil || len(d.SetHeader) > 0 || d.Response != nil || d.RefusedCredential {
			return errors.New("an unavailable carries a decision")
		}
		if d.TTL != 0 {
			return errors.New("an unavailable has a lifetime")
		}
	default:
		return fmt.Errorf("unknown outcome %d", d.Outcome)
	}
	return nil
}

func encodePrincipal(p *policies.Principal) *Principal {
	return &Principal{
		Issuer: p.Issuer, Subject: p.Subject, Email: p.Email, Name: p.Name,
		Client: p.Client, Grant: p.Grant, Scopes: p.Scopes, Expires: encodeTime(p.Expires),
	}
}

func decodePrincipal(m *Principal) *policies.Principal {
	return &policies.Principal{
		Issuer: m.GetIssuer(), Subject: m.GetSubject(), Email: m.GetEmail(), Name: m.GetName(),
		Client: m.GetClient(), Grant: m.GetGrant(), Scopes: m.GetScopes(), Expires: decodeTime(m.GetExpires()),
	}
}

// EncodeResponse gives the message of an HTTP answer, or an error if it is malformed as DecodeResponse has it.
func EncodeResponse(r policies.Response) (*HTTPResponse, error) {
	if err := checkResponse(r); err != nil {
		return nil, fmt.Errorf("encode response: %w", err)
	}
	return encodeResponse(r), nil
}

func encodeResponse(r policies.Response) *HTTPResponse {
	return &HTTPResponse{Status: int32(r.Status), Header: EncodeHeader(r.Header), Body: r.Body}
}

// DecodeResponse reads an HTTP answer: a final status (200 to 599), header and body within the bounds.
func DecodeResponse(m *HTTPResponse) (policies.Response, error) {
	header, err := DecodeHeader(m.GetHeader())
	if err != nil {
		return policies.Response{}, fmt.Errorf("decode response: %w", err)
	}
	r := policies.Response{Status: int(m.GetStatus()), Header: header, Body: m.GetBody()}
	if err := checkResponse(r); err != nil {
		return policies.Response{}, fmt.Errorf("decode response: %w", err)
	}
	return r, nil
}

func checkResponse(r policies.Response) error {
	if r.Status < 200 || r.Status > 599 {
		return fmt.Errorf("status %d is not a final one", r.Status)
	}
	if len(r.Body) > MaxBody {
		return fmt.Errorf("body has %d bytes, more than %d", len(r.Body), MaxBody)
	}
	return checkHeader(r.Header)
}
