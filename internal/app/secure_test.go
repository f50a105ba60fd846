package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
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
	w.overTLS()
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

// overTLS has the pages speak TLS with the certificate beside the configuration.
func (w *world) overTLS() {
	w.t.Helper()
	w.configure()
	text, err := os.ReadFile(w.file())
	if err != nil {
		w.t.Fatal(err)
	}
	const clear = `web: {listen: "127.0.0.1:0"}`
	w.write(w.file(), strings.Replace(string(text), clear, `web: {listen: "127.0.0.1:0", url: "https://localhost:8025", cert_file: cert.pem, key_file: key.pem}`, 1))
}

// issued writes a new certificate and its key, and returns its number.
func (w *world) issued(ca *mailtest.CA, from, to time.Time) string {
	w.t.Helper()
	cert, key, err := ca.Issue(from, to, "localhost")
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(filepath.Join(w.dir, "cert.pem"), string(cert))
	w.write(filepath.Join(w.dir, "key.pem"), string(key))
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.String()
}

// knocking connects without a pause until stop is called, which returns how
// often, and how often nobody was at the door.
func knocking(t *testing.T, address string) (stop func() (knocks, refused int)) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan [2]int, 1)
	go func() {
		var n [2]int
		for ctx.Err() == nil {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			if err == nil {
				conn.Close()
			} else if ctx.Err() == nil {
				n[1]++
			}
			n[0]++
		}
		ended <- n
	}()
	return func() (int, int) {
		cancel()
		n := <-ended
		return n[0], n[1]
	}
}

// TestTLSComesAndGoes turns TLS on, renews the certificate and turns TLS off
// by reloads of a daemon in use: the door is never closed on the way, a
// certificate that cannot be used changes nothing, and one that is renewed is
// served from the next connection on.
func TestTLSComesAndGoes(t *testing.T) {
	t.Parallel()
	ca, err := mailtest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "ada")
	r := w.runs()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.PEM())
	served := func() string {
		conn, err := tls.Dial("tcp", r.TCP, &tls.Config{RootCAs: roots, ServerName: "localhost"})
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	inClear := func() (int, error) {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get("http://" + r.TCP + "/healthz")
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	if code, err := inClear(); code != http.StatusOK {
		t.Fatalf("at first, in the clear: %d %v", code, err)
	}
	stop := knocking(t, r.TCP)
	now := time.Now()

	first := w.issued(ca, now.Add(-time.Hour), now.Add(90*24*time.Hour))
	w.overTLS()
	if err := r.client.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := served(); got != first {
		t.Errorf("after TLS was turned on: %s; want certificate %s", got, first)
	}
	if code, _ := inClear(); code != http.StatusBadRequest {
		t.Errorf("in the clear, after TLS was turned on: %d", code)
	}

	second := w.issued(ca, now.Add(-time.Hour), now.Add(90*24*time.Hour))
	if err := r.client.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := served(); got != second {
		t.Errorf("after a renewal: %s; want certificate %s", got, second)
	}

	w.write(filepath.Join(w.dir, "cert.pem"), "half of a certif")
	if err := r.client.Reload(t.Context()); err == nil {
		t.Error("a reload with half a certificate succeeds")
	}
	if got := served(); got != second {
		t.Errorf("with half a certificate in the file: %s; want certificate %s", got, second)
	}

	w.configure()
	if err := r.client.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, err := inClear(); code != http.StatusOK {
		t.Errorf("after TLS was turned off: %d %v", code, err)
	}
	if knocks, refused := stop(); refused > 0 || knocks == 0 {
		t.Errorf("of %d connections meanwhile, %d were refused", knocks, refused)
	}
}

// TestCertificateIsReadAgain renews a certificate without a reload, in two
// steps as a copy does it, and lets one come to its end.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	ca, err := mailtest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "ada")
	now := time.Now()
	w.issued(ca, now.Add(-time.Hour), now.Add(90*24*time.Hour))
	w.overTLS()
	s, stop := w.built(RunOptions{Version: "test"})
	defer stop()
	k, err := newCertKeeper(s.config().Web, s.faults)
	if err != nil {
		t.Fatal(err)
	}
	is := func(at time.Time) string { return k.certificate(at).Leaf.SerialNumber.String() }
	first := is(now)
	firstKey, err := os.ReadFile(filepath.Join(w.dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	second := w.issued(ca, now.Add(-time.Hour), now.Add(90*24*time.Hour))
	secondKey, err := os.ReadFile(filepath.Join(w.dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	w.write(filepath.Join(w.dir, "key.pem"), string(firstKey)+"\n") // still the old one
	if got := is(now.Add(certLook + time.Second)); got != first {
		t.Errorf("half renewed: %s; want %s", got, first)
	}
	if tr := s.certificateTroubles(); len(tr) != 1 || tr[0].state != wrong || tr[0].Urgent || !strings.Contains(tr[0].Text, "cert.pem") {
		t.Errorf("half renewed: %+v; want a trouble that can wait", tr)
	}
	w.write(filepath.Join(w.dir, "key.pem"), string(secondKey))
	if got := is(now.Add(2*certLook + 2*time.Second)); got != second {
		t.Errorf("renewed: %s; want %s", got, second)
	}
	for _, tt := range []struct {
		lived, left time.Duration
		told        bool
	}{
		{60 * 24 * time.Hour, 15 * 24 * time.Hour, false}, {80 * 24 * time.Hour, 10 * 24 * time.Hour, true},
		{24 * time.Hour, 5 * 24 * time.Hour, false}, {5*24*time.Hour + 2*time.Hour, 22 * time.Hour, true},
		{3000 * 24 * time.Hour, 20 * 24 * time.Hour, false}, {90 * 24 * time.Hour, -time.Hour, true},
	} {
		w.issued(ca, now.Add(-tt.lived), now.Add(tt.left))
		tr := s.certificateTroubles()
		if len(tr) != 1 || (tr[0].state == wrong) != tt.told || tr[0].Urgent != tt.told {
			t.Errorf("with %v behind and %v left: %+v; told %v", tt.lived, tt.left, tr, tt.told)
		}
	}
}
