package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rapport/internal/mailtest"
	"rapport/web"
)

// The aims at a million entries.
const (
	manyEntries = 1_000_000
	startWithin = 2.0  // s
	pageWithin  = 20.0 // ms, a timeline page or a search
)

// mailboxesOf is over how many mailboxes the messages are spread.
const mailboxesOf = 20

// entries files messages through the whole pipeline and then asks the store
// that came of it, by the API as the commands do.
func (l *scaleLab) entries(ctx context.Context) error {
	for _, n := range l.Entries {
		if err := l.entriesOf(ctx, n); err != nil {
			return fmt.Errorf("%d messages: %w", n, err)
		}
	}
	return nil
}

func (l *scaleLab) entriesOf(ctx context.Context, n int) (err error) {
	flow := mailtest.NewFlow(4, mailboxesOf, n, max(n/100, 100))
	dir := filepath.Join(l.Dir, fmt.Sprintf("entries-%d", n))
	_, statErr := os.Stat(filepath.Join(dir, "data"))
	s, err := l.newFlowSite(dir, flow, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Close(), l.drop(s.dir)) }()
	if statErr != nil || !l.Reuse {
		if err := l.fileAll(ctx, s, n); err != nil {
			return err
		}
	}
	d, err := l.starts(ctx, s, n)
	if err != nil {
		return err
	}
	err = l.ask(ctx, s, d, n)
	closing, stopErr := d.halt()
	if err == nil {
		l.note(figure{Part: "entries", Name: "until it has stopped", Unit: "s", Aim: 30}, n, closing.Seconds())
	}
	return errors.Join(err, stopErr)
}

// fileAll is the first sync, everything wanted.
func (l *scaleLab) fileAll(ctx context.Context, s *flowSite, n int) error {
	say := func(name, unit string, grows bool, value float64) {
		l.note(figure{Part: "entries", Name: name, Unit: unit, Grows: grows}, n, value)
	}
	took, err := s.command(ctx, "contact", "import", filepath.Join(s.dir, "contacts.csv"))
	if err != nil {
		return err
	}
	say("import of the contacts", "s", true, took.Seconds())
	if took, err = s.command(ctx, "sync"); err != nil {
		return err
	}
	say("filing all", "s", true, took.Seconds())
	say("filing all, processor time", "s", true, s.cpu.Seconds())
	say("filing all, messages a second", "", false, float64(n)/took.Seconds())
	say("filing all, peak anonymous memory", "MB", true, float64(s.peak)/1e6)
	size, err := diskUsage(s.data)
	if err != nil {
		return err
	}
	say("data directory", "MB", true, float64(size)/1e6)
	if took, err = s.command(ctx, "sync"); err != nil {
		return err
	}
	say("a pass without news, start included", "s", true, took.Seconds())
	return nil
}

// starts starts the daemon a few times and leaves the last one running.
func (l *scaleLab) starts(ctx context.Context, s *flowSite, n int) (*flowDaemon, error) {
	var all []time.Duration
	for {
		d, err := s.start(ctx)
		if err != nil {
			return nil, err
		}
		if all = append(all, d.ready); len(all) == 3 {
			l.note(figure{Part: "entries", Name: "start", Unit: "s", Aim: startWithin, AimAt: manyEntries, Grows: true}, n, median(all).Seconds())
			if _, err := d.settled(ctx, mailboxesOf); err != nil {
				return nil, errors.Join(err, d.stop())
			}
			if err := d.rest(ctx); err != nil {
				return nil, errors.Join(err, d.stop())
			}
			l.note(figure{Part: "entries", Name: "anonymous memory, idle", Unit: "MB", Aim: fewMemory}, n, float64(anonymous(d.cmd.Process.Pid))/1e6)
			return d, nil
		}
		if err := d.stop(); err != nil {
			return nil, err
		}
	}
}

// question is something asked of the API again and again.
type question struct {
	name string
	aim  float64 // ms; 0: none
	ask  func(ctx context.Context, round int) error
}

// ask measures the questions and then what changes the store.
func (l *scaleLab) ask(ctx context.Context, s *flowSite, d *flowDaemon, n int) error {
	if err := l.interrogate(ctx, "entries", s.flow, d, n); err != nil {
		return err
	}
	l.note(figure{Part: "entries", Name: "anonymous memory after the questions", Unit: "MB"}, n, float64(anonymous(d.cmd.Process.Pid))/1e6)
	return l.change(ctx, s.flow, d, n)
}

// interrogate measures the questions one by one.
func (l *scaleLab) interrogate(ctx context.Context, part string, f *mailtest.Flow, d *flowDaemon, n int) error {
	questions, err := l.questions(ctx, f, d)
	if err != nil {
		return err
	}
	for _, q := range questions {
		var all []time.Duration
		for round := range l.Rounds + 1 {
			began := time.Now()
			if err := q.ask(ctx, round); err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			if round > 0 { // the first one warms up
				all = append(all, time.Since(began))
			}
		}
		l.note(figure{Part: part, Name: q.name, Unit: "ms", Aim: q.aim, AimAt: manyEntries}, n, median(all).Seconds()*1e3)
	}
	return nil
}

const pageSize = 50

func (l *scaleLab) questions(ctx context.Context, f *mailtest.Flow, d *flowDaemon) ([]question, error) {
	timeline := func(name, who string, at web.Slice) question {
		return question{name, pageWithin, func(ctx context.Context, _ int) error {
			p, err := d.Timeline(ctx, who, at)
			if err == nil && len(p.Items) == 0 {
				err = errors.New("the page is empty")
			}
			return err
		}}
	}
	middle, last, err := cursors(ctx, d, f.Address(0))
	if err != nil {
		return nil, err
	}
	out := []question{
		timeline("timeline of all, first page", "", web.Slice{Limit: pageSize}),
		timeline("timeline of the busiest person, first page", f.Address(0), web.Slice{Limit: pageSize}),
		timeline("timeline of the busiest person, middle", f.Address(0), web.Slice{Limit: pageSize, Cursor: middle}),
		timeline("timeline of the busiest person, last page", f.Address(0), web.Slice{Limit: pageSize, Cursor: last}),
		timeline("timeline of a quiet person", f.Address(f.Contacts/2), web.Slice{Limit: pageSize}),
		timeline("timeline of the busiest organisation", "firm0.example", web.Slice{Limit: pageSize}),
		timeline("timeline of a person by name", f.Name(f.Contacts/2), web.Slice{Limit: pageSize}),
		{"list of people, first page", pageWithin, func(ctx context.Context, _ int) error {
			_, err := d.Contacts(ctx, web.Filter{}, web.Slice{Limit: pageSize})
			return err
		}},
		{"list of people, part of a name", pageWithin, func(ctx context.Context, round int) error {
			_, err := d.Contacts(ctx, web.Filter{Text: f.Name((round * 7) % f.Contacts)}, web.Slice{Limit: pageSize})
			return err
		}},
		{"list of organisations, part of a name", pageWithin, func(ctx context.Context, round int) error {
			_, err := d.Organisations(ctx, web.Filter{Text: fmt.Sprintf("firm %d", round)}, web.Slice{Limit: pageSize})
			return err
		}},
		{"status", 0, func(ctx context.Context, _ int) error {
			_, err := d.Status(ctx)
			return err
		}},
	}
	for _, s := range searches(f) {
		out = append(out, question{"search " + s.name, pageWithin, func(ctx context.Context, round int) error {
			_, err := d.Search(ctx, s.text(round), web.Slice{Limit: pageSize})
			return err
		}})
	}
	return out, nil
}

// cursors goes through a history and returns where its middle and its last
// page begin.
func cursors(ctx context.Context, d *flowDaemon, who string) (middle, last string, err error) {
	all := []string{""}
	for {
		p, err := d.Timeline(ctx, who, web.Slice{Limit: 500, Cursor: all[len(all)-1]})
		if err != nil {
			return "", "", err
		}
		if p.Next == "" {
			return all[len(all)/2], all[len(all)-1], nil
		}
		all = append(all, p.Next)
	}
}

// wording is a kind of search; each round looks for something else.
type wording struct {
	name string
	text func(round int) string
}

func searches(f *mailtest.Flow) []wording {
	w := func(rank int) func(int) string { return func(round int) string { return f.Word(rank + round) } }
	two := func(a, b int) func(int) string {
		return func(round int) string { return f.Word(a+round) + " " + f.Word(b+2*round) }
	}
	with := func(format string, a func(int) string) func(int) string {
		return func(round int) string { return fmt.Sprintf(format, a(round)) }
	}
	person := func(round int) string { return f.Address(round) }
	return []wording{
		{"a word of every second mail", w(0)},
		{"a word", w(300)},
		{"a rare word", w(15000)},
		{"a word nobody wrote", func(round int) string { return fmt.Sprintf("qzxv%d", round) }},
		{"two frequent words", two(1, 20)},
		{"a frequent and a rare word", two(1, 15000)},
		{"beginnings, two letters", func(round int) string { return beginning(f.Word(40+round), 2) }},
		{"beginnings, four letters", func(round int) string { return beginning(f.Word(500+round), 4) }},
		{"a phrase of frequent words", with(`"%s"`, two(1, 3))},
		{"a phrase of a frequent and a rare word", with(`"%s"`, two(2, 9000))},
		{"either of two words", func(round int) string { return f.Word(100+round) + " OR " + f.Word(200+round) }},
		{"a word but not another", func(round int) string { return f.Word(5+round) + " -" + f.Word(round) }},
		{"from a person", with("from:%s", person)},
		{"to a person, a word", func(round int) string { return "to:" + f.Address(round) + " " + f.Word(5+round) }},
		{"with a person by address", with("with:%s", person)},
		{"with a person by name", func(round int) string { return fmt.Sprintf("with:%q", f.Name(round)) }},
		{"with an organisation, a word", func(round int) string { return fmt.Sprintf("with:firm%d.example %s", round, f.Word(30)) }},
		{"in a folder", func(int) string { return "in:Sent" }},
		{"in a mailbox, a word", func(round int) string { return fmt.Sprintf("in:m%d %s", round%mailboxesOf, f.Word(40+round)) }},
		{"before a day", func(round int) string { return fmt.Sprintf("before:2022-03-%02d", round+1) }},
		{"between days, a word", func(round int) string { return fmt.Sprintf("after:2023-01 before:2023-02 %s", f.Word(60+round)) }},
		{"has:attachment", func(int) string { return "has:attachment" }},
		{"a word in subjects", with("subject:%s", w(10))},
		{"a phrase in subjects", with(`subject:"%s"`, two(1, 3))},
		{"a beginning in subjects", func(round int) string { return "subject:" + beginning(f.Word(200+round), 4) }},
		{"a file of every twentieth mail", func(int) string { return "file:order" }},
		{"a file by name", func(round int) string { return fmt.Sprintf(`file:"order-%d.pdf"`, round+1) }},
		{"on a day", func(round int) string { return fmt.Sprintf("on:2022-03-%02d", round+1) }},
		{"in a month, a word", func(round int) string { return fmt.Sprintf("on:2023-%02d %s", round%12+1, f.Word(60+round)) }},
	}
}

func beginning(word string, n int) string {
	r := []rune(word)
	return string(r[:min(n, len(r))]) + "*"
}

// change measures what changes the store, and its check.
func (l *scaleLab) change(ctx context.Context, f *mailtest.Flow, d *flowDaemon, n int) error {
	who := f.Address(f.Contacts / 3)
	for _, step := range []struct {
		name  string
		grows bool
		do    func() error
	}{
		{"a new address for a person", false, func() error {
			_, err := d.EditContact(ctx, who, web.Edit{Add: map[string][]string{"emails": {fmt.Sprintf("other.%d@elsewhere.example", time.Now().UnixNano())}}})
			return err
		}},
		{"until all is in sync after that", true, func() error {
			_, err := d.Sync(ctx, nil, nil)
			return err
		}},
		{"erasing a person", false, func() error {
			_, err := d.EraseContact(ctx, f.Address(f.Contacts/4), false)
			return err
		}},
		{"check of the store", true, func() error {
			found, err := d.CheckStore(ctx)
			if err == nil && len(found.Faults) > 0 {
				err = fmt.Errorf("the store has faults: %s", strings.Join(found.Faults[:min(3, len(found.Faults))], "; "))
			}
			return err
		}},
	} {
		if l.Reuse && slices.Contains([]string{"erasing a person"}, step.name) {
			continue // it was done
		}
		began := time.Now()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		l.note(figure{Part: "entries", Name: step.name, Unit: "s", Grows: step.grows}, n, time.Since(began).Seconds())
	}
	return nil
}

// drop removes what a size left, so that the disk stays free for the next.
func (l *scaleLab) drop(dir string) error {
	if l.Keep {
		return nil
	}
	return os.RemoveAll(dir)
}
