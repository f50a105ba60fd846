package relation

import (
	"cmp"
	"slices"
	"time"

	"rapport/records/timeline"
)

// MaxConversation is how many messages of a conversation are looked at to say
// whose turn it is: its newest.
const MaxConversation = 256

// Who names a contact or organisation in a conversation; the keys of a store
// serve. Being compared is all that is asked of it.
type Who string

// Said is one message of a conversation, as far as turns go.
type Said struct {
	Time  time.Time
	Entry timeline.ID
	Way   Way // In or Out
	Turn  timeline.Turn
	With  []Who // who wrote it, or to whom it is addressed
	Aside []Who // who else is on it
}

// Answer is a question and its answer.
type Answer struct {
	Side     Side // who answered
	Asked    time.Time
	Answered time.Time
	Entry    timeline.ID // the answer
}

// Open is a conversation in which somebody is to answer.
type Open struct {
	Side  Side // who is to
	Since time.Time
	Entry timeline.ID // the first message without an answer
}

// Outcome is what a conversation says of the relation to one of those on it.
type Outcome struct {
	Who     Who
	Open    []Open // at most one a side
	Answers []Answer
}

// standing is an outcome while it is judged.
type standing struct {
	Outcome
	us, them Open // Since is zero where nobody waits
}

// Judge goes through a conversation, in order of time, and says for each
// of those on it whose turn it is and which questions were answered. An answer
// by any of us settles what anybody on the conversation asked, and one by any
// of them what we asked; what closes the conversation settles both.
func Judge(said []Said) []Outcome {
	inOrder(said)
	var all []*standing
	of := func(w Who) *standing {
		for _, s := range all {
			if s.Who == w {
				return s
			}
		}
		s := &standing{Outcome: Outcome{Who: w}}
		all = append(all, s)
		return s
	}
	for _, m := range said {
		for _, w := range m.With {
			of(w)
		}
		for _, w := range m.Aside {
			of(w)
		}
		for _, s := range all {
			s.hear(m)
		}
		if m.Turn != timeline.Asks {
			continue
		}
		for _, w := range m.With {
			of(w).ask(m)
		}
	}
	out := make([]Outcome, 0, len(all))
	for _, s := range all {
		for _, o := range []Open{s.us, s.them} {
			if !o.Since.IsZero() {
				s.Open = append(s.Open, o)
			}
		}
		if len(s.Open)+len(s.Answers) > 0 {
			out = append(out, s.Outcome)
		}
	}
	return out
}

// inOrder puts messages of one moment into an order of their own, as mail knows
// seconds only and ids differ from store to store: a question before its
// answer, and what closes last.
func inOrder(said []Said) {
	slices.SortStableFunc(said, func(a, b Said) int {
		return cmp.Or(a.Time.Compare(b.Time), closes(a)-closes(b), cmp.Compare(a.Way, b.Way))
	})
}

func closes(m Said) int {
	if m.Turn == timeline.Closes {
		return 1
	}
	return 0
}

// hear settles what a message answers.
func (s *standing) hear(m Said) {
	asked, side := &s.us, Us
	if m.Way == In {
		asked, side = &s.them, Them
	}
	if !asked.Since.IsZero() {
		s.Answers = append(s.Answers, Answer{Side: side, Asked: asked.Since, Answered: m.Time, Entry: m.Entry})
		*asked = Open{}
	}
	if m.Turn == timeline.Closes {
		s.us, s.them = Open{}, Open{}
	}
}

// ask opens a question unless there is an older one.
func (s *standing) ask(m Said) {
	asked, side := &s.them, Them
	if m.Way == In {
		asked, side = &s.us, Us
	}
	if asked.Since.IsZero() {
		*asked = Open{Side: side, Since: m.Time, Entry: m.Entry}
	}
}

// SaidOf returns what an entry says in its conversation, and whether it says
// anything. Contacts are named by "c" and their id, organisations by "o".
func SaidOf(e timeline.Entry) (Said, bool) {
	m := Said{Time: e.Time, Entry: e.ID, Way: WayOf(e, false), Turn: e.Turn}
	if m.Way != In && m.Way != Out || e.Thread == "" {
		return m, false
	}
	add := func(w Who, aside bool) {
		if aside {
			m.Aside = append(m.Aside, w)
		} else {
			m.With = append(m.With, w)
		}
	}
	for _, c := range e.Contacts {
		add(Who("c"+c), slices.Contains(e.Aside, c))
	}
	for _, o := range e.Organisations {
		add(Who("o"+o), slices.Contains(e.AsideOrganisations, o))
	}
	return m, true
}
