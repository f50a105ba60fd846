package mailsync

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// onProvider serves a provider in a bubble and returns how to reach a mailbox.
func onProvider(t *testing.T, p *mailtest.Provider) func(name, user string, sink *memSink) Options {
	t.Helper()
	l := mailtest.NewPipeListener()
	served := make(chan struct{})
	go func() { defer close(served); p.Serve(l) }()
	t.Cleanup(func() { l.Close(); p.Close(); <-served })
	dir := t.TempDir()
	return func(name, user string, sink *memSink) Options {
		return Options{
			Sink: sink, SpoolDir: dir, Dial: func(ctx context.Context, _ string) (net.Conn, error) { return l.Dial(ctx) },
			Mailbox: Mailbox{Name: name, Provider: map[mailtest.Style]string{mailtest.StyleGmail: "gmail", mailtest.StyleMicrosoft: "outlook"}[p.Style], Host: "127.0.0.1:143", TLS: TLSNone, User: user, Password: password("geheim")},
		}
	}
}

// swollen fills a folder with mails of a size, whose bodies are made as they
// are asked for.
func swollen(p *mailtest.Provider, f *mailtest.ScriptFolder, n, size int) {
	filler := bytes.Repeat([]byte("All work and no play makes Jack a dull boy.\r\n"), size/45+1)[:size]
	for i := range n {
		f.Messages = append(f.Messages, mailtest.ScriptMessage{UID: uint32(i + 1), Raw: mail(i, "cleo@client.example", "ada@example.org", fmt.Sprint("mail ", i), ""),
			Received: time.Date(1999, 12, 1, 0, 0, i, 0, time.UTC), Size: int64(size), Labels: `\\Inbox`})
	}
	p.Fetch = func(_ *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
		if !strings.Contains(items, "BODY.PEEK[]") {
			return usual
		}
		m.Raw = append(bytes.Clone(m.Raw), filler[:max(0, int(m.Size)-len(m.Raw))]...)
		return m.Response(int(m.UID), items)
	}
}

// TestM9_ProviderDay reads a mailbox that is larger than what its provider
// gives in a day, three members of the team sharing the account: it completes
// on the second day, and no limit is exceeded.
func TestM9_ProviderDay(t *testing.T) {
	t.Parallel()
	for _, style := range []mailtest.Style{mailtest.StyleGmail, mailtest.StyleMicrosoft} {
		synctest.Test(t, func(t *testing.T) {
			p := mailtest.NewProvider(style)
			total := int64(providerMails) * providerMailSize
			p.Connections = 4
			limits, folder := Limits{}, "INBOX"
			if style == mailtest.StyleGmail {
				p.DailyBytes, folder = total*5/8, "[Gmail]/All Mail" // as 2.5 GB are of 4 GB
				limits.Bytes = p.DailyBytes
			} else {
				p.Burst, p.Backoff = 60, 299961*time.Millisecond
			}
			swollen(p, p.Account("ada@example.org").Folder(folder), providerMails, providerMailSize)
			reach := onProvider(t, p)
			ledger, gate := NewLedger(limits, time.Now, nil), NewGate(4)
			begun := time.Now()
			var sinks []*memSink
			for i := range 3 {
				sink := newSink()
				sink.light = true
				if i > 0 { // the others have less to read of it
					sink.judge = func(_ message.Folder, c message.Copy) message.Decision {
						return message.Decision{Action: message.Skip, Reason: message.NoMatch}
					}
				}
				o := reach(fmt.Sprint("box", i), "ada@example.org", sink)
				o.Ledger, o.Gate = ledger, gate
				y := runs(t, o)
				t.Cleanup(y.stop)
				sinks = append(sinks, sink)
			}
			done := func() bool {
				for _, sink := range sinks {
					if sink.settledIn(folder) < providerMails {
						return false
					}
				}
				return true
			}
			for !done() && time.Since(begun) < 5*24*time.Hour {
				time.Sleep(10 * time.Minute)
				synctest.Wait()
			}
			took := time.Since(begun)
			if !done() || took >= 48*time.Hour || style == mailtest.StyleGmail && took <= 24*time.Hour {
				t.Errorf("%s: %d MB took %s, in sync %v; want the second day", style, total/1e6, took, done())
			}
			if bad := p.Violations(); len(bad) > 0 {
				t.Errorf("%s: %d violations, the first: %s", style, len(bad), bad[0])
			}
			t.Logf("%s: %d MB of which three mailboxes took what they wanted in %s", style, total/1e6, took)
		})
	}
	t.Attr("tries", "2")
}

// settledIn counts what is settled of a folder.
func (m *memSink) settledIn(name string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, p := range m.progress {
		if k.name == name {
			n += p.Settled().Len()
		}
	}
	return n
}
