package app

import (
	"slices"
	"strings"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// The bounds of what discover keeps in memory.
const (
	maxTallied      = 2_000_000 // messages
	maxParties      = 20        // of one message; more is an announcement, not a conversation
	maxConversation = 100_000   // subjects remembered for one correspondent
)

// tally counts what passes between us and each correspondent, from headers
// alone. Copies of one message count once, in whatever order they come.
type tally struct {
	ours    func(contact.Address) bool
	since   time.Time
	letters map[string]*letter // by Message-ID, or by what stands for it
	full    bool
}

// letter is one message as far as counting needs it.
type letter struct {
	id      string
	out     bool
	at      time.Time
	subject string // folded
	parents []string
	parties []message.Party // the outside correspondents
}

func newTally(ours func(contact.Address) bool, since time.Time) *tally {
	return &tally{ours: ours, since: since, letters: map[string]*letter{}}
}

// add counts one copy. Lists, automatic mail and mail among ourselves are
// nobody's correspondence.
func (t *tally) add(c message.Copy) {
	h := c.Head
	at := h.Date
	if at.IsZero() || at.After(c.Received.Add(48*time.Hour)) && !c.Received.IsZero() {
		at = c.Received
	}
	if at.Before(t.since) || impersonal(h) || len(h.From) == 0 || h.From[0].Address == "" {
		return
	}
	l := &letter{id: h.MessageID, at: at, subject: conversation(h.Subject)}
	l.out = t.ours(h.From[0].Address)
	if l.out {
		l.parties = t.outsiders(h.To, h.Cc, h.Bcc)
	} else if t.reaches(h, c) {
		l.parties = t.outsiders(h.From[:1])
	}
	if len(l.parties) == 0 || len(l.parties) > maxParties {
		return
	}
	if l.id == "" {
		l.id = at.UTC().Format(time.RFC3339) + "\x00" + string(h.From[0].Address) + "\x00" + h.Subject
	}
	l.parents = h.InReplyTo
	if n := len(h.References); n > 0 {
		l.parents = append(slices.Clone(l.parents), h.References[n-1])
	}
	if have, ok := t.letters[l.id]; ok {
		have.merge(l)
		return
	}
	if len(t.letters) >= maxTallied {
		t.full = true
		return
	}
	t.letters[l.id] = l
}

// merge takes over what another copy shows beyond this one: the Bcc of a Sent
// copy, say.
func (l *letter) merge(other *letter) {
	if l.out != other.out {
		return
	}
	for _, p := range other.parties {
		if !slices.ContainsFunc(l.parties, func(q message.Party) bool { return q.Address == p.Address }) && len(l.parties) < maxParties {
			l.parties = append(l.parties, p)
		}
	}
}

// reaches reports whether mail from outside was written to us rather than to
// a list we happen to read: a member is named, or it came blind.
func (t *tally) reaches(h message.Head, c message.Copy) bool {
	for _, list := range [][]message.Party{h.To, h.Cc} {
		for _, p := range list {
			if p.Address != "" && t.ours(p.Address) {
				return true
			}
		}
	}
	return false
}

// outsiders lists the correspondents of some headers, once each.
func (t *tally) outsiders(lists ...[]message.Party) []message.Party {
	var out []message.Party
	for _, list := range lists {
		for _, p := range list {
			if p.Address == "" || t.ours(p.Address) || robot(p.Address) {
				continue
			}
			if !slices.ContainsFunc(out, func(q message.Party) bool { return q.Address == p.Address }) {
				out = append(out, p)
			}
		}
	}
	return out
}

// impersonal reports whether a header is that of a list, a newsletter, a
// report or an automatic answer.
func impersonal(h message.Head) bool {
	a := h.Auto
	switch {
	case a.ListID != "", a.Responder, a.NullReturn, h.ReportType != "":
		return true
	case a.Submitted != "" && a.Submitted != "no":
		return true
	case a.Precedence == "bulk" || a.Precedence == "list" || a.Precedence == "junk" || a.Precedence == "auto_reply":
		return true
	}
	return len(h.From) > 0 && robot(h.From[0].Address)
}

// robots are local parts behind which nobody reads or writes by hand.
var robots = []string{
	"noreply", "no-reply", "no_reply", "donotreply", "do-not-reply", "do_not_reply", "notreply",
	"nepasrepondre", "ne-pas-repondre", "nicht-antworten", "keine-antwort", "no-responder", "noresponder", "naoresponda", "nao-responda",
	"mailer-daemon", "postmaster", "bounce", "bounces", "daemon", "autoresponder", "auto-reply", "autoreply",
	"notification", "notifications", "notify", "alert", "alerts", "newsletter", "news", "mailing", "listserv", "majordomo",
}

// robot reports whether an address belongs to a machine: by its local part,
// or a part of it set off by punctuation at either end (bounces+123, acme-noreply).
func robot(a contact.Address) bool {
	local := a.Local()
	for _, r := range robots {
		if local == r {
			return true
		}
		if rest, ok := strings.CutPrefix(local, r); ok && strings.ContainsRune("+-_=.", rune(rest[0])) {
			return true
		}
		if rest, ok := strings.CutSuffix(local, r); ok && strings.ContainsRune("+-_.", rune(rest[len(rest)-1])) {
			return true
		}
	}
	return false
}

// replyMarks are what mail programs put before a subject when answering or
// forwarding, in the languages met most.
var replyMarks = []string{
	"re", "aw", "antw", "antwort", "sv", "vs", "ref", "res", "rif", "r", "odp", "ynt", "vá", "回复", "答复", "回覆", "返信", "উত্তর",
	"fw", "fwd", "wg", "tr", "rv", "enc", "i", "doorst", "vb", "转发",
}

// conversation folds a subject to what stays the same in answers to it.
func conversation(subject string) string {
	s := strings.ToLower(strings.Join(strings.Fields(subject), " "))
	for {
		mark, rest, found := strings.Cut(s, ":")
		if !found {
			mark, rest, found = strings.Cut(s, "：")
		}
		if i := strings.IndexAny(mark, "[("); i > 0 {
			mark = mark[:i] // Re[2]:
		}
		if !found || !slices.Contains(replyMarks, strings.TrimSpace(mark)) {
			return s
		}
		s = strings.TrimSpace(rest)
	}
}

// correspondents lists everybody outside who takes part.
func (t *tally) correspondents() []contact.Address {
	seen := map[contact.Address]bool{}
	var out []contact.Address
	for _, l := range t.letters {
		for _, p := range l.parties {
			if !seen[p.Address] {
				seen[p.Address] = true
				out = append(out, p.Address)
			}
		}
	}
	return out
}

// proposals leaves out whom we know, counts and ranks: most exchanges first, then most messages, then
// the latest.
func (t *tally) proposals(known map[contact.Address]bool) []store.Suggestion {
	rows := map[contact.Address]*store.Suggestion{}
	names := map[contact.Address]map[string]int{}
	byParty := map[contact.Address][]*letter{}
	linked, answers := t.answers()
	for _, l := range t.letters {
		for _, p := range l.parties {
			if known[p.Address] {
				continue
			}
			r := rows[p.Address]
			if r == nil {
				r = &store.Suggestion{Address: p.Address, Domain: p.Address.Domain(), First: l.at, Last: l.at}
				rows[p.Address], names[p.Address] = r, map[string]int{}
			}
			countLetter(r, l)
			if n := cleanName(p); n != "" {
				weight := 1
				if !l.out {
					weight = 4 // how people sign themselves beats how we call them
				}
				names[p.Address][n] += weight
			}
			byParty[p.Address] = append(byParty[p.Address], l)
		}
	}
	out := make([]store.Suggestion, 0, len(rows))
	for a, r := range rows {
		r.Exchange = exchanges(byParty[a], linked, answers[a])
		r.Name = favourite(names[a])
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b store.Suggestion) int {
		if a.Exchange != b.Exchange {
			return b.Exchange - a.Exchange
		}
		if n := (b.In + b.Out) - (a.In + a.Out); n != 0 {
			return n
		}
		if !a.Last.Equal(b.Last) {
			return b.Last.Compare(a.Last)
		}
		return strings.Compare(string(a.Address), string(b.Address))
	})
	return out
}

// with reports whether an address is among the letter's correspondents.
func (l *letter) with(a contact.Address) bool {
	return slices.ContainsFunc(l.parties, func(p message.Party) bool { return p.Address == a })
}

// answers finds the messages that another one answers the other way, by
// In-Reply-To and References. The exchange is with whoever outside wrote one
// of the two, and where we answered, got the answer. linked holds the answers so explained.
func (t *tally) answers() (linked map[*letter]bool, answered map[contact.Address]map[*letter]bool) {
	linked, answered = map[*letter]bool{}, map[contact.Address]map[*letter]bool{}
	for _, answer := range t.letters {
		for _, id := range answer.parents {
			asked := t.letters[id]
			if asked == nil || asked.out == answer.out {
				continue
			}
			linked[answer] = true
			author := asked.parties[0].Address
			if !answer.out {
				author = answer.parties[0].Address
			} else if !answer.with(author) {
				continue // what they wrote was answered to somebody else
			}
			if answered[author] == nil {
				answered[author] = map[*letter]bool{}
			}
			answered[author][asked] = true
		}
	}
	return linked, answered
}

// answerWithin is how long an answer may take that only its subject tells.
const answerWithin = 60 * 24 * time.Hour

// exchanges counts one correspondent's messages that were answered the other
// way: those known by their references, and, where an answer refers to
// nothing we have, those that precede it in the conversation of its subject.
func exchanges(letters []*letter, linked, answered map[*letter]bool) int {
	bySubject := map[string][]*letter{}
	for _, l := range letters {
		if l.subject != "" {
			bySubject[l.subject] = append(bySubject[l.subject], l)
		}
	}
	n := len(answered)
	for _, talk := range bySubject {
		slices.SortFunc(talk, func(a, b *letter) int {
			if c := a.at.Compare(b.at); c != 0 {
				return c
			}
			return strings.Compare(a.id, b.id)
		})
		for i := 1; i < len(talk); i++ {
			asked, answer := talk[i-1], talk[i]
			if asked.out != answer.out && !linked[answer] && !answered[asked] && answer.at.Sub(asked.at) <= answerWithin {
				n++
			}
		}
	}
	return n
}

func countLetter(r *store.Suggestion, l *letter) {
	if l.out {
		r.Out++
	} else {
		r.In++
	}
	if l.at.Before(r.First) {
		r.First = l.at
	}
	if l.at.After(r.Last) {
		r.Last = l.at
	}
}
