package oauth4webapi

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"durward/conformance/clienthost"
	"durward/conformance/gateway"
)

// world is a gateway that speaks TLS, and fetches what clients publish on this machine.
type world struct {
	*gateway.Gateway
	// caFile holds the certificate of the gateway and of the clients' hosts: the one of net/http/httptest.
	caFile string
}

func start(t *testing.T) *world {
	t.Helper()
	host := clienthost.Start(t)
	w := &world{caFile: host.CAFile}
	w.Gateway = gateway.Start(t, func(g *gateway.Gateway) {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.StartTLS()
		pair, trusted := server.TLS.Certificates[0], x509.NewCertPool()
		trusted.AddCert(server.Certificate())
		server.Close()

		key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		must(t, err)
		must(t, os.Mkdir(filepath.Join(g.Config, "tls"), 0o700))
		g.Save("tls/cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
		g.Save("tls/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
		g.Save("gateway.json", `{"tls": {"certFile": "tls/cert.pem", "keyFile": "tls/key.pem"}}`)
		g.SetOption(t, "gateway", map[string]any{"cimdDevelopment": host.Development()})
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
		t.Cleanup(transport.CloseIdleConnections)
		g.Transport = transport
	})
	return w
}
