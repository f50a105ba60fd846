package app

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"rapport/internal/config"
	"rapport/mailsync"
	"rapport/store"
)

// stateBudget is where the store keeps what an account gave of late, by its
// host and name: several mailboxes may read one account, and a mailbox may be
// called otherwise some day.
const stateBudget = "budget of "

// ledgers are the accounts that have limits. Methods may be called concurrently.
type ledgers struct {
	store store.Store
	now   func() time.Time

	mu  sync.Mutex // guards all
	all map[string]ledger
}

type ledger struct {
	*mailsync.Ledger
	limits mailsync.Limits
}

func newLedgers(s store.Store, now func() time.Time) *ledgers {
	return &ledgers{store: s, now: now, all: map[string]ledger{}}
}

// of returns the ledger of a mailbox's account. Where its limits changed, a
// new one goes on with what the old one had counted.
func (l *ledgers) of(m config.Mailbox) *mailsync.Ledger {
	limits := mailsync.Limits{Bytes: m.DailyBytes(), Messages: int64(m.DailyMessages)}
	account := strings.ToLower(m.User + " at " + m.Host)
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.all[account]; ok && known.limits == limits {
		return known.Ledger
	} else if ok {
		_ = known.Close(context.Background()) // what a crash could lose may be lost here too
	}
	made := ledger{mailsync.NewLedger(limits, l.now, accountBudget{l.store, stateBudget + account}), limits}
	l.all[account] = made
	return made.Ledger
}

// close keeps what was counted.
func (l *ledgers) close(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var faults []error
	for _, a := range l.all {
		faults = append(faults, a.Close(ctx))
	}
	return errors.Join(faults...)
}

// gates are the sign-ins, by host and name, whose connections several mailboxes
// may share. Methods may be called concurrently.
type gates struct {
	mu  sync.Mutex // guards all
	all map[string]*mailsync.Gate
}

// of returns the gate of a mailbox's sign-in.
func (g *gates) of(m config.Mailbox) *mailsync.Gate {
	key := strings.ToLower(cmp.Or(m.Login, m.User) + " at " + m.Host)
	most := max(m.Connections, m.SharedConnections())
	g.mu.Lock()
	defer g.mu.Unlock()
	known := g.all[key]
	if known == nil {
		if g.all == nil {
			g.all = map[string]*mailsync.Gate{}
		}
		known = mailsync.NewGate(most)
		g.all[key] = known
	}
	known.Admit(most)
	return known
}

// accountBudget implements mailsync.Budget on the store.
type accountBudget struct {
	store store.Store
	key   string
}

// Load implements mailsync.Budget.
func (b accountBudget) Load(ctx context.Context) (book []byte, err error) {
	err = b.store.View(ctx, func(tx store.Tx) (err error) {
		book, err = tx.State().Get(b.key)
		return err
	})
	return book, err
}

// Save implements mailsync.Budget.
func (b accountBudget) Save(ctx context.Context, book []byte) error {
	return b.store.Update(ctx, func(tx store.Tx) error { return tx.State().Put(b.key, book) })
}
