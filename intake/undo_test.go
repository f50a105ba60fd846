package intake_test

import (
	"errors"
	"strings"
	"testing"

	"rapport/store"
)

// TestUnfileWhatIsNotThere does nothing and leaves no line in the trail.
func TestUnfileWhatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, other := w.person("Cleo", "cleo@client.example"), w.person("Otto", "otto@other.example")
	w.deliver("ada", "INBOX", mail("u1", cleo, ada, "Question"))
	w.sync()
	id := w.find("Question")[0].ID
	audit, err := w.Unfile(t.Context(), "ada", id, store.Subject{Contact: other.ID})
	if err != nil || audit != "" {
		t.Errorf("Unfile of whom it is not filed under = %q, %v; want nothing done", audit, err)
	}
	if audit, err = w.Unfile(t.Context(), "ada", id, store.Subject{Contact: c.ID}); err != nil || audit == "" {
		t.Fatalf("Unfile = %q, %v", audit, err)
	}
}

// TestUndoIsRefusedInWords says why a line of the trail cannot be undone.
func TestUndoIsRefusedInWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, other := w.person("Cleo", "cleo@client.example"), w.person("Otto", "otto@other.example")
	merge, err := w.MergeContacts(t.Context(), "ada", c.ID, other.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Undo(t.Context(), "ada", merge); err != nil {
		t.Fatal(err)
	}
	var undo string
	err = w.store.View(t.Context(), func(tx store.Tx) error {
		page, err := tx.Audit().List(string(c.ID), store.Slice{Limit: 10})
		for _, r := range page.Items {
			if r.Action == store.ActionUndo {
				undo = r.ID
			}
		}
		return err
	})
	if err != nil || undo == "" {
		t.Fatalf("no undo in the trail: %v", err)
	}
	for id, want := range map[string]string{merge: "contact.merge was undone already", undo: "takes another back"} {
		err := w.Undo(t.Context(), "ada", id)
		if !errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "conflict") {
			t.Errorf("Undo(%s) = %v; want it to say %q alone", id, err, want)
		}
	}
}

// TestDecisionSaidTwice is one decision: whoever says it again, because the
// answer got lost, gets the same line of the trail, and undoing that undoes it.
func TestDecisionSaidTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, other := w.person("Cleo", "cleo@client.example"), w.person("Otto", "otto@other.example")
	w.deliver("ada", "INBOX", mail("u1", cleo, ada, "Question"))
	w.sync()
	m := w.find("Question")[0]
	for name, say := range map[string]func() (string, error){
		"file":    func() (string, error) { return w.File(t.Context(), "ada", m.ID, store.Subject{Contact: other.ID}) },
		"private": func() (string, error) { return w.Private(t.Context(), "ada", m.Thread) },
	} {
		first, err := say()
		if err != nil || first == "" {
			t.Fatalf("%s = %q, %v", name, first, err)
		}
		if again, err := say(); again != first || err != nil {
			t.Errorf("%s again = %q, %v; want %q", name, again, err, first)
		}
		if err := w.Undo(t.Context(), "ada", first); err != nil {
			t.Fatal(err)
		}
		if anew, err := say(); anew == first || anew == "" || err != nil {
			t.Errorf("%s once it was undone = %q, %v; want another line", name, anew, err)
		}
	}
	// Under somebody else is another decision.
	if audit, err := w.File(t.Context(), "ada", m.ID, store.Subject{Contact: c.ID}); err != nil || audit == "" {
		t.Errorf("file under another = %q, %v", audit, err)
	}
}
