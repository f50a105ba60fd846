package intake_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/records/contact"
	"rapport/records/timeline"
	"rapport/store"
)

// TestAcceptAndUndo takes acceptances back, in every order: the people, the
// organisation made with them and their mail go, and they are suggested again.
func TestAcceptAndUndo(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]int{"forward": {0, 1}, "backward": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for n, who := range []string{"Pia <pia@studio.example>", "Quinn <quinn@studio.example>"} {
				w.deliver("ada", "INBOX", mail(fmt.Sprint("s", n), who, ada, fmt.Sprint("Offer ", n)))
			}
			w.sync()
			before, suggested := w.dump(), w.suggested()
			if len(suggested) != 2 {
				t.Fatalf("suggested are %v", suggested)
			}
			made, audits, err := w.Accept(t.Context(), "ada", "@studio.example", contact.Partner)
			if err != nil || len(made) != 2 || len(audits) != 2 {
				t.Fatalf("Accept = %v, %v, %v", made, audits, err)
			}
			w.sync()
			if got := w.of(made[0]); len(got) != 1 {
				t.Fatalf("on the timeline is %v", got)
			}
			for _, n := range order {
				if err := w.Undo(t.Context(), "ada", audits[n]); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Undo(t.Context(), "ada", audits[0]); !errors.Is(err, store.ErrConflict) {
				t.Errorf("undone twice: %v", err)
			}
			w.sync()
			if d := cmp.Diff(before, w.dump()); d != "" {
				t.Errorf("undoing did not restore the content (-before +after):\n%s", d)
			}
			if got := w.suggested(); !slices.Equal(got, suggested) {
				t.Errorf("suggested are %v, want %v", got, suggested)
			}
		})
	}
}

// TestAcceptedAndChanged keeps whoever has been changed or written about since.
func TestAcceptedAndChanged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world, contact.Contact) error{
		"edited": func(w *world, c contact.Contact) error {
			c.Note = "likes tea"
			_, err := w.EditContact(t.Context(), "ada", c)
			return err
		},
		"noted": func(w *world, c contact.Contact) error {
			_, err := w.Note(t.Context(), "ada", store.Subject{Contact: c.ID}, timeline.Note, "met", start)
			return err
		},
	} {
		w := newWorld(t)
		w.deliver("ada", "INBOX", mail("s", "Pia <pia@studio.example>", ada, "Offer"))
		w.sync()
		made, audits, err := w.Accept(t.Context(), "ada", "pia@studio.example", contact.Partner)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(w, made[0]); err != nil {
			t.Fatal(err)
		}
		before := w.dump()
		if err := w.Undo(t.Context(), "ada", audits[0]); !errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), "changed since") {
			t.Errorf("%s, and undone: %v", name, err)
		}
		if d := cmp.Diff(before, w.dump()); d != "" {
			t.Errorf("%s: a refused undo changed the store:\n%s", name, d)
		}
	}
}

func TestIgnoreAndUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver("ada", "INBOX", mail("s", "Pia <pia@studio.example>", ada, "Offer"))
	w.sync()
	before := w.dump()
	audits, err := w.Ignore(t.Context(), "ada", "pia@studio.example")
	if err != nil || len(audits) != 1 {
		t.Fatalf("Ignore = %v, %v", audits, err)
	}
	if got := w.suggested(); len(got) != 0 {
		t.Errorf("ignored, and suggested: %v", got)
	}
	undo(t, w, audits[0], before)
	audits, err = w.Ignore(t.Context(), "ada", "@studio.example")
	if err != nil {
		t.Fatal(err)
	}
	w.person("Pia", "pia@studio.example")
	if err := w.Undo(t.Context(), "ada", audits[0]); err != nil {
		t.Fatal(err)
	}
	if got := w.suggested(); len(got) != 0 {
		t.Errorf("known by now, and suggested: %v", got)
	}
}
