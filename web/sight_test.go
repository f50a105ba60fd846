package web

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"rapport/internal/mailtest"
	"rapport/records/access"
	"rapport/store"
	"rapport/store/veil"
)

// hits are the ids a search finds for somebody, page by page, and where each
// page ended.
func (f *filed) hits(who access.Principal, query string, limit int) (out []string) {
	f.t.Helper()
	q, err := store.ParseQuery(query)
	if err != nil {
		f.t.Fatal(err)
	}
	err = f.store.View(f.t.Context(), func(tx store.Tx) error {
		tx = veil.Over(tx, who, filedBoxes)
		for s := (store.Slice{Limit: limit}); ; {
			page, err := tx.Entries().Search(q, s)
			if err != nil {
				return err
			}
			for _, e := range page.Items {
				out = append(out, string(e.ID))
			}
			if len(page.Items) > limit || page.Next != "" && len(page.Items) < limit {
				f.t.Errorf("%q: a page of %d, not of %d, and more to come: %v", query, len(page.Items), limit, page.Next != "")
			}
			if s.Cursor = page.Next; s.Cursor == "" {
				return nil
			}
			out = append(out, string(page.Next))
		}
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// TestS9_SearchKnowsOnlyWhatIsSeen looks for every word there is on behalf of
// readers of every tier. A word that is not theirs to read is found as often
// as one that nobody ever wrote, turned into its opposite as well: neither
// hits nor pages nor cursors tell them apart.
func TestS9_SearchKnowsOnlyWhatIsSeen(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	words := map[string]mailtest.Mark{}
	who := readers()
	for _, same := range []string{"administrator", "administrator of subject", "member of metadata"} {
		delete(who, same)
	}
	for box := range filedBoxes {
		for _, m := range mailtest.MarksOf(box) {
			words[m.Word] = m
		}
	}
	const never = "zqneverwq"
	shapes := []string{"%s", "%s*", "-%s", `"about %s"`, "carl -%s", "(%s OR from:boss)", "-(%s OR has:attachment)", "in:ada -%s", "-(-%s)", "subject:%s", "-subject:%s*", "file:%s", "-file:%s"}
	tries, found, asked := 0, 0, 0
	for name, who := range who {
		if asked++; raced && asked > racedReaders {
			break
		}
		eyes := veil.Eyes{Who: who, Boxes: filedBoxes}
		for w, at := range words {
			box, place := at.Box, at.Place
			tier := eyes.Mailbox(box)
			protected := mailtest.OfProtected(place)
			if protected && who.Kind != access.Local && filedBoxes[box].Owner != who.Address {
				tier = access.Private
			}
			if tier.Shows(shownFrom(place)) {
				tries++
				found += len(f.hits(who, w, 100))
				continue
			}
			for n := range 3 { // each shape in its turn
				tries++
				shape := shapes[(tries+n)%len(shapes)]
				got, want := f.hits(who, fmt.Sprintf(shape, w), 2), f.hits(who, fmt.Sprintf(shape, never), 2)
				if !slices.Equal(got, want) {
					t.Errorf("%s finds %d lines for "+shape+", and %d for a word that nobody wrote", name, len(got), w, len(want))
				}
			}
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if found < 100 && !raced {
		t.Errorf("all readers together found %d lines by words that are theirs to read", found)
	}
	t.Attr("tries", strconv.Itoa(tries))
}
