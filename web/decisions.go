package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"rapport/records/message"
	"rapport/store"
)

// whoRequest names whom a decision is about.
type whoRequest struct {
	Who string `json:"who"`
}

// decide answers filing and unfiling by hand.
func (s *Server) decide(do func(context.Context, string, message.ID, store.Subject) (string, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var in whoRequest
		if err := decode(r, &in); err != nil {
			return err
		}
		var m message.Message
		var who store.Subject
		err := s.view(r.Context(), func(tx store.Tx) (err error) {
			if m, err = stored(tx, r.PathValue("id")); err != nil {
				return err
			}
			who, err = resolve(tx, in.Who, anybody)
			return err
		})
		if err != nil {
			return err
		}
		return s.audited(w)(do(r.Context(), s.actor(r), m.ID, who))
	}
}

// audited answers a change that can be undone.
func (s *Server) audited(w http.ResponseWriter) func(string, error) error {
	return func(audit string, err error) error {
		if err != nil {
			return refused(err)
		}
		out := Audited{Audit: audit}
		if audit == "" {
			out.Note = "nothing to do: the message is not filed there"
		}
		return reply(w, out)
	}
}

func (s *Server) withdraw(w http.ResponseWriter, r *http.Request) error {
	var m message.Message
	err := s.view(r.Context(), func(tx store.Tx) (err error) {
		m, err = stored(tx, r.PathValue("id"))
		return err
	})
	if err != nil {
		return err
	}
	return s.audited(w)(s.records.Withdraw(r.Context(), s.actor(r), m.ID))
}

// private hides a thread, named by its id or by one of its messages.
func (s *Server) private(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("id")
	var thread message.ThreadID
	err := s.view(r.Context(), func(tx store.Tx) error {
		if isID(name) {
			t := message.ThreadID(strings.ToUpper(name))
			page, err := tx.Messages().Thread(t, store.Slice{Limit: 1})
			if missing(err) != nil {
				return err
			}
			if len(page.Items) > 0 {
				thread = t
				return nil
			}
		}
		m, err := stored(tx, name)
		thread = m.Thread
		return err
	})
	if err != nil {
		return err
	}
	return s.audited(w)(s.records.Private(r.Context(), s.actor(r), thread))
}

func (s *Server) undo(w http.ResponseWriter, r *http.Request) error {
	audit := r.PathValue("audit")
	var note string
	err := s.view(r.Context(), func(tx store.Tx) error {
		a, err := tx.Audit().Get(audit)
		if err != nil || a.Action != "message.withdraw" && a.Action != "message.unfile" {
			return missing(err)
		}
		// Where nobody else had it, the mail itself is gone.
		if _, err = tx.Messages().Get(message.ID(a.Object)); errors.Is(err, store.ErrNotFound) {
			note = "the mail comes back with the next pass over its mailbox (`rapport sync`), if its server still has it"
		}
		return missing(err)
	})
	if err != nil {
		return err
	}
	if err := s.records.Undo(r.Context(), s.actor(r), audit); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return &Problem{Status: http.StatusNotFound, Code: codeNotFound,
				Detail: fmt.Sprintf("no decision %q to undo; `rapport audit` lists them", oneLine(audit))}
		}
		return refused(err)
	}
	return reply(w, Audited{Audit: audit, Note: note})
}

// explain says why a message is filed where it is. A copy that was skipped or
// put aside is named MAILBOX/FOLDER/UID, and its state is the explanation.
func (s *Server) explain(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("id")
	var m message.Message
	var settled *Explanation
	err := s.view(r.Context(), func(tx store.Tx) (err error) {
		m, err = stored(tx, name)
		if errors.Is(err, store.ErrNotFound) {
			if settled, err = settledCopy(tx, name); settled == nil && err == nil {
				return noMessage(name, nil)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if settled != nil {
		return reply(w, *settled)
	}
	e, err := s.records.Explain(r.Context(), m.ID)
	if err != nil {
		return refused(err)
	}
	e.Matches, e.Steps = list(e.Matches), list(e.Steps)
	err = s.view(r.Context(), func(tx store.Tx) (err error) {
		e.Filed, err = newViews(tx).matches(e.Matches)
		return err
	})
	if err != nil {
		return err
	}
	return reply(w, e)
}

// settledCopy explains a copy of which nothing is stored; nil where the name
// is not one of a copy or the copy is stored.
func settledCopy(tx store.Tx, name string) (*Explanation, error) {
	f, uid, ok := copyNamed(tx, name)
	if !ok {
		return nil, nil
	}
	p, err := tx.Folders().Progress(f)
	if err != nil {
		return nil, err
	}
	e := &Explanation{Matches: []message.Match{}, Steps: []ExplanationStep{}}
	for reason, uids := range p.Skipped {
		if uids.Has(uid) {
			e.Decided = message.Decision{Action: message.Skip, Reason: reason}
			e.Steps = append(e.Steps, ExplanationStep{Rule: string(reason), Said: reasonWords(reason), Decided: true})
			return e, nil
		}
	}
	switch {
	case p.Quarantined.Has(uid):
		e.Steps = append(e.Steps, ExplanationStep{Rule: "quarantined", Said: "the server would not hand it over whole; it is asked for again every night and by `rapport reconcile`", Decided: true})
	case p.Stored.Has(uid):
		return nil, nil
	case p.Mark != (message.Mark{}): // every message the server lists is settled
		return nil, &Problem{Status: http.StatusNotFound, Code: codeNotFound,
			Detail: fmt.Sprintf("%s has no message of UID %d: the last pass settled every one there was; `rapport sync` looks for new ones",
				oneLine(f.Mailbox+"/"+f.Name), uid)}
	default:
		e.Steps = append(e.Steps, ExplanationStep{Rule: "unseen", Said: "not looked at yet, if there is such a message at all", Decided: true})
	}
	return e, nil
}

// reasonWords says in words why a copy was skipped.
func reasonWords(r message.Reason) string {
	words := map[message.Reason]string{
		message.NoMatch:     "nobody in it is known, so nothing of it is kept",
		message.BeforeSince: "older than the mailbox's since",
		message.Internal:    "everybody in it is ours",
		message.Excluded:    "the configuration excludes somebody in it",
		message.IsPrivate:   "marked private, or in a Private folder",
		message.Erased:      "somebody in it was erased",
		message.Expired:     "older than mail of its kind is kept",
		message.Withdrawn:   "withdrawn by hand",
		message.Draft:       "a draft",
		message.NotOurs:     "read, and it concerns nobody known",
	}
	if w, ok := words[r]; ok {
		return w
	}
	return string(r)
}

func (s *Server) listReviews(w http.ResponseWriter, r *http.Request) error {
	slice, err := sliceOf(r)
	if err != nil {
		return err
	}
	page := Page[Review]{}
	err = s.view(r.Context(), func(tx store.Tx) error {
		found, err := tx.Reviews().List(slice)
		if err != nil {
			return err
		}
		page = Page[Review]{Items: []Review{}, Next: string(found.Next)}
		v := newViews(tx)
		for _, rv := range found.Items {
			m, err := tx.Messages().Get(rv.Message)
			if missing(err) != nil {
				return err
			}
			if err != nil || m.Hidden {
				continue
			}
			candidates, err := v.matches(rv.Candidates)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, Review{
				Message: rv.Message, Reason: rv.Reason, At: rv.At.UTC(), Candidates: candidates,
				From: message.DescribeParties(m.Head.From), Subject: m.Head.Subject, Time: m.Time.UTC(),
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return reply(w, page)
}

// listAudit lists the trail, of everything or of one object: a record by any
// of its names, or an id or address as the trail has it.
func (s *Server) listAudit(w http.ResponseWriter, r *http.Request) error {
	slice, err := sliceOf(r)
	if err != nil {
		return err
	}
	name := strings.TrimSpace(r.URL.Query().Get("who"))
	page := Page[AuditLine]{}
	err = s.view(r.Context(), func(tx store.Tx) error {
		objects, err := auditObjects(tx, name)
		if err != nil {
			return err
		}
		named := newViews(tx)
		for _, object := range objects {
			found, err := tx.Audit().List(object, slice)
			if err != nil {
				return err
			}
			page = Page[AuditLine]{Items: []AuditLine{}, Next: string(found.Next)}
			for _, a := range found.Items {
				line, err := named.auditLine(a)
				if err != nil {
					return err
				}
				page.Items = append(page.Items, line)
			}
			if len(page.Items) > 0 {
				break
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return reply(w, page)
}

func auditLine(a store.AuditRecord) AuditLine {
	return AuditLine{
		ID: a.ID, At: a.At.UTC(), Actor: a.Actor, Action: a.Action, Object: a.Object, Detail: a.Detail,
		Undoable: len(a.Before) > 0 || len(a.After) > 0,
	}
}

// auditLine is a line of the trail with names where it holds ids.
func (v *views) auditLine(a store.AuditRecord) (AuditLine, error) {
	line := auditLine(a)
	var err error
	if line.Undoable {
		undone, seen := v.undone[a.Object]
		if !seen {
			if undone, err = store.Undone(v.tx, a.Object); err != nil {
				return line, err
			}
			if v.undone == nil {
				v.undone = map[string]map[string]bool{}
			}
			v.undone[a.Object] = undone
		}
		line.Undoable = !undone[a.ID]
	}
	if line.Name, err = v.called(a.Object); err != nil {
		return line, err
	}
	line.Who, err = v.called(a.Detail)
	return line, err
}

// auditObjects are the names under which the trail may have an object.
func auditObjects(tx store.Tx, name string) ([]string, error) {
	if name == "" {
		return []string{""}, nil
	}
	objects := []string{name}
	who, err := resolve(tx, name, anybody)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if id := string(who.Contact) + string(who.Organisation); id != "" && id != name {
		objects = slices.Insert(objects, 0, id)
	}
	return objects, nil
}
