package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/campaign"
	"rapport/records/outbox"
	"rapport/web"
)

// post is an installation that sends newsletters: the built program, a scripted
// SMTP server, and a mailbox on a real Dovecot, into whose Sent folder that
// server files a copy of whatever it takes.
type post struct {
	*site
	dovecot *mailtest.Dovecot
	server  *mailtest.SMTPScript
	connect int // connections
	daemon  *daemon

	mu      sync.Mutex // guards what follows
	fault   func(mailtest.SMTPStep) *mailtest.SMTPFault
	noCopy  error       // why a copy could not be filed
	process *os.Process // of the daemon at work
	killed  bool        // one was
}

// postUser is the mailbox of the sender.
const postUser = "news@example.com"

// newPost is an installation with n customers and a campaign for them. Lines
// of settings are of its sender.
func newPost(t *testing.T, n, connections int, settings ...string) *post {
	t.Helper()
	p := &post{site: emptySite(t), connect: connections}
	p.dovecot = mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: []mailtest.User{{Name: postUser, Password: "secret"}, {Name: "ada@example.com", Password: "secret"}, {Name: "bob@example.com", Password: "secret"}}})
	p.server = mailtest.StartSMTPScript(t, func(at mailtest.SMTPStep) *mailtest.SMTPFault {
		p.mu.Lock()
		fault := p.fault
		p.mu.Unlock()
		if fault == nil {
			return nil
		}
		return fault(at)
	})
	p.server.Took = func(r mailtest.Received) {
		if _, err := p.dovecot.Deliver(postUser, "Sent", r.Data, time.Now(), `\Seen`); err != nil {
			p.mu.Lock()
			p.noCopy = err
			p.mu.Unlock()
		}
	}
	p.write("password", []byte("secret\n"))
	p.write("config.yaml", fmt.Appendf(nil, `data_dir: data
team: {name: Example, domains: [example.com], members: [{name: Ada, addresses: [ada@example.com]}]}
mailboxes:
  - {name: news, host: %q, tls: none, user: %s, password_file: password}
senders:
  - name: news
    host: %q
    tls: none
    from: "Example <%s>"
    mailbox: news
    postal_address: 1 Example Street
    settle: 1s
    limits: {per_minute: 100000, per_day: 1000000, connections: %d}
    %s
campaigns: .
web: {listen: ""}
`, p.dovecot.PlainAddr, postUser, p.server.Addr, postUser, connections, strings.Join(settings, "\n    ")))
	p.write("spring.md", []byte("---\nsubject: Spring\naudience: kind == \"customer\"\nlegal_basis: customers\n---\nDear {{.Contact.Name}},\n\nit is spring.\n"))
	var people bytes.Buffer
	people.WriteString("name,email,kind\n")
	for i := range n {
		fmt.Fprintf(&people, "Person %d,p%d@press.example,customer\n", i, i)
	}
	p.run("contact", "import", p.write("people.csv", people.Bytes()))
	return p
}

// misbehave has the server ask at each step; nil has it take everything.
func (p *post) misbehave(fault func(mailtest.SMTPStep) *mailtest.SMTPFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// begin starts daemons until one lives to answer.
func (p *post) begin() {
	p.t.Helper()
	for {
		p.start()
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			if _, err := p.daemon.client.Version(context.Background()); err == nil {
				return
			}
			select {
			case <-tick.C:
				continue
			case <-p.daemon.ended:
			}
			break
		}
		if code := p.daemon.cmd.ProcessState.ExitCode(); code != -1 { // of its own
			p.t.Fatalf("the daemon ended with %d: %s", code, p.daemon.said())
		}
		p.daemon.client.Close()
	}
}

// start starts one daemon, once the server is through with what an earlier one
// sent: the minutes that Rapport gives it are a second here.
func (p *post) start() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); p.server.Open() > 0; <-tick.C {
		if time.Now().After(end) {
			p.t.Fatal("the server has sessions whose client was killed")
		}
	}
	p.daemon = p.starts()
	process := p.daemon.cmd.Process
	p.mu.Lock()
	p.process = process
	p.mu.Unlock()
}

// again waits for the end of a daemon that was killed and starts others until
// one lives to answer.
func (p *post) again() {
	p.t.Helper()
	select {
	case <-p.daemon.ended:
	case <-time.After(patience):
		p.t.Fatal("the daemon was killed and did not end")
	}
	p.daemon.client.Close()
	p.begin()
}

// kill ends the daemon as kill -9 does. It may be called from anywhere.
func (p *post) kill() { p.signal(syscall.SIGKILL) }

// signal sends one to the daemon, where it has not ended.
func (p *post) signal(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	_ = p.process.Signal(s) // fails where it has ended
}

// launch starts the daemon and has it send the campaign. Where it is killed at
// once, its answer may be lost.
func (p *post) launch() {
	p.t.Helper()
	p.begin()
	_, err := p.daemon.client.LaunchCampaign(context.Background(), "spring", web.CampaignLaunch{})
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.killed {
		p.must(err)
	}
}

// progress says how the campaign stands, whose states add up.
func (p *post) progress(ctx context.Context) (campaign.Progress, error) {
	c, err := p.daemon.client.Campaign(ctx, "spring")
	if err != nil {
		return c, err
	}
	if sum := c.Pending + c.Accepted + c.Deferred + c.Rejected + c.Ambiguous + c.Unknown + c.Suppressed + c.Cancelled + c.Expired + c.Skipped; sum != c.Recipients {
		p.t.Errorf("the states add up to %d of %d: %+v", sum, c.Recipients, c)
	}
	return c, nil
}

// until waits until the campaign stands as asked for.
func (p *post) until(what string, ok func(campaign.Progress) bool) campaign.Progress {
	p.t.Helper()
	var last campaign.Progress
	p.daemon.until(what, func(ctx context.Context) bool {
		c, err := p.progress(ctx)
		last = c
		return err == nil && ok(c)
	})
	return last
}

// hurry has what was put off tried now. What cannot be asked of the daemon is
// left.
func (p *post) hurry() {
	page, err := p.daemon.client.Deliveries(context.Background(), web.DeliveryFilter{Campaign: "spring", State: string(outbox.Deferred)}, web.Slice{})
	if err != nil {
		return
	}
	for _, d := range page.Items {
		_, _ = p.daemon.client.RetryDelivery(context.Background(), string(d.ID)) // it may be at its server by now
	}
}

// settled waits until nothing is in doubt or waits any more.
func (p *post) settled() campaign.Progress {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var last campaign.Progress
	for tick := time.NewTicker(20 * time.Millisecond); last.State != campaign.Finished; <-tick.C {
		c, err := p.progress(ctx)
		if ctx.Err() != nil {
			p.t.Fatalf("the run does not end: %+v, %v", last, err)
		}
		if last = c; err == nil && c.Deferred > 0 {
			p.hurry()
		}
		p.daemon.alive()
	}
	return last
}

// took maps recipients to the Message-IDs the server took for them, a word for
// each time.
func (p *post) took() map[string][]string {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.must(p.noCopy)
	out := map[string][]string{}
	for _, r := range p.server.Taken() {
		for _, to := range r.To {
			out[to] = append(out[to], headerOf(r.Data, "Message-ID"))
		}
	}
	return out
}

// headerOf is the first line of a header field of a mail.
func headerOf(raw []byte, field string) string {
	head, _, _ := strings.Cut(string(raw), "\r\n\r\n")
	head = strings.ReplaceAll(head, "\r\n ", " ")
	for line := range strings.SplitSeq(head, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, field) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// checkOnce wants every one of n recipients to have been taken once.
func (p *post) checkOnce(n int) {
	p.t.Helper()
	got := p.took()
	if len(got) != n {
		p.t.Errorf("%d recipients were written to, want %d", len(got), n)
	}
	for to, ids := range got {
		if len(ids) != 1 {
			p.t.Errorf("%s was written to %d times, as %v", to, len(ids), slices.Compact(slices.Sorted(slices.Values(ids))))
		}
	}
}
