package intake_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/store"
)

// TestTalliesWhateverTheBatches: who wrote how often does not depend on which
// copies came in one batch, nor on where a batch ended.
func TestTalliesWhateverTheBatches(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		whole, parts := newWorld(t), newWorld(t)
		parts.rnd = rand.New(rand.NewPCG(seed, 7))
		for _, w := range []*world{whole, parts} {
			correspond(w, rand.New(rand.NewPCG(seed, 5)))
			w.sync()
		}
		want, got := whole.tallies(), parts.tallies()
		if len(want) < 3 {
			t.Fatalf("seed %d: %d suggestions, want several", seed, len(want))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("seed %d: tallies depend on the batches (-one +many):\n%s", seed, d)
		}
	}
}

// correspond delivers mail from and to strangers, some of it in two mailboxes
// and some moved to where it is nobody's business.
func correspond(w *world, r *rand.Rand) {
	for n := range 40 {
		them := fmt.Sprintf("stranger%d@elsewhere%d.example", r.IntN(6), r.IntN(2))
		id := fmt.Sprintf("s%d", n)
		in, out := mail(id, them, ada+", "+bob, "Hello"), mail(id, ada, them, "Answer", "Cc: "+bob)
		switch r.IntN(5) {
		case 0:
			w.deliver("ada", "Sent", out)
			w.deliver("bob", "INBOX", out)
		case 1:
			w.deliver("ada", "INBOX", in)
			w.deliver("bob", "INBOX", in)
		case 2:
			w.deliver("ada", "INBOX", in)
			w.deliver("bob", "Private", in)
		default:
			w.deliver("ada", "INBOX", in)
		}
	}
}

// tallies are the suggestions without what depends on the clock, on who was
// read first, and on what was counted before it was moved away.
func (w *world) tallies() []string {
	w.t.Helper()
	var out []string
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		out = nil
		page, err := tx.Suggestions().List(store.Slice{Limit: 1000})
		for _, s := range page.Items {
			var seen []string
			for _, d := range s.Seen {
				seen = append(seen, fmt.Sprintf("%x", d[:4]))
			}
			slices.Sort(seen)
			out = append(out, fmt.Sprintf("%s: %d in, %d out, %d answered: %s", s.Address, s.In, s.Out, s.Exchange, strings.Join(seen, " ")))
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
