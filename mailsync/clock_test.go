package mailsync

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
)

// leapingClock is a clock that can be set while others read it.
type leapingClock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *leapingClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Round(0).Add(c.offset) // without the monotonic reading
}

func (c *leapingClock) set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
}

var leaps = []time.Duration{365 * 24 * time.Hour, -365 * 24 * time.Hour, 24 * time.Hour, -24 * time.Hour, time.Hour, -time.Hour}

// TestM79_Backoff sets the clock while a server cannot be reached: the tries
// neither come in bursts nor stop, and the next one is never far off.
func TestM79_Backoff(t *testing.T) {
	t.Parallel()
	for _, leap := range leaps {
		synctest.Test(t, func(t *testing.T) {
			var clock leapingClock
			var mu sync.Mutex
			var calls []time.Time
			o := Options{Sink: newSink(), Now: clock.now, SpoolDir: t.TempDir(),
				Mailbox: Mailbox{Name: "ada", Host: "127.0.0.1:143", TLS: TLSNone, User: "ada@example.org", Password: password("geheim")},
				Dial: func(context.Context, string) (net.Conn, error) {
					mu.Lock()
					calls = append(calls, time.Now())
					mu.Unlock()
					return nil, errors.New("unreachable")
				}}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			y := syncer(t, o)
			go func() { done <- y.Run(ctx) }()
			for i := range 8 { // set and set right, each for an hour
				time.Sleep(time.Hour)
				clock.set(leap * time.Duration(i%2))
			}
			time.Sleep(time.Hour)
			cancel()
			<-done
			if n := len(calls); n < 9*60/6 || n > 9*60/2 {
				t.Errorf("leap of %v: %d calls in nine hours", leap, n)
			}
			for i := 12; i < len(calls); i++ {
				if gap := calls[i].Sub(calls[i-1]); gap > maxBackoff+time.Minute || gap < time.Minute {
					t.Errorf("leap of %v: call %d came %v after the one before", leap, i, gap)
				}
			}
		})
	}
	t.Attr("tries", strconv.Itoa(len(leaps)*8))
}

// TestM79_Watching sets the clock while a mailbox is watched: IDLE is renewed
// as before, new mail is taken at once, and what is fetched a day is bounded.
func TestM79_Watching(t *testing.T) {
	t.Parallel()
	for _, leap := range leaps {
		faulty(t, 3, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
			var clock leapingClock
			var mu sync.Mutex
			var idles []time.Time
			s.Hook = func(_ *mailtest.ScriptConn, command string) bool {
				if strings.HasPrefix(command, "IDLE") {
					mu.Lock()
					idles = append(idles, time.Now())
					mu.Unlock()
				}
				return false
			}
			o.Now = clock.now
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			y := syncer(t, o)
			go func() { done <- y.Run(ctx) }()
			for i := range 6 {
				time.Sleep(time.Hour)
				clock.set(leap * time.Duration(i%2))
			}
			time.Sleep(time.Hour)
			cancel()
			<-done
			oracle(t, sink, f)
			if n := len(idles); n < 7*60/9-2 || n > 7*60/4 {
				t.Errorf("leap of %v: IDLE %d times in seven hours", leap, n)
			}
			for i := 1; i < len(idles); i++ {
				if gap := idles[i].Sub(idles[i-1]); gap > 10*time.Minute {
					t.Errorf("leap of %v: no IDLE for %v", leap, gap)
				}
			}
		})
	}
	t.Attr("tries", strconv.Itoa(len(leaps)*6))
}
