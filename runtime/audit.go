package runtime

import (
	"context"
	"log/slog"

	"durward/policies"
	"durward/runtime/internal/telemetry"
)

// auditLog writes a policy's audit events to the host's audit log, one line each, with msg "audit". docs/audit.md says
// what the keys mean: they are a contract.
type auditLog struct {
	logger *slog.Logger
	// redact takes the policy's secret options out of a text (G10).
	redact func(string) string
}

func (h *Host) audit(policy string, redact func(string) string) policies.Audit {
	return auditLog{h.options.Audit.With(telemetry.KeyPolicy, policy), redact}
}

// Write logs the event with the id of the request in which it happened.
func (a auditLog) Write(ctx context.Context, e policies.Event) error {
	attrs := []slog.Attr{slog.String("event", a.redact(e.Name)), slog.String("outcome", a.redact(e.Outcome))}
	for _, f := range []struct{ key, value string }{
		{telemetry.KeyRequest, policies.CallFrom(ctx).RequestID}, {"issuer", e.Issuer}, {"subject", e.Subject},
		{"client_id", e.Client}, {"client_host", e.ClientHost}, {"grant", e.Grant}, {"resource", e.Resource},
		{"scope", e.Scope}, {"address", e.Address}, {"reason", e.Reason},
	} {
		if f.value != "" {
			attrs = append(attrs, slog.String(f.key, a.redact(f.value)))
		}
	}
	a.logger.LogAttrs(ctx, slog.LevelInfo, "audit", attrs...)
	return nil
}
