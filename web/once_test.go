package web

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/records/access"
	"rapport/store"
)

// TestOnce repeats requests with a key: they are carried out once, and
// answered alike.
func TestOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	count := func() int {
		page, err := w.client.Contacts(t.Context(), Filter{Text: "Zed"}, Slice{})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Items)
	}
	post := func(key, body string) (*http.Response, string) {
		return w.request("POST", "/contacts", "application/json", body, keyHeader, key, "Accept-Encoding", "gzip")
	}
	first, body := post("a-key", `{"name":"Zed"}`)
	if first.StatusCode != 200 || count() != 1 {
		t.Fatalf("the first = %d %s", first.StatusCode, body)
	}
	again, same := post("a-key", `{"name":"Zed"}`)
	if again.StatusCode != 200 || same != body || again.Header.Get("Idempotent-Replayed") != "true" || again.Header.Get("Content-Type") != first.Header.Get("Content-Type") || count() != 1 {
		t.Errorf("repeated = %d %s, want %s; there are %d", again.StatusCode, same, body, count())
	}
	if resp, said := post("a-key", `{"name":"Zed the second"}`); resp.StatusCode != 422 || !strings.Contains(said, codeKeyReused) {
		t.Errorf("the key with another body = %d %s", resp.StatusCode, said)
	}
	if resp, _ := w.request("POST", "/organisations", "application/json", `{"name":"Zed"}`, keyHeader, "a-key"); resp.StatusCode != 422 {
		t.Errorf("the key for another operation = %d", resp.StatusCode)
	}
	for _, bad := range []string{"two words", "ключ", strings.Repeat("x", maxKey+1)} {
		if resp, _ := post(bad, `{"name":"Zed"}`); resp.StatusCode != 400 {
			t.Errorf("the key %.20q = %d", bad, resp.StatusCode)
		}
	}
	// What changed nothing gives its key back.
	if resp, _ := post("b-key", `{"name":"Zed","kind":"friend"}`); resp.StatusCode != 400 {
		t.Errorf("what is refused = %d", resp.StatusCode)
	}
	if resp, said := post("b-key", `{"name":"Zed"}`); resp.StatusCode != 200 || count() != 2 {
		t.Errorf("mended with the same key = %d %s", resp.StatusCode, said)
	}
	if _, err := w.client.AddContact(Once(t.Context(), "c-key"), ContactInput{Name: "Zed"}); err != nil {
		t.Error(err)
	}
	if _, err := w.client.AddContact(Once(t.Context(), "c-key"), ContactInput{Name: "Zed"}); err != nil || count() != 3 {
		t.Errorf("by the client: %v, there are %d", err, count())
	}
	if _, err := w.client.EraseContact(t.Context(), string(w.carl), false); err != nil {
		t.Fatal(err)
	}
	if err := w.store.View(t.Context(), func(tx store.Tx) error {
		_, err := tx.Answers().Get(digest([]byte("local  a-key")))
		return err
	}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after an erasure an answer is left: %v", err)
	}
}

// TestOnceThroughARestart holds that a request whose end nobody knows is not
// carried out again, and that a key is free again after a day.
func TestOnceThroughARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now()
	serve := func() http.Handler { // a process of its own, as far as answers go
		return New(Options{Store: w.store, Records: w.records, Daemon: w.daemon, Now: func() time.Time { return now }}).Handler()
	}
	ask := func(h http.Handler) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/api/v1/contacts", strings.NewReader(`{"name":"Zed"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(keyHeader, "k")
		out := httptest.NewRecorder()
		h.ServeHTTP(out, r.WithContext(WithPrincipal(r.Context(), access.Principal{Kind: access.Local})))
		return out
	}
	begun := ask(serve())
	if begun.Code != 200 {
		t.Fatalf("the first = %d %s", begun.Code, begun.Body)
	}
	if got := ask(serve()); got.Code != 200 || got.Body.String() != begun.Body.String() {
		t.Errorf("after a restart = %d %s", got.Code, got.Body)
	}
	err := w.store.Update(t.Context(), func(tx store.Tx) error { // as a process leaves it that is killed
		a, err := tx.Answers().Get(digest([]byte("local  k")))
		a.Status, a.Kind, a.Body = 0, "", nil
		return errors.Join(err, tx.Answers().Put(a))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(serve()); got.Code != 409 || !strings.Contains(got.Body.String(), "its end is not known") {
		t.Errorf("of unknown end = %d %s", got.Code, got.Body)
	}
	now = now.Add(keptFor + time.Second)
	if got := ask(serve()); got.Code != 200 || got.Body.String() == begun.Body.String() {
		t.Errorf("a day later = %d %s", got.Code, got.Body)
	}
}

// TestOnceAtOnce sends the same request from many sides at once.
func TestOnceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for range 20 {
		wg.Go(func() {
			resp, _ := w.request("POST", "/contacts", "application/json", `{"name":"Zed"}`, keyHeader, "k")
			mu.Lock()
			defer mu.Unlock()
			got[resp.StatusCode]++
			if resp.StatusCode == http.StatusConflict && resp.Header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After %q", resp.Header.Get("Retry-After"))
			}
		})
	}
	wg.Wait()
	page, err := w.client.Contacts(t.Context(), Filter{Text: "Zed"}, Slice{})
	if err != nil || len(page.Items) != 1 || got[200] == 0 || got[200]+got[409] != 20 {
		t.Errorf("answers %v, %d contacts, %v; want one contact", got, len(page.Items), err)
	}
}

// TestPace holds that a token is told to wait, and for how long, and nobody else.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := paces{now: time.Now}
		token := access.Principal{Kind: access.Token, ID: "t"}
		for n := range burst {
			if wait := p.wait(token); wait != 0 {
				t.Fatalf("request %d has to wait %v", n, wait)
			}
		}
		wait := p.wait(token)
		if wait <= 0 || wait > time.Second/pace {
			t.Fatalf("after %d requests: wait %v", burst, wait)
		}
		if other := p.wait(access.Principal{Kind: access.Token, ID: "u"}); other != 0 {
			t.Errorf("another token waits %v", other)
		}
		if user := p.wait(access.Principal{Kind: access.User, ID: "t"}); user != 0 {
			t.Errorf("a person waits %v", user)
		}
		time.Sleep(wait)
		if wait := p.wait(token); wait != 0 {
			t.Errorf("who waited as told waits again, %v", wait)
		}
		time.Sleep(time.Hour)
		for range burst {
			p.wait(token)
		}
		if p.wait(token) == 0 {
			t.Error("an hour of rest is saved up")
		}
		for n := range 2 * paced {
			p.wait(access.Principal{Kind: access.Token, ID: strconv.Itoa(n)})
		}
		if len(p.of) > paced {
			t.Errorf("the pace of %d tokens is remembered", len(p.of))
		}
	})
	w := newWorld(t)
	var last *httptest.ResponseRecorder
	for range burst + 5 {
		r := httptest.NewRequest("GET", "/api/v1/version", nil)
		last = httptest.NewRecorder()
		w.handler.ServeHTTP(last, r.WithContext(WithPrincipal(r.Context(), access.Principal{Kind: access.Token, ID: "t", Role: access.Reader})))
		if last.Code == http.StatusTooManyRequests {
			break
		}
	}
	if last.Code != http.StatusTooManyRequests || last.Header().Get("Retry-After") != "1" {
		t.Errorf("the last of many = %d, Retry-After %q", last.Code, last.Header().Get("Retry-After"))
	}
}
