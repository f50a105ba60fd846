package webhook_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/internal/news"
	"rapport/internal/webhook"
	"rapport/records/access"
	"rapport/records/event"
	"rapport/records/hook"
	"rapport/store"
	"rapport/store/boltstore"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// patience is how long what must come may take on a machine that is busy with
// other things; nothing waits for it that goes well.
const patience = 2 * time.Minute

var boss = access.Principal{Kind: access.Local, Name: "tess"}

// world is a service over a real store, with a clock of its own.
type world struct {
	t     *testing.T
	store store.Store
	s     *webhook.Service

	mu     sync.Mutex // guards what follows
	at     time.Time
	hidden map[string]bool // ids of events that owners may not know of
	owners map[string]bool // owners that may not have webhooks any more
	counts map[string]int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := boltstore.Open(t.TempDir(), boltstore.Options{NoSync: true, NoMerge: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{t: t, store: st, at: noon, hidden: map[string]bool{}, owners: map[string]bool{}, counts: map[string]int{}}
	w.s = w.service()
	return w
}

// service is a service as a process has one.
func (w *world) service() *webhook.Service {
	return webhook.New(webhook.Options{Store: w.store, Key: make([]byte, 32), Version: "1.2.3", Now: w.now,
		Count: func(result string) { w.mu.Lock(); w.counts[result]++; w.mu.Unlock() },
		Shown: func(_ store.Tx, owner string, e event.Event) (bool, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.owners[owner] {
				return false, webhook.ErrOwner
			}
			return !w.hidden[e.ID], nil
		}})
}

func (w *world) now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at }

// counted is how many attempts ended so.
func (w *world) counted(result string) int { w.mu.Lock(); defer w.mu.Unlock(); return w.counts[result] }

// pass lets time pass, and the service see it.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	w.at = w.at.Add(d)
	w.mu.Unlock()
	w.s.Wake()
}

// run has the service send until the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.s.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
}

func (w *world) add(name, url string, types ...event.Type) (hook.Webhook, string) {
	w.t.Helper()
	made, secret, err := w.s.Add(w.t.Context(), boss, hook.Webhook{Name: name, URL: url, Types: types})
	if err != nil {
		w.t.Fatal(err)
	}
	return made, secret
}

func (w *world) hear(es ...event.Event) {
	w.t.Helper()
	if err := w.s.Heard(w.t.Context(), es, news.Mark{Audit: es[len(es)-1].ID}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) webhook(id string) (got hook.Webhook) {
	w.t.Helper()
	if err := w.store.View(w.t.Context(), func(tx store.Tx) (err error) {
		got, err = tx.Webhooks().Get(id)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) dispatches(id string) (all []hook.Dispatch) {
	w.t.Helper()
	if err := w.store.View(w.t.Context(), func(tx store.Tx) error {
		page, err := tx.Dispatches().Of(id, store.Slice{Limit: 1000})
		all = page.Items
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// until waits for a webhook to be as it is to be.
func (w *world) until(id, what string, is func(hook.Webhook, []hook.Dispatch) bool) hook.Webhook {
	w.t.Helper()
	for end := time.Now().Add(patience); ; {
		got, all := w.webhook(id), w.dispatches(id)
		if is(got, all) {
			return got
		}
		if time.Now().After(end) {
			w.t.Fatalf("never %s: %+v %+v", what, got, all)
		}
		time.Sleep(time.Millisecond)
	}
}

func happened(id string, kind event.Type) event.Event {
	return event.Event{ID: id, Type: kind, Time: noon}
}

// call is what a receiver got.
type call struct {
	id, signature, at string
	body              []byte
	event             event.Event
}

// receiver is a server that is told what happens.
type receiver struct {
	*httptest.Server
	calls chan call

	mu     sync.Mutex // guards what follows
	answer func(http.ResponseWriter, *http.Request)
}

func newReceiver(t *testing.T, start func(*httptest.Server)) *receiver {
	r := &receiver{calls: make(chan call, 10000)}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		c := call{id: q.Header.Get(hook.HeaderID), signature: q.Header.Get(hook.HeaderSignature), at: q.Header.Get(hook.HeaderTime), body: body}
		if q.Method != http.MethodPost || q.Header.Get("Content-Type") != "application/json" || q.Header.Get("User-Agent") != "Rapport/1.2.3" || json.Unmarshal(body, &c.event) != nil {
			t.Errorf("the receiver got %s %v: %s", q.Method, q.Header, body)
		}
		r.calls <- c
		r.mu.Lock()
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(w, q)
		}
	}))
	start(r.Server)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(answer func(http.ResponseWriter, *http.Request)) {
	r.mu.Lock()
	r.answer = answer
	r.mu.Unlock()
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func (r *receiver) next(t *testing.T) call {
	t.Helper()
	select {
	case c := <-r.calls:
		return c
	case <-time.After(patience):
		t.Fatal("the receiver hears nothing")
		return call{}
	}
}

// here allows this host, with the certificate of a receiver.
func (w *world) here(r *receiver) {
	set := webhook.Settings{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	if r.Certificate() != nil {
		set.Roots = x509.NewCertPool()
		set.Roots.AddCert(r.Certificate())
	}
	w.s.Configure(set)
}

// fits reports whether a secret signed a call.
func fits(t *testing.T, secret string, c call) bool {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	for s := range strings.SplitSeq(c.signature, " ") {
		if s == hook.Sign(c.id, noonOf(t, c.at), c.body, raw) {
			return true
		}
	}
	return false
}

func noonOf(t *testing.T, seconds string) time.Time {
	t.Helper()
	var n json.Number = json.Number(seconds)
	v, err := n.Int64()
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(v, 0)
}
