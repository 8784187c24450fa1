package oauth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"durward/policies/oauth"
	"durward/policies/policytest"
)

func TestCAFile(t *testing.T) {
	folder := t.TempDir()
	good := certificateFile(t, folder)
	w := newWorldWith(t, optionsWithCA(good))
	if !strings.Contains(string(w.provider.Settings().RootCAs), "BEGIN CERTIFICATE") {
		t.Error("the certificates do not reach the provider")
	}
	if newWorld(t).provider.Settings().RootCAs != nil {
		t.Error("certificates without caFile")
	}
	for name, content := range map[string]string{
		"empty":            "",
		"a key":            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"no certificate":   "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"one that is none": readFile(t, good) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		file := writeFile(t, folder, strings.ReplaceAll(name, " ", "-"), content)
		wantConfigureError(t, name, optionsWithCA(file), file)
	}
	wantConfigureError(t, "missing", optionsWithCA(folder+"/missing.pem"), folder+"/missing.pem")

	problems := oauth.Policy(policytest.NewProvider()).Validate(inputOf(optionsWithCA("relative.pem"), "/mcp/demo")).Problems
	if len(problems) != 1 || problems[0].Pointer != "/browserLoginOverrides/caFile" ||
		!strings.Contains(problems[0].Text, "absolute") || strings.Contains(problems[0].Text, "relative.pem") {
		t.Errorf("problems %+v", problems)
	}
	report := oauth.Policy(policytest.NewProvider()).Validate(inputOf(optionsWithCA("/nowhere.pem"), "/mcp/demo"))
	if report.Problems != nil {
		t.Errorf("validate has read a file: %+v", report.Problems)
	}
	if !slices.Equal(report.Files, []string{"/nowhere.pem"}) {
		t.Errorf("the host is to watch %q", report.Files)
	}
}

func optionsWithCA(file string) string {
	return fmt.Sprintf(`{"clientId":"c","browserLoginOverrides":{"caFile":%q}}`, file)
}

// wantConfigureError checks that a policy is not taken into use, and that the error names the file.
func wantConfigureError(t *testing.T, what, options, file string) {
	t.Helper()
	host := policytest.NewHost()
	_, err := oauth.Policy(policytest.NewProvider()).Configure(
		context.Background(), inputOf(options, "/mcp/demo"), host.Services())
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "caFile") {
		t.Errorf("%s: error %v", what, err)
	}
}

// A file that is no list of certificates may be as large as a disk: it is not taken into memory to find out.
func TestLargeCAFile(t *testing.T) {
	folder := t.TempDir()
	huge := certificateFile(t, folder)
	if err := os.Truncate(huge, 4<<20+1); err != nil { // all hole behind a certificate that is one
		t.Fatal(err)
	}
	wantConfigureError(t, "a huge file", optionsWithCA(huge), huge)
}

// certificateFile writes a certificate that signs itself.
func certificateFile(t *testing.T, folder string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, folder, "good.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

func writeFile(t *testing.T, folder, name, content string) string {
	t.Helper()
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
