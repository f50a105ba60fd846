package mailsync

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"rapport/internal/rescue"
	"rapport/records/message"
	"rapport/records/phrase"
)

// session is one signed-in connection. One goroutine owns it; it dies with
// the context it was opened in.
type session struct {
	w               *wire
	c               *imapclient.Client
	caps            imap.CapSet
	stop            func() bool // ends the watch on the context
	box             Mailbox
	idled           bool   // IDLE is offered
	tried, searches bool   // whether SEARCH was tried, and whether it finds
	counted         int64  // bytes received that are in the budget already; guarded by Syncer.mu
	hush            hush   // of the secret it signed in with
	token           string // it signed in with; empty where that was a password
}

// close ends the connection at once and waits for the library's reader.
func (s *session) close() {
	s.stop()
	s.w.Close()
	s.c.Close()
}

// logout says goodbye, briefly, and closes.
func (s *session) logout() {
	end := s.w.begin(2*time.Second, 2*time.Second)
	s.c.Logout().Wait()
	end()
	s.close()
}

// run does one command under a deadline and says in our words what went wrong.
func (s *session) run(quiet, total time.Duration, what string, command func() error) error {
	end := s.w.begin(quiet, total)
	err := command()
	end()
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, s.fault(err))
}

// fault turns an error of the library into one of ours.
func (s *session) fault(err error) error {
	var said *imap.Error
	if !errors.As(err, &said) {
		err = s.w.why(err)
		var f *Fault
		if errors.As(err, &f) {
			f.Text = f.Text.Map(s.hush.of)
			s.noteExpiry(f)
			return err
		}
		return &Fault{Kind: Lost, Text: phrase.Verbatim(s.hush.of(err.Error())), err: err}
	}
	text := s.hush.of(saidBy(said))
	f := classify(text, phrase.New("the server says: {said}", "said", text))
	f.err = errors.New("the server says: " + text) // by which a refused sign-in is known
	s.noteExpiry(f)
	return f
}

// noteExpiry tells who keeps the tokens that ours is worth nothing any more,
// so that the next sign-in has another.
func (s *session) noteExpiry(f *Fault) {
	if f.Kind == Expired && s.token != "" && s.box.Stale != nil {
		s.box.Stale(s.token)
	}
}

func saidBy(said *imap.Error) string {
	if said.Code != "" {
		return "[" + string(said.Code) + "] " + said.Text
	}
	return said.Text
}

func (s *session) capabilities() imap.CapSet {
	end := s.w.begin(silence, silence)
	defer end()
	return s.c.Caps()
}

// offersNow returns the capabilities after a sign-in, nil where they are not
// told. The library says that a sign-in succeeded a moment before it forgets
// what was offered to strangers and asks anew: until then it would answer with
// that, and its own question would come in between later, even during IDLE.
func (s *session) offersNow() imap.CapSet {
	id := func(c imap.CapSet) uintptr { return reflect.ValueOf(c).Pointer() }
	now := s.capabilities()
	for range 20_000 { // a second: whoever takes longer is believed
		if s.caps == nil || now == nil || id(now) != id(s.caps) {
			break
		}
		time.Sleep(50 * time.Microsecond)
		now = s.capabilities()
	}
	return now
}

// untold is the fault of a server that keeps its capabilities to itself.
func (s *session) untold() error {
	return s.w.why(&Fault{Kind: Silent, Text: phrase.New("the server does not tell its capabilities in time")})
}

// open returns a connection that is signed in.
func open(ctx context.Context, o Options, says func(string)) (*session, error) {
	s, err := connect(ctx, o, says)
	if err != nil {
		return nil, err
	}
	if err := s.signIn(ctx); err != nil {
		s.close()
		return nil, err
	}
	if s.caps = s.offersNow(); s.caps == nil {
		err := s.untold()
		s.close()
		return nil, err
	}
	s.idled = s.caps.Has(imap.CapIdle)
	return s, nil
}

// list returns the mailbox's folders, with their numbers where the server
// gives them along.
func (s *session) list() ([]listed, error) {
	s.w.mu.Lock()
	s.w.lists, s.w.namesSum, s.w.statuses = nil, 0, map[string]selection{}
	s.w.mu.Unlock()
	var opt *imap.ListOptions
	if s.caps.Has(imap.CapListStatus) {
		opt = &imap.ListOptions{ReturnStatus: statusItems}
		if s.caps.Has(imap.CapSpecialUse) {
			opt.ReturnSpecialUse = true
		}
	}
	err := s.run(silence, 10*time.Minute, "list folders", func() error { return s.c.List("", "*", opt).Close() })
	if err != nil && opt != nil && kindOf(err) == Refused { // the server promises what it cannot do
		s.caps = s.caps.Copy()
		delete(s.caps, imap.CapListStatus)
		return s.list()
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.w.lists, err
}

// statusItems are what tells whether a folder has news. HIGHESTMODSEQ is not
// among them: it moves with every flag, which is no news to us, and asking for
// it switches CONDSTORE on (RFC 7162, 3.1), for which Dovecot reads the whole
// log of a folder.
var statusItems = &imap.StatusOptions{NumMessages: true, UIDNext: true, UIDValidity: true}

// status returns a folder's numbers without opening it.
func (s *session) status(raw string) (selection, bool, error) {
	s.w.mu.Lock()
	sel, ok := s.w.statuses[raw]
	s.w.folder = raw
	s.w.mu.Unlock()
	if ok {
		return sel, true, nil
	}
	err := s.run(silence, 5*time.Minute, "ask for the folder's status", func() error {
		_, err := s.c.Status(folderMark, statusItems).Wait()
		return err
	})
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.folder = ""
	sel, ok = s.w.statuses[raw]
	if ok { // of one use
		delete(s.w.statuses, raw)
		s.w.namesSum -= len(raw)
	}
	return sel, ok, err
}

// examine opens a folder read-only.
func (s *session) examine(raw string) (selection, error) {
	if strings.ContainsAny(raw, "\r\n\x00") {
		return selection{}, &Fault{Kind: Refused, Text: phrase.New("the folder's name has a line end in it and cannot be asked for")}
	}
	s.w.mu.Lock()
	s.w.sel, s.w.folder = selection{}, raw
	s.w.mu.Unlock()
	err := s.run(silence, 10*time.Minute, "open the folder", func() error {
		_, err := s.c.Select(folderMark, &imap.SelectOptions{ReadOnly: true}).Wait()
		return err
	})
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.folder = ""
	return s.w.sel, err
}

// search runs a UID SEARCH.
func (s *session) search(criteria imap.SearchCriteria) (message.UIDSet, error) {
	s.w.mu.Lock()
	s.w.found, s.w.searching = numbers{}, true
	s.w.mu.Unlock()
	var opt *imap.SearchOptions
	if s.caps.Has(imap.CapESearch) || s.caps.Has(imap.CapIMAP4rev2) {
		opt = &imap.SearchOptions{ReturnAll: true}
	}
	err := s.run(2*silence, 10*time.Minute, "search the folder", func() error {
		_, err := s.c.UIDSearch(&criteria, opt).Wait()
		return err
	})
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.searching = false
	found, over := s.w.found.take()
	if err == nil {
		err = over
	}
	return found, err
}

// searchAll lists every UID of the folder.
func (s *session) searchAll() (message.UIDSet, error) { return s.search(imap.SearchCriteria{}) }

// searchUIDs tells which of the UIDs the folder still has.
func (s *session) searchUIDs(set message.UIDSet) (message.UIDSet, error) {
	return s.search(imap.SearchCriteria{UID: []imap.UIDSet{uidSet(set)}})
}

// searchAbove lists the UIDs above one.
func (s *session) searchAbove(uid uint32) (message.UIDSet, error) {
	if uid == 1<<32-1 {
		return message.UIDSet{}, nil
	}
	found, err := s.search(imap.SearchCriteria{UID: []imap.UIDSet{{{Start: imap.UID(uid + 1), Stop: 0}}}})
	return found.Minus(message.UIDRanges(message.UIDRange{Lo: 1, Hi: uid})), err // "n:*" always names the last one
}

// searchSince lists the UIDs received on that day or later. The server counts
// days in a time zone of its own, so the day before is asked for as well.
func (s *session) searchSince(t time.Time) (message.UIDSet, error) {
	return s.search(imap.SearchCriteria{Since: t.AddDate(0, 0, -1)})
}

// mention is words to look for together in one header field.
type mention struct {
	field string
	words []string
}

// searchMentions lists the UIDs whose headers bear one of the mentions.
func (s *session) searchMentions(words []mention) (message.UIDSet, error) {
	return s.search(anyOf(words))
}

// anyOf builds a balanced tree of ORs, so that it never is deep.
func anyOf(words []mention) imap.SearchCriteria {
	if len(words) == 1 {
		var c imap.SearchCriteria
		for _, w := range words[0].words {
			c.Header = append(c.Header, imap.SearchCriteriaHeaderField{Key: words[0].field, Value: w})
		}
		return c
	}
	half := len(words) / 2
	return imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{anyOf(words[:half]), anyOf(words[half:])}}}
}

func uidSet(set message.UIDSet) imap.UIDSet {
	var out imap.UIDSet
	for _, r := range set.Ranges() {
		out.AddRange(imap.UID(r.Lo), imap.UID(r.Hi))
	}
	return out
}

// start sends a UID FETCH and returns at once; finish waits for it. A
// goroutine per command reads the library's side of it, which never gets any
// data, only the tagged reply.
func (s *session) start(req *fetchRequest, total time.Duration) {
	req.got = map[uint32]*part{}
	req.done = make(chan error, 1)
	s.w.mu.Lock()
	s.w.fetches = append(s.w.fetches, req)
	s.w.mu.Unlock()
	opt := &imap.FetchOptions{UID: true}
	body := &imap.FetchItemBodySection{Peek: true}
	switch req.section {
	case sectionHeader:
		opt.Flags, opt.InternalDate, opt.RFC822Size = true, true, true
		body.Specifier = imap.PartSpecifierHeader
		opt.BodySection = []*imap.FetchItemBodySection{body}
	case sectionBody:
		if req.length > 0 {
			body.Partial = &imap.SectionPartial{Offset: req.offset, Size: req.length}
		}
		opt.BodySection = []*imap.FetchItemBodySection{body}
	}
	end := s.w.begin(silence, total)
	cmd := s.c.Fetch(uidSet(req.asked), opt)
	go func() {
		req.done <- rescue.Do(func() error {
			defer s.w.forget(req)
			defer end()
			return cmd.Close()
		})
	}()
}

// finish waits for a UID FETCH.
func (s *session) finish(req *fetchRequest) error {
	if req.waited {
		return req.err
	}
	err := <-req.done
	req.waited = true
	switch {
	case err != nil:
		req.err = fmt.Errorf("fetch: %w", s.fault(err))
	case req.broken != nil:
		req.err = &sinkError{fmt.Errorf("keep a fetched body: %w", req.broken)}
	}
	return req.err
}

// abandon gives up a request: the connection is closed, since nothing else
// stops the server from sending.
func (s *session) abandon(req *fetchRequest) {
	s.w.Close()
	s.finish(req)
	req.discard()
}

// missing returns the asked UIDs for which no complete answer has come, of a
// request that may still be under way.
func (s *session) missing(req *fetchRequest) message.UIDSet {
	s.w.mu.Lock() // answers come meanwhile
	defer s.w.mu.Unlock()
	return req.missing()
}

// dead tells whether the connection is of no more use.
func (s *session) dead() bool {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.w.closed || s.w.fault != nil || s.w.bye != ""
}

// asksFor is what else is asked for with headers.
func (w *wire) asksFor() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.extra
}

func (w *wire) forget(req *fetchRequest) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Not by append: what it leaves behind the end keeps every body that came.
	w.fetches = slices.DeleteFunc(w.fetches, func(r *fetchRequest) bool { return r == req })
}

// noop lets the server say what is new.
func (s *session) noop() error {
	return s.run(silence, 5*time.Minute, "ask for news", func() error { return s.c.Noop().Wait() })
}
