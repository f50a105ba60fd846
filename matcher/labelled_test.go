package matcher_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
)

// labelled is one message of the corpus and whose it is.
type labelled struct {
	line   int
	head   message.Head
	known  matcher.Known
	want   []string
	review bool
}

func readLabelled(t *testing.T) []labelled {
	t.Helper()
	raw, err := os.ReadFile("testdata/labelled.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []labelled
	var lines, inside []string
	k := matcher.Known{BodyRead: true}
	number := 0
	for line := range strings.Lines(string(raw)) {
		number++
		line = strings.TrimSpace(line)
		truth, ends := strings.CutPrefix(line, "= ")
		mate, isMate := strings.CutPrefix(line, "mate: ")
		within, isInner := strings.CutPrefix(line, "inner-")
		switch {
		case line == "" || line[0] == '#':
		case isMate:
			k.Thread = append(k.Thread, readMate(t, mate))
		case isInner:
			inside = append(inside, within)
		case !ends:
			lines = append(lines, line)
		default:
			if len(inside) > 0 {
				k.Inner = []message.Inner{{Head: head(t, inside...)}}
			}
			truth, review := strings.CutPrefix(truth, "? ")
			want := strings.Fields(strings.TrimPrefix(truth, "-"))
			slices.Sort(want)
			out = append(out, labelled{number, head(t, lines...), k, want, review})
			lines, inside, k = nil, nil, matcher.Known{BodyRead: true}
		}
	}
	return out
}

func readMate(t *testing.T, s string) matcher.Mate {
	t.Helper()
	theirs, whose, _ := strings.Cut(s, " > ")
	var m matcher.Mate
	for _, a := range strings.Fields(theirs) {
		m.Theirs = append(m.Theirs, contact.Address(a))
	}
	match := message.Match{Rule: matcher.RuleAddress}
	for _, w := range strings.Fields(whose) {
		if w == "ada" {
			match.Contact = "ada"
		} else {
			match.Organisation = contact.OrganisationID(w)
		}
	}
	m.Matches = []message.Match{match}
	return m
}

// TestLabelled counts precision and recall over the corpus: of the records a
// message was filed under, how many are right; of the right ones, how many
// were found. Filing is exact here, so anything below 1 is a defect.
func TestLabelled(t *testing.T) {
	t.Parallel()
	m := matcher.New(rules())
	var filed, right, due int
	corpus := readLabelled(t)
	for _, l := range corpus {
		v, err := m.Judge(town(), l.head, l.known)
		if err != nil {
			t.Fatal(err)
		}
		got := records(v.Matches)
		for _, r := range got {
			filed++
			if slices.Contains(l.want, r) {
				right++
			}
		}
		due += len(l.want)
		if !slices.Equal(got, l.want) || l.review != (v.Review != "") {
			t.Errorf("line %d: filed under %v (review %q), want %v\n%s", l.line, got, v.Review, l.want, explain(v))
		}
	}
	if len(corpus) < 35 || filed == 0 || due == 0 {
		t.Fatalf("the corpus has %d messages, %d records filed, %d due", len(corpus), filed, due)
	}
	t.Logf("%d messages: precision %.3f, recall %.3f", len(corpus), float64(right)/float64(filed), float64(right)/float64(due))
}

// records lists whom matches name, once, in order.
func records(list []message.Match) []string {
	out := []string{}
	for _, m := range list {
		for _, r := range []string{string(m.Contact), string(m.Organisation)} {
			if r != "" && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestOpen(t *testing.T) {
	t.Parallel()
	me := []string{"from: me@example.com", "to: x@stranger.example"}
	for _, tt := range []struct {
		name  string
		lines []string
		known matcher.Known
		want  bool
	}{
		{"nobody known", me, matcher.Known{}, true},
		{"somebody known", []string{"from: bo@freelance.example", "to: me@example.com"}, matcher.Known{}, false},
		{"between two", []string{"from: x@hub.example", "to: me@example.com"}, matcher.Known{}, true},
		{"an unread report", []string{"from: x@stranger.example", "type: multipart/report x"}, matcher.Known{}, false},
		{"a report in vain", []string{"from: x@stranger.example", "type: multipart/report x"}, matcher.Known{BodyRead: true}, true},
		{"erased", []string{"from: gone@acme.example", "to: me@example.com"}, matcher.Known{}, true},
		{"internal", []string{"from: me@example.com", "to: boss@example.com"}, matcher.Known{}, false},
		{"taken away", []string{"from: ada@acme.example"}, hand("unfile", "ada", ""), false},
	} {
		v, err := matcher.New(rules()).Judge(town(), head(t, tt.lines...), tt.known)
		if err != nil || v.Open() != tt.want {
			t.Errorf("%s: Open() = %v, %v; want %v\n%s", tt.name, v.Open(), err, tt.want, explain(v))
		}
	}
}
