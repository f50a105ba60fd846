package main

import (
	"fmt"
	"strings"
	"time"

	"rapport/records/timeline"
	"rapport/web"
)

// history lays out entries for people: newest first under a heading a day,
// with an arrow for the direction, the thread's place, and automatic mail
// drawn together to a line.
type history struct {
	s       *session
	all     bool // automatic mail in full
	ids     bool // at the end of the first line; else on a line of their own
	threads map[string]thread
	seen    map[string]int
	day     string
}

// thread is how many entries of a conversation are shown.
type thread struct{ size int }

const indent = "            " // under the subject: two, the time, two, the arrow, two

func (s *session) history(entries []web.Entry, all bool) {
	if len(entries) == 0 {
		s.printf("nothing on the timeline\n")
		return
	}
	h := &history{s: s, all: all, ids: s.screen.width >= 100, threads: map[string]thread{}, seen: map[string]int{}}
	for _, e := range entries {
		if e.Message != nil {
			t := h.threads[string(e.Message.Thread)]
			t.size++
			h.threads[string(e.Message.Thread)] = t
		}
	}
	for i := 0; i < len(entries); {
		h.heading(entries[i].Time)
		n := 1
		switch e := entries[i]; {
		case e.Came() != "":
			h.campaign(e)
		case e.Auto && !all:
			n = h.run(entries[i:])
			h.automatic(entries[i : i+n])
		default:
			h.entry(e)
		}
		i += n
	}
}

// heading begins a day.
func (h *history) heading(t time.Time) {
	day := t.In(h.s.loc).Format("Monday 2 January 2006")
	switch now := h.s.now().In(h.s.loc); {
	case day == now.Format("Monday 2 January 2006"):
		day = "Today, " + day
	case day == now.AddDate(0, 0, -1).Format("Monday 2 January 2006"):
		day = "Yesterday, " + day
	}
	if day == h.day {
		return
	}
	if h.day != "" {
		h.s.printf("\n")
	}
	h.day = day
	h.s.printf("%s\n", h.s.screen.paint(bold, day))
}

// run counts the automatic entries of one day that follow each other.
func (h *history) run(entries []web.Entry) int {
	day := func(e web.Entry) string { return e.Time.In(h.s.loc).Format(time.DateOnly) }
	n := 1
	for n < len(entries) && entries[n].Auto && entries[n].Came() == "" && day(entries[n]) == day(entries[0]) {
		n++
	}
	return n
}

// automatic draws automatic mail together: nobody wrote it.
func (h *history) automatic(entries []web.Entry) {
	first := entries[0]
	for _, e := range entries {
		h.place(e)
	}
	text := "automatic: " + subject(first)
	if len(entries) > 1 {
		text = fmt.Sprintf("%d automatic: %s …", len(entries), subject(first))
	}
	h.faint(first, text)
}

// campaign draws what became of a mail of a campaign.
func (h *history) campaign(e web.Entry) { h.faint(e, e.Came()+": "+subject(e)) }

// faint draws an entry as one line that does not catch the eye.
func (h *history) faint(e web.Entry, text string) {
	line := fmt.Sprintf("  %s  %s  %s", e.Time.In(h.s.loc).Format("15:04"), arrow(e), text)
	h.s.printf("%s\n", h.s.screen.paint(dim, cut(line, h.s.screen.width)))
}

func (h *history) entry(e web.Entry) {
	sc := h.s.screen
	tail := h.tail(e)
	id := ""
	if h.ids {
		id = "  " + h.id(e)
	}
	room := sc.width - width(indent) - width(tail) - width(id)
	who, what := plain(party(e)), subject(e)
	if e.Message == nil {
		who, what = plain(string(e.By)), string(e.Kind)
	}
	if e.Kind == timeline.Sale {
		what += " " + subject(e)
	}
	who = cut(who, max(8, room/2))
	text := what
	if who != "" {
		text = cut(who+" · "+what, max(10, room))
	}
	drawn := text
	if rest, ok := strings.CutPrefix(text, who+" · "); ok && who != "" {
		drawn = sc.paint(bold, who) + " · " + rest
	}
	if id != "" {
		id = strings.Repeat(" ", max(0, room-width(text))) + sc.paint(dim, id)
	}
	h.s.printf("  %s  %s  %s%s%s\n", e.Time.In(h.s.loc).Format("15:04"), sc.paint(arrowStyle(e), arrow(e)), drawn, sc.paint(dim, tail), id)
	h.below(e)
}

// below prints what stands under the first line: a note's text whole, of a
// message the first words.
func (h *history) below(e web.Entry) {
	sc := h.s.screen
	room := max(20, sc.width-width(indent))
	if e.Message == nil {
		text := e.Text
		if text == "" {
			text = e.Snippet
		}
		for line := range strings.SplitSeq(plainLines(text), "\n") {
			for _, part := range wrap(line, room) {
				h.s.printf("%s%s\n", indent, part)
			}
		}
	} else if e.Verdict != nil && e.Verdict.Calendar != nil {
		h.s.printf("%s%s\n", indent, cut(h.s.meeting(e.Verdict.Calendar), room))
	} else if snippet := plain(e.Snippet); snippet != "" {
		h.s.printf("%s%s\n", indent, sc.paint(dim, cut(snippet, room)))
	}
	for _, f := range e.FilePassages {
		h.s.printf("%s%s\n", indent, sc.paint(dim, cut(fileLine(f), room)))
	}
	if !h.ids {
		h.s.printf("%s%s\n", indent, sc.paint(dim, h.id(e)))
	}
}

// fileLine says which attachment has what was searched for, and where.
func fileLine(f web.FilePassages) string {
	line := "in " + together(f.Name)
	if len(f.Passages) > 0 {
		line += ": " + together(f.Passages[0])
	}
	return plain(line)
}

func together(pieces []web.Fragment) (text string) {
	for _, p := range pieces {
		text += p.Text
	}
	return text
}

// id is what commands take: the message's, else the entry's.
func (h *history) id(e web.Entry) string {
	if e.Message != nil {
		return string(e.Message.ID)
	}
	return string(e.ID)
}

// place counts an entry into its thread and returns where it stands there,
// oldest first, and of how many.
func (h *history) place(e web.Entry) (at, of int) {
	if e.Message == nil {
		return 1, 1
	}
	t := string(e.Message.Thread)
	of = h.threads[t].size
	at = of - h.seen[t]
	h.seen[t]++
	return at, of
}

// tail says what is special about an entry.
func (h *history) tail(e web.Entry) string {
	var tags []string
	if at, of := h.place(e); of > 1 {
		tags = append(tags, fmt.Sprintf("%d/%d", at, of))
	}
	if e.Message != nil {
		if n := files(e.Message.Attachments); n == 1 {
			tags = append(tags, "1 file")
		} else if n > 1 {
			tags = append(tags, fmt.Sprintf("%d files", n))
		}
	}
	if e.Auto {
		tags = append(tags, "automatic")
	}
	if e.Protected {
		tags = append(tags, "protected")
	}
	if e.Trust == "fail" {
		tags = append(tags, "unverified")
	}
	if uncertain(e.Matches) {
		tags = append(tags, "uncertain")
	}
	if len(tags) == 0 {
		return ""
	}
	return "  " + strings.Join(tags, ", ")
}

// files counts what was attached, not what the text shows of itself.
func files(as []web.Attachment) int {
	n := 0
	for _, a := range as {
		if !a.Inline {
			n++
		}
	}
	return n
}

func uncertain(ms []web.Match) bool {
	for _, m := range ms {
		if m.Certain {
			return false
		}
	}
	return len(ms) > 0
}

func subject(e web.Entry) string {
	if t := plain(e.Subject); t != "" {
		return t
	}
	return "(no subject)"
}

// party names the other side: who wrote, or to whom we did.
func party(e web.Entry) string {
	if e.Message == nil {
		return ""
	}
	if e.Direction == "in" || len(e.Message.To) == 0 {
		return people(e.Message.From)
	}
	return people(e.Message.To)
}

func people(ps []web.Party) string {
	if len(ps) == 0 {
		return "(nobody)"
	}
	name := ps[0].Name
	for _, other := range []string{ps[0].Address, ps[0].Raw} {
		if plain(name) == "" {
			name = other
		}
	}
	if len(ps) > 1 {
		name = fmt.Sprintf("%s +%d", name, len(ps)-1)
	}
	return name
}

func arrow(e web.Entry) string {
	switch {
	case e.Message == nil && e.Kind == "call":
		return "☎"
	case e.Kind == timeline.Sale:
		return "€"
	case e.Message == nil && e.Came() == "":
		return "✎"
	case e.Direction == "in":
		return "←"
	case e.Direction == "out":
		return "→"
	case e.Direction == "internal":
		return "↔"
	}
	return "·"
}

func arrowStyle(e web.Entry) style {
	switch {
	case e.Message == nil:
		return yellow
	case e.Direction == "in":
		return green
	case e.Direction == "out":
		return blue
	}
	return dim
}
