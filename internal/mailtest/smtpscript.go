package mailtest

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// SMTPStep is a place in a session where a scripted server may misbehave.
type SMTPStep struct {
	Session int    // from 0, in the order of connecting
	Mail    int    // from 0, the MAIL commands of the session so far
	Verb    string // CONNECT, EHLO, AUTH, MAIL, RCPT, DATA, BODY (its first bytes are here) or DOT
	Arg     string // the address of MAIL and RCPT; user and token of AUTH, with a space between
}

// SMTPFault is what a scripted server does instead of saying yes.
type SMTPFault struct {
	Reply string        // such as "451 4.7.1 later"; "" says the usual yes
	Wait  time.Duration // before anything else; the server's closing ends it
	Close bool          // the connection ends, after Reply where there is one
	Reset bool          // as Close, but with a RST and nothing said
	Take  bool          // at DOT: the mail counts as taken though the answer is no, or none
}

// SMTPScript is a plain SMTP server that does as it is told. It keeps what it
// took: at the final dot, before it answers. Methods may be used concurrently.
type SMTPScript struct {
	Addr string // host:port, in the clear

	// Auth, when not empty, are the mechanisms offered; tokens only are read.
	Auth string
	// Took, when not nil, hears of each mail that is taken before the server
	// answers, as a provider that files a copy does.
	Took func(Received)
	// Ended, when not nil, hears that a session is over.
	Ended func(session int)

	fault    func(SMTPStep) *SMTPFault
	listener net.Listener
	closed   chan struct{}
	served   sync.WaitGroup

	mu       sync.Mutex // guards what follows
	taken    []Received
	sessions int
	open     map[net.Conn]bool
	most     int
}

// StartSMTPScript starts a server on a free loopback port for the length of a
// test. fault is asked at each step, by several sessions at once; nil, or a nil
// answer, is a server that takes everything.
func StartSMTPScript(t testing.TB, fault func(SMTPStep) *SMTPFault) *SMTPScript {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start scripted SMTP server: %v", err)
	}
	s := NewSMTPScript(fault)
	s.Addr, s.listener = l.Addr().String(), l
	s.served.Add(1)
	go s.serve()
	t.Cleanup(s.Close)
	return s
}

// NewSMTPScript makes a server that listens nowhere; see Talk.
func NewSMTPScript(fault func(SMTPStep) *SMTPFault) *SMTPScript {
	if fault == nil {
		fault = func(SMTPStep) *SMTPFault { return nil }
	}
	return &SMTPScript{fault: fault, closed: make(chan struct{}), open: map[net.Conn]bool{}}
}

// Close ends all sessions.
func (s *SMTPScript) Close() {
	s.mu.Lock()
	select {
	case <-s.closed:
		s.mu.Unlock()
		return
	default:
	}
	close(s.closed)
	if s.listener != nil {
		_ = s.listener.Close()
	}
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.served.Wait()
}

// Taken returns what was taken so far, in order.
func (s *SMTPScript) Taken() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// Sessions returns how many connections there were, and how many at once at
// most.
func (s *SMTPScript) Sessions() (all, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions, s.most
}

// Open returns how many sessions there are now. One whose client is gone ends
// once the server is through with what was sent to it, a copy filed by Took
// included.
func (s *SMTPScript) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

func (s *SMTPScript) serve() {
	defer s.served.Done()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.served.Add(1)
		go func() {
			defer s.served.Done()
			s.Talk(conn)
		}()
	}
}

// Talk serves one connection to its end.
func (s *SMTPScript) Talk(conn net.Conn) {
	s.mu.Lock()
	n := s.sessions
	s.sessions++
	s.open[conn] = true
	s.most = max(s.most, len(s.open))
	select {
	case <-s.closed: // which closes only what it knows of
		_ = conn.Close()
	default:
	}
	s.mu.Unlock()
	(&smtpTalk{server: s, conn: conn, in: bufio.NewReader(conn), at: SMTPStep{Session: n, Mail: -1}}).run()
	_ = conn.Close()
	s.mu.Lock()
	delete(s.open, conn)
	s.mu.Unlock()
	if s.Ended != nil {
		s.Ended(n)
	}
}

// smtpTalk is one session.
type smtpTalk struct {
	server *SMTPScript
	conn   net.Conn
	in     *bufio.Reader
	at     SMTPStep
	next   Received
}

// step asks for a fault and answers, with yes where there is none. It reports
// whether the session goes on, and whether the answer was yes.
func (t *smtpTalk) step(verb, arg, yes string) (on, ok bool) {
	at := t.at
	at.Verb, at.Arg = verb, arg
	f := t.server.fault(at)
	if f == nil {
		f = &SMTPFault{}
	}
	if f.Wait > 0 {
		select {
		case <-time.After(f.Wait):
		case <-t.server.closed:
			return false, false
		}
	}
	said := f.Reply
	if said == "" && !f.Close && !f.Reset {
		said = yes
	}
	ok = said == yes || strings.HasPrefix(said, "2")
	if verb == "DOT" && (ok || f.Take) {
		t.take()
	}
	if f.Reset {
		if c, tcp := t.conn.(*net.TCPConn); tcp {
			_ = c.SetLinger(0)
		}
		return false, false
	}
	return (said == "" || t.say(said)) && !f.Close, ok
}

func (t *smtpTalk) say(line string) bool {
	_, err := fmt.Fprintf(t.conn, "%s\r\n", line)
	return err == nil
}

func (t *smtpTalk) take() {
	t.server.mu.Lock()
	t.server.taken = append(t.server.taken, t.next)
	t.server.mu.Unlock()
	if t.server.Took != nil {
		t.server.Took(t.next)
	}
}

func (t *smtpTalk) run() {
	if on, ok := t.step("CONNECT", "", "220 script.example ESMTP"); !on || !ok {
		return
	}
	for {
		line, err := t.in.ReadString('\n')
		if err != nil || !t.command(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

// command serves one; false ends the session.
func (t *smtpTalk) command(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO":
		offers := ""
		if t.server.Auth != "" {
			offers = "250-AUTH " + t.server.Auth + "\r\n"
		}
		on, _ := t.step("EHLO", rest, "250-script.example\r\n250-8BITMIME\r\n"+offers+"250 SIZE 50000000")
		return on
	case "AUTH":
		_, words, _ := strings.Cut(rest, " ")
		user, token, ok := Bearer(words)
		if !ok {
			return t.say("501 5.5.4 Invalid argument")
		}
		on, _ := t.step("AUTH", user+" "+token, "235 2.7.0 Authentication successful")
		return on
	case "MAIL":
		t.at.Mail++
		t.next = Received{From: between(rest)}
		on, _ := t.step("MAIL", t.next.From, "250 2.1.0 ok")
		return on
	case "RCPT":
		to := between(rest)
		on, ok := t.step("RCPT", to, "250 2.1.5 ok")
		if ok {
			t.next.To = append(t.next.To, to)
		}
		return on
	case "DATA":
		if len(t.next.To) == 0 {
			return t.say("503 5.5.1 no recipient")
		}
		on, ok := t.step("DATA", "", "354 go on")
		if !on || !ok {
			return on
		}
		return t.data()
	case "RSET":
		t.next = Received{}
		return t.say("250 2.0.0 ok")
	case "NOOP":
		return t.say("250 2.0.0 ok")
	case "QUIT":
		t.say("221 2.0.0 bye")
		return false
	}
	return t.say("500 5.5.2 what?")
}

// data reads a mail up to its dot.
func (t *smtpTalk) data() bool {
	var body bytes.Buffer
	for first := true; ; first = false {
		line, err := t.in.ReadBytes('\n')
		if err != nil {
			return false
		}
		if first {
			if on, _ := t.step("BODY", "", ""); !on {
				return false
			}
		}
		if bytes.Equal(line, []byte(".\r\n")) {
			break
		}
		body.Write(bytes.TrimPrefix(line, []byte(".")))
	}
	t.next.Data = body.Bytes()
	on, _ := t.step("DOT", "", fmt.Sprintf("250 2.0.0 queued as s%dm%d", t.at.Session, t.at.Mail))
	return on
}

// between returns the address of MAIL FROM:<…> or RCPT TO:<…>.
func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
