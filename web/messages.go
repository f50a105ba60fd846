package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

func (s *Server) messageRoutes() []route {
	return []route{
		{pattern: "GET /timeline", serve: s.timeline},
		{pattern: "GET /search", serve: s.search},
		{pattern: "POST /notes", serve: s.addNote},
		{pattern: "GET /messages/{id}", serve: s.showMessage},
		{pattern: "GET /messages/{id}/raw", serve: s.rawMessage, long: true},
		{pattern: "GET /messages/{id}/explain", serve: s.explain},
		{pattern: "POST /messages/{id}/file", serve: s.decide(s.records.File)},
		{pattern: "POST /messages/{id}/unfile", serve: s.decide(s.records.Unfile)},
		{pattern: "POST /messages/{id}/withdraw", serve: s.withdraw},
		{pattern: "POST /threads/{id}/private", serve: s.private},
		{pattern: "POST /undo/{audit}", serve: s.undo},
		{pattern: "GET /reviews", serve: s.listReviews},
		{pattern: "GET /audit", serve: s.listAudit},
	}
}

func (s *Server) timeline(w http.ResponseWriter, r *http.Request) error {
	slice, err := sliceOf(r)
	if err != nil {
		return err
	}
	name := r.URL.Query().Get("who")
	var page Page[Entry]
	err = s.view(r.Context(), func(tx store.Tx) error {
		var found store.Page[timeline.Entry]
		var who store.Subject
		if name == "" {
			found, err = tx.Entries().Recent(slice)
		} else if who, err = resolve(tx, name, anybody); err == nil {
			found, err = tx.Entries().Of(who, slice)
		}
		if err != nil {
			return err
		}
		page.Next = string(found.Next)
		page.Items, err = newViews(tx).entries(found.Items, who)
		return err
	})
	if err != nil {
		return err
	}
	return reply(w, page)
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	slice, err := sliceOf(r)
	if err != nil {
		return err
	}
	query, err := store.ParseQuery(r.URL.Query().Get("q"))
	if err != nil {
		return invalid("%s", oneLine(err.Error()))
	}
	var page Page[Entry]
	err = s.view(r.Context(), func(tx store.Tx) error {
		found, err := tx.Entries().Search(query, slice)
		if err != nil {
			return err
		}
		page.Next = string(found.Next)
		page.Items, err = newViews(tx).entries(found.Items, store.Subject{})
		return err
	})
	if err == nil && len(page.Items) == 0 && slice.Cursor == "" {
		err = s.searchable(r.Context(), query)
	}
	if err != nil {
		return err
	}
	return reply(w, page)
}

func (s *Server) addNote(w http.ResponseWriter, r *http.Request) error {
	var in Note
	if err := decode(r, &in); err != nil {
		return err
	}
	kind := timeline.Kind(in.Kind)
	switch kind {
	case "":
		kind = timeline.Note
	case timeline.Note, timeline.Call, timeline.Meeting:
	default:
		return invalid("no kind of entry %q by hand; there are note, call, meeting", oneLine(in.Kind))
	}
	if strings.TrimSpace(in.Text) == "" {
		return invalid("the text is empty")
	}
	who, err := s.subject(r.Context(), in.Who)
	if err != nil {
		return err
	}
	e, err := s.records.Note(r.Context(), s.actor(r), who, kind, in.Text, in.At)
	if err != nil {
		return refused(err)
	}
	var view Entry
	err = s.view(r.Context(), func(tx store.Tx) error {
		view, _, err = newViews(tx).entry(e, who)
		return err
	})
	if err != nil {
		return err
	}
	return reply(w, view)
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
	return &Problem{Status: http.StatusNotFound, Code: codeNotFound,
		Detail: fmt.Sprintf("no message is known as %q; timelines and search print the ids", oneLine(name))}
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

func (s *Server) showMessage(w http.ResponseWriter, r *http.Request) error {
	var m message.Message
	var matched []Match
	var raw io.ReadCloser
	err := s.view(r.Context(), func(tx store.Tx) (err error) {
		if m, err = stored(tx, r.PathValue("id")); err != nil {
			return err
		}
		if matched, err = newViews(tx).matches(m.Matches); err != nil {
			return err
		}
		raw, err = tx.Blobs().Open(m.Raw)
		return err
	})
	if err != nil {
		return err
	}
	defer raw.Close()
	parsed, err := message.Parse(raw, message.Limits{})
	if err != nil {
		return fmt.Errorf("read message %s: %w", m.ID, err)
	}
	return reply(w, Message{
		ID: m.ID, Mail: message.Describe("", parsed), Thread: m.Thread, Time: m.Time.UTC(), Direction: m.Direction,
		Size: m.Size, Trust: m.Trust, Flags: list(m.Flags), Holdings: holdings(m.Holdings), Matches: matched,
		Variants: len(m.Variants), Protected: m.Protected,
	})
}

// rawMessage answers with the original bytes, as a download whatever they say
// they are.
func (s *Server) rawMessage(w http.ResponseWriter, r *http.Request) error {
	var m message.Message
	var raw io.ReadCloser
	err := s.view(r.Context(), func(tx store.Tx) (err error) {
		if m, err = stored(tx, r.PathValue("id")); err != nil {
			return err
		}
		raw, err = tx.Blobs().Open(m.Raw)
		return err
	})
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
