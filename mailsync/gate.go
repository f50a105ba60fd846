package mailsync

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"rapport/records/message"
)

// errYield says that other mailboxes wait for the connections of this one.
var errYield = errors.New("another mailbox's turn")

// Gate shares the connections a server grants to one sign-in among the
// mailboxes that use it: delegated and shared mailboxes, and several
// mailboxes of one account. Each gets its turn in the order they ask. Who has
// more than one connection gives the others up for somebody who waits; where
// there are fewer connections than mailboxes, they take turns. Its methods may
// be called concurrently.
type Gate struct {
	mu      sync.Mutex // guards what follows
	most    int
	now     int // what the server was found to grant, at most most
	shrunk  time.Time
	until   time.Time // before which the server wants no commands from anybody
	seats   []*seat
	waiting []*seat // first come, first served
}

// seat is one mailbox's share.
type seat struct {
	gate    *Gate
	held    int
	since   time.Time
	granted chan struct{} // closed when it has its first connection
	call    func()        // makes the holder look whether it is to yield
}

const (
	// seatTurn is how long a mailbox may keep its last connection while others wait.
	seatTurn = time.Minute
	// seatExtras is how long it may keep more than one.
	seatExtras = 5 * time.Second
	// gateGrows is after how long one more connection is tried than a server refused.
	gateGrows = time.Hour
)

// NewGate returns a gate for at most so many connections at once.
func NewGate(most int) *Gate { return &Gate{most: most, now: most} }

// patience is for how long a holder may look at nothing but its connection.
func (g *Gate) patience() time.Duration {
	if g == nil {
		return math.MaxInt64
	}
	return seatTurn
}

// Admit lets the gate grant at least so many connections at once.
func (g *Gate) Admit(most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if most > g.most {
		g.most, g.now = most, most
	}
}

// enter waits for a connection. A nil gate lets everybody in. call is called
// now and then while others wait.
func (g *Gate) enter(ctx context.Context, call func()) (*seat, error) {
	if g == nil {
		return nil, nil
	}
	s := &seat{gate: g, granted: make(chan struct{}), call: call}
	g.mu.Lock()
	g.waiting = append(g.waiting, s)
	g.serve()
	g.mu.Unlock()
	tick := time.NewTicker(seatExtras)
	defer tick.Stop()
	for {
		select {
		case <-s.granted:
			return s, nil
		case <-ctx.Done():
			s.leave()
			return nil, ctx.Err()
		case <-tick.C:
			g.hurry()
		}
	}
}

// serve seats who waits, as far as there is room. mu is held.
func (g *Gate) serve() {
	if g.now < g.most && time.Since(g.shrunk) > gateGrows {
		g.now, g.shrunk = g.now+1, time.Now()
	}
	for !g.paused() && len(g.waiting) > 0 && g.taken() < g.now {
		s := g.waiting[0]
		g.waiting = g.waiting[1:]
		s.held, s.since = 1, time.Now()
		g.seats = append(g.seats, s)
		close(s.granted)
	}
}

func (g *Gate) paused() bool { return time.Now().Before(g.until) }

func (g *Gate) taken() (n int) {
	for _, s := range g.seats {
		n += s.held
	}
	return n
}

// hurry calls those who are to yield.
func (g *Gate) hurry() {
	g.mu.Lock()
	g.serve()
	due := g.due()
	g.mu.Unlock()
	for _, s := range due {
		s.call()
	}
}

// due returns who is to yield to those who wait: who has most, then who has
// had it longest. mu is held.
func (g *Gate) due() []*seat {
	all := slices.Clone(g.seats)
	slices.SortStableFunc(all, func(a, b *seat) int { return cmp.Or(b.held-a.held, a.since.Compare(b.since)) })
	all = slices.DeleteFunc(all, func(s *seat) bool {
		turn := seatTurn
		if s.held > 1 {
			turn = seatExtras
		}
		return time.Since(s.since) < turn || s.call == nil
	})
	return all[:min(len(all), len(g.waiting))]
}

// extras takes up to n more connections, as far as nobody waits for them.
func (s *seat) extras(n int) int {
	if s == nil {
		return n
	}
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) > 0 {
		return 0
	}
	n = max(0, min(n, g.now-g.taken()))
	s.held += n
	return n
}

// yields tells whether the mailbox is to give its connections up.
func (s *seat) yields() bool {
	if s == nil {
		return false
	}
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.paused() || len(s.gate.waiting) > 0 && slices.Contains(s.gate.due(), s)
}

// refused hears that the server wants fewer connections.
func (s *seat) refused() {
	if s == nil {
		return
	}
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now, g.shrunk = max(1, min(g.now, g.taken())-1), time.Now()
}

// pause hears that the server wants to be left alone for so long: that goes
// for everybody who signs in as this one does.
func (s *seat) pause(d time.Duration) {
	if s == nil {
		return
	}
	g := s.gate
	g.mu.Lock()
	if until := time.Now().Add(d); until.After(g.until) {
		g.until = until
	}
	all := slices.Clone(g.seats)
	g.mu.Unlock()
	for _, o := range all {
		if o.call != nil {
			o.call()
		}
	}
}

// leave gives everything back.
func (s *seat) leave() {
	if s == nil {
		return
	}
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seats = slices.DeleteFunc(g.seats, func(o *seat) bool { return o == s })
	g.waiting = slices.DeleteFunc(g.waiting, func(o *seat) bool { return o == s })
	s.held = 0
	g.serve()
}

// takeSeat waits for the mailbox's turn at the gate.
func (s *Syncer) takeSeat(ctx context.Context) (*seat, error) {
	if s.o.Gate != nil {
		s.become(message.StateWaiting, nil, time.Time{})
	}
	seat, err := s.o.Gate.enter(ctx, s.look)
	s.mu.Lock()
	s.seat = seat
	s.mu.Unlock()
	if s.o.Gate != nil && err == nil {
		s.become(message.StateStarting, nil, time.Time{})
	}
	return seat, err
}

// yields tells whether the mailbox is to leave its connections to others.
func (s *Syncer) yields() bool {
	s.mu.Lock()
	seat := s.seat
	s.mu.Unlock()
	return seat.yields()
}
