package mailtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Entry is one message as the product holds it, filled in by a test.
type Entry struct {
	MessageID string
	Date      time.Time
	From      string   // address
	Subject   string   // decoded
	Records   []string // contacts by primary address, organisations by name
	Holdings  []Place  // one for each copy
	// Raws are the digests of the original bytes it keeps: of the message and of
	// each variant.
	Raws [][32]byte
	Text string // decoded text, or as much of it as there is; "" is not checked
}

// Snapshot is everything the product holds.
type Snapshot struct {
	Entries []Entry
	Reviews []Entry // messages that wait for a person and are filed nowhere
}

// FaultKind says what is wrong.
type FaultKind string

// The kinds of faults.
const (
	Missing       FaultKind = "missing"        // should be there
	Extra         FaultKind = "extra"          // must not be there
	Misfiled      FaultKind = "misfiled"       // under other records
	Duplicate     FaultKind = "duplicate"      // two entries for one message
	WrongHoldings FaultKind = "wrong holdings" // other copies than there are
	Altered       FaultKind = "altered"        // bytes nobody sent
	Misread       FaultKind = "misread"        // header or text is not what was written
	LostVariant   FaultKind = "lost variant"   // a differing text was not kept
	Leak          FaultKind = "leak"           // words of mail that must not be stored
)

// Fault is one difference between what is and what should be.
type Fault struct {
	Kind    FaultKind
	Message int // index into World.Truth, -1 for none
	What    string
}

// String says the fault in one line.
func (f Fault) String() string { return fmt.Sprintf("%s: message %d: %s", f.Kind, f.Message, f.What) }

// Check compares a snapshot with what the world holds. No fault means that
// every message that should be filed is, once, under exactly its records, with
// all its copies, and nothing else.
func Check(w *World, s Snapshot) []Fault {
	c := checker{w: w, seen: map[int]int{}, sums: w.sums()}
	for _, e := range s.Entries {
		c.entry(e, Filed)
	}
	for _, e := range s.Reviews {
		c.entry(e, Review)
	}
	for i, t := range w.Truth {
		if (t.Expected == Filed || t.Expected == Review) && c.seen[i] == 0 {
			c.add(Missing, i, "%s (%s) from %s, %q: records %v", t.Expected, t.Rule, t.From, t.Subject, t.Records)
		}
	}
	slices.SortFunc(c.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Message, b.Message), cmp.Compare(a.What, b.What))
	})
	return c.faults
}

type checker struct {
	w      *World
	sums   map[[32]byte]int
	seen   map[int]int
	faults []Fault
}

func (c *checker) add(k FaultKind, message int, format string, args ...any) {
	c.faults = append(c.faults, Fault{k, message, fmt.Sprintf(format, args...)})
}

// entry judges one entry. It is recognised by its bytes, never by its words.
func (c *checker) entry(e Entry, as Expected) {
	i, ok := c.recognise(e)
	if !ok {
		return
	}
	t := c.w.Truth[i]
	if c.seen[i]++; c.seen[i] > 1 {
		c.add(Duplicate, i, "entry %d of %q", c.seen[i], t.Subject)
		return
	}
	if t.Expected != as {
		kind := Misfiled
		if t.Expected != Filed && t.Expected != Review {
			kind = Extra
		}
		c.add(kind, i, "%s as %s, want %s (%s), from %s, %q, records %v", "is there", as, t.Expected, t.Rule, t.From, t.Subject, e.Records)
		return
	}
	if got := sortedSet(e.Records); as == Filed && !slices.Equal(got, t.Records) {
		c.add(Misfiled, i, "%q (%s) under %v, want %v", t.Subject, t.Rule, got, t.Records)
	}
	got := slices.SortedFunc(slices.Values(e.Holdings), comparePlaces)
	if !slices.Equal(got, t.Holdings) {
		c.add(WrongHoldings, i, "%q (%s) held at %v, want %v", t.Subject, t.Rule, got, t.Holdings)
	}
	c.words(i, e, t)
}

// recognise finds the message whose copies an entry's bytes are.
func (c *checker) recognise(e Entry) (int, bool) {
	found := -1
	for _, sum := range e.Raws {
		i, ok := c.sums[sum]
		switch {
		case !ok:
			c.add(Altered, -1, "bytes %x of %q from %s are no copy of anything", sum[:6], e.Subject, e.From)
			return 0, false
		case found >= 0 && found != i:
			c.add(Misfiled, i, "%q is merged with message %d", e.Subject, found)
			return 0, false
		}
		found = i
	}
	if found < 0 {
		c.add(Altered, -1, "%q from %s has no bytes", e.Subject, e.From)
	}
	return found, found >= 0
}

// words compares what was read with what was written.
func (c *checker) words(i int, e Entry, t Truth) {
	if e.MessageID != t.MessageID || !t.Date.IsZero() && !e.Date.Equal(t.Date) || normal(e.From) != t.From {
		c.add(Misread, i, "read as %q, %v, %s; want %q, %v, %s", e.MessageID, e.Date, e.From, t.MessageID, t.Date, t.From)
	}
	if squeezed(e.Subject) != squeezed(t.Subject) {
		c.add(Misread, i, "subject %q, want %q", e.Subject, t.Subject)
	}
	if text := squeezed(e.Text); text != "" && (!strings.Contains(text, t.Marker) || !strings.Contains(text, squeezed(t.Sample))) {
		c.add(Misread, i, "text lacks %q or %q: %q", t.Marker, t.Sample, tail(text, 300))
	}
	if len(sortedSums(e.Raws)) < t.Texts {
		c.add(LostVariant, i, "%q has %d texts, kept are %d", t.Subject, t.Texts, len(e.Raws))
	}
}

// sums maps the digest of every copy to its message.
func (w *World) sums() map[[32]byte]int {
	w.sumsOnce.Do(func() {
		w.sumsOf = make(map[[32]byte]int, len(w.Mails))
		for _, m := range w.Mails {
			w.sumsOf[rawSum(m.Raw())] = m.Message
		}
	})
	return w.sumsOf
}

func sortedSet(s []string) []string {
	set := map[string]bool{}
	for _, x := range s {
		set[x] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func sortedSums(sums [][32]byte) map[[32]byte]bool {
	set := map[[32]byte]bool{}
	for _, s := range sums {
		set[s] = true
	}
	return set
}

// squeezed makes one space of every run of white space.
func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

func comparePlaces(a, b Place) int {
	return cmp.Or(strings.Compare(a.Mailbox, b.Mailbox), strings.Compare(a.Folder, b.Folder))
}

// Explain renders faults for a test's failure: counts by kind, then the first
// few of each.
func Explain(faults []Fault) string {
	counts := map[FaultKind]int{}
	var b strings.Builder
	for _, f := range faults {
		if counts[f.Kind]++; counts[f.Kind] <= 8 {
			b.WriteString("\n" + f.String())
		}
	}
	return fmt.Sprintf("%d faults %v:%s", len(faults), counts, b.String())
}

func sortedKeys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }
