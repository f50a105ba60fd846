package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
	"rapport/store/veil"
)

// Calendar is a member's feed of follow-ups; Path is told once, when it is
// handed out, as the token in it is all it takes to read it.
type Calendar struct {
	Member  contact.Address `json:"member"`
	Created time.Time       `json:"created"`
	By      string          `json:"by"`
	Path    string          `json:"path,omitempty"` // below the address of the pages
}

// CalendarInput says whose calendar it is.
type CalendarInput struct {
	Member string `json:"member,omitempty" doc:"a member; whoever asks where it is left out. Others' are an administrator's matter."`
}

func (s *Server) describeCalendars(api huma.API) {
	const tag = "follow-ups"
	describe(s, api, operation{id: "list-calendars", pattern: "GET /calendars", tag: tag, need: access.Read,
		summary: "List the calendar feeds that are handed out", detail: "One's own; an administrator is shown everybody's."}, s.listCalendars)
	describe(s, api, operation{id: "add-calendar", pattern: "POST /calendars", tag: tag, secret: true, need: access.Write,
		summary: "Hand out a calendar feed of a member's follow-ups",
		detail:  "The answer's path is told once. A calendar program that subscribes to it shows what is to be followed up; whoever has the address can read it, so it can be revoked."}, s.addCalendar)
	describe(s, api, operation{id: "revoke-calendars", pattern: "POST /calendars/revoke", tag: tag, need: access.Write,
		summary: "Take back all calendar feeds of a member"}, s.revokeCalendars)
}

// calendarOf is the member whose calendar somebody may hand out and take back.
func (s *Server) calendarOf(ctx context.Context, who string) (contact.Address, error) {
	p := principal(ctx)
	if strings.TrimSpace(who) == "" {
		if p.Address == "" {
			return "", invalid("whose calendar? Name a member; `rapport member list` shows them")
		}
		return p.Address, nil
	}
	member, err := s.member(ctx, who)
	if err == nil && member != p.Address {
		err = forbidden(p, access.Manage)
	}
	return member, err
}

func (s *Server) listCalendars(ctx context.Context, _ *struct{}) (Page[Calendar], error) {
	p := principal(ctx)
	page := Page[Calendar]{Items: []Calendar{}}
	err := s.view(ctx, func(tx store.Tx) error {
		found, err := tx.Feeds().Of("")
		page.Items = []Calendar{}
		for _, f := range found {
			if f.Member == p.Address || p.May(access.Manage) == nil {
				page.Items = append(page.Items, Calendar{Member: f.Member, Created: f.Created, By: f.By})
			}
		}
		return err
	})
	return page, err
}

func (s *Server) addCalendar(ctx context.Context, in *struct{ Body CalendarInput }) (none Calendar, err error) {
	member, err := s.calendarOf(ctx, in.Body.Member)
	if err != nil {
		return none, err
	}
	var secret [32]byte
	rand.Read(secret[:]) // it never fails
	token := base64.RawURLEncoding.EncodeToString(secret[:])
	if err := s.records.AddFeed(ctx, actor(ctx), store.Feed{Token: feedDigest(token), Member: member}); err != nil {
		return none, refused(err)
	}
	return Calendar{Member: member, Created: s.now(), By: actor(ctx), Path: feedPath + token + feedSuffix}, nil
}

// Revoked is how many feeds are no longer served.
type Revoked struct {
	Revoked int `json:"revoked"`
}

func (s *Server) revokeCalendars(ctx context.Context, in *struct{ Body CalendarInput }) (out Revoked, err error) {
	member, err := s.calendarOf(ctx, in.Body.Member)
	if err == nil {
		out.Revoked, err = s.records.RevokeFeeds(ctx, actor(ctx), member)
	}
	return out, err
}

const (
	feedPath   = "/feed/"
	feedSuffix = ".ics"
)

func feedDigest(token string) store.Digest {
	sum := sha256.Sum256([]byte("calendar\x00" + token))
	return store.Digest(sum[:16])
}

// Feed serves the calendars below /feed/. Their tokens are the only sign-in;
// whoever may no longer sign in has no calendar either.
func (s *Server) Feed() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+feedPath+"{file}", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "private, max-age=300")
		ctx, cancel := context.WithTimeout(r.Context(), shortTime)
		defer cancel()
		token, found := strings.CutSuffix(r.PathValue("file"), feedSuffix)
		var text []byte
		err := error(store.ErrNotFound)
		if found {
			text, err = s.calendar(ctx, feedDigest(token))
		}
		if errors.Is(err, store.ErrNotFound) {
			http.Error(w, "there is no such calendar, or it was taken back", http.StatusNotFound)
			return
		}
		if err != nil {
			s.log.Error("calendar", "err", err)
			http.Error(w, "the calendar cannot be read now", http.StatusInternalServerError)
			return
		}
		h.Set("Content-Type", "text/calendar; charset=utf-8")
		_, _ = w.Write(text) // whoever is gone does not read it
	})
	return mux
}

// calendar writes down what the member of a feed is to do, as that member may
// see it.
func (s *Server) calendar(ctx context.Context, token store.Digest) ([]byte, error) {
	var out []byte
	boxes := s.mailboxes()
	err := s.store.View(ctx, func(tx store.Tx) error {
		feed, err := tx.Feeds().Get(token)
		if err != nil {
			return err
		}
		who, err := ReaderOf(tx, feed.Member)
		if err != nil {
			return err
		}
		seen := veil.Over(tx, who, boxes)
		page, err := seen.FollowUps().List(store.FollowUpFilter{Owner: feed.Member}, store.Slice{Limit: 1000})
		if err != nil {
			return err
		}
		v := newViews(seen)
		c := newCalendar("Rapport")
		for _, f := range page.Items {
			item, err := v.followUp(f, "")
			if err != nil {
				return err
			}
			c.event(item)
		}
		out = c.end()
		return nil
	})
	return out, err
}

// ReaderOf is on whose behalf a member's feed and daily mail are made: the
// member as a user, with what that user may see. Where users are set up and the
// member is none, it is [store.ErrNotFound].
func ReaderOf(tx store.Tx, member contact.Address) (access.Principal, error) {
	users, err := tx.Accounts().List()
	if err != nil {
		return access.Principal{}, err
	}
	who := access.Principal{Kind: access.User, Name: string(member), Address: member, Role: access.Member}
	n := slices.IndexFunc(users, func(u access.Account) bool { return u.Address == member })
	switch {
	case n >= 0:
		who.ID, who.Role, who.Sees = users[n].ID, users[n].Role, users[n].Sees
	case len(users) > 0:
		return access.Principal{}, store.ErrNotFound
	}
	return who, nil
}

// icalendar is a calendar as RFC 5545 writes it. Follow-ups are events of a
// whole day that leave it free: of to-dos a subscribed calendar shows nothing
// in Outlook and Google.
type icalendar struct{ b []byte }

func newCalendar(name string) *icalendar {
	c := &icalendar{}
	for _, line := range []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Rapport//Follow-ups//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH",
		"X-WR-CALNAME:" + icalText(name), "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H"} {
		c.line(line)
	}
	return c
}

func (c *icalendar) event(f FollowUpItem) {
	const stamp, date = "20060102T150405Z", "20060102"
	summary := f.Name
	if first, _, _ := strings.Cut(f.Note, "\n"); first != "" {
		summary = strings.TrimPrefix(summary+": "+first, ": ")
	}
	if summary == "" {
		summary = "Follow-up"
	}
	for _, line := range []string{"BEGIN:VEVENT", "UID:" + string(f.ID) + "@rapport",
		"DTSTAMP:" + f.Updated.UTC().Format(stamp), "LAST-MODIFIED:" + f.Updated.UTC().Format(stamp), "CREATED:" + f.Created.UTC().Format(stamp),
		"DTSTART;VALUE=DATE:" + f.Due.In(time.UTC).Format(date), "DTEND;VALUE=DATE:" + f.Due.After(1).In(time.UTC).Format(date),
		"SUMMARY:" + icalText(summary)} {
		c.line(line)
	}
	if f.Note != "" {
		c.line("DESCRIPTION:" + icalText(f.Note))
	}
	c.line("TRANSP:TRANSPARENT")
	c.line("END:VEVENT")
}

func (c *icalendar) end() []byte {
	c.line("END:VCALENDAR")
	return c.b
}

// icalText escapes a text, RFC 5545 section 3.3.11. Characters that steer
// terminals, or are no part of a text, go.
func icalText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD"))
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(s)
}

// line adds a content line, folded so that none has over 75 octets and no
// character is cut in two, RFC 5545 section 3.1.
func (c *icalendar) line(s string) {
	room := 75
	for len(s) > room {
		n := room
		for n > 0 && s[n]&0xC0 == 0x80 { // within a character
			n--
		}
		c.b = append(append(c.b, s[:n]...), "\r\n "...)
		s, room = s[n:], 74
	}
	c.b = append(append(c.b, s...), "\r\n"...)
}
