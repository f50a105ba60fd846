package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// Narrowing is what of a history is asked for.
type Narrowing struct {
	Kind      string    `query:"kind" enum:"message,note,call,meeting,sale,delivery,answer,outcome" doc:"Only entries of this kind."`
	Direction string    `query:"direction" enum:"in,out,internal,other" doc:"Only messages that went this way."`
	Member    string    `query:"member" doc:"Only what one of our own wrote or took part in: an address, a name, or the beginning of one."`
	After     time.Time `query:"after" doc:"Only entries of this time or later."`
	Before    time.Time `query:"before" doc:"Only entries earlier than this."`
	Text      bool      `query:"text" doc:"With what the authors of messages newly wrote, at most 4,000 bytes each."`
}

// The bounds of what one answer of a narrowed history costs: where few entries
// are asked for, it may have fewer than the limit, or none, and go on.
const (
	defaultSlice = 100
	maxLooked    = 5000
	maxSaid      = 4000 // bytes
)

// narrower picks the entries asked for.
type narrower struct {
	Narrowing
	addresses []contact.Address // of the member; nil: whoever took part
	name      contact.Address   // by which whoever signed in writes notes
}

func (s *Server) narrower(ctx context.Context, in Narrowing) (n narrower, err error) {
	n.Narrowing = in
	if in.Member == "" {
		return n, nil
	}
	primary, err := s.member(ctx, in.Member)
	if err != nil {
		return n, err
	}
	members, err := s.records.Members(ctx)
	for _, m := range members {
		if slices.Contains(m.Addresses, primary) {
			n.addresses, n.name = m.Addresses, contact.Address(m.Name)
		}
	}
	return n, err
}

// takes reports whether an entry is asked for, as far as it tells itself.
func (n *narrower) takes(e timeline.Entry) bool {
	return (n.Kind == "" || string(e.Kind) == n.Kind) &&
		(n.Direction == "" || string(e.Direction) == n.Direction) &&
		(n.Before.IsZero() || e.Time.Before(n.Before))
}

// took reports whether the member wrote an entry or took part in it.
func (n *narrower) took(e Entry) bool {
	if n.addresses == nil || e.By != "" && (e.By == n.name || slices.Contains(n.addresses, e.By)) {
		return true
	}
	if e.Message == nil {
		return false
	}
	for _, parties := range [][]Party{e.Message.From, e.Message.To, e.Message.Cc} {
		if slices.ContainsFunc(parties, func(p Party) bool { return slices.Contains(n.addresses, contact.Address(p.Address)) }) {
			return true
		}
	}
	return false
}

// history reads a part of a history, newest first, page by page until there
// is at least half of what was asked for.
func (n *narrower) history(tx store.Tx, who store.Subject, slice store.Slice, of func(store.Slice) (store.Page[timeline.Entry], error)) (Page[Entry], error) {
	if slice.Limit == 0 {
		slice.Limit = defaultSlice
	}
	out, limit, v := Page[Entry]{Items: []Entry{}}, slice.Limit, newViews(tx)
	for looked := 0; ; looked += slice.Limit {
		found, err := of(slice)
		if err != nil {
			return out, err
		}
		out.Next = string(found.Next)
		for _, e := range found.Items {
			if !n.After.IsZero() && e.Time.Before(n.After) {
				out.Next = "" // all that follows is older
				return out, nil
			}
			if err := n.add(&out, v, e, who); err != nil {
				return out, err
			}
		}
		slice.Cursor, slice.Limit = found.Next, limit-len(out.Items)
		if found.Next == "" || len(out.Items) > limit/2 || looked > maxLooked {
			return out, nil
		}
	}
}

// add shows an entry where it is asked for and may be seen.
func (n *narrower) add(out *Page[Entry], v *views, e timeline.Entry, who store.Subject) error {
	if !n.takes(e) {
		return nil
	}
	view, shown, err := v.entry(e, who)
	if err != nil || !shown || !n.took(view) {
		return err
	}
	if n.Text && e.Message != "" {
		if view.Text, err = v.said(e); err != nil {
			return err
		}
	}
	out.Items = append(out.Items, view)
	return nil
}

// said returns what the author of a message newly wrote, "" where its text is
// not to be seen.
func (v *views) said(e timeline.Entry) (string, error) {
	text, err := v.tx.Entries().Text(e.ID)
	if err != nil {
		return "", missing(err)
	}
	m, err := v.tx.Messages().Get(e.Message)
	if missing(err) != nil {
		return "", err
	}
	text = message.NewText(text, m.Head)
	if len(text) <= maxSaid {
		return text, nil
	}
	n := maxSaid
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…", nil
}

// Fragment is a piece of a text; Hit says that it is what was searched for.
type Fragment = store.Fragment

// FilePassages says where in an attachment the words of a search stand.
type FilePassages = store.FilePassages

// hit shows an entry that a search found, with the places where its words
// stand, as far as they are to be seen.
func (v *views) hit(e timeline.Entry, query store.Query) (Entry, bool, error) {
	view, texts, shown, err := v.found(e)
	if err == nil && shown {
		view.pass(query, texts)
	}
	return view, shown, err
}

// found shows an entry that a search found, and returns its texts as far as
// they are to be seen.
func (v *views) found(e timeline.Entry) (view Entry, texts store.Fields, shown bool, err error) {
	view, shown, err = v.entry(e, store.Subject{})
	if err != nil || !shown {
		return view, texts, shown, err
	}
	texts.Text = e.Text
	if e.Message != "" {
		if texts, err = v.tx.Entries().Fields(e.ID); missing(err) != nil {
			return view, texts, false, err
		}
	}
	texts.Subject = view.Subject
	return view, texts, true, nil
}

// pass fills in where the words of the query stand.
func (e *Entry) pass(query store.Query, texts store.Fields) {
	e.SubjectPassage = onlyHit(query.SubjectPassages(texts.Subject))
	e.Passages = query.Passages(texts.Text)
	e.FilePassages = query.FilePassages(texts)
}

// onlyHit returns the first of passages, nil where there is none.
func onlyHit(p [][]store.Fragment) []store.Fragment {
	if len(p) == 0 {
		return nil
	}
	return p[0]
}

// History says whose history is asked for, and what of it; the zero value is
// everything of everybody.
type History struct {
	Who, Kind, Direction, Member string
	After, Before                time.Time
	Text                         bool // with what the authors of messages newly wrote
	Slice
}

func (h History) query() url.Values {
	q := h.Slice.query()
	for name, value := range map[string]string{"who": h.Who, "kind": h.Kind, "direction": h.Direction, "member": h.Member} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"after": h.After, "before": h.Before} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339))
		}
	}
	if h.Text {
		q.Set("text", "true")
	}
	return q
}

// History lists a history, newest first.
func (c *Client) History(ctx context.Context, h History) (Page[Entry], error) {
	return call[Page[Entry]](ctx, c, http.MethodGet, "/timeline", h.query(), nil)
}
