package mailsync

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
)

// TestM12_SharedConnections has mailboxes share one sign-in, of whose
// connections the server grants fewer than they would like, or fewer than
// there are mailboxes: none is refused twice, all are read, and mail that
// arrives in any of them is found.
func TestM12_SharedConnections(t *testing.T) {
	t.Parallel()
	tries := 0
	for _, tt := range []struct{ mailboxes, gate, server int }{{3, 9, 9}, {3, 4, 4}, {3, 3, 3}, {3, 2, 2}, {3, 1, 1}, {8, 3, 3}, {4, 12, 3}} {
		tries++
		synctest.Test(t, func(t *testing.T) {
			gate := NewGate(tt.gate)
			var mu sync.Mutex
			open, most, refused := 0, 0, 0
			count := func(dial func(context.Context, string) (net.Conn, error)) func(context.Context, string) (net.Conn, error) {
				return func(ctx context.Context, address string) (net.Conn, error) {
					conn, err := dial(ctx, address)
					if err != nil {
						return nil, err
					}
					mu.Lock()
					defer mu.Unlock()
					open++
					most = max(most, open)
					return &closing{Conn: conn, then: func() { mu.Lock(); open--; mu.Unlock() }}, nil
				}
			}
			var sinks []*memSink
			var servers []*mailtest.ScriptIMAP
			for i := range tt.mailboxes {
				f := inbox(400)
				s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{f, {Name: "Sent", Attributes: `\Sent`, UIDValidity: 3}}}
				s.Hook = func(c *mailtest.ScriptConn, command string) bool {
					mu.Lock()
					defer mu.Unlock()
					if strings.HasPrefix(command, "AUTHENTICATE") && open > tt.server {
						refused++
						c.No("[ALERT] Too many simultaneous connections. (Failure)")
						return true
					}
					return false
				}
				sink, _, o := scripted(t, s)
				o.Dial, o.Gate, o.Mailbox.Name = count(o.Dial), gate, fmt.Sprint("box", i)
				sinks, servers = append(sinks, sink), append(servers, s)
				y := runs(t, o)
				t.Cleanup(y.stop)
			}
			settled := func(want int) {
				t.Helper()
				time.Sleep(time.Duration(tt.mailboxes+2) * 3 * time.Minute)
				synctest.Wait()
				for i, sink := range sinks {
					if n := len(sink.digests("INBOX")); n != want {
						t.Errorf("%+v: mailbox %d has %d of %d", tt, i, n, want)
					}
				}
			}
			settled(400)
			for _, s := range servers {
				m := mailtest.ScriptMessage{UID: 9000, Raw: mail(9000, "cleo@client.example", "ada@example.org", "new", "hello"), Received: time.Now()}
				s.Add(s.Folders[0], m)
			}
			settled(401)
			if most > max(tt.gate, tt.server) || tt.gate <= tt.server && refused > 0 || refused > 2*(tt.gate-tt.server)+2 {
				t.Errorf("%+v: %d connections at once, %d refused", tt, most, refused)
			}
			for i := range sinks {
				if n := servers[i].Opened(); n > 60 {
					t.Errorf("%+v: mailbox %d opened %d connections", tt, i, n)
				}
			}
		})
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// closing tells when a connection is closed.
type closing struct {
	net.Conn
	once sync.Once
	then func()
}

func (c *closing) Close() error {
	c.once.Do(c.then)
	return c.Conn.Close()
}
