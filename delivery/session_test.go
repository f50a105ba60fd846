package delivery_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rapport/delivery"
	"rapport/internal/mailtest"
	"rapport/records/outbox"
)

// through opens a session to a scripted server.
func through(t *testing.T, fault func(mailtest.SMTPStep) *mailtest.SMTPFault) (*mailtest.SMTPScript, delivery.Sender) {
	t.Helper()
	s := mailtest.StartSMTPScript(t, fault)
	return s, delivery.Sender{Host: s.Addr, TLS: delivery.TLSNone, From: "news@example.com"}
}

func open(t *testing.T, s delivery.Sender) *delivery.Session {
	t.Helper()
	c, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// yes is an intent that is committed at once; asked counts.
func yes(asked *int) func() <-chan error {
	return func() <-chan error {
		*asked++
		c := make(chan error, 1)
		c <- nil
		return c
	}
}

const letter = "Subject: x\r\n\r\n.one\r\n..\r\n.\r\nend\r\n"

func TestTransmit(t *testing.T) {
	t.Parallel()
	server, sender := through(t, nil)
	c := open(t, sender)
	asked := 0
	for n := range 3 {
		id, err := c.Transmit(t.Context(), "news@example.com", "ada@example.com", []byte(letter), yes(&asked))
		if err != nil || !strings.Contains(id, "queued as s0m") || asked != n+1 {
			t.Fatalf("Transmit = %q, %v; asked %d times", id, err, asked)
		}
	}
	for _, got := range server.Taken() {
		if string(got.Data) != letter || got.From != "news@example.com" || len(got.To) != 1 || got.To[0] != "ada@example.com" {
			t.Errorf("the server took %+v", got)
		}
	}
	if all, _ := server.Sessions(); all != 1 || len(server.Taken()) != 3 {
		t.Errorf("%d mails in %d sessions", len(server.Taken()), all)
	}
}

// TestS3_OneMailToOneRecipient checks what is refused before anything is
// said to the server: what would be read differently there.
func TestS3_OneMailToOneRecipient(t *testing.T) {
	t.Parallel()
	tries := 0
	server, sender := through(t, nil)
	c := open(t, sender)
	asked := 0
	for _, data := range []string{"", "x", "a\nb\r\n", "a\rb\r\n", "a\x00\r\n", "a\r\n.\nMAIL FROM:<x@example.com>\r\n", "a\r\r\n"} {
		tries++
		if _, err := c.Transmit(t.Context(), "a@example.com", "b@example.com", []byte(data), yes(&asked)); err == nil {
			t.Errorf("Transmit(%q) = nil", data)
		}
	}
	for _, to := range []string{"", "x", "@example.com", "a@", `"foo@psres.example> ORCPT=admin@example.com"@example.org`, "a b@example.com",
		"a@example.com>\r\nRCPT TO:<b@example.com", "a@example.com> NOTIFY=NEVER", "a@b@example.com", ".a@example.com", "a..b@example.com",
		"ä@example.com", strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b", 260), "a@[127.0.0.1]", "a@example.com\x00", "a,b@example.com"} {
		for _, pair := range [][2]string{{"a@example.com", to}, {to, "a@example.com"}} {
			tries++
			if _, err := c.Transmit(t.Context(), pair[0], pair[1], []byte(letter), yes(&asked)); err == nil {
				t.Errorf("Transmit from %q to %q = nil", pair[0], pair[1])
			}
		}
	}
	if asked != 0 || len(server.Taken()) != 0 || !c.Usable() {
		t.Errorf("asked %d times, %d taken, usable %v", asked, len(server.Taken()), c.Usable())
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestRefusals refuses each command: the session goes on, and the mail after it
// arrives whole.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"MAIL", "RCPT", "DATA", "DOT"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			server, sender := through(t, func(at mailtest.SMTPStep) *mailtest.SMTPFault {
				if at.Verb == verb && at.Mail == 0 {
					return &mailtest.SMTPFault{Reply: "550 5.1.1 no such user"}
				}
				return nil
			})
			c := open(t, sender)
			asked := 0
			_, err := c.Transmit(t.Context(), "a@example.com", "b@example.com", []byte(letter), yes(&asked))
			refused := (*delivery.Refusal)(nil)
			if !errors.As(err, &refused) || refused.Reply.Code != 550 || refused.Reply.Enhanced != "5.1.1" || string(refused.Reply.Stage) != strings.ToLower(verb) {
				t.Fatalf("Transmit = %v", err)
			}
			if _, err := c.Transmit(t.Context(), "a@example.com", "c@example.com", []byte(letter), yes(&asked)); err != nil {
				t.Fatal(err)
			}
			if got := server.Taken(); len(got) != 1 || len(got[0].To) != 1 || got[0].To[0] != "c@example.com" {
				t.Errorf("taken: %+v", got)
			}
		})
	}
}

// TestLostConnections ends the connection at each step, in three ways, and
// asks what is known of the mail: only after the dot it may have been taken.
func TestLostConnections(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "DOT"} {
		for name, fault := range map[string]mailtest.SMTPFault{
			"close": {Close: true}, "reset": {Reset: true}, "421": {Reply: "421 4.3.2 going down", Close: true}, "nonsense": {Reply: "what"},
		} {
			t.Run(verb+" "+name, func(t *testing.T) {
				t.Parallel()
				_, sender := through(t, func(at mailtest.SMTPStep) *mailtest.SMTPFault {
					if at.Verb == verb {
						return &fault
					}
					return nil
				})
				c, err := sender.Open(t.Context())
				if verb == "CONNECT" || verb == "EHLO" {
					if err == nil {
						t.Error("Open = nil")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				asked := 0
				data := letter + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 1<<18/72)
				_, err = c.Transmit(t.Context(), "a@example.com", "b@example.com", []byte(data), yes(&asked))
				checkLost(t, verb, name, err, c.Usable())
			})
		}
	}
}

func checkLost(t *testing.T, verb, name string, err error, usable bool) {
	t.Helper()
	if usable {
		t.Error("the session is usable")
	}
	lost, refused := (*delivery.Lost)(nil), (*delivery.Refusal)(nil)
	switch {
	case errors.As(err, &refused):
		if name != "421" || refused.Reply.Code != 421 {
			t.Errorf("refused: %v", err)
		}
	case errors.As(err, &lost):
		// What is said amid the body may be read as the answer to the dot.
		if lost.Dotted != (verb == "DOT") && !(verb == "BODY" && lost.Dotted) {
			t.Errorf("dotted %v: %v", lost.Dotted, err)
		}
		if name == "421" && verb != "BODY" {
			t.Errorf("the answer was not heard: %v", err)
		}
	default:
		t.Errorf("Transmit = %v", err)
	}
}

// TestNoDotWithoutIntent refuses the intent: the server gets the body and no
// dot, so that nothing is taken.
func TestNoDotWithoutIntent(t *testing.T) {
	t.Parallel()
	server, sender := through(t, nil)
	c := open(t, sender)
	why := errors.New("said stop")
	_, err := c.Transmit(t.Context(), "a@example.com", "b@example.com", []byte(letter), func() <-chan error {
		refused := make(chan error, 1)
		refused <- why
		return refused
	})
	withheld := (*delivery.Withheld)(nil)
	if !errors.As(err, &withheld) || !errors.Is(err, why) || c.Usable() {
		t.Errorf("Transmit = %v, usable %v", err, c.Usable())
	}
	server.Close() // all its sessions have ended
	if got := server.Taken(); len(got) != 0 {
		t.Errorf("taken: %+v", got)
	}
}

// TestSpeaksAmidTheBody has the server answer before the mail has ended, take
// it all the same and go on: its words are not taken for the answer to the dot,
// so that nothing it took is sent a second time.
func TestSpeaksAmidTheBody(t *testing.T) {
	for _, reply := range []string{"451 4.7.1 later", "550 5.7.1 no", "250 2.0.0 ok", "what"} {
		synctest.Test(t, func(t *testing.T) {
			server, sender := inMemory(func(at mailtest.SMTPStep) *mailtest.SMTPFault {
				if at.Verb == "BODY" {
					return &mailtest.SMTPFault{Reply: reply}
				}
				return nil
			})
			c, err := sender.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Transmit(t.Context(), "a@example.com", "b@example.com", []byte(letter), func() <-chan error {
				granted := make(chan error)
				go func() {
					synctest.Wait() // the server has said it
					granted <- nil
				}()
				return granted
			})
			lost, refused := (*delivery.Lost)(nil), (*delivery.Refusal)(nil)
			if c.Usable() || !(errors.As(err, &refused) && refused.Reply.Stage == outbox.StageData || errors.As(err, &lost) && !lost.Dotted) {
				t.Errorf("%q: Transmit = %v, usable %v", reply, err, c.Usable())
			}
			server.Close()
			synctest.Wait()
			if got := server.Taken(); len(got) != 0 {
				t.Errorf("%q: the dot was written: %+v", reply, got)
			}
		})
	}
}

// inMemory is a scripted server reached once, without a network.
func inMemory(fault func(mailtest.SMTPStep) *mailtest.SMTPFault) (*mailtest.SMTPScript, delivery.Sender) {
	near, far := net.Pipe()
	server := mailtest.NewSMTPScript(fault)
	go server.Talk(far)
	return server, delivery.Sender{Host: "smtp.example.com:25", TLS: delivery.TLSNone, From: "a@example.com",
		Dial: func(context.Context, string) (net.Conn, error) { return near, nil }}
}

// TestM91_LateAnswers answers the dot after 16 s, 5 and 9 minutes, and after 11:
// sent, sent, sent, and nobody knows.
func TestM91_LateAnswers(t *testing.T) {
	for _, after := range []time.Duration{16 * time.Second, 5 * time.Minute, 9 * time.Minute, 11 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			server, sender := inMemory(func(at mailtest.SMTPStep) *mailtest.SMTPFault {
				if at.Verb == "DOT" {
					return &mailtest.SMTPFault{Wait: after}
				}
				return nil
			})
			c, err := sender.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			_, err = c.Transmit(t.Context(), "a@example.com", "b@example.com", []byte(letter), yes(&asked))
			lost := (*delivery.Lost)(nil)
			if late := after > 10*time.Minute; late != errors.As(err, &lost) || late && !lost.Dotted || !late && err != nil {
				t.Errorf("answer after %v: %v", after, err)
			}
			c.Close()
			server.Close()
			synctest.Wait()
		})
	}
	t.Attr("tries", "4")
}

// TestEndlessServer talks without end at each step.
func TestEndlessServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				line := []byte(strings.Repeat("220-still greeting you and so on\r\n", 1000))
				for range 1000 {
					if _, err := conn.Write(line); err != nil {
						return
					}
				}
			}()
		}
	}()
	sender := delivery.Sender{Host: l.Addr().String(), TLS: delivery.TLSNone, From: "a@example.com"}
	if _, err := sender.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "without end") {
		t.Errorf("Open = %v", err)
	}
}
