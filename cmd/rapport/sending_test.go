package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/campaign"
)

// verbs are the steps at which a server can fail, and a program be killed.
var verbs = []string{"CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "DOT"}

// serverFaults are what a server does at a step. The last ones are for the
// final dot alone: the mail is taken, and nobody hears of it in time.
var serverFaults = []mailtest.SMTPFault{
	{Close: true}, {Reset: true}, {Reply: "421 4.3.2 going down", Close: true}, {Reply: "451 4.7.1 later"},
	{Close: true, Take: true}, {Reset: true, Take: true}, {Wait: 300 * time.Millisecond},
}

const faultsAnywhere = 4 // of them

// squall has the server fail at one random step each time it is told to.
type squall struct {
	mu    sync.Mutex // guards what follows
	rnd   *rand.Rand
	verb  string // of the next fault; "" for none
	fault mailtest.SMTPFault
	fired int
}

// arm makes one fault wait for its step.
func (s *squall) arm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verb = verbs[2+s.rnd.IntN(len(verbs)-2)] // of a session at work
	s.fault = serverFaults[s.rnd.IntN(faultsAnywhere)]
	if s.verb == "DOT" || s.rnd.IntN(3) == 0 {
		s.verb, s.fault = "DOT", serverFaults[s.rnd.IntN(len(serverFaults))]
	}
	s.fault.Close = s.fault.Close || s.verb == "BODY" // who speaks amid a mail hangs up
}

func (s *squall) at(step mailtest.SMTPStep) *mailtest.SMTPFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.verb == "" || step.Verb != s.verb {
		return nil
	}
	s.verb = ""
	s.fired++
	f := s.fault
	return &f
}

func (s *squall) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fired
}

// TestM97_Kills sends a newsletter while the server fails and the program is
// killed at random, turn by turn. The server takes every recipient's mail
// exactly once, as one Message-ID; the states add up all the time; what is in
// doubt is no more than what was open, and nothing is once the Sent folder was
// looked through.
func TestM97_Kills(t *testing.T) {
	t.Parallel()
	const connections = 3
	n, kills, faults := sendings()
	p := newPost(t, n, connections)
	s := &squall{rnd: rand.New(rand.NewPCG(97, uint64(n)))}
	p.misbehave(s.at)
	p.launch()
	killed, doubted := 0, 0
	for turn := range kills + faults {
		at := (turn + 1) * n / (kills + faults + 1)
		p.reaches(at, s)
		if turn%2 == 1 || turn/2 >= faults {
			p.kill()
			p.again()
			killed++
			c := p.until("it says how the campaign stands", func(campaign.Progress) bool { return true })
			doubted = max(doubted, c.Ambiguous)
			continue
		}
		s.arm()
		p.strikes(s, turn/2+1)
	}
	p.misbehave(nil)
	p.kill() // whose successor knows of no pause
	p.again()
	c := p.settled()
	t.Logf("%d recipients, %d kills, %d faults: at most %d in doubt, in the end %+v", n, killed+1, s.count(), doubted, c)
	if c.Accepted != n || c.Recipients != n || s.count() < faults {
		t.Errorf("in the end %+v after %d faults; want all %d accepted after %d", c, s.count(), n, faults)
	}
	if most := (killed + 1 + s.count()) * connections; doubted > most {
		t.Errorf("%d were in doubt, want %d at most", doubted, most)
	}
	p.checkOnce(n)
	p.unsubscribe()
	t.Attr("tries", strconv.Itoa(killed+s.count()))
}

// unsubscribe has recipients write that they want no more mail, and wants them
// to be heard within a minute.
func (p *post) unsubscribe() {
	p.t.Helper()
	took := p.server.Taken()
	took = took[:min(len(took), 20)]
	began := time.Now()
	for i, r := range took {
		_, way, _ := strings.Cut(headerOf(r.Data, "List-Unsubscribe"), "?subject=")
		way, _, _ = strings.Cut(way, ">")
		subject, err := url.QueryUnescape(way)
		p.must(err)
		raw := fmt.Sprintf("Date: %s\r\nFrom: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nMessage-ID: <stop%d@press.example>\r\n\r\n\r\n",
			began.Format(time.RFC1123Z), r.To[0], postUser, subject, i)
		_, err = p.dovecot.Deliver(postUser, "INBOX", []byte(raw), began)
		p.must(err)
	}
	p.until("those who unsubscribed are heard", func(c campaign.Progress) bool { return c.Unsubs == len(took) })
	heard := time.Since(began)
	p.t.Logf("%d unsubscribed by mail, heard within %v", len(took), heard)
	if heard > time.Minute {
		p.t.Errorf("the last of %d was heard after %v", len(took), heard)
	}
}

// reaches waits until the server took so many mails, or nothing goes on: the
// sender pauses after a fault.
func (p *post) reaches(at int, s *squall) {
	p.t.Helper()
	last, since := -1, time.Now()
	for tick := time.NewTicker(2 * time.Millisecond); ; <-tick.C {
		got := len(p.server.Taken())
		if got >= at {
			return
		}
		if got != last {
			last, since = got, time.Now()
		}
		if s.count() > 0 && time.Since(since) > 300*time.Millisecond {
			return
		}
		if time.Since(since) > time.Minute {
			p.t.Fatalf("nothing goes on after %d mails", got)
		}
		p.daemon.alive()
	}
}

// strikes waits for the n-th fault.
func (p *post) strikes(s *squall, n int) {
	p.t.Helper()
	for tick := time.NewTicker(2 * time.Millisecond); s.count() < n; <-tick.C {
		p.daemon.alive()
	}
}

// crash is one case of TestM97_EachStep: the program is killed at a step of a
// mail, and the server does something at the dot of it.
type crash struct {
	verb   string // or answered
	name   string
	dot    mailtest.SMTPFault
	killed bool
	dotted bool
}

// answered is the moment after the server has answered the final dot.
const answered = "ANSWERED"

// crashes are all cases.
func crashes() (out []*crash) {
	for _, verb := range append(slices.Clone(verbs), answered) {
		for _, f := range []struct {
			name string
			dot  mailtest.SMTPFault
		}{
			{"as it should", mailtest.SMTPFault{}},
			{"reply lost", mailtest.SMTPFault{Close: true, Take: true}},
			{"reply late", mailtest.SMTPFault{Wait: 200 * time.Millisecond}},
			{"RST after the dot", mailtest.SMTPFault{Reset: true, Take: true}},
			{"RST before it was taken", mailtest.SMTPFault{Reset: true}},
			{"421 after the dot", mailtest.SMTPFault{Reply: "421 4.3.2 going down", Close: true}},
		} {
			out = append(out, &crash{verb: verb, name: f.name, dot: f.dot})
		}
	}
	return out
}

// crasher goes through cases, one after the other.
type crasher struct {
	p     *post
	soon  sync.WaitGroup // kills that are to come
	mu    sync.Mutex     // guards what follows
	cases []*crash
	kills int
}

func (c *crasher) left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.cases)
}

// kill ends the program now, or in a moment.
func (c *crasher) kill(in time.Duration) {
	c.kills++
	if in == 0 {
		c.p.kill()
		return
	}
	c.soon.Add(1)
	time.AfterFunc(in, func() { defer c.soon.Done(); c.p.kill() })
}

func (c *crasher) at(step mailtest.SMTPStep) *mailtest.SMTPFault {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.cases) == 0 {
		return nil
	}
	now := c.cases[0]
	var fault *mailtest.SMTPFault
	if !now.killed && step.Verb == now.verb {
		now.killed = true
		c.kill(0)
	}
	if step.Verb == "DOT" && !now.dotted {
		now.dotted = true
		f := now.dot
		fault = &f
		switch {
		case now.verb == answered:
			now.killed = true
			c.kill(f.Wait + time.Millisecond)
		case now.verb == "CONNECT" || now.verb == "EHLO" || f.Close || f.Reset:
			c.kill(100 * time.Millisecond) // its result is written by then, and the sender pauses
		}
	}
	if now.killed && now.dotted {
		c.cases = c.cases[1:]
	}
	return fault
}

// TestM97_EachStep kills the program at each step of a mail while the server
// loses, delays or breaks off its answer to the dot, or says that it goes down.
// Everybody gets their mail once.
func TestM97_EachStep(t *testing.T) {
	t.Parallel()
	c := &crasher{}
	for i, one := range crashes() {
		if i%everyCrash == 0 {
			c.cases = append(c.cases, one)
		}
	}
	n, cases := 2*len(c.cases)+10, len(c.cases)
	p := newPost(t, n, 1)
	c.p = p
	p.misbehave(c.at)
	p.launch()
	began := time.Now()
	for tick := time.NewTicker(5 * time.Millisecond); c.left() > 0; {
		select {
		case <-p.daemon.ended:
			p.again()
		case <-tick.C:
			p.hurry() // fails where it was killed meanwhile
		}
		if time.Since(began) > time.Duration(cases)*10*time.Second {
			t.Fatalf("at %+v nothing goes on", *c.cases[0])
		}
	}
	p.misbehave(nil)
	c.soon.Wait()
	p.kill() // whose successor knows of no pause
	p.again()
	got := p.settled()
	t.Logf("%d cases with %d kills: in the end %+v", cases, c.kills, got)
	if got.Accepted != n {
		t.Errorf("in the end %+v; want all %d accepted", got, n)
	}
	p.checkOnce(n)
	t.Attr("tries", strconv.Itoa(cases))
}

// TestM77_StopAmidAMail has the program told to stop while mails are on their
// way to a slow server: it waits for the answers, ends soon, and nothing is in
// doubt afterwards.
func TestM77_StopAmidAMail(t *testing.T) {
	t.Parallel()
	const n = 12
	p := newPost(t, n, 3)
	atDot := make(chan struct{}, 100)
	p.misbehave(func(at mailtest.SMTPStep) *mailtest.SMTPFault {
		if at.Verb != "DOT" {
			return nil
		}
		atDot <- struct{}{}
		return &mailtest.SMTPFault{Wait: 500 * time.Millisecond}
	})
	p.launch()
	<-atDot
	if took := p.daemon.stop(); took > 30*time.Second {
		t.Errorf("it ended after %v", took)
	}
	p.misbehave(nil)
	p.begin()
	if c := p.until("it says how the campaign stands", func(campaign.Progress) bool { return true }); c.Ambiguous != 0 {
		t.Errorf("in doubt after a stop: %+v", c)
	}
	if c := p.settled(); c.Accepted != n {
		t.Errorf("in the end %+v", c)
	}
	p.checkOnce(n)
	t.Attr("tries", "1")
}

// TestM78_Asleep stops the program at each step of a mail, as a machine that is
// put to sleep does, while its server closes the connection, and lets it go on.
func TestM78_Asleep(t *testing.T) {
	t.Parallel()
	steps := []string{"MAIL", "DATA", "BODY", "DOT"}
	n := 100 * len(steps)
	p := newPost(t, n, 1)
	var mu sync.Mutex
	next, slept := "", make(chan bool, 1)
	sleepAt := func(verb string) {
		mu.Lock()
		defer mu.Unlock()
		next = verb
	}
	p.misbehave(func(at mailtest.SMTPStep) *mailtest.SMTPFault {
		mu.Lock()
		defer mu.Unlock()
		if at.Verb != next {
			return nil
		}
		next = ""
		p.signal(syscall.SIGSTOP)
		slept <- true
		return &mailtest.SMTPFault{Close: true, Take: true}
	})
	p.launch()
	for _, verb := range steps {
		sleepAt(verb)
		select {
		case <-slept:
		case <-time.After(patience):
			t.Fatalf("no mail came to %s", verb)
		}
		had := len(p.server.Taken())
		p.signal(syscall.SIGCONT)
		p.daemon.until("it wakes and goes on", func(context.Context) bool {
			return len(p.server.Taken()) > had || strings.Contains(p.daemon.said(), "sender pauses")
		})
		p.kill() // whose successor knows of no pause
		p.again()
	}
	if c := p.settled(); c.Accepted != n {
		t.Errorf("in the end %+v", c)
	}
	p.checkOnce(n)
	t.Attr("tries", strconv.Itoa(len(steps)))
}

// TestM80_CampaignOfACopy puts back a backup that was made before a campaign was
// sent: it starts paused, learns from the Sent folder what was sent, and when
// it goes on sends nothing a second time.
func TestM80_CampaignOfACopy(t *testing.T) {
	t.Parallel()
	const n = 20
	p := newPost(t, n, 3)
	p.misbehave(func(at mailtest.SMTPStep) *mailtest.SMTPFault {
		if at.Verb == "CONNECT" {
			return &mailtest.SMTPFault{Reply: "421 4.3.2 not now", Close: true}
		}
		return nil
	})
	p.launch()
	backup := filepath.Join(p.dir, "one.backup")
	p.run("store", "backup", backup)
	p.misbehave(nil)
	p.kill()
	p.again()
	p.settled()
	p.daemon.stop()
	p.replace(backup)
	p.begin()
	p.until("what was sent is known to be", func(c campaign.Progress) bool { return c.State == campaign.Paused && c.Accepted == n })
	if got := p.run("campaign", "resume", "spring"); got == "" {
		t.Error("resume says nothing")
	}
	p.settled()
	p.checkOnce(n)
	t.Attr("tries", "1")
}
