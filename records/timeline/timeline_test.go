package timeline_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"rapport/records/timeline"
)

func at(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }

func ids(list []timeline.Entry) string {
	var out []string
	for _, e := range list {
		out = append(out, string(e.ID))
	}
	return strings.Join(out, " ")
}

func TestLess(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	want := []timeline.Entry{
		{ID: "d", Time: at(1, 8)},
		{ID: "a", Time: at(1, 9)},
		{ID: "b", Time: at(1, 9).In(berlin)}, // the same moment elsewhere
		{ID: "c", Time: at(1, 9)},
		{ID: "0", Time: at(2, 0)},
	}
	for i, a := range want {
		for j, b := range want {
			if got := timeline.Less(a, b); got != (i < j) {
				t.Errorf("Less(%s, %s) = %v; want %v", a.ID, b.ID, got, i < j)
			}
		}
	}
	for seed := range uint64(20) {
		got := slices.Clone(want)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		slices.SortFunc(got, func(a, b timeline.Entry) int {
			switch {
			case timeline.Less(a, b):
				return -1
			case timeline.Less(b, a):
				return 1
			}
			return 0
		})
		if ids(got) != ids(want) {
			t.Errorf("sorted: %s; want %s", ids(got), ids(want))
		}
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	list := []timeline.Entry{{ID: "a", Time: at(2, 1)}, {ID: "b", Time: at(1, 23)}, {ID: "c", Time: at(1, 2)}}
	show := func(zone *time.Location) (out []string) {
		for _, d := range timeline.Days(list, zone) {
			out = append(out, d.Date.Format(time.DateOnly)+": "+ids(d.Entries))
		}
		return out
	}
	if diff := cmp.Diff([]string{"2026-03-02: a", "2026-03-01: b c"}, show(nil)); diff != "" {
		t.Errorf("days in UTC differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2026-03-02: a b", "2026-03-01: c"}, show(time.FixedZone("east", 2*3600))); diff != "" {
		t.Errorf("days in the east differ (-want +got):\n%s", diff)
	}
	if got := timeline.Days(nil, nil); got != nil {
		t.Errorf("Days of nothing = %v", got)
	}
}

func TestConversations(t *testing.T) {
	t.Parallel()
	list := []timeline.Entry{
		{ID: "a", Thread: "x", Time: at(3, 0)}, {ID: "n", Time: at(2, 0)}, {ID: "b", Thread: "y", Time: at(2, 0)},
		{ID: "c", Thread: "x", Time: at(1, 0)}, {ID: "m", Time: at(1, 0)},
	}
	var got []string
	for _, c := range timeline.Conversations(list) {
		got = append(got, string(c.Thread)+": "+ids(c.Entries))
	}
	if diff := cmp.Diff([]string{"x: a c", ": n", "y: b", ": m"}, got); diff != "" {
		t.Errorf("conversations differ (-want +got):\n%s", diff)
	}
	if first, last := timeline.Conversations(list)[0].Span(); !first.Equal(at(1, 0)) || !last.Equal(at(3, 0)) {
		t.Errorf("Span() = %s, %s", first, last)
	}
	if first, last := (timeline.Conversation{}).Span(); !first.IsZero() || !last.IsZero() {
		t.Errorf("Span() of nothing = %s, %s", first, last)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		e     timeline.Entry
		width int
		want  string
	}{
		{timeline.Entry{Subject: "Order  \t4711"}, 0, "Order 4711"},
		{timeline.Entry{Subject: " ", Snippet: "Dear Ada,\nthank you"}, 0, "Dear Ada, thank you"},
		{timeline.Entry{Kind: timeline.Call}, 0, "call"},
		{timeline.Entry{}, 0, ""},
		{timeline.Entry{Text: "rings back"}, 7, "rings…"},
		{timeline.Entry{Subject: "Größe"}, 5, "Größe"},
		{timeline.Entry{Subject: "\x1b[31mred\x07\x00"}, 0, "[31mred"},
		{timeline.Entry{Subject: "invoice\u202efdp.exe"}, 0, "invoicefdp.exe"},
		{timeline.Entry{Subject: "a\xffb"}, 0, "ab"},
		{timeline.Entry{Subject: "x"}, 1, "x"},
		{timeline.Entry{Subject: "xy"}, 1, "…"},
	} {
		if got := tt.e.Summary(tt.width); got != tt.want {
			t.Errorf("Summary(%d) of %+q = %q; want %q", tt.width, tt.e.Subject, got, tt.want)
		}
	}
	if got := timeline.OneLine(strings.Repeat("ä", 1<<20), 0); len(got) > 4096 || !utf8.ValidString(got) {
		t.Errorf("a huge line stays %d bytes", len(got))
	}
}
