package boltstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/timeline"
	"rapport/store"
)

// vocabulary has words of many scripts, each with a spelling that means the
// same to a search. No word begins another, and none holds another.
var vocabulary = [][2]string{
	{"Straße", "STRASSE"}, {"Müller", "muller"}, {"résumé", "Resume"}, {"Ångström", "angstrom"},
	{"Ελλάδα", "ελλαδα"}, {"Ёлка", "елка"}, {"naïve", "NAIVE"}, {"smørrebrød", "smorrebrod"},
	{"দাম", "দাম"}, {"তালিকা", "তালিকা"}, {"ক্রেতা", "ক্রেতা"}, {"שלום", "שלום"}, {"مرحبا", "مرحبا"},
	{"नमस्ते", "नमस्ते"}, {"東京都", "東京都"}, {"会議", "会議"}, {"상담", "상담"}, {"สวัสดี", "สวัสดี"},
	{"ＦＡＣＴＯＲＹ", "factory"}, {"invoice", "Invoice"}, {"4711", "4711"}, {"zebra", "zebra"},
}

// document is what the naive side knows of one entry: its words, by number.
type document struct {
	id      timeline.ID
	time    time.Time
	subject []int
	text    []int
	file    []int // an attachment's name
	said    []int // and text
	who     int   // index in somebody
	gone    bool
}

// somebody are the contacts whose histories the documents are in.
var somebody = []contact.ID{contact.ID(store.NewID(epoch)), contact.ID(store.NewID(epoch)), contact.ID(store.NewID(epoch))}

// texts are all that is searched through.
func (d document) texts() [][]int { return [][]int{d.subject, d.text, d.file, d.said} }

// has reports whether words stand one after the other in a text.
func (d document) has(run ...int) bool {
	return slices.ContainsFunc(d.texts(), func(text []int) bool { return hasRun(text, run) })
}

func (d document) fields(rnd *rand.Rand) store.Fields {
	f := store.Fields{Subject: spell(rnd, d.subject), Text: spell(rnd, d.text)}
	if len(d.file) > 0 {
		f.Attachments = []string{spell(rnd, d.file)}
	}
	if len(d.said) > 0 {
		f.Files = []store.FileText{{Text: spell(rnd, d.said)}}
	}
	return f
}

func spell(rnd *rand.Rand, words []int) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(pick(rnd, []string{" ", ", ", "\n", " – ", "! "}))
		}
		b.WriteString(vocabulary[w][rnd.IntN(2)])
	}
	return b.String()
}

// question is a query with its naive meaning.
type question struct {
	text  string
	holds func(d document) bool
}

func ask(rnd *rand.Rand, depth int) question {
	w := rnd.IntN(len(vocabulary))
	word := vocabulary[w][rnd.IntN(2)]
	v := rnd.IntN(len(vocabulary))
	pair := `"` + word + " " + vocabulary[v][rnd.IntN(2)] + `"`
	switch k := rnd.IntN(14); {
	case depth == 0 || k < 3:
		return question{word, func(d document) bool { return d.has(w) }}
	case k == 3:
		return question{pair, func(d document) bool { return d.has(w, v) }}
	case k == 4:
		cut := []rune(word)[:len([]rune(word))-1]
		return question{string(cut) + "*", func(d document) bool { return d.has(w) }}
	case k == 9:
		return question{"subject:" + word, func(d document) bool { return hasRun(d.subject, []int{w}) }}
	case k == 10:
		return question{"subject:" + pair, func(d document) bool { return hasRun(d.subject, []int{w, v}) }}
	case k == 11:
		return question{"file:" + word, func(d document) bool { return hasRun(d.file, []int{w}) }}
	case k == 12:
		return question{"file:" + pair, func(d document) bool { return hasRun(d.file, []int{w, v}) }}
	case k == 13:
		n := rnd.IntN(len(somebody))
		return question{"with:" + string(somebody[n]), func(d document) bool { return d.who == n }}
	case k == 5:
		q := ask(rnd, depth-1)
		return question{"-(" + q.text + ")", func(d document) bool { return !q.holds(d) }}
	case k == 6:
		at := epoch.AddDate(0, 0, rnd.IntN(30))
		return question{"after:" + at.Format("2006-01-02"), func(d document) bool { return !d.time.Before(at) }}
	case k == 7:
		a, b := ask(rnd, depth-1), ask(rnd, depth-1)
		return question{"((" + a.text + ") OR (" + b.text + "))", func(d document) bool { return a.holds(d) || b.holds(d) }}
	default:
		a, b := ask(rnd, depth-1), ask(rnd, depth-1)
		return question{"(" + a.text + ") (" + b.text + ")", func(d document) bool { return a.holds(d) && b.holds(d) }}
	}
}

func hasRun(words, run []int) bool {
	for i := 0; i+len(run) <= len(words); i++ {
		if slices.Equal(words[i:i+len(run)], run) {
			return true
		}
	}
	return false
}

// TestSearchIsNaiveScan compares searches over random documents in many
// scripts with a scan that knows what was written, through merges, changes,
// erasures and filing under somebody else.
func TestSearchIsNaiveScan(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true, NoMerge: true})
	rnd := rand.New(rand.NewPCG(7, 8))
	var docs []document
	err := s.update(t.Context(), func(tx *Tx) (err error) {
		for _, id := range somebody {
			err = errors.Join(err, tx.Contacts().Put(contact.Contact{ID: id, Name: "somebody"}))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for round := 0; len(docs) < scannedDocs; round++ {
		docs = writeDocuments(t, s, rnd, docs)
		for range 12 {
			compareSearch(t, s, ask(rnd, 3), docs)
		}
		if round%5 == 4 {
			if err := s.Index(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if round%7 == 6 {
			if _, err := s.mergeTier(t.Context(), rnd.IntN(3) == 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	noFaults(t, s)
	if _, err := s.mergeTier(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	noFaults(t, s)
	for range 200 {
		compareSearch(t, s, ask(rnd, 3), docs)
	}
}

// writeDocuments adds, changes and deletes some documents in one transaction.
func writeDocuments(t *testing.T, s *Store, rnd *rand.Rand, docs []document) []document {
	t.Helper()
	err := s.update(t.Context(), func(tx *Tx) error {
		for range 1 + rnd.IntN(scannedDocs/15) {
			i := len(docs)
			if i > 0 && rnd.IntN(4) == 0 {
				i = rnd.IntN(i)
			} else {
				docs = append(docs, document{id: timeline.ID(store.NewID(epoch)), time: epoch.Add(time.Duration(rnd.IntN(30*24)) * time.Hour), gone: true})
			}
			d := &docs[i]
			d.who = rnd.IntN(len(somebody))
			entry := timeline.Entry{ID: d.id, Time: d.time, Contacts: []contact.ID{somebody[d.who]}}
			if !d.gone && rnd.IntN(3) == 0 { // filed under somebody else, its text as it was
				if err := tx.Entries().Put(entry, nil); err != nil {
					return err
				}
				continue
			}
			if d.gone = rnd.IntN(6) == 0; d.gone {
				if err := tx.Entries().Delete(d.id); err != nil {
					return err
				}
				continue
			}
			d.subject, d.text, d.file, d.said = numbers(rnd, 3), numbers(rnd, 12), numbers(rnd, 3), numbers(rnd, 5)
			if err := tx.Entries().Put(entry, pick(rnd, []func(store.Fields) *store.Document{store.NewDocument, store.LaterDocument})(d.fields(rnd))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func numbers(rnd *rand.Rand, most int) []int {
	out := make([]int, rnd.IntN(most))
	for i := range out {
		out[i] = rnd.IntN(len(vocabulary))
	}
	return out
}

func compareSearch(t *testing.T, s *Store, q question, docs []document) {
	t.Helper()
	parsed, err := store.ParseQuery(q.text)
	if err != nil {
		t.Fatalf("ParseQuery(%q): %v", q.text, err)
	}
	var want []document
	for _, d := range docs {
		if !d.gone && q.holds(d) {
			want = append(want, d)
		}
	}
	slices.SortFunc(want, func(a, b document) int {
		if c := b.time.Compare(a.time); c != 0 {
			return c
		}
		return strings.Compare(string(b.id), string(a.id))
	})
	got := searchAll(t, s, parsed)
	if !slices.EqualFunc(got, want, func(id timeline.ID, d document) bool { return id == d.id }) {
		t.Errorf("search %q finds %d, the scan %d:\n%v\n%v", q.text, len(got), len(want), got, want)
	}
}

// TestWalkIsFetch demands the same of a search whichever way it goes.
func TestWalkIsFetch(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	n := usualBounds.fetched + 300
	err := s.update(t.Context(), func(tx *Tx) error {
		for i := range n {
			f := store.Fields{Text: fmt.Sprint("common ", i%2)}
			if err := tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(epoch)), Time: epoch.Add(time.Duration(i) * time.Minute)}, store.NewDocument(f)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{"common": n, "1": n / 2, "common -1": n / 2, "common before:2026-01-02": 1440, "common after:2026-01-02 before:2026-01-03": 1440} {
		q, err := store.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := searchAll(t, s, q); len(got) != want {
			t.Errorf("search %q finds %d, want %d", query, len(got), want)
		}
	}
}

// TestMergeInBackground waits until the segments of many small commits are
// merged, and looks for what they hold.
func TestMergeInBackground(t *testing.T) {
	t.Parallel()
	merged := make(chan struct{}, 1000)
	s := openTest(t, Options{NoSync: true, Step: func(name string) {
		if name == "merged" {
			merged <- struct{}{}
		}
	}})
	for i := range 3 * fanIn {
		err := s.update(t.Context(), func(tx *Tx) error {
			return tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(epoch)), Time: epoch}, store.NewDocument(store.Fields{Text: fmt.Sprint("word", i)}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	<-merged
	for i := range 3 * fanIn {
		q, _ := store.ParseQuery(fmt.Sprint("word", i))
		if got := searchAll(t, s, q); len(got) != 1 {
			t.Errorf("word%d is found %d times", i, len(got))
		}
	}
}

// TestMergeInterrupted stops merges at every transaction; searches and the
// next merge must not mind.
func TestMergeInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := 0
	s := openTest(t, Options{NoSync: true, NoMerge: true, Step: func(name string) {
		if name == "committed" {
			if stop--; stop == 0 {
				cancel()
			}
		}
	}})
	for i := range 20 {
		err := s.update(t.Context(), func(tx *Tx) error {
			return tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(epoch)), Time: epoch}, store.NewDocument(store.Fields{Text: fmt.Sprint("same word", i)}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := 1; n <= 3; n++ {
		stop = n
		if _, err := s.mergeTier(ctx, true); n < 3 && !errors.Is(err, context.Canceled) {
			t.Fatalf("merge stopped after %d commits: %v", n, err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		q, _ := store.ParseQuery("same")
		if got := searchAll(t, s, q); len(got) != 20 {
			t.Errorf("after a merge stopped at commit %d: %d hits, want 20", n, len(got))
		}
	}
	if _, err := s.mergeTier(ctx, true); err != nil {
		t.Fatal(err)
	}
	noFaults(t, s)
}

// TestUnfielded asks a store whose documents were indexed before subjects and
// files had terms: it finds the same, and does so by terms after a reindex.
func TestUnfielded(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{NoSync: true})
	put := func(subject, file, text string, at int) {
		f := store.Fields{Subject: subject, Text: text, Attachments: []string{file}}
		d := store.NewDocument(f)
		d.Terms = slices.DeleteFunc(d.Terms, func(t store.Term) bool { return t.Text[0] < ' ' && at%2 == 0 })
		err := s.update(t.Context(), func(tx *Tx) error {
			return tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(epoch)), Time: epoch.Add(time.Duration(at) * time.Hour), Subject: subject}, d)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		put([]string{"offer", "the green offer", "other"}[i%3], []string{"offer.pdf", "plan.docx"}[i/2%2], "an offer for a plan", i)
	}
	find := func() (out [][]timeline.ID) {
		for _, text := range []string{"subject:offer", `subject:"green offer"`, "-subject:offe*", "file:offer", "file:plan.docx", `file:"plan offer"`, "-(file:pdf subject:other)"} {
			q, err := store.ParseQuery(text)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, searchAll(t, s, q))
		}
		return out
	}
	err := s.update(t.Context(), func(tx *Tx) error { return tx.bolt.Bucket(bucketMeta).Put(keyUnfielded, []byte{1}) })
	if err != nil {
		t.Fatal(err)
	}
	before := find()
	for n, want := range []int{14, 7, 6, 10, 10, 0, 17} {
		if len(before[n]) != want {
			t.Errorf("question %d finds %d, want %d", n, len(before[n]), want)
		}
	}
	if err := s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if after := find(); !slices.EqualFunc(before, after, slices.Equal) {
		t.Errorf("after a reindex %v is found, %v before", after, before)
	}
	err = s.view(t.Context(), func(tx *Tx) error {
		if tx.bolt.Bucket(bucketMeta).Get(keyUnfielded) != nil {
			return errors.New("a reindexed store looks in texts still")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
