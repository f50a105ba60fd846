package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rapport/internal/browser"
	"rapport/internal/mailtest"
	"rapport/web"
)

// The aims of a page at a million entries of a hundred thousand people.
const (
	servedWithin  = 50.0  // ms
	listWithin    = 20.0  // ms, a list narrowed by what is typed
	paintedWithin = 0.5   // s
	weighsAtMost  = 100.0 // KB, with styles and scripts
	peoplePer     = 10    // entries of a person
)

// pages files messages and then opens the pages of the team's interface: how
// long the server takes, what a browser that has seen none of it transfers,
// and when it shows something.
func (l *scaleLab) pages(ctx context.Context) error {
	for _, n := range l.Pages {
		if err := l.pagesOf(ctx, n); err != nil {
			return fmt.Errorf("%d entries: %w", n, err)
		}
	}
	return nil
}

func (l *scaleLab) pagesOf(ctx context.Context, n int) (err error) {
	flow := mailtest.NewFlow(5, mailboxesOf, n, max(n/peoplePer, 100))
	dir := filepath.Join(l.Dir, fmt.Sprintf("pages-%d", n))
	_, statErr := os.Stat(filepath.Join(dir, "data"))
	s, err := l.newFlowSite(dir, flow, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Close(), l.drop(s.dir)) }()
	if statErr != nil || !l.Reuse {
		for _, command := range [][]string{{"contact", "import", filepath.Join(s.dir, "contacts.csv")}, {"sync"}} {
			if _, err := s.command(ctx, command...); err != nil {
				return err
			}
		}
	}
	d, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if _, err := d.settled(ctx, mailboxesOf); err != nil {
		return err
	}
	if err := d.rest(ctx); err != nil {
		return err
	}
	opened, err := pagesToOpen(ctx, flow, d)
	if err != nil {
		return err
	}
	var broken error
	opened = slices.DeleteFunc(opened, func(p pageOpened) bool {
		err := l.serve(ctx, d.http, p, n)
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("%s: %w", p.name, err))
		}
		return err != nil
	})
	if broken != nil { // the others are measured all the same
		fmt.Fprintln(l.out, broken)
	}
	if err := l.interrogate(ctx, "pages", flow, d, n); err != nil {
		return err
	}
	return inBrowser(func(t *outside) {
		b := browser.Start(t)
		for _, p := range opened {
			l.show(t, b, d.http, p, n)
		}
	})
}

// pageOpened is a page that is measured; each round may open another one of
// its kind.
type pageOpened struct {
	name string
	aim  float64 // ms of the server
	path func(round int) string
}

// pagesToOpen are the pages there are, by what they show most of.
func pagesToOpen(ctx context.Context, f *mailtest.Flow, d *flowDaemon) ([]pageOpened, error) {
	busiest, err := d.Contact(ctx, f.Address(0))
	if err != nil {
		return nil, err
	}
	quiet, err := d.Contact(ctx, f.Address(f.Contacts/2))
	if err != nil {
		return nil, err
	}
	firm, err := d.Organisation(ctx, "firm0.example")
	if err != nil {
		return nil, err
	}
	history, err := d.Timeline(ctx, string(busiest.ID), web.Slice{Limit: pageSize})
	if err != nil {
		return nil, err
	}
	var message string
	for _, e := range history.Items {
		if e.Message != nil {
			message = string(e.Message.ID)
			break
		}
	}
	same := func(path string) func(int) string { return func(int) string { return path } }
	typed := func(path, name string, text func(round int) string) func(int) string {
		return func(round int) string { return path + "?" + url.Values{name: {text(round)}}.Encode() }
	}
	return []pageOpened{
		{"today", servedWithin, same("/")},
		{"people", servedWithin, same("/contacts")},
		{"people, part of a name", listWithin, typed("/contacts", "text", func(round int) string { return f.Name((round*7 + 1) % f.Contacts)[:4] })},
		{"people, a name nobody has", listWithin, typed("/contacts", "text", func(round int) string { return fmt.Sprintf("qzxv%d", round) })},
		{"organisations", servedWithin, same("/organisations")},
		{"organisations, part of a name", listWithin, typed("/organisations", "text", func(round int) string { return fmt.Sprintf("firm %d", round+1) })},
		{"record of the busiest person", servedWithin, same("/contacts/" + string(busiest.ID))},
		{"record of a quiet person", servedWithin, same("/contacts/" + string(quiet.ID))},
		{"record of the busiest organisation", servedWithin, same("/organisations/" + string(firm.ID))},
		{"message", servedWithin, same("/messages/" + message)},
		{"search, a frequent word", servedWithin, typed("/search", "q", func(round int) string { return f.Word(round) })},
		{"search, two words", servedWithin, typed("/search", "q", func(round int) string { return f.Word(100+round) + " " + f.Word(400+round) })},
		{"suggestions", servedWithin, same("/suggestions")},
		{"reviews", servedWithin, same("/reviews")},
		{"mailboxes", servedWithin, same("/mailboxes")},
		{"settings", servedWithin, same("/settings")},
		{"audit", servedWithin, same("/settings/audit")},
	}, nil
}

// serve measures what the server takes for a page, transfer included, over a
// connection that is open already.
func (l *scaleLab) serve(ctx context.Context, address string, p pageOpened, n int) error {
	var all []time.Duration
	for round := range l.Rounds + 1 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+p.path(round), nil)
		if err != nil {
			return err
		}
		r.Header.Set("Accept-Encoding", "gzip")
		began := time.Now()
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		var body io.Reader = resp.Body
		if resp.Header.Get("Content-Encoding") == "gzip" {
			if body, err = gzip.NewReader(body); err != nil {
				return err
			}
		}
		_, err = io.Copy(io.Discard, body)
		took := time.Since(began)
		resp.Body.Close()
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("GET %s: %s", p.path(round), resp.Status)
		}
		if err != nil {
			return err
		}
		if round > 0 { // the first one warms up
			all = append(all, took)
		}
	}
	l.note(figure{Part: "pages", Name: p.name + ", server", Unit: "ms", Aim: p.aim, AimAt: manyEntries}, n, median(all).Seconds()*1e3)
	return nil
}

// show opens a page in browsers that have seen none of it.
func (l *scaleLab) show(t *outside, b *browser.Browser, address string, p pageOpened, n int) {
	defer func() { // the others are shown all the same
		switch why := recover().(type) {
		case nil:
		case gaveUp:
			fmt.Fprintf(l.out, "%s: %v\n", p.name, why)
		default:
			panic(why)
		}
	}()
	var painted []time.Duration
	weight := 0
	for round := range min(l.Rounds, 3) + 1 {
		t.once(func() { // and closed: a page that stays open listens to what happens
			tab := b.Open(t, browser.Options{Origin: "http://" + address})
			v := tab.Goto(p.path(round))
			if faults := v.Faults(); len(faults) > 0 {
				t.Errorf("%s: %s", p.name, faults[0])
			}
			weight = max(weight, v.Bytes)
			if round > 0 {
				painted = append(painted, tab.Painted())
			}
		})
	}
	l.note(figure{Part: "pages", Name: p.name + ", first content", Unit: "s", Aim: paintedWithin, AimAt: manyEntries}, n, median(painted).Seconds())
	l.note(figure{Part: "pages", Name: p.name + ", transferred", Unit: "KB", Aim: weighsAtMost, AimAt: manyEntries}, n, float64(weight)/1e3)
}

// outside is a test outside of go test.
type outside struct {
	dir    string
	undone []func()
}

// gaveUp is what a test that cannot go on panics with.
type gaveUp struct{ error }

// inBrowser runs what drives a browser; where none is installed it says so.
func inBrowser(do func(*outside)) (err error) {
	dir, err := os.MkdirTemp("", "rapport-browser")
	if err != nil {
		return fmt.Errorf("make a place for the browser: %w", err)
	}
	t := &outside{dir: dir}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	defer func() {
		switch why := recover().(type) {
		case nil:
		case gaveUp:
			err = why.error
		default:
			panic(why)
		}
	}()
	t.once(func() { do(t) })
	return nil
}

// once does something and undoes what it left.
func (t *outside) once(do func()) {
	before := t.undone
	t.undone = nil
	defer func() {
		for i := len(t.undone) - 1; i >= 0; i-- {
			t.undone[i]()
		}
		t.undone = before
	}()
	do()
}

func (t *outside) Helper()                           {}
func (t *outside) Cleanup(f func())                  { t.undone = append(t.undone, f) }
func (t *outside) TempDir() string                   { return t.dir }
func (t *outside) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (t *outside) Skip(args ...any)                  { panic(gaveUp{errors.New(fmt.Sprint(args...))}) }

func (t *outside) Fatalf(format string, args ...any) { panic(gaveUp{fmt.Errorf(format, args...)}) }
