package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/news"
	"rapport/records/access"
	"rapport/records/contact"
	happened "rapport/records/event"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/sale"
	"rapport/records/timeline"
	"rapport/store"
	"rapport/store/veil"
)

// badge lets in whoever the header Who names, until they are thrown out.
type badge struct {
	who map[string]access.Principal
	out atomic.Bool
}

func (b *badge) Identify(r *http.Request) (access.Principal, error) { return b.Recheck(r) }

func (b *badge) Recheck(r *http.Request) (access.Principal, error) {
	if b.out.Load() {
		return access.Principal{}, errors.New("your session has ended")
	}
	return b.who[r.Header.Get("Who")], nil
}

// watched is a world whose events go over a real connection.
type watched struct {
	*world
	watch *news.Watch
	badge *badge
	url   string
	n     uint32
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{world: newWorld(t), badge: &badge{who: readers()}, n: 100}
	w.watch = news.New(news.Options{Store: w.store})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.watch.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s := httptest.NewServer(New(Options{
		Store: w.store, Records: w.records, Daemon: w.daemon, Identities: w.badge, News: w.watch,
		Mailboxes: func() map[string]veil.Mailbox { return filedBoxes },
	}).Handler())
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

// arrives files a mail in a mailbox, with a word in it.
func (w *watched) arrives(box string) (id message.ID) {
	w.t.Helper()
	w.n++
	id = message.ID(store.NewID(time.Now().Add(time.Duration(w.n) * time.Second))) // later than those before
	err := w.watch.Over(w.store).Update(context.Background(), func(tx store.Tx) error {
		m := message.Message{
			ID: id, Thread: message.ThreadID(id), Time: noon, Head: message.Head{MessageID: string(id), Subject: "zqsubjectwq", From: []message.Party{{Address: "carl@press.example"}}},
			Snippet: "zqsnippetwq", Holdings: []message.Holding{{Mailbox: box, Folder: "INBOX", UIDValidity: 1, UID: w.n}}, Matches: []message.Match{{Contact: w.carl}},
		}
		e := timeline.Entry{ID: timeline.ID(store.NewID(noon)), Time: noon, Kind: timeline.Message, Subject: "zqsubjectwq", Snippet: "zqsnippetwq", Message: id, Thread: m.Thread, Contacts: []contact.ID{w.carl}}
		return errors.Join(tx.Messages().Put(m, []message.Sum{{byte(w.n), 1}}), tx.Entries().Put(e, store.NewDocument(store.Fields{Subject: "zqsubjectwq"})))
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// opens begins to watch on behalf of a reader.
func (w *watched) opens(who, last string) *bufio.Scanner {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/api/v1/events", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Who", who)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { cancel(); resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	if resp.StatusCode != http.StatusOK || !lines.Scan() || !lines.Scan() || lines.Text() != ": welcome" {
		w.t.Fatalf("watching as %s: %d %q", who, resp.StatusCode, lines.Text())
	}
	return lines
}

// until reads up to an event of an id and returns all that came; "" reads to
// the end.
func until(t *testing.T, lines *bufio.Scanner, id string) string {
	t.Helper()
	var all strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&all, lines.Text())
		if id != "" && strings.HasPrefix(lines.Text(), "data:") && strings.Contains(lines.Text(), id) {
			return all.String()
		}
	}
	if id != "" {
		t.Fatalf("no event %s came, but %s", id, &all)
	}
	return all.String()
}

func TestS9_EventsAreOfWhatIsSeen(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	reader, own := w.opens("reader of metadata", ""), w.opens("own mailboxes", "")
	private, other, ada := w.arrives("cleo"), w.arrives("dora"), w.arrives("ada")
	got := until(t, reader, string(ada))
	if strings.Contains(got, string(private)) || !strings.Contains(got, string(other)) || strings.Contains(got, "zq") {
		t.Errorf("a reader of metadata was told:\n%s", got)
	}
	got = until(t, own, string(ada))
	if strings.Contains(got, string(private)) || strings.Contains(got, string(other)) {
		t.Errorf("who sees the own mailboxes only was told:\n%s", got)
	}
	again := w.opens("reader of metadata", string(other))
	if got := until(t, again, string(ada)); strings.Contains(got, string(other)) || strings.Contains(got, "missed") {
		t.Errorf("who resumes behind %s was told:\n%s", other, got)
	}
	if got := until(t, w.opens("reader of metadata", store.NewID(noon)), "{}"); !strings.Contains(got, "event: missed") {
		t.Errorf("who resumes behind what nobody knows was told:\n%s", got)
	}
	w.badge.out.Store(true)
	late := w.arrives("dora")
	if got := until(t, reader, ""); strings.Contains(got, string(late)) {
		t.Errorf("a session that has ended was told:\n%s", got)
	}
	t.Attr("tries", "5")
}

func TestWatchersAreBounded(t *testing.T) {
	t.Parallel()
	var w watchers
	var leave []func()
	for n := range mostWatchers {
		out, err := w.enter(access.Principal{Kind: access.User, ID: fmt.Sprint(n / watchersOfOne)})
		if err != nil {
			t.Fatalf("the %dth may not watch: %v", n+1, err)
		}
		leave = append(leave, out)
	}
	if _, err := w.enter(access.Principal{Kind: access.User, ID: "another"}); err == nil {
		t.Error("one more than all that may watch was let in")
	}
	leave[0]()
	if _, err := w.enter(access.Principal{Kind: access.User, ID: "1"}); err == nil {
		t.Error("one more than one person may have was let in")
	}
	if _, err := w.enter(access.Principal{Kind: access.User, ID: "another"}); err != nil {
		t.Errorf("nobody gets the place of who has left: %v", err)
	}
}

// Every way to change something makes the event it should.
func TestNewsOfChanges(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	var es []happened.Event
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := news.New(news.Options{Store: f.store, Mark: news.Mark{Message: message.ID(store.NewID(noon)), Audit: store.NewID(noon), Day: "2026-01-01"},
		Heard: func(_ context.Context, got []happened.Event, _ news.Mark) error {
			es = append(es, got...)
			cancel() // one look takes them all
			return nil
		}})
	if err := w.Run(ctx); err != nil {
		t.Fatal(err)
	}
	count := map[happened.Type]int{}
	for _, e := range es {
		count[e.Type]++
	}
	if count[happened.ContactChanged] != 1 || count[happened.OrganisationChanged] != 1 || count[happened.MessageFiled] < 18 {
		t.Errorf("the news are %v, want one contact, one organisation and the mail of three mailboxes", count)
	}
}

// TestNewsOfSales tells of one sale by name, of several together, and of each
// once on the day after it was to be paid.
func TestNewsOfSales(t *testing.T) {
	t.Parallel()
	f := newFiled(t)
	today := noon
	mark := news.MarkAt(noon)
	look := func() (found []string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		w := news.New(news.Options{Store: f.store, Now: func() time.Time { return today }, Mark: mark,
			Heard: func(_ context.Context, es []happened.Event, behind news.Mark) error {
				for _, e := range es {
					if strings.HasPrefix(string(e.Type), "sale.") {
						found = append(found, strings.TrimSpace(string(e.Type)+" "+string(e.Sale)))
					}
				}
				mark = behind
				cancel() // one look takes them all
				return nil
			}})
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		return found
	}
	row := func(number string, due followup.Day) sale.Row {
		return sale.Row{Line: 1, Email: f.carl.Addresses[0], Sale: sale.Sale{
			Direction: sale.Sold, Number: number, Date: "2025-12-01", Due: due, Status: sale.Open, Amount: 10_0000, Currency: "EUR"}}
	}
	put := func(rows ...sale.Row) {
		t.Helper()
		if out, err := f.intake.ImportSales(t.Context(), "eve", rows, sale.ImportOptions{}); err != nil || len(out.Errors) > 0 {
			t.Fatal(out.Errors, err)
		}
	}
	day := followup.DayOf(noon)
	look()
	put(row("1", day))
	var id string
	if err := f.store.View(t.Context(), func(tx store.Tx) error {
		all, err := tx.Sales().ByNumber(sale.Sold, "1")
		id = string(all[0].ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	wants := func(what string, want ...string) {
		t.Helper()
		if got := look(); !slices.Equal(got, want) {
			t.Errorf("%s: the news are %q, want %q", what, got, want)
		}
	}
	wants("one sale", "sale.changed "+id)
	put(row("2", "2025-12-31"), row("3", "2030-01-01"))
	wants("two sales", "sale.changed")
	today = noon.AddDate(0, 0, 1)
	wants("the day after one was to be paid", "sale.overdue "+id)
	today = noon.AddDate(0, 0, 2)
	wants("another day")
	if err := f.intake.RemoveSale(t.Context(), "eve", sale.ID(id)); err != nil {
		t.Fatal(err)
	}
	wants("a sale removed", "sale.changed "+id)
}
