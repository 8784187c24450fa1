package pluginhost

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxFields bounds the fields of one message, those within others and each item of a list included. The largest message
// that means something, an HTTP answer with many headers, has some hundreds.
const maxFields = 10_000

var errFields = fmt.Errorf("message has more than %d fields", maxFields)

// codec reads what processes send. A message's bytes are bounded by gRPC, but decoded it takes a multiple of them: an
// empty item of a list has two bytes on the wire, and up to some hundred in memory. So fields are counted before a
// message is decoded.
type codec struct{ encoding.CodecV2 }

// newCodec answers gRPC's codec for protocol buffers with that bound.
func newCodec() encoding.CodecV2 { return codec{encoding.GetCodecV2(grpcproto.Name)} }

// Unmarshal reads one message.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	message, ok := v.(proto.Message)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	buffer := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buffer.Free()
	left := maxFields
	if err := countFields(buffer.ReadOnlyData(), message.ProtoReflect().Descriptor(), &left); err != nil {
		return err
	}
	return proto.Unmarshal(buffer.ReadOnlyData(), message)
}

// countFields takes the fields of an encoded message from left.
func countFields(data []byte, message protoreflect.MessageDescriptor, left *int) error {
	for len(data) > 0 {
		if *left--; *left < 0 {
			return errFields
		}
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errors.New("message is malformed")
		}
		data = data[n:]
		size := protowire.ConsumeFieldValue(number, kind, data)
		if size < 0 {
			return errors.New("message is malformed")
		}
		field := message.Fields().ByNumber(number)
		if field != nil && field.Kind() == protoreflect.MessageKind && kind == protowire.BytesType {
			inner, _ := protowire.ConsumeBytes(data)
			if err := countFields(inner, field.Message(), left); err != nil {
				return err
			}
		}
		data = data[size:]
	}
	return nil
}
