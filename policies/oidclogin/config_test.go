package oidclogin

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestConfig(t *testing.T) {
	tests := map[string]struct {
		change func(*Config)
		want   string
	}{
		"as it should be":      {func(*Config) {}, ""},
		"all on loopback http": {func(c *Config) { onLoopback(c, "127.0.0.1:4100") }, ""},
		"loopback by name":     {func(c *Config) { onLoopback(c, "localhost:4100") }, ""},
		"loopback in IPv6":     {func(c *Config) { onLoopback(c, "[::1]:4100") }, ""},
		"other algorithms":     {func(c *Config) { c.Algs = []string{"ES256", "EdDSA"} }, ""},
		"public client":        {func(c *Config) { c.ClientSecret = "" }, ""},
		"no issuer":            {func(c *Config) { c.Issuer = "" }, "Issuer must be an absolute URL"},
		"issuer no URL":        {func(c *Config) { c.Issuer = "https://canary example\x00" }, "Issuer is not a URL"},
		"issuer with query":    {func(c *Config) { c.Issuer += "?canary" }, "Issuer must have no query"},
		"issuer with fragment": {func(c *Config) { c.Issuer += "#canary" }, "Issuer must have no fragment"},
		"issuer with user":     {func(c *Config) { c.Issuer = "https://canary@op.example" }, "Issuer must hold no user"},
		"issuer plain http":    {func(c *Config) { c.Issuer = "http://op.example" }, "Issuer must be https"},
		"issuer other scheme":  {func(c *Config) { c.Issuer = "ftp://127.0.0.1" }, "Issuer must be https"},
		"no authorize URL":     {func(c *Config) { c.AuthorizeURL = "/authorize" }, "AuthorizeURL must be an absolute URL"},
		"token URL plain http": {func(c *Config) { c.TokenURL = "http://op.example/token" }, "TokenURL must be https"},
		"keys on loopback http only": {
			func(c *Config) { c.JWKSURL = "http://127.0.0.1/keys" }, "JWKSURL must be https, as the Issuer is",
		},
		"no client id":          {func(c *Config) { c.ClientID = "" }, "ClientID is empty"},
		"no openid":             {func(c *Config) { c.Scopes = []string{"openid2", "email"} }, "must contain openid"},
		"no timeout":            {func(c *Config) { c.Timeout = 0 }, "Timeout"},
		"alg none":              {func(c *Config) { c.Algs = []string{"RS256", "none"} }, "asymmetric"},
		"alg HS256":             {func(c *Config) { c.Algs = []string{"HS256"} }, "asymmetric"},
		"our own parameter set": {func(c *Config) { c.ExtraAuthorize = url.Values{"nonce": {"1"}} }, "nonce"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := Config{
				Issuer: "https://op.example", AuthorizeURL: "https://op.example/a", TokenURL: "https://op.example/t",
				JWKSURL: "https://keys.example/k", ClientID: "id", ClientSecret: "canary-secret",
				Scopes: []string{"openid"}, Timeout: time.Second,
			}
			test.change(&c)
			_, err := New(c)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one with %q", err, test.want)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
}

func onLoopback(c *Config, host string) {
	c.Issuer = "http://" + host
	c.AuthorizeURL, c.TokenURL, c.JWKSURL = c.Issuer+"/a", c.Issuer+"/t", c.Issuer+"/k"
}
