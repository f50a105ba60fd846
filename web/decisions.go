package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/store"
	"rapport/store/veil"
)

// whoRequest names whom a decision is about.
type whoRequest struct {
	Who string `json:"who" doc:"An id, address, domain or name."`
}

func (s *Server) describeDecisions(api huma.API) {
	const tag = "decisions"
	describe(s, api, operation{id: "explain-message", pattern: "GET /messages/{id}/explain", tag: tag, need: access.Read,
		summary: "Say why a message is filed where it is",
		detail:  "A copy that was skipped or put aside is named MAILBOX/FOLDER/UID; its state is the explanation."}, s.explain)
	describe(s, api, operation{id: "file-message", pattern: "POST /messages/{id}/file", tag: tag, need: access.Write,
		summary: "File a message under somebody by hand"}, s.decide(s.records.File))
	describe(s, api, operation{id: "unfile-message", pattern: "POST /messages/{id}/unfile", tag: tag, need: access.Write,
		summary: "Take a message off somebody's history by hand"}, s.decide(s.records.Unfile))
	describe(s, api, operation{id: "withdraw-message", pattern: "POST /messages/{id}/withdraw", tag: tag, need: access.Write,
		summary: "Take a message off all histories"}, s.withdraw)
	describe(s, api, operation{id: "hide-thread", pattern: "POST /threads/{id}/private", tag: tag, need: access.Write,
		summary: "Make a thread private: nobody sees it, whatever comes to it"}, s.private)
	describe(s, api, operation{id: "undo", pattern: "POST /undo/{audit}", tag: tag, need: access.Write,
		summary: "Take back a merge or a decision by hand"}, s.undo)
	describe(s, api, operation{id: "list-reviews", pattern: "GET /reviews", tag: tag, need: access.Read,
		summary: "List messages that wait for a person's decision"}, s.listReviews)
	describe(s, api, operation{id: "list-audit", pattern: "GET /audit", tag: tag, need: access.Read,
		summary: "Read the audit trail, newest first",
		detail:  "Of everything, or of one object: a record by any of its names, or an id or address as the trail has it."}, s.listAudit)
}

// aboutMessage is the input of filing and unfiling by hand.
type aboutMessage struct {
	MessageInput
	Body whoRequest
}

// decide answers filing and unfiling by hand.
func (s *Server) decide(do func(context.Context, string, message.ID, store.Subject) (string, error)) func(context.Context, *aboutMessage) (Audited, error) {
	return func(ctx context.Context, in *aboutMessage) (Audited, error) {
		var m message.Message
		var who store.Subject
		err := s.view(ctx, func(tx store.Tx) (err error) {
			if m, err = stored(tx, in.ID); err != nil {
				return err
			}
			who, err = resolve(tx, in.Body.Who, anybody)
			return err
		})
		if err != nil {
			return Audited{}, err
		}
		return audited(do(ctx, actor(ctx), m.ID, who))
	}
}

// audited answers a change that can be undone.
func audited(audit string, err error) (Audited, error) {
	if err != nil {
		return Audited{}, refused(err)
	}
	out := Audited{Audit: audit}
	if audit == "" {
		out.Note = "nothing to do: the message is not filed there"
	}
	return out, nil
}

func (s *Server) withdraw(ctx context.Context, in *MessageInput) (Audited, error) {
	var m message.Message
	err := s.view(ctx, func(tx store.Tx) (err error) {
		m, err = stored(tx, in.ID)
		return err
	})
	if err != nil {
		return Audited{}, err
	}
	return audited(s.records.Withdraw(ctx, actor(ctx), m.ID))
}

// oneThread is the input of operations on a thread.
type oneThread struct {
	ID string `path:"id" example:"01ARZ3NDEKTSV4RRFFQ69G5FAV" doc:"The id of a thread, or one of its messages by any of its names."`
}

// private hides a thread, named by its id or by one of its messages.
func (s *Server) private(ctx context.Context, in *oneThread) (Audited, error) {
	var thread message.ThreadID
	err := s.view(ctx, func(tx store.Tx) error {
		if isID(in.ID) {
			t := message.ThreadID(strings.ToUpper(in.ID))
			page, err := tx.Messages().Thread(t, store.Slice{Limit: 1})
			if missing(err) != nil {
				return err
			}
			if len(page.Items) > 0 {
				thread = t
				return nil
			}
		}
		m, err := stored(tx, in.ID)
		thread = m.Thread
		return err
	})
	if err != nil {
		return Audited{}, err
	}
	return audited(s.records.Private(ctx, actor(ctx), thread))
}

// oneChange is the input of undoing.
type oneChange struct {
	Audit string `path:"audit" example:"01ARZ3NDEKTSV4RRFFQ69G5FAV" doc:"The id the change was answered with; the audit trail has it too."`
}

func (s *Server) undo(ctx context.Context, in *oneChange) (Audited, error) {
	var note string
	err := s.view(ctx, func(tx store.Tx) error {
		a, err := tx.Audit().Get(in.Audit)
		if errors.Is(err, store.ErrNotFound) && !veil.Everything(principal(ctx)) {
			return noDecision(in.Audit)
		}
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
		return Audited{}, err
	}
	if err := s.records.Undo(ctx, actor(ctx), in.Audit); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = noDecision(in.Audit)
		}
		return Audited{}, refused(err)
	}
	return Audited{Audit: in.Audit, Note: note}, nil
}

func noDecision(audit string) error {
	return &Problem{Status: http.StatusNotFound, Code: codeNotFound,
		Detail: fmt.Sprintf("no decision %q to undo; `rapport audit` lists them", oneLine(audit))}
}

// explain says why a message is filed where it is. A copy that was skipped or
// put aside is named MAILBOX/FOLDER/UID, and its state is the explanation.
func (s *Server) explain(ctx context.Context, in *MessageInput) (none Explanation, err error) {
	var m message.Message
	var settled *Explanation
	err = s.view(ctx, func(tx store.Tx) (err error) {
		m, err = readable(tx, in.ID)
		if errors.Is(err, store.ErrNotFound) {
			if settled, err = settledCopy(tx, in.ID); settled == nil && err == nil {
				return noMessage(in.ID, nil)
			}
		}
		return err
	})
	if err != nil {
		return none, err
	}
	if settled != nil {
		return *settled, nil
	}
	e, err := s.records.Explain(ctx, m.ID)
	if err != nil {
		return none, refused(err)
	}
	e.Matches, e.Steps = list(e.Matches), list(e.Steps)
	if !veil.Everything(principal(ctx)) {
		e.Steps = withoutOthers(e.Steps)
	}
	err = s.view(ctx, func(tx store.Tx) (err error) {
		e.Filed, err = newViews(tx).matches(e.Matches)
		return err
	})
	return e, err
}

// withoutOthers leaves out of an explanation whom other messages of the thread
// name: they may not be whoever asks's to see.
func withoutOthers(steps []ExplanationStep) []ExplanationStep {
	for i, s := range steps {
		if s.Rule == "thread" && s.Decided {
			steps[i] = step(s.Rule, "its thread is filed, and somebody of theirs is still in it")
		}
	}
	return steps
}

// step is a step that decides.
func step(rule string, form phrase.Form) ExplanationStep {
	return ExplanationStep{Rule: rule, Said: string(form), Phrase: phrase.New(form), Decided: true}
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
			e.Steps = append(e.Steps, step(string(reason), reasonWords(reason)))
			return e, nil
		}
	}
	switch {
	case p.Quarantined.Has(uid):
		e.Steps = append(e.Steps, step("quarantined",
			"the server would not hand it over whole; it is asked for again every night and by `rapport reconcile`"))
	case p.Stored.Has(uid):
		return nil, nil
	case p.Mark != (message.Mark{}): // every message the server lists is settled
		return nil, &Problem{Status: http.StatusNotFound, Code: codeNotFound,
			Detail: fmt.Sprintf("%s has no message of UID %d: the last pass settled every one there was; `rapport sync` looks for new ones",
				oneLine(f.Mailbox+"/"+f.Name), uid)}
	default:
		e.Steps = append(e.Steps, step("unseen", "not looked at yet, if there is such a message at all"))
	}
	return e, nil
}

// reasonWords says in words why a copy was skipped.
func reasonWords(r message.Reason) phrase.Form {
	words := map[message.Reason]phrase.Form{
		message.NoMatch:     "nobody in it is known, so nothing of it is kept",
		message.BeforeSince: "older than the mailbox's since",
		message.Internal:    "everybody in it is ours",
		message.Excluded:    "the configuration excludes somebody in it",
		message.IsPrivate:   "marked private, or in a Private folder",
		message.Erased:      "somebody in it was erased",
		message.Expired:     "older than mail of its kind is kept",
		message.Withdrawn:   "withdrawn by hand",
		message.Draft:       "a draft",
		message.OwnCampaign: "a copy of what a campaign sent, which is on the timeline as such",
		message.NotOurs:     "read, and it concerns nobody known",
	}
	if w, ok := words[r]; ok {
		return w
	}
	return "it is not kept"
}

func (s *Server) listReviews(ctx context.Context, in *SliceInput) (Page[Review], error) {
	return paged(ctx, s, func(tx store.Tx) (store.Page[store.Review], error) {
		return tx.Reviews().List(in.slice())
	}, (*views).review)
}

// review shows what waits for a decision, unless its message is private.
func (v *views) review(rv store.Review) (Review, bool, error) {
	m, err := v.tx.Messages().Get(rv.Message)
	if err != nil || m.Hidden {
		return Review{}, false, missing(err)
	}
	candidates, err := v.matches(rv.Candidates)
	return Review{
		Message: rv.Message, Reason: rv.Reason, At: rv.At.UTC(), Candidates: candidates,
		From: message.DescribeParties(m.Head.From), Subject: m.Head.Subject, Time: m.Time.UTC(),
	}, true, err
}

// listAudit lists the trail, of everything or of one object: a record by any
// of its names, or an id or address as the trail has it.
func (s *Server) listAudit(ctx context.Context, in *history) (Page[AuditLine], error) {
	return paged(ctx, s, func(tx store.Tx) (found store.Page[store.AuditRecord], err error) {
		objects, err := auditObjects(tx, strings.TrimSpace(in.Who))
		for _, object := range objects {
			if found, err = tx.Audit().List(object, in.slice()); err != nil || len(found.Items) > 0 {
				break
			}
		}
		return found, err
	}, func(v *views, a store.AuditRecord) (AuditLine, bool, error) {
		line, err := v.auditLine(a)
		return line, true, err
	})
}

func auditLine(a store.AuditRecord) AuditLine {
	return AuditLine{
		ID: a.ID, At: a.At.UTC(), Actor: a.Actor, Action: a.Action, Object: a.Object, Detail: a.Detail, Said: a.Said,
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
