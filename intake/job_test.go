package intake_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/store"
	"rapport/store/storetest"
)

// TestFinish lets each call of the store fail once during a merge: where the
// merge itself was committed, Unfinished says that its filing is left, and
// Finish does it.
func TestFinish(t *testing.T) {
	t.Parallel()
	merged := func(fail int) (w *world, before string, failed bool) {
		w = newWorldWith(t, func(s store.Store) store.Store { return &switched{s} })
		keep, lose := w.person("Cleo", "cleo@client.example"), w.person("Otto", "otto@other.example")
		w.deliver("ada", "INBOX", mail("m1", "Otto <otto@other.example>", ada, "Question"))
		w.sync()
		w.unfinished, before = 0, w.dump()
		healthy := w.store.(*switched)
		sound := healthy.Store
		if fail > 0 {
			healthy.Store = storetest.Failing(sound, fail)
		}
		_, err := w.MergeContacts(t.Context(), "ada", keep.ID, lose.ID)
		healthy.Store = sound
		return w, before, err != nil
	}
	whole, _, _ := merged(0)
	want := whole.dump()
	left := 0
	for n := 1; ; n++ {
		w, before, failed := merged(n)
		if !failed {
			break
		}
		left += min(w.unfinished, 1)
		want := want
		if w.unfinished == 0 {
			want = before // nobody hears that work is left: then the merge was not committed
		}
		if err := w.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, w.dump()); d != "" {
			t.Errorf("call %d failed; once finished (-want +got):\n%s", n, d)
		}
	}
	if left < 2 {
		t.Errorf("work was left %d times; the test tries nothing", left)
	}
}
