package mailsync

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
)

// TestM13_Sleep has the machine sleep while connections wait, for which the
// servers do not: no timer runs meanwhile, and afterwards nobody answers on the
// old connections. They are dropped within a minute, and mail is found.
func TestM13_Sleep(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, slept := range []time.Duration{time.Minute, 10 * time.Minute, 9 * time.Hour, 60 * 24 * time.Hour} {
		for _, connections := range []int{1, 3} {
			faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
				try()
				var ahead atomic.Int64
				var dead atomic.Int32
				o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
				s.Hook = func(c *mailtest.ScriptConn, _ string) bool { return int32(c.N) <= dead.Load() }
				o.Mailbox.Connections = connections
				y := runs(t, o)
				time.Sleep(3*time.Minute + 7*time.Second)
				synctest.Wait()
				before := s.Opened()
				dead.Store(int32(before)) // the servers forgot us
				ahead.Store(int64(slept))
				s.Lock()
				f.Messages = append(f.Messages, letter(9))
				s.Unlock()
				time.Sleep(time.Minute)
				synctest.Wait()
				if st := y.Status(); s.Opened() == before || !sink.state(t, "INBOX").Stored.Has(9) || st.Error != "" {
					t.Errorf("a minute after %s of sleep: %d connections, before %d; stored %s; status %+v", slept, s.Opened(), before, sink.state(t, "INBOX").Stored, st)
				}
				y.stop()
				allStored(t, sink, f)
			})
		}
	}
}

// TestM13_NoSleepNoHaste lets a mailbox wait for hours, and the clock be set
// back and a little forward: no connection is given up for that.
func TestM13_NoSleepNoHaste(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, step := range []time.Duration{0, 10 * time.Second, -time.Hour} {
		faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
			try()
			var ahead atomic.Int64
			o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			dials := 0
			dial := o.Dial
			o.Dial = func(ctx context.Context, a string) (net.Conn, error) { dials++; return dial(ctx, a) }
			y := runs(t, o)
			time.Sleep(time.Hour)
			ahead.Store(int64(step))
			time.Sleep(3 * time.Hour)
			y.stop()
			if dials > 2 {
				t.Errorf("%d connections though nothing happened (the clock was moved by %s)", dials, step)
			}
			allStored(t, sink, f)
		})
	}
}
