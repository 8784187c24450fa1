package egress_test

import (
	"strings"
	"testing"

	"durward/policies/oauth/internal/egress"
)

// What is refused before any name is looked up (S34, S40), and by which words.
func TestRefusedURLs(t *testing.T) {
	const noHost, notPublic = "has no plain host", "has a host that is not a public address"
	c := egress.New(egress.Options{})
	for raw, want := range map[string]string{
		"": "does not begin with https://", "https:": "does not begin with https://", "https:/": "does not begin with https://",
		"http://client.example/x": "does not begin with https://", "HTTPS://client.example/x": "does not begin with https://",
		"ftp://client.example/x": "does not begin with https://", "//client.example/x": "does not begin with https://",
		"https:client.example/x":                              "does not begin with https://",
		"https://client.example/" + strings.Repeat("x", 2048): "is longer than 2048 bytes",
		"https://client.example/x#":                           "has a fragment",
		"https://client.example#/x":                           "has a fragment",
		"https://a@client.example/x":                          "names a user",
		"https://@client.example/x":                           "names a user",
		"https://a:b@client.example/x":                        "names a user",
		"https://client.example@127.0.0.1/x":                  "names a user",
		"https://client.example /x":                           "holds a character that no URL may hold",
		"https://client.example/x\r\nHost: evil":              "holds a character that no URL may hold",
		"https://client.example\\@127.0.0.1/x":                "holds a character that no URL may hold",
		"https://client.example/%":                            "holds a character that no URL may hold",
		"https://client.example/%2":                           "holds a character that no URL may hold",
		"https://client.example/%zz":                          "holds a character that no URL may hold",
		"https://clіent.example/x":                            "holds a character that no URL may hold", // Cyrillic
		"https://client。example/x":                            "holds a character that no URL may hold", // ideographic full stop
		"https://１２７.0.0.1/x":                                 "holds a character that no URL may hold", // full-width digits
		"https:///x":                                          noHost,
		"https://":                                            noHost,
		"https://?x":                                          noHost,
		"https://client.example./x":                           noHost,
		"https://127.0.0.1./x":                                noHost,
		"https://.client.example/x":                           noHost,
		"https://client..example/x":                           noHost,
		"https://-client.example/x":                           noHost,
		"https://client-.example/x":                           noHost,
		"https://Client.example/x":                            noHost,
		"https://cl_ent.example/x":                            noHost,
		"https://*.example/x":                                 noHost,
		"https://%31%32%37.0.0.1/x":                           noHost,
		"https://client%2eexample/x":                          noHost,
		"https://" + strings.Repeat("x", 64) + ".example/x":   noHost,
		"https://" + strings.Repeat("x.", 127) + "example/x":  noHost,
		"https://2130706433/x":                                noHost, // 127.0.0.1 in one number
		"https://017700000001/x":                              noHost,
		"https://0x7f000001/x":                                noHost,
		"https://0x7f.1/x":                                    noHost,
		"https://127.1/x":                                     noHost,
		"https://127.0.1/x":                                   noHost,
		"https://0177.0.0.1/x":                                noHost,
		"https://127.0.0.01/x":                                noHost,
		"https://127.0.0.0x1/x":                               noHost,
		"https://0x/x":                                        noHost,
		"https://256.0.0.1/x":                                 noHost,
		"https://1.2.3.4.5/x":                                 noHost,
		"https://client.1/x":                                  noHost,
		"https://[::1/x":                                      noHost,
		"https://::1/x":                                       noHost,
		"https://[::1]x/x":                                    noHost,
		"https://[]/x":                                        noHost,
		"https://[127.0.0.1]/x":                               noHost,
		"https://[fe80::1%25eth0]/x":                          noHost,
		"https://[2606:4700::1111%25eth0]/x":                  noHost,
		"https://[client.example]/x":                          noHost,
		"https://127.0.0.1/x":                                 notPublic,
		"https://127.0.0.1:443/x":                             notPublic,
		"https://169.254.169.254/latest/meta-data":            notPublic,
		"https://10.0.0.1/x":                                  notPublic,
		"https://[::1]/x":                                     notPublic,
		"https://[::ffff:127.0.0.1]/x":                        notPublic,
		"https://[::ffff:8.8.8.8]/x":                          notPublic,
		"https://[64:ff9b::7f00:1]/x":                         notPublic,
		"https://[0:0:0:0:0:0:0:1]/x":                         notPublic,
		"https://localhost/x":                                 "has a host that is not a public name",
		"https://metadata/computeMetadata/v1":                 "has a host that is not a public name",
		"https://kubernetes:6443/x":                           "has a host that is not a public name",
		"https://client.example:/x":                           "has no plain port",
		"https://client.example:0/x":                          "has no plain port",
		"https://client.example:00443/x":                      "has no plain port",
		"https://client.example:65536/x":                      "has no plain port",
		"https://client.example:-1/x":                         "has no plain port",
		"https://client.example:+1/x":                         "has no plain port",
		"https://client.example:443:443/x":                    "has no plain port",
		"https://[2606:4700::1111]:/x":                        "has no plain port",
	} {
		known := wantReason(t, c.Check(raw), egress.Refused)
		if known.Text() != want {
			t.Errorf("%q %s, want: %s", raw, known.Text(), want)
		}
		_, err := c.Get(t.Context(), raw, "*/*", 1)
		wantReason(t, err, egress.Refused)
	}
}

func TestAcceptedURLs(t *testing.T) {
	c := egress.New(egress.Options{})
	for _, raw := range []string{
		"https://client.example/x", "https://client.example", "https://client.example?x=1", "https://a.b.c.example:8443/x?y",
		"https://xn--bcher-kva.example/x", "https://1.client.example/x", "https://client.example:443/x", "https://8.8.8.8:1/x",
		"https://client.example/a%20b/%2e%2e", "https://client.example/@:!$&'()*+,;=", "https://[2606:4700::1111]:8443/x",
		"https://x0x.x0/x",
	} {
		if err := c.Check(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
