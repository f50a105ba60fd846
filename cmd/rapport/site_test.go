package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rapport/internal/mailtest"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/boltstore"
	"rapport/store/storetest"
)

// cleaned is a test run that removes the built program at its end.
type cleaned struct{ *testing.M }

// Run implements the interface testscript wants.
func (c cleaned) Run() int {
	code := c.M.Run()
	if bin, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(bin))
	}
	return code
}

// binary builds the real program once: what users run, without the race
// detector and the test's own code in it.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "rapport-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "rapport")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return bin, nil
})

// site is an installation: a directory with a configuration, and the program.
type site struct {
	t       testing.TB
	bin     string
	dir     string
	dataDir string
	config  string
}

// newSite writes the configuration of a world's mailboxes on a server.
func newSite(t testing.TB, w *mailtest.World, d *mailtest.Dovecot) *site {
	t.Helper()
	return siteOn(t, w, mailtest.Server{Addr: d.Addr, TLS: "implicit", CAFile: d.CAFile})
}

// siteOn is newSite on any server.
func siteOn(t testing.TB, w *mailtest.World, server mailtest.Server) *site {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &site{t: t, bin: bin, dir: dir, dataDir: filepath.Join(dir, "data"), config: filepath.Join(dir, "config.yaml")}
	server.Passwords = filepath.Join(dir, "secrets")
	s.must(os.Mkdir(server.Passwords, 0o700))
	for _, u := range w.Accounts() {
		s.must(os.WriteFile(filepath.Join(server.Passwords, u.Name), []byte(u.Password+"\n"), 0o600))
	}
	s.must(os.WriteFile(s.config, []byte(w.Config(s.dataDir, server)), 0o600))
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// command is the program with arguments, not yet started.
func (s *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.bin, append([]string{args[0]}, append(args[1:], "-c", s.config)...)...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "XDG_RUNTIME_DIR="+s.dir, "TZ=UTC")
	return cmd
}

// run runs the program and wants exit code 0; it returns what it printed.
func (s *site) run(args ...string) string {
	s.t.Helper()
	var out, errs bytes.Buffer
	cmd := s.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("rapport %s: %v\n%s\n%s", strings.Join(args, " "), err, clipText(out.String()), errs.String())
	}
	return out.String()
}

func clipText(s string) string { return s[:min(len(s), 4000)] }

// write puts a file beside the configuration.
func (s *site) write(name string, content []byte) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	s.must(os.WriteFile(path, content, 0o600))
	return path
}

// read opens the store while nobody else does.
func (s *site) read(fn func(*boltstore.Store)) {
	s.t.Helper()
	st, err := boltstore.Open(s.dataDir, boltstore.Options{})
	s.must(err)
	fn(st)
	s.must(st.Close())
}

// view reads the store while nobody else does.
func (s *site) view(fn func(store.Tx) error) {
	s.t.Helper()
	s.read(func(st *boltstore.Store) { s.must(st.View(context.Background(), fn)) })
}

// know imports everybody the world knows.
func (s *site) know(w *mailtest.World) {
	s.t.Helper()
	s.run("contact", "import", s.write("contacts.csv", w.ContactsCSV()))
}

// dump is the content in its canonical form.
func (s *site) dump() string {
	s.t.Helper()
	var out string
	s.read(func(st *boltstore.Store) {
		var err error
		out, err = storetest.Dump(context.Background(), st)
		s.must(err)
	})
	return out
}

// snapshot is everything the product holds, as the oracle wants it, and every
// original it keeps, for a look for leaks.
func (s *site) snapshot(originals func(id message.ID, raw []byte)) mailtest.Snapshot {
	s.t.Helper()
	var snap mailtest.Snapshot
	s.read(func(st *boltstore.Store) {
		var at store.Cursor
		for {
			s.must(st.View(context.Background(), func(tx store.Tx) error {
				page, err := tx.Messages().List(store.Slice{Cursor: at, Limit: 500})
				if err != nil {
					return err
				}
				for _, id := range page.Items {
					if err := s.add(tx, &snap, id, originals); err != nil {
						return err
					}
				}
				at = page.Next
				return nil
			}))
			if at == "" {
				break
			}
		}
	})
	return snap
}

func (s *site) add(tx store.Tx, snap *mailtest.Snapshot, id message.ID, originals func(message.ID, []byte)) error {
	m, err := tx.Messages().Get(id)
	if err != nil {
		return err
	}
	e := mailtest.Entry{MessageID: m.Head.MessageID, Date: m.Head.Date, Subject: m.Head.Subject}
	if len(m.Head.From) > 0 {
		e.From = string(m.Head.From[0].Address)
	}
	for _, h := range m.Holdings {
		e.Holdings = append(e.Holdings, mailtest.Place{Mailbox: h.Mailbox, Folder: h.Folder})
	}
	if err := eachOriginal(tx, m, func(sum message.Sum, raw []byte) {
		e.Raws = append(e.Raws, [32]byte(sum))
		if originals != nil {
			originals(id, raw)
		}
	}); err != nil {
		return err
	}
	entry, err := tx.Entries().OfMessage(id)
	if errors.Is(err, store.ErrNotFound) {
		if _, err := tx.Reviews().Get(id); err != nil {
			return err
		}
		snap.Reviews = append(snap.Reviews, e)
		return nil
	}
	if err != nil {
		return err
	}
	if e.Text, err = tx.Entries().Text(entry.ID); err != nil {
		return err
	}
	for _, c := range entry.Contacts {
		who, err := tx.Contacts().Get(c)
		if err != nil {
			return err
		}
		e.Records = append(e.Records, string(who.Primary()))
	}
	for _, o := range entry.Organisations {
		org, err := tx.Organisations().Get(contact.OrganisationID(o))
		if err != nil {
			return err
		}
		e.Records = append(e.Records, org.Name)
	}
	snap.Entries = append(snap.Entries, e)
	return nil
}

// eachOriginal reads the bytes of a message and of its variants.
func eachOriginal(tx store.Tx, m message.Message, fn func(sum message.Sum, raw []byte)) error {
	sums := []message.Sum{m.Raw}
	for _, v := range m.Variants {
		sums = append(sums, v.Raw)
	}
	for _, sum := range sums {
		r, err := tx.Blobs().Open(sum)
		if err != nil {
			return err
		}
		raw, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
		fn(sum, raw)
	}
	return nil
}
