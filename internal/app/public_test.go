package app

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// publicWorld is a world with a campaign, a customer, and a listener for
// strangers.
func publicWorld(t *testing.T) *world {
	w := newWorld(t, "ada")
	w.extra = "campaigns: campaigns\nsenders: [{name: news, host: \"127.0.0.1:1\", tls: none, from: Example <ada@example.com>, mailbox: ada, postal_address: 1 Example Street}]\n"
	w.configure()
	text, err := os.ReadFile(w.file())
	if err != nil {
		t.Fatal(err)
	}
	w.write(w.file(), strings.Replace(string(text), `web: {listen: "127.0.0.1:0"}`,
		`web: {listen: "127.0.0.1:0", public_listen: "127.0.0.1:0", public_url: "https://mail.example.com"}`, 1))
	if err := os.Mkdir(filepath.Join(w.dir, "campaigns"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(filepath.Join(w.dir, "campaigns", "spring.md"), "---\nsubject: Spring\naudience: kind == \"customer\"\nlegal_basis: customers\n---\nDear {{.Contact.Name}}, it is spring.\n")
	return w
}

// TestOneClickUnsubscribes follows the https link of a mail: its recipient is
// written to no more, by this campaign or another of the purpose.
func TestOneClickUnsubscribes(t *testing.T) {
	t.Parallel()
	s, stop := publicWorld(t).built(RunOptions{})
	defer stop()
	err := s.store.Update(t.Context(), func(tx store.Tx) error {
		return tx.Contacts().Put(contact.Contact{ID: contact.ID(store.NewID(s.now())), Name: "Carl", Addresses: []contact.Address{"carl@press.example"}, Kind: contact.Customer})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.planner.Launch(t.Context(), "ada", "spring", "", false); err != nil {
		t.Fatal(err)
	}
	waiting := func(state outbox.State) []outbox.Delivery {
		t.Helper()
		page, err := s.planner.Deliveries(t.Context(), "spring", store.OutboxFilter{State: state}, store.Slice{})
		if err != nil {
			t.Fatal(err)
		}
		return page.Items
	}
	all := waiting(outbox.Frozen)
	if len(all) != 1 {
		t.Fatalf("%d mails wait", len(all))
	}
	var raw []byte
	if err := s.store.View(t.Context(), func(tx store.Tx) (err error) { raw, err = tx.Outbox().Bytes(all[0].ID); return err }); err != nil {
		t.Fatal(err)
	}
	_, link, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n ", ""), "<https://mail.example.com")
	link, _, found := strings.Cut(link, ">")
	if !found || !strings.Contains(string(raw), "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") {
		t.Fatalf("no way out by one click:\n%.1500s", raw)
	}
	public, err := s.newPublic()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method string) int {
		t.Helper()
		res := httptest.NewRecorder()
		public.ServeHTTP(res, httptest.NewRequest(method, link, strings.NewReader("List-Unsubscribe=One-Click")))
		return res.Code
	}
	if code := ask("GET"); code != http.StatusOK || len(waiting(outbox.Frozen)) != 1 {
		t.Errorf("looking at the page: %d, %d wait", code, len(waiting(outbox.Frozen)))
	}
	for range 2 {
		if code := ask("POST"); code != http.StatusOK {
			t.Fatalf("one click: %d", code)
		}
	}
	if got := waiting(outbox.Suppressed); len(got) != 1 || got[0].Why != campaign.Stopped || got[0].Evidence.Unsubscribed.IsZero() {
		t.Errorf("after the click: %+v", got)
	}
	stops, _, holds, err := s.planner.Why(t.Context(), "carl@press.example", true)
	if err != nil || len(stops) != 1 || stops[0].Scope != "newsletter" || stops[0].By != "one-click" || holds["spring"].Why != campaign.Stopped {
		t.Errorf("why: %+v, %v, %v", stops, holds, err)
	}
}

// TestPublicListener has strangers reach the pages behind links and nothing of
// the team's, until a reload takes them away.
func TestPublicListener(t *testing.T) {
	t.Parallel()
	w := publicWorld(t)
	r := w.runs()
	if r.Public == "" || r.Public == r.TCP {
		t.Fatalf("the listeners are %q and %q", r.TCP, r.Public)
	}
	for _, path := range []string{"/", "/u/x", "/api/v1/contacts", "/metrics", "/healthz", "/sign-in", "/auth/setup", "/feed/x"} {
		resp, err := http.Get("http://" + r.Public + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "This link does not work") {
			t.Errorf("%s: %s, %v\n%.200s", path, resp.Status, err, body)
		}
	}
	w.configure() // without it
	if err := r.client.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.Get("http://" + r.Public + "/"); err == nil {
		resp.Body.Close()
		t.Error("strangers still reach it")
	}
	if resp, err := http.Get("http://" + r.TCP + "/healthz"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the team's listener: %v", err)
	} else {
		resp.Body.Close()
	}
}

// TestDoctorReadsTheDomain has doctor say which records of a sender's domain are
// missing, and what belongs there.
func TestDoctorReadsTheDomain(t *testing.T) {
	t.Parallel()
	w := publicWorld(t)
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	w.write(filepath.Join(w.dir, "dkim.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	text, err := os.ReadFile(w.file())
	if err != nil {
		t.Fatal(err)
	}
	w.write(w.file(), strings.Replace(string(text), "postal_address:", "dkim: [{selector: r1, key_file: dkim.pem}], postal_address:", 1))
	s, stop := w.built(RunOptions{LookupTXT: func(_ context.Context, name string) ([]string, error) {
		if name == "example.com" {
			return []string{"v=spf1 mx -all"}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}})
	defer stop()
	found, err := s.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprintf("%+v", found)
	for _, want := range []string{
		"OK:true What:SPF: v=spf1 mx -all",
		"OK:false What:DKIM: there is no key at r1._domainkey.example.com Fix:publish a TXT record at r1._domainkey.example.com: v=DKIM1; k=ed25519; p=",
		"OK:false What:DMARC: example.com has no policy",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("doctor does not say %q:\n%s", want, said)
		}
	}
}
