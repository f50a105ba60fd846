package app

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// TestPagesOverTLS starts the daemon with a certificate, as a newcomer does
// from the page on who gets in: the log holds the link of the first
// administrator, who is asked in over TLS, and nobody in the clear.
func TestPagesOverTLS(t *testing.T) {
	t.Parallel()
	ca, err := mailtest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.Issue(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "ada")
	w.write(filepath.Join(w.dir, "cert.pem"), string(cert))
	w.write(filepath.Join(w.dir, "key.pem"), string(key))
	w.configure()
	text, err := os.ReadFile(w.file())
	if err != nil {
		t.Fatal(err)
	}
	config := strings.Replace(string(text), `web: {listen: "127.0.0.1:0"}`, `web: {listen: "127.0.0.1:0", url: "https://localhost:8025", cert_file: cert.pem, key_file: key.pem}`, 1)
	w.write(w.file(), config)
	r := w.runs()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}}}
	defer client.CloseIdleConnections()
	get := func(path string) (to, body string) {
		t.Helper()
		resp, err := client.Get("https://" + r.TCP + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Request.URL.RequestURI(), string(raw)
	}
	if to, _ := get("/contacts"); to != "/sign-in?next=%2Fcontacts" {
		t.Errorf("whoever is not signed in is led to %s", to)
	}
	link := regexp.MustCompile(`https://localhost:8025(/setup\?token=[\w-]+)`).FindStringSubmatch(w.log.String())
	if link == nil {
		t.Fatal("the log holds no link for the first administrator")
	}
	if _, body := get(link[1]); !strings.Contains(body, `action="/auth/setup"`) {
		t.Errorf("the link of the log leads to:\n%s", body)
	}
	resp, err := http.Get("http://" + r.TCP + "/sign-in")
	if err == nil {
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("in the clear: %s", resp.Status)
		}
	}
}
