package intake_test

import (
	"context"
	"errors"
	"testing"

	"rapport/records/contact"
	"rapport/store"
)

// TestSuggestionsAreJudgedAgainAfterAChange demands that a start looks through
// the suggestions when somebody may have become known by a new contact or
// by new rules, and only then: their number is that of all strangers.
func TestSuggestionsAreJudgedAgainAfterAChange(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	put := func(address string) {
		if err := w.store.Update(ctx, func(tx store.Tx) error {
			return tx.Suggestions().Put(store.Suggestion{Address: contact.Address(address), Domain: "studio.example", In: 1, Expires: w.now().AddDate(1, 0, 0)})
		}); err != nil {
			t.Fatal(err)
		}
	}
	has := func(address string) bool {
		err := w.store.View(ctx, func(tx store.Tx) error {
			_, err := tx.Suggestions().Get(contact.Address(address))
			return err
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	start := func() {
		if err := w.Recover(ctx); err != nil {
			t.Fatal(err)
		}
	}
	put("stranger@studio.example")
	start()
	if !has("stranger@studio.example") {
		t.Fatal("a start removed the suggestion of a stranger")
	}
	w.person("Stran Ger", "stranger@studio.example")
	put("stranger@studio.example") // as if nothing else had removed it
	start()
	if has("stranger@studio.example") {
		t.Error("the person is known, and still suggested")
	}
	put("stranger@studio.example") // which nothing writes: it shows that no row is looked at
	start()
	if !has("stranger@studio.example") {
		t.Error("nothing has changed, and a start looked through the suggestions")
	}
	if err := w.Reconfigure(ctx, rules(), false, boxes); err != nil {
		t.Fatal(err)
	}
	if has("stranger@studio.example") {
		t.Error("suggestions are switched off, and one is kept")
	}
}
