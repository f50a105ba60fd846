package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// conversation puts entries, each an hour after the one before, the last an
// hour before noon: i is theirs, o ours.
func (w *world) conversation(thread string, who contact.ID, words string) {
	w.t.Helper()
	ways := strings.Fields(words)
	err := w.store.Update(context.Background(), func(tx store.Tx) error {
		for n, way := range ways {
			e := timeline.Entry{
				ID: timeline.ID(store.NewID(noon)), Time: noon.Add(-time.Duration(len(ways)-n) * time.Hour), Kind: timeline.Message,
				Direction: message.In, Turn: timeline.Asks, Thread: message.ThreadID(thread), Subject: fmt.Sprint(thread, n),
				Contacts: []contact.ID{who}, Members: []contact.Address{"ada@example.com"},
			}
			if way == "o" {
				e.Direction = message.Out
			}
			if err := tx.Entries().Put(e, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestRelationAndToday(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.conversation("t1", w.carl, "i o i")
	w.conversation("t2", w.cara, "i o")
	r, err := w.client.Relation(ctx, "carl")
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "Carl Weber" || !r.WaitingForUs.Equal(noon.Add(-time.Hour)) || !r.WaitingForThem.IsZero() ||
		r.Ours.Answers != 1 || r.Ours.Median != 3600 || r.Theirs.Median != 3600 || len(r.Months) != 1 || r.Months[0].In != 2 || r.Months[0].Out != 1 {
		t.Errorf("relation %+v", r)
	}
	if r.Members != nil || r.Team == nil || r.Team.Members != 1 { // what is shown of members where nothing is configured
		t.Errorf("of the team %+v, of members %+v", r.Team, r.Members)
	}
	today, err := w.client.Today(ctx, "everybody", 0)
	if err != nil {
		t.Fatal(err)
	}
	if us := today.WaitingForUs.Items; len(us) != 1 || us[0].Contact != w.carl || us[0].Subject != "t12" || us[0].Working != 3600 {
		t.Errorf("who waits for us: %+v", us)
	}
	if them := today.WaitingForThem.Items; len(them) != 1 || them[0].Contact != w.cara {
		t.Errorf("whom we wait for: %+v", them)
	}
	if _, err := w.client.Today(ctx, "mine", 0); err == nil {
		t.Error("the service's own user has a day")
	}
	people, err := w.client.Contacts(ctx, Filter{Waiting: "us"}, Slice{})
	if err != nil || len(people.Items) != 1 || people.Items[0].Relation == nil || people.Items[0].Relation.WaitingForUs.IsZero() {
		t.Errorf("contacts that wait: %+v, %v", people.Items, err)
	}
	for f, want := range map[Filter]int{{Sort: "contact"}: 3, {Sort: "quiet"}: 3, {QuietSince: noon.Format(time.RFC3339)}: 2, {QuietSince: noon.AddDate(-1, 0, 0).Format(time.RFC3339)}: 0} {
		if page, err := w.client.Contacts(ctx, f, Slice{}); err != nil || len(page.Items) != want {
			t.Errorf("%+v: %d contacts, %v; want %d", f, len(page.Items), err, want)
		}
	}
	for _, bad := range []Filter{{Sort: "waiting"}, {Sort: "age"}, {Waiting: "me"}, {QuietSince: "yesterday"}} {
		if _, err := w.client.Contacts(ctx, bad, Slice{}); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// TestTodayGoesOn pages through many conversations one at a time.
func TestTodayGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 7 {
		w.conversation(fmt.Sprint("t", n), w.carl, strings.Repeat("i ", n+1))
	}
	at, seen := Slice{Limit: 2}, 0
	for last := (time.Time{}); ; {
		part, err := w.client.TodayPart(t.Context(), "waiting_for_us", "everybody", at)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range part.Waiting.Items {
			if item.Since.Before(last) {
				t.Errorf("%v comes after %v", item.Since, last)
			}
			last, seen = item.Since, seen+1
		}
		if at.Cursor = part.Waiting.Next; at.Cursor == "" {
			break
		}
	}
	if seen != 7 {
		t.Errorf("%d conversations, want 7", seen)
	}
	for _, cursor := range []string{"x", "[]", "[null,null]", `[{"at":"!"},{}]`} {
		if _, err := w.client.TodayPart(t.Context(), "waiting_for_us", "everybody", Slice{Cursor: cursor}); err == nil {
			t.Errorf("the cursor %q was accepted", cursor)
		}
	}
}

func TestFollowUps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	f, err := w.client.AddFollowUp(ctx, FollowUpInput{Who: "carl", Due: "2026-03-01", Owner: "ada", Note: "ask"})
	if err != nil || f.Name != "Carl Weber" || f.Owner != "ada@example.com" || !f.Overdue {
		t.Fatalf("AddFollowUp = %+v, %v", f, err)
	}
	if about, err := w.client.AddFollowUp(ctx, FollowUpInput{Message: w.mail, Due: "2027-01-01", Owner: "ada"}); err != nil || about.Name == "" {
		t.Errorf("about a message: %+v, %v", about, err)
	}
	for _, bad := range []FollowUpInput{
		{Who: "carl", Due: "tomorrow", Owner: "ada"}, {Who: "carl", Due: "2026-03-01"}, {Who: "nobody", Due: "2026-03-01", Owner: "ada"},
		{Due: "2026-03-01", Owner: "ada"}, {Who: "carl", Message: w.mail, Due: "2026-03-01", Owner: "ada"}, {Message: "none", Due: "2026-03-01", Owner: "ada"},
	} {
		if got, err := w.client.AddFollowUp(ctx, bad); err == nil {
			t.Errorf("%+v was accepted: %+v", bad, got)
		}
	}
	today, err := w.client.Today(ctx, "ada", 0)
	if err != nil || len(today.FollowUps.Items) != 1 {
		t.Errorf("today %+v, %v", today.FollowUps, err)
	}
	day, done := "2026-04-01", true
	if f, err = w.client.EditFollowUp(ctx, string(f.ID), FollowUpEdit{Due: &day}); err != nil || f.Overdue || f.Due != "2026-04-01" {
		t.Errorf("put off: %+v, %v", f, err)
	}
	if f, err = w.client.EditFollowUp(ctx, string(f.ID), FollowUpEdit{Done: &done}); err != nil || f.Open() {
		t.Errorf("done: %+v, %v", f, err)
	}
	list := func(f FollowUpFilter) int {
		page, err := w.client.FollowUps(ctx, f, Slice{})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Items)
	}
	if a, b, c := list(FollowUpFilter{}), list(FollowUpFilter{Done: true}), list(FollowUpFilter{Who: "carl", Done: true}); a != 1 || b != 1 || c != 1 {
		t.Errorf("%d to do, %d done, %d of Carl done; want 1 each", a, b, c)
	}
}

// TestCalendar reads a feed as a calendar program does.
func TestCalendar(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	note := "Ask; about, the \\ offer\nwith a second line " + strings.Repeat("ধন্যবাদ ", 30)
	if _, err := w.client.AddFollowUp(ctx, FollowUpInput{Who: "carl", Due: "2026-03-31", Owner: "ada", Note: note}); err != nil {
		t.Fatal(err)
	}
	feed, err := w.client.AddCalendar(ctx, "ada")
	if err != nil {
		t.Fatal(err)
	}
	handler := New(Options{Store: w.store, Records: w.records, Daemon: w.daemon, Now: func() time.Time { return noon }}).Feed()
	get := func(path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		return rec
	}
	rec := get(feed.Path)
	text := rec.Body.String()
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "text/calendar; charset=utf-8" {
		t.Fatalf("%d %v: %s", rec.Code, rec.Header(), text)
	}
	for _, line := range strings.SplitAfter(text, "\n") {
		if len(line) > 77 || line != "" && !strings.HasSuffix(line, "\r\n") || strings.ToValidUTF8(line, "") != line {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
	whole := strings.ReplaceAll(text, "\r\n ", "")
	for _, want := range []string{
		"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "DTSTART;VALUE=DATE:20260331\r\nDTEND;VALUE=DATE:20260401\r\n", "TRANSP:TRANSPARENT\r\n",
		`SUMMARY:Carl Weber: Ask\; about\, the \\ offer` + "\r\n", `offer\nwith a second line`, "END:VEVENT\r\nEND:VCALENDAR\r\n",
	} {
		if !strings.Contains(whole, want) {
			t.Errorf("the calendar has no %q:\n%s", want, whole)
		}
	}
	for _, path := range []string{feed.Path[:len(feed.Path)-5] + ".ics", strings.TrimSuffix(feed.Path, ".ics"), "/feed/.ics", "/feed/x"} {
		if got := get(path).Code; got != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, got)
		}
	}
	if list, err := w.client.Calendars(ctx); err != nil || len(list.Items) != 1 || list.Items[0].Path != "" {
		t.Errorf("Calendars = %+v, %v", list, err)
	}
	// Once users are set up, a member who is none has no calendar.
	eve := access.Account{ID: store.NewID(noon), Name: "Eve", Address: "eve@example.com", Role: access.Member}
	if err := w.store.Update(ctx, func(tx store.Tx) error { return tx.Accounts().Put(eve) }); err != nil {
		t.Fatal(err)
	}
	if got := get(feed.Path).Code; got != http.StatusNotFound {
		t.Errorf("the calendar of who may not sign in: %d, want 404", got)
	}
	if err := w.store.Update(ctx, func(tx store.Tx) error { return tx.Accounts().Delete(eve.ID) }); err != nil {
		t.Fatal(err)
	}
	if n, err := w.client.RevokeCalendars(ctx, "ada"); err != nil || n.Revoked != 1 {
		t.Errorf("RevokeCalendars = %+v, %v", n, err)
	}
	if got := get(feed.Path).Code; got != http.StatusNotFound {
		t.Errorf("a calendar that was taken back: %d, want 404", got)
	}
}

// TestCalendarsOfOthers demands the right to manage for other members' feeds.
func TestCalendarsOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	api := NewHandlerClient(w.handler)
	as := func(role access.Role, address contact.Address) context.Context {
		return WithPrincipal(t.Context(), access.Principal{Kind: access.User, ID: "u", Name: "U", Role: role, Address: address})
	}
	var p *Problem
	if _, err := api.AddCalendar(as(access.Member, "bob@example.com"), "ada"); !errors.As(err, &p) || p.Status != http.StatusForbidden {
		t.Errorf("another's calendar: %v, want 403", err)
	}
	if _, err := api.AddCalendar(as(access.Member, "ada@example.com"), ""); err != nil {
		t.Errorf("one's own: %v", err)
	}
	if list, err := api.Calendars(as(access.Member, "bob@example.com")); err != nil || len(list.Items) != 0 {
		t.Errorf("others' calendars: %+v, %v", list, err)
	}
	if n, err := api.RevokeCalendars(as(access.Administrator, "bob@example.com"), "ada"); err != nil || n.Revoked != 1 {
		t.Errorf("RevokeCalendars by an administrator = %+v, %v", n, err)
	}
}

// TestOwnMailAlone asks on behalf of somebody who sees no mail of others'.
func TestOwnMailAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.conversation("t1", w.carl, "i o i i")
	err := w.store.Update(t.Context(), func(tx store.Tx) error {
		page, err := tx.Entries().Of(store.Subject{Contact: w.carl}, store.Slice{})
		for _, e := range page.Items {
			if e.Message == "" && err == nil { // of mail that only others' mailboxes hold
				e.Message = w.hidden
				err = tx.Entries().Put(e, nil)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	api := NewHandlerClient(w.handler)
	ctx := WithPrincipal(t.Context(), access.Principal{Kind: access.User, ID: "u", Name: "U", Role: access.Own, Address: "bob@example.com"})
	r, err := api.Relation(ctx, string(w.carl))
	if err != nil || len(r.Months) != 0 || !r.Last.IsZero() || r.Ours.Answers != 0 {
		t.Errorf("relation %+v, %v; want nothing", r, err)
	}
	today, err := api.Today(ctx, "everybody", 0)
	if err != nil || len(today.WaitingForUs.Items)+len(today.WaitingForThem.Items)+len(today.Quiet.Items) != 0 {
		t.Errorf("today %+v, %v; want nothing", today, err)
	}
	for _, f := range []Filter{{Waiting: "us"}, {QuietSince: noon.AddDate(1, 0, 0).Format(time.RFC3339)}} {
		if page, err := api.Contacts(ctx, f, Slice{}); err != nil || len(page.Items) != 0 {
			t.Errorf("%+v: %d contacts, %v; want none", f, len(page.Items), err)
		}
	}
	if page, err := api.Contacts(ctx, Filter{Sort: "contact"}, Slice{}); err != nil || len(page.Items) != 3 || page.Items[0].Relation != nil {
		t.Errorf("by contact: %+v, %v; want the order of names and nothing of relations", page.Items, err)
	}
}
