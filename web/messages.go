package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

func (s *Server) describeMessages(api huma.API) {
	const tag = "messages"
	describe(s, api, operation{id: "list-timeline", pattern: "GET /timeline", tag: tag, need: access.Read,
		summary: "Read a history, newest first"}, s.timeline)
	describe(s, api, operation{id: "search", pattern: "GET /search", tag: tag, need: access.Read,
		summary: "Search all histories, newest or best first"}, s.search)
	describe(s, api, operation{id: "add-note", pattern: "POST /notes", tag: tag, need: access.Write,
		summary: "Write down a note, call or meeting"}, s.addNote)
	describe(s, api, operation{id: "get-message", pattern: "GET /messages/{id}", tag: tag, need: access.Read,
		summary: "Read a message"}, s.showMessage)
	describeDownload(s, api, operation{id: "get-raw-message", pattern: "GET /messages/{id}/raw", tag: tag, need: access.Read, long: true,
		summary: "Download a message's original bytes"}, "message/rfc822", s.rawMessage)
}

// MessageInput is the input of operations on one message.
type MessageInput struct {
	ID string `path:"id" example:"01ARZ3NDEKTSV4RRFFQ69G5FAV" doc:"The id of a message or of its entry, a Message-ID, or a copy as MAILBOX/FOLDER/UID."`
}

// history is the input of the timeline and the trail.
type history struct {
	SliceInput
	Narrowing
	Who string `query:"who" doc:"Of whom: an id, address, domain or name; everybody's where it is not given."`
}

func (s *Server) timeline(ctx context.Context, in *history) (page Page[Entry], err error) {
	n, err := s.narrower(ctx, in.Narrowing)
	if err != nil {
		return page, err
	}
	err = s.view(ctx, func(tx store.Tx) (err error) {
		var who store.Subject
		of := tx.Entries().Recent
		if in.Who != "" {
			if who, err = resolve(tx, in.Who, anybody); err != nil {
				return err
			}
			of = func(slice store.Slice) (store.Page[timeline.Entry], error) { return tx.Entries().Of(who, slice) }
		}
		page, err = n.history(tx, who, in.slice(), of)
		return err
	})
	return page, err
}

// searching is the input of a search.
type searching struct {
	SliceInput
	Q     string `query:"q" example:"from:carl after:2026-01-01 offer" doc:"Words, all of which must occur, and operators; rapport help search lists them."`
	Order string `query:"order" enum:"newest,best" default:"newest" doc:"newest first, or best: of the 300 newest that are found, those first in which the words stand most; such a list has no further pages."`
}

func (s *Server) search(ctx context.Context, in *searching) (Page[Entry], error) {
	query, err := store.ParseQuery(in.Q)
	if err != nil {
		return Page[Entry]{}, Invalid(err)
	}
	began := time.Now()
	if in.Order == "best" {
		page, err := s.best(ctx, query, in.SliceInput)
		return page, errors.Join(err, s.onTheBeat(ctx, began))
	}
	page, err := paged(ctx, s, func(tx store.Tx) (store.Page[timeline.Entry], error) {
		return tx.Entries().Search(query, in.slice())
	}, func(v *views, e timeline.Entry) (Entry, bool, error) { return v.hit(e, query) })
	if err == nil && len(page.Items) == 0 && in.Cursor == "" {
		err = s.searchable(ctx, query)
	}
	return page, errors.Join(err, s.onTheBeat(ctx, began))
}

func (s *Server) addNote(ctx context.Context, in *struct{ Body Note }) (none Entry, err error) {
	kind := timeline.Kind(in.Body.Kind)
	switch kind {
	case "":
		kind = timeline.Note
	case timeline.Note, timeline.Call, timeline.Meeting:
	default:
		return none, invalid("no kind of entry \"{kind}\" by hand; there are note, call, meeting", "kind", in.Body.Kind)
	}
	if strings.TrimSpace(in.Body.Text) == "" {
		return none, invalid("the text is empty")
	}
	who, err := s.subject(ctx, in.Body.Who)
	if err != nil {
		return none, err
	}
	e, err := s.records.Note(ctx, actor(ctx), who, kind, in.Body.Text, in.Body.At)
	if err != nil {
		return none, refused(err)
	}
	var view Entry
	err = s.view(ctx, func(tx store.Tx) error {
		view, _, err = newViews(tx).entry(e, who)
		return err
	})
	return view, err
}

func (s *Server) subject(ctx context.Context, name string) (who store.Subject, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		who, err = resolve(tx, name, anybody)
		return err
	})
	return who, err
}

// stored finds the message a person names: by its id, its entry's id, its
// Message-ID, or a copy as MAILBOX/FOLDER/UID. What is private by hand is not
// found.
func stored(tx store.Tx, name string) (message.Message, error) {
	id, err := messageNamed(tx, name)
	if err != nil {
		return message.Message{}, err
	}
	m, err := tx.Messages().Get(id)
	if err != nil || m.Hidden {
		return message.Message{}, noMessage(name, err)
	}
	return m, nil
}

func noMessage(name string, err error) error {
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return told(http.StatusNotFound, codeNotFound, "no message is known as \"{name}\"; timelines and search print the ids", "name", name)
}

func messageNamed(tx store.Tx, name string) (message.ID, error) {
	name = strings.TrimSpace(name)
	if isID(name) {
		id := strings.ToUpper(name)
		e, err := tx.Entries().Get(timeline.ID(id))
		if err == nil && e.Message != "" {
			return e.Message, nil
		}
		return message.ID(id), missing(err)
	}
	if f, uid, ok := copyNamed(tx, name); ok {
		id, err := tx.Messages().ByHolding(f.Mailbox, f.Name, f.UIDValidity, uid)
		if err == nil {
			return id, nil
		}
		if missing(err) != nil {
			return "", err
		}
	}
	ids, err := tx.Messages().ByMessageID(strings.Trim(name, "<>"))
	switch {
	case err != nil || len(ids) == 0:
		return "", noMessage(name, err)
	case len(ids) == 1:
		return ids[0], nil
	}
	p := &Problem{Status: http.StatusConflict, Code: codeAmbiguous, Detail: "several messages bear this Message-ID; name one by its id"}
	for _, id := range ids[:min(len(ids), maxCandidates)] {
		p.Candidates = append(p.Candidates, Candidate{ID: string(id), Kind: "message", Name: "message"})
	}
	return "", p
}

// copyNamed reads MAILBOX/FOLDER/UID; folders may have slashes in their names.
func copyNamed(tx store.Tx, name string) (message.Folder, uint32, bool) {
	mailbox, rest, ok := strings.Cut(name, "/")
	i := strings.LastIndexByte(rest, '/')
	if !ok || i <= 0 {
		return message.Folder{}, 0, false
	}
	uid, err := strconv.ParseUint(rest[i+1:], 10, 32)
	if err != nil || uid == 0 {
		return message.Folder{}, 0, false
	}
	folders, err := tx.Folders().List(mailbox)
	if err != nil {
		return message.Folder{}, 0, false
	}
	var newest message.Folder // the last numbering is the one the server uses
	for _, f := range folders {
		if f.Name == rest[:i] {
			newest = f
		}
	}
	return newest, uint32(uid), newest.Name != ""
}

func (s *Server) showMessage(ctx context.Context, in *MessageInput) (Message, error) {
	return s.readMessage(ctx, in.ID)
}

// rawMessage answers with the original bytes, as a download whatever they say
// they are.
func (s *Server) rawMessage(ctx context.Context, in *MessageInput, w http.ResponseWriter, r *http.Request) error {
	m, raw, err := s.rawOf(ctx, in.ID)
	if err != nil {
		return err
	}
	defer raw.Close()
	w.Header().Set("Content-Type", "message/rfc822")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", string(m.ID)+".eml"))
	return s.send(w, r, raw)
}

// send streams bytes to an answer; see answerInPart where they cannot be read
// to their end.
func (s *Server) send(w http.ResponseWriter, r *http.Request, from io.Reader) error {
	if r.Method == http.MethodHead {
		return nil
	}
	out := &patient{ResponseWriter: w, control: http.NewResponseController(w)}
	if _, err := io.Copy(out, from); err != nil {
		return s.answerInPart(w, r, out.sent, err)
	}
	return nil
}

// patient renews the write deadline with every block.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	sent    bool // something was
}

func (p *patient) Write(b []byte) (int, error) {
	p.sent = true
	extendDeadline(p.control)
	return p.ResponseWriter.Write(b)
}
