// Package mailsync reads mailboxes over IMAP: one supervisor per mailbox
// connects, watches and fetches, and never changes anything on the server.
//
// A [Syncer] makes passes over folders. A pass opens a folder read-only, lists
// its UIDs, and fetches those the [Sink] has not settled, newest first: headers
// in chunks, which the sink judges, then the bodies it wishes. What is settled
// is the sink's to keep; nothing here remembers a message.
//
// The IMAP library (in session.go, signin.go and idle.go) speaks through a
// connection of our own, the wire. It has no timeouts and no bounds, and ends
// at the first odd line, so the wire sets the deadlines, bounds every response,
// and takes FETCH, LIST, STATUS and SEARCH out of the stream: the library sees
// the greeting, capabilities, continuations and tagged replies only. So no
// folder name and no message can end a connection by its form alone; one that
// does so otherwise is found by halving and quarantined.
package mailsync

import (
	"context"
	"crypto/tls"
	"hash/fnv"
	"log/slog"
	"net"
	"strings"
	"time"

	"rapport/records/message"
)

// Sink is where mail goes and where the resume points are kept.
type Sink interface {
	// Resume returns what is settled of a folder in this numbering.
	Resume(ctx context.Context, f message.Folder) (message.Progress, error)
	// Wanted judges copies by their heads, in the order given.
	Wanted(ctx context.Context, f message.Folder, copies []message.Copy) ([]message.Wish, error)
	// Take settles a batch: all of it or nothing; repeating it changes
	// nothing. A UID it leaves unsettled after all (the directory changed in
	// between) comes up again in the next pass.
	Take(ctx context.Context, b message.Batch) error
	// Reopen makes skipped UIDs unsettled, so that the next pass judges them again.
	Reopen(ctx context.Context, f message.Folder, uids message.UIDSet) error
	// Report closes a pass over a folder and returns its status.
	Report(ctx context.Context, r message.Report) (message.FolderStatus, error)
	// Listed says which folders the mailbox has now, so that renamed and
	// deleted ones are noticed; names as in message.Folder.
	Listed(ctx context.Context, mailbox string, folders []string) error
	// Pending lists the searches this mailbox has to do; Searched ticks one off.
	Pending(ctx context.Context, mailbox string) ([]message.Search, error)
	Searched(ctx context.Context, mailbox, id string) error
}

// TLSMode says how a connection is secured.
type TLSMode string

// The TLS modes. TLSNone is for loopback hosts only.
const (
	TLSImplicit TLSMode = "implicit"
	TLSStart    TLSMode = "starttls"
	TLSNone     TLSMode = "none"
)

// Mailbox is one account as configured.
type Mailbox struct {
	Name      string
	Provider  string // imap | gmail | outlook
	Host      string // host:port
	TLS       TLSMode
	TLSConfig *tls.Config // roots; ServerName is set from Host
	User      string      // the mailbox
	Login     string      // who signs in; empty: User
	// Password or Token is asked for at each sign-in. Exactly one is set. What
	// only a person can mend they return as an *AuthError that is Final.
	Password func(context.Context) (string, error)
	Token    func(context.Context) (string, error) // OAuth access token, for XOAUTH2 or OAUTHBEARER
	// Stale, when not nil, hears of a token that the server did not take, or
	// by which it ended a session. It reports whether Token may bring another.
	Stale       func(token string) bool
	Mechanisms  []string  // allowed, best first; empty: XOAUTH2/OAUTHBEARER with Token, else PLAIN, LOGIN
	Since       time.Time // bounds the first scan; zero: everything
	Include     []string  // folder patterns; empty: all that are mail
	Exclude     []string
	Connections int           // at most this many at once; 0: 3
	Poll        time.Duration // 0: 15 min
	Idle        time.Duration // IDLE renewed after; 0: 9 min
}

// account is a digest of whose mail this is, and where: never 0.
func (m Mailbox) account() uint64 {
	h := fnv.New64a()
	h.Write([]byte(strings.ToLower(m.User + "\x00" + m.Host))) // which never fails
	return max(h.Sum64(), 1)
}

// Options are what a Syncer works with.
type Options struct {
	Mailbox Mailbox
	Sink    Sink
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
	// Dial replaces the TCP dial, for tests; nil: net.Dialer with 30 s.
	Dial     func(ctx context.Context, address string) (net.Conn, error)
	SpoolDir string // for bodies above 1 MB; removed after use; empty: os.TempDir
	// Transcript, when not nil, gets every command line sent, secrets replaced.
	Transcript func(line string)
	// FingerprintKey keys the digests of headers by which UID reuse is noticed.
	FingerprintKey []byte
	// Gate shares the connections of the sign-in with other mailboxes; nil:
	// there are none.
	Gate *Gate
	// Ledger counts what the account gives; nil: it has no limits.
	Ledger *Ledger
	// Failed, when not nil, hears of a fault when it begins, changes (by its text) and ends (nil).
	Failed func(mailbox string, err error)
	// Panicked, when not nil, hears of every message that was quarantined
	// because it made the sink panic.
	Panicked func(error)
}

// withDefaults fills in what was left open.
func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Dial == nil {
		o.Dial = dialTCP
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &o.Mailbox
	if m.TLS == "" {
		m.TLS = TLSImplicit
	}
	if m.Connections <= 0 {
		m.Connections = 3
	}
	if m.Poll <= 0 || m.Poll > 15*time.Minute {
		m.Poll = 15 * time.Minute
	}
	if m.Idle <= 0 || m.Idle > 9*time.Minute {
		m.Idle = 9 * time.Minute
	}
	return o
}
