package pages

import (
	"net/url"
	"slices"
	"strings"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/web"
)

// perHistory is how many entries a page of a history shows.
const perHistory = 30

// history is a part of the entries of one record, by conversation.
type history struct {
	Talks  []talk
	Older  string // address of what comes before; "" at the beginning
	Later  bool   // it is not the newest part
	Filter url.Values
	Kinds  []choice
	Ways   []choice
	Count  int
}

// talk is the entries of one thread that stand on the page, newest first, or
// one entry that belongs to none.
type talk struct {
	Thread  string
	Subject string
	Entries []entry
}

// entry is one line of a history.
type entry struct {
	web.Entry
	ByName string // of who wrote a note or call
}

// choice is one value of a filter.
type choice struct {
	Value, Key, Href string
	Chosen           bool
}

// filterNames are the parameters of the page's address that narrow a history.
var filterNames = []string{"kind", "direction", "member", "after", "before"}

// readHistory reads the part of a history that the page's address asks for.
func readHistory(v *visit, c card, members []web.Member) (history, error) {
	q := v.r.URL.Query()
	h := history{Filter: url.Values{}, Later: q.Get("cursor") != ""}
	for _, name := range filterNames {
		if value := q.Get(name); value != "" {
			h.Filter.Set(name, value)
		}
	}
	after, err := v.parseLocal(h.Filter.Get("after"))
	if err != nil {
		return h, invalid(err)
	}
	before, err := v.parseLocal(h.Filter.Get("before"))
	if err != nil {
		return h, invalid(err)
	}
	if !before.IsZero() {
		before = before.AddDate(0, 0, 1) // the day that is named is meant too
	}
	page, err := v.client().History(v.ctx(), web.History{
		Who: c.ID, Kind: h.Filter.Get("kind"), Direction: h.Filter.Get("direction"), Member: h.Filter.Get("member"),
		After: after, Before: before, Text: true, Slice: web.Slice{Cursor: q.Get("cursor"), Limit: perHistory},
	})
	if err != nil {
		return h, err
	}
	h.Talks, h.Count = talks(page.Items, members), len(page.Items)
	if page.Next != "" {
		older := h.with("", "")
		older.Set("cursor", page.Next)
		h.Older = c.Path + "?" + older.Encode() + "#history"
	}
	h.choices(c.Path)
	return h, nil
}

// with is the filter with one of its values changed.
func (h *history) with(name, value string) url.Values {
	out := url.Values{}
	for n, vs := range h.Filter {
		out[n] = slices.Clone(vs)
	}
	if value == "" {
		out.Del(name)
	} else {
		out.Set(name, value)
	}
	return out
}

func (h *history) choices(path string) {
	link := func(name, value string) string {
		q := h.with(name, value).Encode()
		if q != "" {
			q = "?" + q
		}
		return path + q + "#history"
	}
	for _, kind := range []string{"", "message", "note", "call", "meeting", "sale"} {
		h.Kinds = append(h.Kinds, choice{kind, "history.kind." + orAll(kind), link("kind", kind), h.Filter.Get("kind") == kind})
	}
	for _, way := range []string{"", "in", "out"} {
		h.Ways = append(h.Ways, choice{way, "history.way." + orAll(way), link("direction", way), h.Filter.Get("direction") == way})
	}
}

func orAll(s string) string {
	if s == "" {
		return "all"
	}
	return s
}

// Narrowed reports whether the reader asked for less than everything.
func (h history) Narrowed() bool { return len(h.Filter) > 0 }

// Get returns one value of the filter.
func (h history) Get(name string) string { return h.Filter.Get(name) }

// talks groups entries by thread, in the order in which each first appears.
func talks(entries []web.Entry, members []web.Member) []talk {
	var out []talk
	at := map[message.ThreadID]int{}
	for _, e := range entries {
		line := entry{Entry: e, ByName: memberName(members, e.By)}
		thread := message.ThreadID("")
		if e.Message != nil {
			thread = e.Message.Thread
		}
		i, seen := at[thread]
		if thread == "" || !seen {
			i = len(out)
			out = append(out, talk{Thread: string(thread), Subject: plainSubject(e.Subject)})
			at[thread] = i
		}
		out[i].Entries = append(out[i].Entries, line)
	}
	return out
}

// plainSubject is a subject without what mail programs put before it.
func plainSubject(s string) string {
	for {
		rest := strings.TrimSpace(s)
		before, after, ok := strings.Cut(rest, ":")
		if !ok || !slices.Contains([]string{"re", "aw", "fw", "fwd", "wg", "sv", "antw"}, strings.ToLower(strings.TrimSpace(before))) {
			return rest
		}
		s = after
	}
}

// IsMail reports whether an entry is a message, that about a meeting included.
func (e entry) IsMail() bool { return e.Message != nil }

// Meeting is what a mail says of a meeting, nil where it says nothing or not
// when that is.
func (e entry) Meeting() *message.CalendarEvent {
	if e.Verdict == nil || e.Verdict.Calendar == nil || e.Verdict.Calendar.Start.IsZero() {
		return nil
	}
	return e.Verdict.Calendar
}

// Icon is the picture of an entry.
func (e entry) Icon() string {
	switch {
	case e.Kind == timeline.Message && (e.Direction == message.Out || e.Direction == message.Within):
		return "out"
	case e.Kind == timeline.Message, e.Kind == timeline.Outcome:
		return "in"
	case e.Kind == timeline.Delivery:
		return "out"
	case e.Kind == timeline.Sale, e.Kind == timeline.Note, e.Kind == timeline.Call, e.Kind == timeline.Meeting:
		return string(e.Kind)
	}
	return "file"
}

// outcomes are what may come of a mail of a campaign, as entries say it.
var outcomes = []string{timeline.Bounced, timeline.Rejected, timeline.Unsubscribed, timeline.Complained}

func (e entry) outcome() bool { return e.Kind == timeline.Outcome && slices.Contains(outcomes, e.Text) }

// Name is the key of what an entry that is no mail is called.
func (e entry) Name() string {
	if e.outcome() {
		return "entry.outcome." + e.Text
	}
	return "entry." + string(e.Kind)
}

// OfCampaign reports whether it is about a mail of a campaign, which is not
// stored as a message.
func (e entry) OfCampaign() bool { return e.Kind == timeline.Delivery || e.Kind == timeline.Outcome }

// OfSale reports whether it is about an order or invoice.
func (e entry) OfSale() bool { return e.Kind == timeline.Sale }

// Said is the entry's own text, as far as the reader may see it.
func (e entry) Said() string {
	if e.outcome() {
		return "" // it is in the name
	}
	if e.Text != "" {
		return e.Text
	}
	return e.Snippet
}

// Long reports whether the text is worth folding.
func (e entry) Long() bool { return len(e.Said()) > 700 || strings.Count(e.Said(), "\n") > 9 }

// Uncertain reports whether nobody is sure that the message belongs here.
func (e entry) Uncertain() bool {
	return len(e.Matches) > 0 && !slices.ContainsFunc(e.Matches, func(m web.Match) bool { return m.Certain })
}

// Untrusted reports whether the message's own provider doubts its sender.
func (e entry) Untrusted() bool { return e.Trust == message.TrustFail }

// Files are the attachments that are not pictures in the text.
func (e entry) Files() (out []web.Attachment) {
	if e.Message == nil {
		return nil
	}
	return files(e.Message.Attachments)
}

func files(all []web.Attachment) (out []web.Attachment) {
	for _, a := range all {
		if !a.Inline || a.Name != "" && !strings.HasPrefix(a.Type, "image/") {
			out = append(out, a)
		}
	}
	return out
}
