package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/boltstore"
)

var worldSize = flag.Int("world", 800, "messages in the world of the end-to-end test; 10000 is the full one")

// binary builds rapport once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "rapport-test")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "rapport")
	if out, err := exec.Command("go", "build", "-o", path, "rapport/cmd/rapport").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build rapport: %w: %s", err, out)
	}
	return path, nil
})

// built is where the binary lies, "" while there is none.
var built string

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// settle writes a configuration and contacts for the world and returns the site.
func settle(t *testing.T, w *mailtest.World, d *mailtest.Dovecot) *site {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{dir: t.TempDir(), binary: bin}
	s.config, s.data = filepath.Join(s.dir, "config.yaml"), filepath.Join(s.dir, "data")
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("config.yaml", []byte(w.Config(s.data, mailtest.Server{Addr: d.Addr, TLS: "implicit", CAFile: d.CAFile, Passwords: s.dir})))
	for _, u := range w.Accounts() {
		write(u.Name, []byte(u.Password))
	}
	write("contacts.csv", w.ContactsCSV())
	return s
}

func (s *site) must(t *testing.T, args ...string) {
	t.Helper()
	took, err := s.command(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("rapport %s: %v", strings.Join(args, " "), took)
}

// TestEverythingFiledNothingElse is the promise, end to end: what a real server
// holds is filed under exactly the right records, once, with all its copies,
// and of nobody else's mail a word is kept.
func TestEverythingFiledNothingElse(t *testing.T) {
	w := mailtest.NewWorld(mailtest.Options{Seed: 1, Messages: *worldSize})
	t.Log(w.Summary())
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	if err := w.DeliverTo(d); err != nil {
		t.Fatal(err)
	}
	s := settle(t, w, d)
	s.must(t, "check")
	s.must(t, "contact", "import", filepath.Join(s.dir, "contacts.csv"))
	s.must(t, "sync")
	first := snapshot(t, s.data)
	if faults := mailtest.Check(w, first); len(faults) > 0 {
		t.Error(mailtest.Explain(faults))
	}
	s.must(t, "reconcile")
	s.must(t, "sync")
	if again := snapshot(t, s.data); fmt.Sprint(again) != fmt.Sprint(first) {
		t.Error("a second sync changes what is held")
	}
	noLeak(t, w, s)
}

// noLeak looks for strangers' words in the export and in the stored mail.
func noLeak(t *testing.T, w *mailtest.World, s *site) {
	t.Helper()
	dir := filepath.Join(s.dir, "export")
	s.must(t, "export", dir)
	faults, err := w.LeakCheckDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	data, err := w.LeakCheckDir(s.data, false)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := w.LeakCheck("stored mail", bytes.NewReader(storedMail(t, s.data)), true)
	if err != nil {
		t.Fatal(err)
	}
	if faults = append(append(faults, data...), raw...); len(faults) > 0 {
		t.Error(mailtest.Explain(faults))
	}
}

// view opens the store of a site that is not running.
func view(t *testing.T, data string, fn func(tx store.Tx) error) {
	t.Helper()
	s, err := boltstore.Open(data, boltstore.Options{ReadOnly: true, LockTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// eachMessage goes through all stored messages by id.
func eachMessage(tx store.Tx, fn func(message.Message) error) error {
	slice := store.Slice{Limit: 1000}
	for {
		page, err := tx.Messages().List(slice)
		if err != nil {
			return err
		}
		for _, id := range page.Items {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return err
			}
			if err := fn(m); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		slice.Cursor = page.Next
	}
}

// snapshot is what a store holds, in the oracle's words.
func snapshot(t *testing.T, data string) mailtest.Snapshot {
	t.Helper()
	var out mailtest.Snapshot
	view(t, data, func(tx store.Tx) error {
		return eachMessage(tx, func(m message.Message) error {
			e := mailtest.Entry{MessageID: m.Head.MessageID, Date: m.Head.Date, Subject: m.Head.Subject}
			if len(m.Head.From) > 0 {
				e.From = string(m.Head.From[0].Address)
			}
			for _, h := range m.Holdings {
				e.Holdings = append(e.Holdings, mailtest.Place{Mailbox: h.Mailbox, Folder: h.Folder})
			}
			sums := []message.Sum{m.Raw}
			for _, v := range m.Variants {
				sums = append(sums, v.Raw)
			}
			for i, sum := range sums {
				raw, err := readBlob(tx, sum)
				if err != nil {
					return err
				}
				e.Raws = append(e.Raws, sha256.Sum256(raw))
				if p, err := message.Parse(bytes.NewReader(raw), message.Limits{}); err == nil && i == 0 {
					e.Text = p.Text
				}
			}
			if err := names(tx, m.Matches, &e); err != nil {
				return err
			}
			if _, err := tx.Reviews().Get(m.ID); err == nil {
				out.Reviews = append(out.Reviews, e)
			} else if errors.Is(err, store.ErrNotFound) {
				out.Entries = append(out.Entries, e)
			} else {
				return err
			}
			return nil
		})
	})
	return out
}

func readBlob(tx store.Tx, sum message.Sum) ([]byte, error) {
	r, err := tx.Blobs().Open(sum)
	if err != nil {
		return nil, fmt.Errorf("open original %x: %w", sum[:6], err)
	}
	defer r.Close()
	return io.ReadAll(r)
}

// names puts the records of matches into an entry by address and name.
func names(tx store.Tx, matches []message.Match, e *mailtest.Entry) error {
	for _, m := range matches {
		if m.Contact != "" {
			c, err := tx.Contacts().Get(m.Contact)
			if err != nil {
				return err
			}
			e.Records = append(e.Records, string(c.Addresses[0]))
			for _, a := range c.Affiliations {
				if m.Organisation == "" {
					m.Organisation = a.Organisation
				}
			}
		}
		if m.Organisation == contact.OrganisationID("") {
			continue
		}
		o, err := tx.Organisations().Get(m.Organisation)
		if err != nil {
			return err
		}
		e.Records = append(e.Records, o.Name)
	}
	return nil
}

func storedMail(t *testing.T, data string) []byte {
	t.Helper()
	var all bytes.Buffer
	view(t, data, func(tx store.Tx) error {
		return eachMessage(tx, func(m message.Message) error {
			raw, err := readBlob(tx, m.Raw)
			all.Write(raw)
			return err
		})
	})
	return all.Bytes()
}
