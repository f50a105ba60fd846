package main

import (
	"fmt"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"rapport/records/message"
	"rapport/web"
)

// Progress goes to standard error: bars on a terminal, elsewhere a line when
// something begins or ends. With --json elsewhere there is none.

// busy says what is being waited for, and returns what ends that.
func (s *session) busy(what string) (stop func()) {
	if !s.notes.terminal {
		return func() {}
	}
	p := mpb.NewWithContext(s.ctx, mpb.WithOutput(s.err), mpb.WithWidth(1))
	bar := p.New(0, mpb.SpinnerStyle(), mpb.AppendDecorators(decor.Name(" "+what+" "), decor.Elapsed(decor.ET_STYLE_GO)))
	return func() {
		bar.Abort(true)
		p.Wait()
	}
}

// meter shows one counted operation.
type meter struct {
	s        *session
	name     string
	progress *mpb.Progress // nil outside a terminal
	bar      *mpb.Bar
}

func (s *session) meter(name string) *meter { return &meter{s: s, name: name} }

func (m *meter) update(c web.Count) {
	if !m.s.notes.terminal {
		return
	}
	if m.progress == nil {
		m.progress = newBars(m.s)
		m.bar = newBar(m.progress, m.name)
	}
	m.bar.SetTotal(int64(max(c.Total, c.Done+1)), false)
	m.bar.SetCurrent(int64(c.Done))
}

func (m *meter) close() {
	if m.progress != nil {
		m.bar.Abort(true)
		m.progress.Wait()
	}
}

func newBars(s *session) *mpb.Progress {
	return mpb.NewWithContext(s.ctx, mpb.WithOutput(s.err), mpb.WithWidth(min(s.notes.width, 100)))
}

// newBar makes a bar whose total is told later, again and again: one made with
// a total would keep to that, and complete itself.
func newBar(p *mpb.Progress, name string) *mpb.Bar {
	return p.New(0, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"),
		mpb.PrependDecorators(decor.Name(cut(plain(name), 20), decor.WCSyncSpaceR)),
		mpb.AppendDecorators(
			decor.CountersNoUnit("%d/%d", decor.WCSyncSpace),
			decor.Percentage(decor.WCSyncSpace),
			decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace), ""),
		))
}

// newTally counts what a mailbox has settled of what was found so far. A pass
// learns how much there is folder by folder, so a share of that would fall
// back again and again.
func newTally(p *mpb.Progress, name string) *mpb.Bar {
	return p.New(0, mpb.SpinnerStyle().PositionLeft(),
		mpb.PrependDecorators(decor.Name(cut(plain(name), 20), decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.CountersNoUnit("%d of %d found so far, ", decor.WCSyncSpace), decor.Elapsed(decor.ET_STYLE_GO)))
}

// syncMeter shows a count for each mailbox.
type syncMeter struct {
	s        *session
	mu       sync.Mutex // guards the rest
	progress *mpb.Progress
	bars     map[string]*mpb.Bar
	said     map[string]string // outside a terminal: the last line of a mailbox
}

func (s *session) syncMeter() *syncMeter {
	return &syncMeter{s: s, bars: map[string]*mpb.Bar{}, said: map[string]string{}}
}

func (m *syncMeter) update(st web.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, box := range st.Mailboxes {
		if m.s.notes.terminal {
			m.draw(box)
		} else if !m.s.json {
			m.say(box)
		}
	}
}

func (m *syncMeter) draw(box message.MailboxStatus) {
	if box.Backfill == nil && m.bars[box.Name] == nil {
		return // nothing to count, at least not yet
	}
	if m.progress == nil {
		m.progress = newBars(m.s)
	}
	bar := m.bars[box.Name]
	if bar == nil {
		bar = newTally(m.progress, box.Name)
		m.bars[box.Name] = bar
	}
	if b := box.Backfill; b != nil {
		bar.SetTotal(int64(max(b.Total, b.Done)), false)
		bar.SetCurrent(int64(b.Done))
	}
}

// say prints a line when a mailbox changes what it does, never for a count.
// What went wrong stands in the result.
func (m *syncMeter) say(box message.MailboxStatus) {
	line := string(box.State)
	if line == "" || box.Error != "" || m.said[box.Name] == line {
		return
	}
	m.said[box.Name] = line
	fmt.Fprintf(m.s.err, "%s: %s\n", plain(box.Name), plain(line))
}

func (m *syncMeter) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.progress == nil {
		return
	}
	for _, bar := range m.bars {
		bar.Abort(true)
	}
	m.progress.Wait()
}
