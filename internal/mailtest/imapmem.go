package mailtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// IMAP is an in-process IMAP server that keeps mail in memory: for the demo and
// for tests that need no real server. It has IDLE and special-use folders, but
// no CONDSTORE. Methods may be used concurrently.
type IMAP struct {
	Addr string // host:port, "" when it serves no socket

	server *imapserver.Server
	served sync.WaitGroup

	mu    sync.Mutex // guards users
	users map[string]*memUser
}

// memUser is an account and the attributes of its folders, which the library's
// server does not keep.
type memUser struct {
	*imapmemserver.User
	name string // it was made with

	mu      sync.Mutex // guards folders
	folders map[string]string
}

// NewIMAP starts a server on a free loopback port: with implicit TLS when tlsConfig
// is set ([CA.ServerTLS]), in the clear otherwise.
func NewIMAP(tlsConfig *tls.Config, users ...User) (*IMAP, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for IMAP: %w", err)
	}
	addr := l.Addr().String()
	if tlsConfig != nil {
		l = tls.NewListener(l, tlsConfig)
	}
	s, err := ServeIMAP(l, users...)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.Addr = addr
	return s, nil
}

// ServeIMAP starts a server on a listener of the caller's, a [PipeListener] say.
func ServeIMAP(l net.Listener, users ...User) (*IMAP, error) {
	s := &IMAP{users: map[string]*memUser{}}
	for _, u := range users {
		if err := s.AddUser(u); err != nil {
			return nil, err
		}
	}
	s.server = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &memSession{server: s}, nil, nil
		},
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapESearch: {}, imap.CapListExtended: {},
			imap.CapListStatus: {}, imap.CapMove: {}, imap.CapStatusSize: {}, imap.CapSpecialUse: {}, imap.CapIdle: {},
		},
		InsecureAuth: true, // loopback or TLS
		Logger:       log.New(io.Discard, "", 0),
	})
	s.served.Add(1)
	go func() {
		defer s.served.Done()
		_ = s.server.Serve(l) // ends with Close
	}()
	return s, nil
}

// Close ends all sessions and forgets the mail.
func (s *IMAP) Close() error {
	err := s.server.Close()
	s.served.Wait()
	return err
}

// AddUser makes an account with Inbox, the special-use folders and its own.
func (s *IMAP) AddUser(u User) error {
	m := &memUser{User: imapmemserver.NewUser(u.Name, u.Password), name: u.Name, folders: map[string]string{}}
	if err := m.create("INBOX", ""); err != nil {
		return err
	}
	for _, f := range SpecialUse {
		if err := m.create(f.Name, f.Attribute); err != nil {
			return err
		}
	}
	for _, f := range u.Folders {
		if err := m.create(f, ""); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.Name] = m
	return nil
}

// RenameUser gives an account another name to sign in by; its mail stays, and
// whoever is signed in stays so.
func (s *IMAP) RenameUser(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[from]; u != nil {
		s.users[to] = u
		delete(s.users, from)
	}
}

// Append puts a message into a folder with the time as INTERNALDATE; the folder
// is made if need be. Clients that idle on it hear of it at once.
func (s *IMAP) Append(user, folder string, raw []byte, at time.Time, flags ...string) error {
	m := s.user(user)
	if m == nil {
		return fmt.Errorf("append to %s of %s: no such account", folder, user)
	}
	if !m.has(folder) {
		if err := m.create(folder, ""); err != nil {
			return err
		}
	}
	options := &imap.AppendOptions{Time: at}
	for _, f := range flags {
		options.Flags = append(options.Flags, imap.Flag(f))
	}
	if _, err := m.Append(folder, literal{bytes.NewReader(raw)}, options); err != nil {
		return fmt.Errorf("append to %s of %s: %w", folder, user, err)
	}
	return nil
}

func (s *IMAP) user(name string) *memUser {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[name]
}

// literal is a message as the library wants it: a reader that knows its size.
type literal struct{ *bytes.Reader }

func (m *memUser) has(folder string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.folders[folder]
	return ok
}

func (m *memUser) create(folder, attribute string) error {
	if err := m.User.Create(folder, nil); err != nil {
		return fmt.Errorf("create folder %s: %w", folder, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.folders[folder] = attribute
	return nil
}

// memSession is one connection. The embedded session is nil until sign-in.
type memSession struct {
	*imapmemserver.UserSession

	server *IMAP
	user   *memUser
}

var _ imapserver.SessionIMAP4rev2 = (*memSession)(nil)

func (s *memSession) Login(name, password string) error {
	u := s.server.user(name)
	if u == nil {
		return imapserver.ErrAuthFailed
	}
	if err := u.Login(u.name, password); err != nil { // they may sign in by another name by now
		return err
	}
	s.UserSession, s.user = imapmemserver.NewUserSession(u.User), u
	return nil
}

func (s *memSession) Create(name string, _ *imap.CreateOptions) error {
	return s.user.create(strings.TrimRight(name, "/"), "")
}

func (s *memSession) Delete(name string) error {
	if err := s.user.User.Delete(name); err != nil {
		return err
	}
	s.user.mu.Lock()
	defer s.user.mu.Unlock()
	delete(s.user.folders, name)
	return nil
}

func (s *memSession) Rename(from, to string, options *imap.RenameOptions) error {
	if err := s.user.User.Rename(from, to, options); err != nil {
		return err
	}
	s.user.mu.Lock()
	defer s.user.mu.Unlock()
	s.user.folders[to] = s.user.folders[from]
	delete(s.user.folders, from)
	return nil
}
