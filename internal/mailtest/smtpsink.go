package mailtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Received is one message a sink took.
type Received struct {
	From string
	To   []string
	Data []byte
	User string // who signed in, "" for nobody
}

// Sink is an in-process SMTP server that accepts everything, unless told
// otherwise, and keeps it. Methods may be used concurrently.
type Sink struct {
	Addr string // host:port, in the clear

	// Reply decides each command when set, before the server serves: verb is
	// MAIL, RCPT or DATA (after the final dot), argument the address. nil accepts;
	// an *smtp.SMTPError gives the code.
	Reply func(verb, argument string) error
	// Takes, when set before the server serves, makes it take tokens in the
	// place of passwords, by XOAUTH2 and OAUTHBEARER, and says which.
	Takes func(user, token string) bool
	// Arrived hears of every message taken, when set before the server serves.
	Arrived func(Received)

	server   *smtp.Server
	listener net.Listener
	served   sync.WaitGroup

	mu       sync.Mutex // guards received and changed
	received []Received
	changed  chan struct{}
}

// SMTPError makes a reply for Sink.Reply.
func SMTPError(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: text}
}

// NewSink starts a sink on a free loopback port. The options are applied before
// it serves.
func NewSink(options ...func(*Sink)) (*Sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for SMTP: %w", err)
	}
	s := &Sink{Addr: l.Addr().String(), listener: l, changed: make(chan struct{})}
	for _, o := range options {
		o(s)
	}
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &sinkSession{sink: s}, nil }))
	s.server.Domain, s.server.AllowInsecureAuth, s.server.EnableSMTPUTF8 = "sink.example", true, true
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	s.served.Add(1)
	go func() {
		defer s.served.Done()
		_ = s.server.Serve(l) // ends with Close
	}()
	return s, nil
}

// Close ends all sessions.
func (s *Sink) Close() error {
	err := s.server.Close()
	_ = s.listener.Close() // the server closes only what it has begun to serve
	s.served.Wait()
	return err
}

// Messages returns what was taken so far, in order.
func (s *Sink) Messages() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

// Wait returns once n messages were taken, or with the context's error.
func (s *Sink) Wait(ctx context.Context, n int) ([]Received, error) {
	for {
		s.mu.Lock()
		got, changed := slices.Clone(s.received), s.changed
		s.mu.Unlock()
		if len(got) >= n {
			return got, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return got, fmt.Errorf("wait for %d messages, have %d: %w", n, len(got), ctx.Err())
		}
	}
}

func (s *Sink) take(r Received) {
	s.mu.Lock()
	s.received = append(s.received, r)
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	if s.Arrived != nil {
		s.Arrived(r)
	}
}

func (s *Sink) reply(verb, argument string) error {
	if s.Reply == nil {
		return nil
	}
	return s.Reply(verb, argument)
}

type sinkSession struct {
	sink *Sink
	next Received
}

func (s *sinkSession) Reset()        { s.next = Received{User: s.next.User} }
func (s *sinkSession) Logout() error { return nil }

func (s *sinkSession) AuthMechanisms() []string {
	if s.sink.Takes != nil {
		return []string{"XOAUTH2", sasl.OAuthBearer}
	}
	return []string{sasl.Plain}
}

func (s *sinkSession) Auth(string) (sasl.Server, error) {
	if s.sink.Takes != nil {
		return &bearerServer{session: s}, nil
	}
	return sasl.NewPlainServer(func(_, user, _ string) error {
		s.next.User = user
		return nil
	}), nil
}

// bearerServer takes a token, or says in JSON that it does not, and refuses
// once that was answered, as Google and Microsoft do.
type bearerServer struct {
	session *sinkSession
	refused bool
}

// Next implements sasl.Server.
func (b *bearerServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if b.refused {
		return nil, true, &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 3}, Message: "Authentication unsuccessful"}
	}
	if response == nil {
		return []byte{}, false, nil
	}
	user, token, ok := Bearer(base64.StdEncoding.EncodeToString(response))
	if !ok || !b.session.sink.Takes(user, token) {
		b.refused = true
		return []byte(`{"status":"400","schemes":"Bearer"}`), false, nil
	}
	b.session.next.User = user
	return nil, true, nil
}

func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	s.next.From = from
	return s.sink.reply("MAIL", from)
}

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.sink.reply("RCPT", to); err != nil {
		return err
	}
	s.next.To = append(s.next.To, to)
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	if err := s.sink.reply("DATA", s.next.From); err != nil {
		return err
	}
	s.next.Data = b.Bytes()
	s.sink.take(s.next)
	return nil
}

// StartSink is [NewSink] for the length of a test.
func StartSink(t testing.TB, options ...func(*Sink)) *Sink {
	t.Helper()
	s, err := NewSink(options...)
	if err != nil {
		t.Fatalf("start SMTP sink: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// PostfixSink is Postfix's smtp-sink: an SMTP server nobody of us wrote.
type PostfixSink struct {
	Addr string
	dir  string
}

// StartSMTPSink starts Postfix's smtp-sink for the length of the test, which
// is skipped, or fails with RAPPORT_REQUIRE_SERVERS=1, where it is missing.
func StartSMTPSink(t testing.TB, args ...string) *PostfixSink {
	t.Helper()
	binary, err := findDaemon("smtp-sink")
	if err != nil {
		SkipOrFail(t, "Postfix's smtp-sink is not installed (Debian: apt-get install postfix)")
	}
	ports, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "rapport-sink")
	if err != nil {
		t.Fatalf("make directory of smtp-sink: %v", err)
	}
	if err := give(dir); err != nil {
		t.Fatal(err)
	}
	s := &PostfixSink{Addr: fmt.Sprintf("127.0.0.1:%d", ports[0]), dir: dir}
	if os.Getuid() == 0 { // it refuses to stay root
		args = append([]string{"-u", "nobody"}, args...)
	}
	cmd := exec.Command(binary, append(args, "-d", filepath.Join(dir, "%M."), s.Addr, "100")...)
	stop, exited, err := startTied(cmd)
	if err != nil {
		t.Fatalf("start smtp-sink: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stop(), removeAll(dir)); err != nil {
			t.Errorf("stop smtp-sink: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := awaitGreeting(ctx, s.Addr, exited); err != nil {
		t.Fatalf("wait for smtp-sink: %v", err)
	}
	return s
}

// Messages returns what was taken so far: each file as smtp-sink writes it, its
// own X- header lines about the envelope first. A session that brought no
// message leaves nothing here.
func (s *PostfixSink) Messages() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	if err != nil {
		return nil, fmt.Errorf("list messages of smtp-sink: %w", err)
	}
	slices.Sort(files)
	var all []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read message of smtp-sink: %w", err)
		}
		if strings.Contains(string(b), "X-Mail-Args:") {
			all = append(all, string(b))
		}
	}
	return all, nil
}
