package timeline

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rapport/records/message"
)

// Day is the entries of one calendar day.
type Day struct {
	Date    time.Time // midnight where the reader is
	Entries []Entry
}

// Days groups entries by the calendar day in the reader's zone; nil means UTC.
// It keeps their order and joins neighbours only, so a list in either order of
// time gives each day once.
func Days(entries []Entry, zone *time.Location) []Day {
	if zone == nil {
		zone = time.UTC
	}
	var out []Day
	for _, e := range entries {
		y, m, d := e.Time.In(zone).Date()
		date := time.Date(y, m, d, 0, 0, 0, 0, zone)
		if n := len(out); n == 0 || !out[n-1].Date.Equal(date) {
			out = append(out, Day{Date: date})
		}
		last := &out[len(out)-1]
		last.Entries = append(last.Entries, e)
	}
	return out
}

// Conversation is the entries of one thread, or a single entry that belongs to
// none.
type Conversation struct {
	Thread  message.ThreadID // empty for an entry without one
	Entries []Entry
}

// Conversations groups entries by thread, in the order in which each thread
// first appears; within one they keep their order.
func Conversations(entries []Entry) []Conversation {
	var out []Conversation
	at := make(map[message.ThreadID]int)
	for _, e := range entries {
		i, ok := at[e.Thread]
		if !ok || e.Thread == "" {
			i = len(out)
			at[e.Thread] = i
			out = append(out, Conversation{Thread: e.Thread})
		}
		out[i].Entries = append(out[i].Entries, e)
	}
	return out
}

// Span returns when the first and the last entry were; zero without entries.
func (c Conversation) Span() (first, last time.Time) {
	for i, e := range c.Entries {
		if i == 0 || e.Time.Before(first) {
			first = e.Time
		}
		if i == 0 || e.Time.After(last) {
			last = e.Time
		}
	}
	return first, last
}

// Summary returns the entry as one line of at most width runes: its subject,
// else its first words, else what kind of entry it is. White space is folded,
// and characters that would act on a terminal or turn its text around are
// left out. Width 0 does not shorten.
func (e Entry) Summary(width int) string {
	for _, s := range []string{e.Subject, e.Snippet, e.Text, string(e.Kind)} {
		if line := OneLine(s, width); line != "" {
			return line
		}
	}
	return ""
}

// OneLine returns foreign text as one harmless line of at most width runes;
// see [Entry.Summary].
func OneLine(s string, width int) string {
	const most = 4096 // no line shows more, whatever a subject holds
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == utf8.RuneError, r == '\uFEFF', r == '\u200B':
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if width <= 0 || utf8.RuneCountInString(s) <= width {
		return s
	}
	runes := []rune(s)
	return strings.TrimRight(string(runes[:width-1]), " ") + "…"
}
