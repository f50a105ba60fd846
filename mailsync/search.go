package mailsync

import (
	"context"
	"slices"
	"strings"

	"rapport/records/message"
)

// wordsAtOnce is how many addresses or domains one SEARCH asks for.
const wordsAtOnce = 8

// reopenable are the reasons to skip that another contact, address or rule
// can undo.
var reopenable = []message.Reason{message.NoMatch, message.Internal, message.NotOurs, message.Excluded, message.Erased}

// searches does the searches that wait for this mailbox: what was skipped and
// may match now is reopened, and the next pass fetches it. Folders are those
// that could be opened; a search is ticked off when all of them were asked.
func (s *Syncer) searches(ctx context.Context, sess *session, folders []folder) error {
	pending, err := s.o.Sink.Pending(ctx, s.o.Mailbox.Name)
	if err != nil {
		return ofSink(err, "list the searches of %s", s.o.Mailbox.Name)
	}
	if len(pending) == 0 {
		return nil
	}
	for _, f := range folders {
		if err := s.searchFolder(ctx, sess, f, pending); err != nil {
			if kindOf(err) != Refused || sess.dead() {
				return err
			}
			s.fail(ctx, f, err)
		}
	}
	for _, search := range pending {
		if err := s.o.Sink.Searched(ctx, s.o.Mailbox.Name, search.ID); err != nil {
			return ofSink(err, "tick off a search of %s", s.o.Mailbox.Name)
		}
	}
	return nil
}

// searchFolder reopens in one folder what the searches concern.
func (s *Syncer) searchFolder(ctx context.Context, sess *session, f folder, pending []message.Search) error {
	sel, err := sess.examine(f.raw)
	if err != nil {
		return err
	}
	mf := message.Folder{Mailbox: s.o.Mailbox.Name, Name: f.name, UIDValidity: sel.uidValidity, Role: f.role}
	prog, err := s.o.Sink.Resume(ctx, mf)
	if err != nil {
		return ofSink(err, "resume %s", f.name)
	}
	var skipped message.UIDSet
	for _, r := range reopenable {
		skipped = skipped.Union(prog.Skipped[r])
	}
	if skipped.Empty() {
		return nil
	}
	var words []mention
	for _, search := range pending {
		if search.All {
			return ofSink(s.o.Sink.Reopen(ctx, mf, skipped), "reopen %s", f.name)
		}
		more, everything := mentions(search)
		if everything {
			return ofSink(s.o.Sink.Reopen(ctx, mf, skipped), "reopen %s", f.name)
		}
		words = append(words, more...)
	}
	found, err := s.searchWords(ctx, sess, words)
	if err != nil && kindOf(err) != Refused {
		return err
	}
	if err != nil || !s.searchWorks(sess) { // read the headers again instead
		found = skipped
	}
	found = found.Intersect(skipped)
	if found.Empty() {
		return nil
	}
	return ofSink(s.o.Sink.Reopen(ctx, mf, found), "reopen %s", f.name)
}

// searchFields are the header fields whose addresses are participants.
var searchFields = []string{"FROM", "TO", "CC", "BCC", "REPLY-TO", "SENDER", "RESENT-FROM", "RESENT-TO"}

// mentions are what to look for: who wrote, and to whom. It may find too much,
// since whatever is found is judged by its header again, and never too little:
// an address is looked for without its plus-tag, and where dots do not count,
// by its domain. all says that no search can find it and everything skipped
// has to be judged again: the name of an internationalised domain stands in
// headers in either form.
func mentions(search message.Search) (out []mention, all bool) {
	var sought [][]string
	for _, a := range search.Addresses {
		local, _, _ := strings.Cut(a.Local(), "+")
		switch domain := a.Domain(); {
		case !ascii(string(a)) || local == "":
			all = true
		case domain == "gmail.com" || domain == "googlemail.com":
			sought = append(sought, []string{"gmail.com"}, []string{"googlemail.com"})
		case strings.Contains(domain, "xn--"):
			sought = append(sought, []string{local})
		default:
			sought = append(sought, []string{local, domain})
		}
	}
	for _, d := range search.Domains {
		if !ascii(d) || strings.Contains(d, "xn--") {
			all = true
			continue
		}
		sought = append(sought, []string{d})
	}
	slices.SortFunc(sought, slices.Compare[[]string])
	for _, words := range slices.CompactFunc(sought, slices.Equal[[]string]) {
		for _, field := range searchFields {
			out = append(out, mention{field, words})
		}
	}
	return out, all
}

func ascii(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

func (s *Syncer) searchWords(ctx context.Context, sess *session, words []mention) (message.UIDSet, error) {
	var found message.UIDSet
	for len(words) > 0 {
		n := min(len(words), wordsAtOnce*len(searchFields))
		if err := s.limit.Wait(ctx); err != nil {
			return found, err
		}
		more, err := sess.searchMentions(words[:n])
		if err != nil {
			return found, err
		}
		found, words = found.Union(more), words[n:]
	}
	return found, nil
}

// searchWorks tries the server's SEARCH on the newest message of the open
// folder: where it does not find that by its own sender, it is not believed.
// It is tried once a connection.
func (s *Syncer) searchWorks(sess *session) bool {
	if sess.tried {
		return sess.searches
	}
	all, err := sess.searchAll()
	if err != nil || all.Empty() {
		return err == nil
	}
	req := &fetchRequest{asked: all.Newest(1), section: sectionHeader, offset: -1}
	sess.start(req, allow(maxHeader))
	if sess.finish(req) != nil {
		return true
	}
	got := req.got[all.Max()]
	if got == nil || !got.have {
		return true
	}
	sess.tried, sess.searches = true, true
	for _, from := range message.ParseHead(got.data).From {
		if a := string(from.Address); ascii(a) {
			found, err := sess.searchMentions([]mention{{"FROM", []string{a}}})
			sess.searches = err == nil && found.Has(all.Max())
			break
		}
	}
	if !sess.searches {
		s.o.Log.Warn("the server's search does not find what is there; headers are read again instead", "mailbox", s.o.Mailbox.Name)
	}
	return sess.searches
}
