package config

import (
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// MemorySetting is what a Reason says of Gateway.PolicyMemory.
const MemorySetting = "policyMemoryMiB"

// gatewayReasons tells what differs in gateway.json of what may change while the gateway runs.
func gatewayReasons(old, next Gateway) (reasons []Reason) {
	add := func(what string, was, is any) {
		if !reflect.DeepEqual(was, is) {
			reasons = append(reasons, told(what, "", was, is))
		}
	}
	add("publicUrl", list(old.PublicURLs), list(next.PublicURLs))
	add("trustedProxies", prefixes(old.TrustedProxies), prefixes(next.TrustedProxies))
	add("publicRoutes", list(old.PublicRoutes), list(next.PublicRoutes))
	add(MemorySetting, said(old.PolicyMemory>>20), said(next.PolicyMemory>>20))
	add("limits.requestBytes", said(old.Limits.RequestBytes), said(next.Limits.RequestBytes))
	add("limits.streams", said(old.Limits.Streams), said(next.Limits.Streams))
	for _, t := range []struct {
		name    string
		was, is time.Duration
	}{
		{"drainSeconds", old.Timeouts.Drain, next.Timeouts.Drain},
		{"policyWaitSeconds", old.Timeouts.PolicyWait, next.Timeouts.PolicyWait},
		{"requestBodySeconds", old.Timeouts.RequestBody, next.Timeouts.RequestBody},
		{"upstreamConnectSeconds", old.Timeouts.UpstreamConnect, next.Timeouts.UpstreamConnect},
		{"upstreamResponseSeconds", old.Timeouts.UpstreamResponse, next.Timeouts.UpstreamResponse},
	} {
		add("timeouts."+t.name, said(int64(t.was/time.Second)), said(int64(t.is/time.Second)))
	}
	add("log.level", strings.ToLower(old.Log.Level.String()), strings.ToLower(next.Log.Level.String()))
	add("log.format", said(old.Log.Format), said(next.Log.Format))
	if old.TLS != nil && next.TLS != nil && !old.TLS.same(next.TLS) {
		reasons = append(reasons, told("certificate", "", old.TLS.String(), next.TLS.String()))
	}
	if was, is := old.AdminToken, next.AdminToken; was != is {
		r := Reason{What: "adminToken", Hidden: HiddenSecret}
		if was != "" {
			r.Was = written(blotted)
		}
		if is != "" {
			r.Is = written(blotted)
		}
		reasons = append(reasons, r)
	}
	if len(reasons) == 0 && !reflect.DeepEqual(old.changeable(), next.changeable()) {
		reasons = []Reason{{What: GatewayFile}}
	}
	return reasons
}

// changeable is the part of g that may change while the gateway runs. Of the rest flags and variables have their say.
func (g Gateway) changeable() Gateway {
	g.Listen, g.Admin, g.Data, g.StoreKey, g.TLS = "", "", "", nil, nil
	g.Limits.HeaderBytes, g.Timeouts.ReadHeader, g.Timeouts.Idle = 0, 0, 0
	return g
}

// said is nil for what the file does not say.
func said[T comparable](value T) any {
	if value == *new(T) {
		return nil
	}
	return value
}

func prefixes(all []netip.Prefix) any {
	texts := make([]string, len(all))
	for i, p := range all {
		texts[i] = p.String()
	}
	return list(texts)
}
