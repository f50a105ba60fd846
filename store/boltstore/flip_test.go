package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/storetest"
)

// everyKind fills a store with rows in every bucket.
func everyKind(t *testing.T, s *Store) {
	t.Helper()
	for n := range uint32(30) {
		must(t, s.writeNumbered(t.Context(), n+1))
	}
	must(t, s.update(t.Context(), func(tx *Tx) error {
		f := message.Folder{Mailbox: "m", Name: "g", UIDValidity: 7}
		var err error
		for n := range 40 {
			who := contact.Address(fmt.Sprintf("p%d@firm%d.example", n, n%5))
			id := store.NewID(epoch)
			err = errors.Join(err,
				tx.Contacts().Put(contact.Contact{ID: contact.ID(id), Name: "Person " + strconv.Itoa(n), Addresses: []contact.Address{who}, Kind: contact.Customer}),
				tx.Organisations().Put(contact.Organisation{ID: contact.OrganisationID(id), Name: "Firm " + strconv.Itoa(n), Domains: []contact.Domain{{Name: fmt.Sprintf("firm%d.example", n)}}}),
				tx.Members().Put(contact.Member{Name: "M", Addresses: []contact.Address{who}}),
				tx.Messages().SetThread(fmt.Sprintf("t%d@x", n), message.ThreadID(id)),
				tx.Folders().Settle(f, store.Settlement{UIDs: message.UIDs(uint32(3*n + 1)), Skipped: message.NoMatch}),
				tx.Folders().Hint(f, uint32(3*n+1), []store.Digest{{byte(n), 1}, {byte(n), 2}}),
				tx.Folders().Settle(f, store.Settlement{UIDs: message.UIDs(uint32(3*n + 2)), Quarantined: "why " + strconv.Itoa(n)}),
				tx.Suggestions().Put(store.Suggestion{Address: who, Name: "S", In: n, Exchange: n, Last: epoch, Expires: epoch.Add(time.Hour)}),
				tx.Reviews().Put(store.Review{Message: message.ID(id), Reason: "shared", At: epoch}),
				tx.Decisions().Put(store.Decision{ID: id, Kind: "file", At: epoch, By: "b", Identity: []message.Sum{{byte(n)}}}),
				tx.Searches().Put(message.Search{ID: id, Addresses: []contact.Address{who}}),
				tx.Searches().Done(id, "m", []string{"m", "other"}),
				tx.Tombstones().Put(store.Digest{byte(n), 9}, epoch),
				tx.Audit().Add(store.AuditRecord{ID: store.NewID(epoch), At: epoch, Actor: "a", Action: "contact.add", Object: id, Detail: "d"}),
				tx.State().Put("s"+strconv.Itoa(n), []byte("value "+id)),
				tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(epoch)), Kind: timeline.Note, Time: epoch, Contacts: []contact.ID{contact.ID(id)}, Text: "note " + id}, store.NewDocument(store.Fields{Text: "note " + id})),
			)
		}
		return errors.Join(err, tx.Folders().SetStatus("m", message.FolderStatus{Name: "g", UIDValidity: 7, Exists: 80}))
	}))
}

// content is everything people put into a store, as far as it can be asked
// for; an error or a panic there is one of the answers.
func content(t *testing.T, s *Store) (text string, err error) {
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("reading panicked: %v", v)
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	var b strings.Builder
	if text, err = storetest.Dump(t.Context(), s); err != nil {
		return "", err
	}
	b.WriteString(text)
	err = s.view(t.Context(), func(tx *Tx) error {
		for n := range 40 {
			has, err1 := tx.Tombstones().Has(store.Digest{byte(n), 9})
			v, err2 := tx.State().Get("s" + strconv.Itoa(n))
			th, err3 := tx.Messages().ThreadOf(fmt.Sprintf("t%d@x", n))
			h, err4 := tx.Folders().Hinted(store.Digest{byte(n), 2})
			d, err5 := tx.Decisions().ByIdentity(message.Sum{byte(n)})
			if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
				return err
			}
			fmt.Fprintln(&b, has, string(v), th, h, d)
		}
		a, err1 := tx.Audit().List("", store.Slice{Limit: 1000})
		m, err2 := tx.Members().List()
		q, err3 := tx.Folders().Quarantined(message.Folder{Mailbox: "m", Name: "g", UIDValidity: 7}, store.Slice{Limit: 1000})
		p, err4 := tx.Searches().Pending("other")
		st, err5 := tx.Folders().Status("m")
		fmt.Fprintln(&b, a, m, q, p, st)
		ids, err6 := tx.Messages().List(store.Slice{Limit: 1000})
		if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
			return err
		}
		for _, id := range ids.Items {
			msg, err := tx.Messages().Get(id)
			if err != nil {
				return err
			}
			r, err := tx.Blobs().Open(msg.Raw)
			if err != nil {
				return err
			}
			raw, err := io.ReadAll(r)
			if err := errors.Join(err, r.Close()); err != nil {
				return err
			}
			b.Write(raw)
		}
		return nil
	})
	return b.String(), err
}

// TestM75_RandomFlips changes random bytes of the database: the store is
// refused, or it says what it said before, or asking or checking it finds the
// damage. It never panics, and never quietly says something else.
func TestM75_RandomFlips(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector is on; it runs once more without")
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{NoMerge: true})
	must(t, err)
	everyKind(t, s)
	want, err := content(t, s)
	must(t, errors.Join(err, s.Close()))
	path := filepath.Join(dir, fileDB)
	sound, err := os.ReadFile(path)
	must(t, err)
	size := used(sound)
	rnd := rand.New(rand.NewPCG(75, 75))
	var refusals, same, found int
	for range flips {
		b := bytes.Clone(sound)
		at := rnd.IntN(size)
		b[at] ^= byte(1 << rnd.IntN(8))
		must(t, os.WriteFile(path, b, 0o600))
		s, err := Open(dir, Options{ReadOnly: true})
		if err != nil {
			refusals++
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("byte %d: more than one sentence: %v", at, err)
			}
			continue
		}
		got, err := content(t, s)
		faults, checkErr := s.Check(t.Context())
		must(t, s.Close())
		switch {
		case err == nil && got == want:
			same++
		case len(faults) > 0 || checkErr != nil:
			found++
		default:
			t.Errorf("byte %d of %d, page %d: other content, and no fault is found (%v)", at, size, at/os.Getpagesize(), err)
		}
	}
	t.Logf("%d flips: %d refused, %d changed nothing, %d found", flips, refusals, same, found)
	if refusals == 0 || found == 0 {
		t.Error("the flips hit nothing of importance")
	}
	t.Attr("tries", strconv.Itoa(flips))
}
