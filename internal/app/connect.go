package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/user"
	"time"

	"rapport/internal/config"
	"rapport/store"
	"rapport/web"
)

// connectWithin is how long a command waits for a daemon that holds the store
// and does not answer yet, or for another command to end.
const connectWithin = 5 * time.Second

// ConnectOptions say how a command reaches the system. The zero value is right.
type ConnectOptions struct {
	Version string
	Args    []string         // the command line, for hints; nil: os.Args
	Actor   string           // in the audit trail; empty: the user's name
	Log     io.Writer        // nil: nothing is logged
	Level   string           // of the log; empty: warn
	Now     func() time.Time // nil: time.Now
	// Dial replaces the TCP dial to mail servers, for tests.
	Dial func(ctx context.Context, address string) (net.Conn, error)

	within time.Duration // 0: connectWithin; longer for tests on a machine that is busy
}

// Conn is a connection to the system: to a running daemon, or to one that
// lives in this process while the command works.
type Conn struct {
	Client *web.Client
	Daemon bool // another process answers
	api    *server
	undo   *stops
}

// The terms of the client that its callers have to write, so that who works
// through a Conn needs nothing else.
type (
	// ImportOptions are what a person says beside an import file.
	ImportOptions = web.ImportOptions
	// SaleImport is the same beside a file of sales.
	SaleImport = web.SaleImport
	// Filter narrows lists of records.
	Filter = web.Filter
	// Slice bounds a listing.
	Slice = web.Slice
	// CampaignLaunch says how a campaign is launched.
	CampaignLaunch = web.CampaignLaunch
)

// drainTime is how long a command lets others finish that speak through it.
const drainTime = 10 * time.Minute

// Close ends it, and the system where it is our own; other commands that
// speak through it get to finish what they have begun.
func (c *Conn) Close() error {
	c.Client.Close()
	if c.undo == nil {
		return nil
	}
	c.api.drain(drainTime)
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return c.undo.unwind(ctx)
}

// Connect reaches the system of a configuration. Where a daemon answers on the
// socket it speaks to that. Otherwise it opens the store, builds the same
// system without watching the mailboxes, and serves it on the same socket, so
// that a second command speaks to this one. Of two that start together the one
// without the lock waits for the other's socket.
func Connect(ctx context.Context, cfg *config.Config, o ConnectOptions) (*Conn, error) {
	if o.Args == nil {
		o.Args = os.Args
	}
	if err := checkOwner(cfg.DataDir, o.Args); err != nil {
		return nil, err
	}
	path, err := SocketPath(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	opts, err := o.options()
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(cmp.Or(o.within, connectWithin))
	for {
		if answers(ctx, path) {
			return &Conn{Client: web.NewSocketClient(path, o.actor()), Daemon: true}, nil
		}
		undo := &stops{log: opts.log}
		s, err := build(ctx, cfg, opts, undo)
		if err == nil {
			err = s.intake.Recover(ctx)
		}
		if err == nil { // before mail is judged by its age
			_, err = s.clock.look(ctx, s.store)
		}
		if err == nil {
			// What this command has filed it indexes before it ends, unless it
			// is interrupted; a daemon does so when it comes to rest.
			undo.push("index", func(stopping context.Context) error { return s.index(ctx, stopping) })
			api := serve(s.socket, local(s.handler), s.log)
			undo.push("api", api.stop)
			return &Conn{Client: web.NewSocketClient(path, o.actor()), api: api, undo: undo}, nil
		}
		if undone := undo.unwind(context.WithoutCancel(ctx)); undone != nil {
			return nil, errors.Join(err, undone)
		}
		if !errors.Is(err, store.ErrLocked) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%w; it holds the store and does not answer on %s (is it stopping, or stuck? try again)", err, path)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect: %w", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// index has the store index what was filed, until one of the two ends: what is
// left waits in the store.
func (s *system) index(ctx, stopping context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(stopping, cancel)()
	err := s.store.Index(ctx)
	if ctx.Err() != nil || errors.Is(err, store.ErrFull) {
		return nil
	}
	return err
}

// Reach speaks to the daemon of a data directory, and is nil where none
// answers: it opens no store.
func Reach(ctx context.Context, dataDir string, o ConnectOptions) *Conn {
	if o.Args == nil {
		o.Args = os.Args
	}
	if checkOwner(dataDir, o.Args) != nil {
		return nil
	}
	path, err := SocketPath(dataDir)
	if err != nil || !answers(ctx, path) {
		return nil
	}
	return &Conn{Client: web.NewSocketClient(path, o.actor()), Daemon: true}
}

func (o ConnectOptions) options() (options, error) {
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	if o.Level != "" {
		l, err := parseLevel(o.Level)
		if err != nil {
			return options{}, err
		}
		level.Set(l)
	}
	opts := options{version: o.Version, args: o.Args, now: o.Now, dial: o.Dial, patience: 200 * time.Millisecond, level: level, log: slog.New(slog.DiscardHandler)}
	if o.Log != nil {
		opts.log = newLogger(o.Log, "text", level)
	}
	if opts.now == nil {
		opts.now = time.Now
	}
	return opts, nil
}

func (o ConnectOptions) actor() string {
	if o.Actor != "" {
		return o.Actor
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "command line"
}

// aliveWithin is how long a daemon may take to say that it is there.
const aliveWithin = 3 * time.Second

// answers reports whether a daemon answers on the socket. That the socket
// takes the connection is not enough: it does so for a daemon that is stuck.
func answers(ctx context.Context, path string) bool {
	conn, err := dialSocket(ctx, path)
	if err != nil {
		return false
	}
	conn.Close()
	ctx, cancel := context.WithTimeout(ctx, aliveWithin)
	defer cancel()
	c := web.NewSocketClient(path, "")
	defer c.Close()
	_, err = c.Version(ctx)
	var problem *web.Problem
	return err == nil || errors.As(err, &problem) // a refusal is an answer
}
