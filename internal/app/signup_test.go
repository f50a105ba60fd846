package app

import (
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"rapport/records/outbox"
	"rapport/store"
)

// TestSignUpByTheForm has a stranger who wrote before sign up on the public
// page: the mail that asks stands in the outbox, its link shows a page, its
// button records the consent, and what they wrote is filed.
func TestSignUpByTheForm(t *testing.T) {
	t.Parallel()
	w := publicWorld(t)
	text, err := os.ReadFile(w.file())
	if err != nil {
		t.Fatal(err)
	}
	w.write(w.file(), string(text)+"sign_up: {form: true}\ntopics: [{purpose: newsletter, name: Our news}]\n")
	w.arrives("ada", "zoe@print.example", "a question from before")
	s, stop := w.built(RunOptions{})
	defer stop()
	public, err := s.newPublic()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string, form url.Values) *httptest.ResponseRecorder {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res := httptest.NewRecorder()
		public.ServeHTTP(res, r)
		return res
	}
	if res := ask("POST", "/signup", url.Values{"address": {"Zoe@Print.example"}, "name": {"Zoe"}, "topic": {"newsletter"}}); res.Code != http.StatusOK {
		t.Fatalf("the form: %d\n%s", res.Code, res.Body)
	}
	link := ""
	err = s.store.View(t.Context(), func(tx store.Tx) error {
		page, err := tx.Outbox().List(store.OutboxFilter{State: outbox.Frozen, Address: "zoe@print.example"}, store.Slice{})
		if err == nil && len(page.Items) != 1 {
			err = fmt.Errorf("%d mails ask", len(page.Items))
		}
		if err != nil {
			return err
		}
		raw, err := tx.Outbox().Bytes(page.Items[0].ID)
		if err != nil {
			return err
		}
		read, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(string(raw))))
		link = regexp.MustCompile(`https://mail\.example\.com(/o/[a-z0-9]+)`).FindStringSubmatch(string(read))[1]
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	known := func() error {
		return s.store.View(t.Context(), func(tx store.Tx) error {
			people, err := tx.Contacts().ByAddress("zoe@print.example")
			if err == nil && len(people) != 1 {
				err = fmt.Errorf("%d contacts", len(people))
			}
			if err == nil && (len(people[0].Consents) != 1 || people[0].Name != "Zoe") {
				err = fmt.Errorf("%+v", people[0])
			}
			return err
		})
	}
	if res := ask("GET", link, nil); res.Code != http.StatusOK || !strings.Contains(res.Body.String(), "Our news") || known() == nil {
		t.Fatalf("the link: %d, known %v\n%s", res.Code, known(), res.Body)
	}
	for _, code := range []int{http.StatusOK, http.StatusGone} {
		if res := ask("POST", link, nil); res.Code != code {
			t.Fatalf("the button: %d, want %d\n%s", res.Code, code, res.Body)
		}
	}
	if err := known(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sync(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	err = s.store.View(t.Context(), func(tx store.Tx) error {
		people, err := tx.Contacts().ByAddress("zoe@print.example")
		if err != nil {
			return err
		}
		page, err := tx.Entries().Of(store.Subject{Contact: people[0].ID}, store.Slice{})
		if err == nil && (len(page.Items) == 0 || page.Items[0].Subject != "a question from before") {
			err = errors.New("what they wrote before is not filed")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
