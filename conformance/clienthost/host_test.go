package clienthost

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"
)

func TestHost(t *testing.T) {
	h := Start(t)
	certificate, err := os.ReadFile(h.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		t.Fatal("the CA file holds no certificate")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	defer client.CloseIdleConnections()
	id := h.Publish("/client.json", map[string]any{"client_name": "Other", "response_types": nil})
	resp, err := client.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	if members["client_id"] != id || members["client_name"] != "Other" || members["response_types"] != nil {
		t.Errorf("the document is %s", body)
	}
	if h.Accepted() != 1 || h.Count("/client.json") != 1 || h.Count("/other") != 0 {
		t.Errorf("%d connections, requests %v", h.Accepted(), h.Requests())
	}
}
