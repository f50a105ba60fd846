package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// TestCorporaAreStoredByteExact files every mail of the corpora: everybody it
// names is made a contact, it is taken like any mail, and what is stored is
// read back and compared. Each takes at most a second.
func TestCorporaAreStoredByteExact(t *testing.T) {
	root := os.Getenv("RAPPORT_CORPORA")
	if root == "" {
		t.Skip("RAPPORT_CORPORA is not set: the mail corpora are not here")
	}
	w := newWorld(t)
	total, filed, nameless, slowest := 0, 0, 0, time.Duration(0)
	for _, name := range []string{"mime", "bounce", "reply", "bulk"} {
		err := filepath.WalkDir(filepath.Join(root, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || notMail(path) {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil || len(raw) == 0 {
				return err
			}
			total++
			if !w.knowEverybody(raw) {
				nameless++
				w.packExact(path, raw)
				return nil
			}
			began := time.Now()
			w.fileExact(path, uint32(total), raw)
			filed++
			slowest = max(slowest, time.Since(began))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d mails: %d filed and compared, %d name nobody readable and were packed and compared; slowest %v", total, filed, nameless, slowest)
	if total < 1000 {
		t.Errorf("only %d mails found below %s", total, root)
	}
	if slowest > time.Second && !raceEnabled {
		t.Errorf("the slowest mail took %v, want at most a second", slowest)
	}
}

// notMail leaves out the truth files and notes beside the mails.
func notMail(path string) bool {
	for _, ext := range []string{".json", ".tsv", ".md", ".xml", ".html", ".png", "COPYING"} {
		if strings.HasSuffix(path, ext) {
			return true
		}
	}
	return false
}

// knowEverybody makes a contact of whoever the header names and reports
// whether that was anybody.
func (w *world) knowEverybody(raw []byte) bool {
	h := message.ParseHead(raw)
	known := false
	for n, p := range h.Participants() {
		if p.Address == "" || n > 3 {
			continue
		}
		_, err := w.AddContact(context.Background(), "test", contact.Contact{
			Name: string(p.Address), Addresses: []contact.Address{p.Address}, Kind: contact.Customer,
		})
		known = known || err == nil || strings.Contains(err.Error(), "belongs to")
	}
	return known
}

// fileExact takes a mail and compares what is stored under its digest.
func (w *world) fileExact(path string, uid uint32, raw []byte) {
	w.t.Helper()
	ctx := context.Background()
	f := message.Folder{Mailbox: "ada", Name: "INBOX", UIDValidity: 1, Role: message.RoleInbox}
	c := message.Copy{UID: uid, Received: start, Size: int64(len(raw)), Head: message.ParseHead(raw)}
	it := message.Item{Copy: c, Body: message.Bytes(raw), Wish: message.Wish{UID: uid, Decision: message.Decision{Action: message.Log}}}
	if err := w.Take(ctx, message.Batch{Folder: f, Items: []message.Item{it}}); err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	p, err := w.Resume(ctx, f)
	if err != nil {
		w.t.Fatal(err)
	}
	if !p.Stored.Has(uid) {
		for reason, uids := range p.Skipped {
			if uids.Has(uid) && reason != message.IsPrivate {
				w.t.Errorf("%s was skipped (%s), want it stored", path, reason)
			}
		}
		w.packExact(path, raw)
		return
	}
	err = w.store.View(ctx, func(tx store.Tx) error {
		id, err := tx.Messages().ByHolding(f.Mailbox, f.Name, f.UIDValidity, uid)
		if err != nil {
			return err
		}
		m, err := tx.Messages().Get(id)
		if err != nil {
			return err
		}
		sums := []message.Sum{m.Raw}
		for _, v := range m.Variants {
			sums = append(sums, v.Raw)
		}
		return sameBytes(tx, sums, raw, len(m.Holdings) > 1)
	})
	if err != nil {
		w.t.Errorf("%s: %v", path, err)
	}
}

// sameBytes wants the mail among the originals; of a message with several
// copies of one text only one original is kept.
func sameBytes(tx store.Tx, sums []message.Sum, raw []byte, copies bool) error {
	want := message.Sum(sha256.Sum256(raw))
	for _, sum := range sums {
		r, err := tx.Blobs().Open(sum)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			return err
		}
		if sum == want && bytes.Equal(got, raw) {
			return nil
		}
	}
	if copies {
		return nil
	}
	return fmt.Errorf("the original bytes are not in the store")
}

// packExact packs, stores and reads a mail that no rule can file.
func (w *world) packExact(path string, raw []byte) {
	w.t.Helper()
	ctx := context.Background()
	blob, err := w.store.Pack(ctx, message.Bytes(raw))
	if err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	err = w.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.Blobs().Put(blob); err != nil {
			return err
		}
		return sameBytes(tx, []message.Sum{blob.Sum}, raw, false)
	})
	if err != nil {
		w.t.Errorf("%s: %v", path, err)
	}
}
