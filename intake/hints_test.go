package intake_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/records/message"
)

// index is a Thread-Index of a conversation of 2 March 2026 with some answers.
func index(id byte, answers int) string {
	made := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	filetime := binary.BigEndian.AppendUint64(nil, uint64(made.UnixNano()/100+116_444_736_000_000_000))
	b := append(filetime[:6:6], bytes.Repeat([]byte{0xa0, id}, 8)...)
	return base64.StdEncoding.EncodeToString(append(b, make([]byte, 5*answers)...))
}

// threadOf is the one message with a subject.
func (w *world) threadOf(subject string) message.ThreadID {
	w.t.Helper()
	ms := w.find(subject)
	if len(ms) != 1 {
		w.t.Fatalf("%d messages %q", len(ms), subject)
	}
	return ms[0].Thread
}

// TestM36_HintsOfThreads has mail whose fields say nothing of what it answers:
// what its server and its sender's program take to be one conversation makes it
// one, with the same subject and the same correspondent only. Whatever ids
// strangers forge, and however often a program uses one again, nobody comes
// into a conversation of others.
func TestM36_HintsOfThreads(t *testing.T) {
	t.Parallel()
	first := mail("a1", ada, cleo, "Offer", "X-Thread: 7", "Thread-Index: "+index(1, 0))
	for n, c := range []struct {
		what string
		raw  string
		one  bool
	}{
		{"the server's thread", mail("c1", cleo, ada, "Re: Offer", "X-Thread: 7"), true},
		{"the same index", mail("c1", cleo, ada, "AW: Offer", "Thread-Index: "+index(1, 1)), true},
		{"the same index, a gateway's subject", mail("c1", cleo, ada, "[EXTERNAL] AW: Offer", "Thread-Topic: Offer", "Thread-Index: "+index(1, 1)), true},
		{"no hint", mail("c1", cleo, ada, "Re: Offer"), false},
		{"another thread", mail("c1", cleo, ada, "Re: Offer", "X-Thread: 8"), false},
		{"another index", mail("c1", cleo, ada, "Re: Offer", "Thread-Index: "+index(2, 1)), false},
		{"another subject", mail("c1", cleo, ada, "Complaint", "X-Thread: 7", "Thread-Index: "+index(1, 1)), false},
		{"another subject under the same topic", mail("c1", cleo, ada, "Complaint", "Thread-Topic: Offer", "Thread-Index: "+index(1, 1)), false},
		{"no subject", mail("c1", cleo, ada, "", "X-Thread: 7", "Thread-Index: "+index(1, 1)), false},
		{"somebody else", mail("c1", "dan@client.example", ada, "Re: Offer", "X-Thread: 7", "Thread-Index: "+index(1, 1)), false},
		{"somebody else who names her", mail("c1", "dan@client.example", ada, "Re: Offer", "Cc: "+cleo, "Reply-To: "+cleo, "X-Thread: 7", "Thread-Index: "+index(1, 1)), false},
		{"two senders", mail("c1", cleo+", dan@client.example", ada, "Re: Offer", "X-Thread: 7", "Thread-Index: "+index(1, 1)), false},
		{"a list", mail("c1", cleo, ada, "Re: Offer", "List-Id: <news.client.example>", "X-Thread: 7", "Thread-Index: "+index(1, 1)), false},
		{"a template, sent again much later", strings.Replace(mail("c1", cleo, ada, "Offer", "Thread-Index: "+index(1, 0)), "02 Mar", "28 Apr", 1), false},
		{"an index older than its mail can be", strings.Replace(mail("c1", cleo, ada, "Offer", "Thread-Index: "+index(1, 1)), "02 Mar", "02 Feb", 1), false},
		{"half an index", mail("c1", cleo, ada, "Re: Offer", "Thread-Index: "+index(1, 1)[:20]), false},
		{"no base64", mail("c1", cleo, ada, "Re: Offer", "Thread-Index: ()$%&"), false},
	} {
		for _, late := range []bool{false, true} {
			w := newWorld(t)
			w.company("Client", "client.example")
			pair := []string{first, c.raw}
			if late {
				pair = []string{c.raw, first}
			}
			for _, raw := range pair {
				w.deliver("ada", "INBOX", raw)
				w.sync()
			}
			if got := w.all(); len(got) != 2 || (got[0].Thread == got[1].Thread) != c.one {
				t.Errorf("%d: %s: threads of %d messages: %+v; want one: %v", n, c.what, len(got), got, c.one)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(17*2))
}

// TestHintOfACopy: the thread that a second mailbox's server tells of joins
// what the first knew nothing of; and what was skipped is found again by it.
func TestHintOfACopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deliver("bob", "INBOX", mail("z1", zoe, bob, "Re: Plan", "X-Thread: 9"))
	w.deliver("ada", "Sent", mail("a1", ada, cleo, "Plan", "Cc: "+zoe+", "+bob))
	w.sync()
	if n := w.count(); n != 0 {
		t.Fatalf("%d messages of nobody are stored", n)
	}
	w.person("Cleo", "cleo@client.example")
	w.sync()
	if n := w.count(); n != 1 {
		t.Fatalf("%d messages are stored; want the one to Cleo", n)
	}
	w.deliver("bob", "INBOX", mail("a1", ada, cleo, "Plan", "Cc: "+zoe+", "+bob, "X-Thread: 9"))
	w.sync()
	if a, z := w.threadOf("Plan"), w.threadOf("Re: Plan"); a != z {
		t.Errorf("the answer is in thread %s, the question in %s", z, a)
	}
}

// TestForgedHint: a Message-ID cannot be a hint.
func TestForgedHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.company("Client", "client.example")
	w.deliver("ada", "Sent", mail("a1", ada, cleo, "Offer", "Thread-Index: "+index(1, 0)))
	w.sync()
	ms := w.all()
	if len(ms) != 1 || len(ms[0].Head.Hints) != 1 {
		t.Fatalf("messages %+v; want one with a hint", ms)
	}
	hint := ms[0].Head.Hints[0]
	for n, form := range []string{"<%s>", "%s", "<\"%s\">", "=?utf-8?q?%s?=", "<%s@x>"} {
		w.deliver("ada", "INBOX", mail(fmt.Sprint("f", n), "dan@client.example", ada, fmt.Sprint("Forged ", n), "In-Reply-To: "+fmt.Sprintf(form, hint), "References: "+fmt.Sprintf(form, hint)))
	}
	w.sync()
	for _, m := range w.all()[1:] {
		if m.Thread == ms[0].Thread {
			t.Errorf("%q came into the thread", m.Head.Subject)
		}
	}
}
