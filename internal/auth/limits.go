package auth

import (
	"net/netip"
	"sync"
	"time"
)

// The bounds of failed sign-ins from one network address, and of the addresses
// remembered.
const (
	perMinute   = 10
	perDay      = 50
	maxWatched  = 10_000
	freeFailure = 3 // per user, before answers are delayed
	maxDelay    = 4 * time.Second
	forgetAfter = time.Hour
)

// limits count failed sign-ins. They are of this process: a restart forgets.
type limits struct {
	mu    sync.Mutex // guards what follows
	from  map[netip.Prefix]*window
	users map[string]*failures
}

type window struct {
	minute, day         time.Time // when each began
	thisMinute, thisDay int
}

type failures struct {
	n    int
	last time.Time
}

func newLimits() *limits {
	return &limits{from: map[netip.Prefix]*window{}, users: map[string]*failures{}}
}

// network is what counts as one address: of IPv6 what one subscriber has.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// begin counts an attempt as failed until it is said to be none; false means
// that there were too many. Counting first, many attempts at once are no way
// around it.
func (l *limits) begin(a netip.Addr, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := network(a)
	w := l.from[key]
	if w == nil {
		l.sweep(now)
		w = &window{}
		l.from[key] = w
	}
	if d := now.Sub(w.minute); d >= time.Minute || d < 0 {
		w.minute, w.thisMinute = now, 0
	}
	if d := now.Sub(w.day); d >= 24*time.Hour || d < 0 {
		w.day, w.thisDay = now, 0
	}
	if w.thisMinute >= perMinute || w.thisDay >= perDay {
		return false
	}
	w.thisMinute++
	w.thisDay++
	return true
}

// fine takes an attempt back that did not fail.
func (l *limits) fine(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.from[network(a)]; w != nil {
		w.thisMinute, w.thisDay = max(w.thisMinute-1, 0), max(w.thisDay-1, 0)
	}
}

// failed counts a failure for a user, existing or not, and returns how long
// the answer is to wait. Nobody is locked out: whoever knows the password
// gets in all the same.
func (l *limits) failed(user string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.users[user]
	if f == nil || now.Sub(f.last) >= forgetAfter {
		l.sweep(now)
		f = &failures{}
		l.users[user] = f
	}
	f.n, f.last = f.n+1, now
	if f.n <= freeFailure {
		return 0
	}
	return min(250*time.Millisecond<<min(f.n-freeFailure-1, 10), maxDelay)
}

// succeeded forgets a user's failures.
func (l *limits) succeeded(user string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.users, user)
}

// sweep forgets what no longer matters, and something where too much does.
// The caller holds mu.
func (l *limits) sweep(now time.Time) {
	if len(l.from) >= maxWatched {
		for k, w := range l.from {
			if now.Sub(w.day) >= 24*time.Hour {
				delete(l.from, k)
			}
		}
	}
	if len(l.users) >= maxWatched {
		for k, f := range l.users {
			if now.Sub(f.last) >= forgetAfter {
				delete(l.users, k)
			}
		}
	}
	for k := range l.from {
		if len(l.from) < maxWatched {
			break
		}
		delete(l.from, k)
	}
	for k := range l.users {
		if len(l.users) < maxWatched {
			break
		}
		delete(l.users, k)
	}
}

// noteLimit bounds how many failures are written down in an hour.
type noteLimit struct {
	mu    sync.Mutex // guards what follows
	began time.Time
	n     int
}

const notesPerHour = 60

// take reports whether one more may be written down, and whether it is the last.
func (l *noteLimit) take(now time.Time) (write, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := now.Sub(l.began); d >= time.Hour || d < 0 {
		l.began, l.n = now, 0
	}
	l.n++
	return l.n <= notesPerHour, l.n == notesPerHour
}

// pending keeps what was begun and is to be finished within minutes, once.
type pending[T any] struct {
	mu  sync.Mutex // guards all
	all map[string]pendingItem[T]
}

type pendingItem[T any] struct {
	value   T
	expires time.Time
}

const (
	pendingFor = 10 * time.Minute
	maxPending = 2000
)

func newPending[T any]() *pending[T] { return &pending[T]{all: map[string]pendingItem[T]{}} }

// put keeps a value and returns the secret it is taken with.
func (p *pending[T]) put(v T, now time.Time) string {
	secret, digest := newSecret()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) >= maxPending {
		for k, item := range p.all {
			if !now.Before(item.expires) {
				delete(p.all, k)
			}
		}
	}
	for k := range p.all { // whoever begins thousands loses some; maps go in no order
		if len(p.all) < maxPending {
			break
		}
		delete(p.all, k)
	}
	p.all[string(digest)] = pendingItem[T]{v, now.Add(pendingFor)}
	return secret
}

// take returns a value and forgets it.
func (p *pending[T]) take(secret string, now time.Time) (T, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := string(digestOf(secret))
	item, ok := p.all[key]
	delete(p.all, key)
	if !ok || !now.Before(item.expires) {
		var none T
		return none, false
	}
	return item.value, true
}
