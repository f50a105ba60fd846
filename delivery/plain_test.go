package delivery_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"rapport/delivery"
	"rapport/internal/mailtest"
)

func newSink(t *testing.T, o ...func(*mailtest.Sink)) *mailtest.Sink {
	t.Helper()
	s, err := mailtest.NewSink(o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func sender(s *mailtest.Sink) delivery.Sender {
	return delivery.Sender{Host: s.Addr, TLS: delivery.TLSNone, From: "Rapport <rapport@example.com>"}
}

func alert(to string) delivery.Mail {
	return delivery.Mail{To: to, Subject: "Grüße\r\nBcc: evil@example.org", Text: "Zeile\n", Date: time.Unix(1e9, 0)}
}

func TestSend(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	from := sender(s)
	from.User, from.Password = "rapport", func(context.Context) (string, error) { return "secret", nil }
	if err := from.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	if err := from.Send(t.Context(), alert("ada@example.com")); err != nil {
		t.Fatalf("Send: %v", err)
	}
	got := s.Messages()
	if len(got) != 1 || got[0].User != "rapport" || got[0].From != "rapport@example.com" || got[0].To[0] != "ada@example.com" {
		t.Fatalf("the sink got %+v", got)
	}
	text := string(got[0].Data)
	if strings.Contains(text, "\nBcc:") || strings.Contains(text, "evil@example.org>") {
		t.Errorf("a subject became a header:\n%s", text)
	}
	if !strings.Contains(text, "Auto-Submitted: auto-generated") {
		t.Errorf("the mail does not say that it is automatic:\n%s", text)
	}
}

// TestSendByToken replaces a token that the server does not take any more, once.
func TestSendByToken(t *testing.T) {
	t.Parallel()
	takes := "S3CRET-two"
	s := newSink(t, func(s *mailtest.Sink) {
		s.Takes = func(user, token string) bool { return user == "rapport@example.com" && token == takes }
	})
	from, current, stale := sender(s), "S3CRET-one", 0
	from.User, from.Token = "rapport@example.com", func(context.Context) (string, error) { return current, nil }
	from.Stale = func(token string) bool {
		stale++
		current = "S3CRET-two"
		return token == "S3CRET-one"
	}
	if err := from.Send(t.Context(), alert("ada@example.com")); err != nil {
		t.Fatalf("Send: %v", err)
	}
	if got := s.Messages(); len(got) != 1 || got[0].User != "rapport@example.com" || stale != 1 {
		t.Errorf("the sink got %+v, %d tokens were stale", got, stale)
	}
	takes = "another"
	err := from.Send(t.Context(), alert("ada@example.com"))
	var refused *delivery.AuthError
	if !errors.As(err, &refused) || stale != 2 || strings.Contains(err.Error(), "S3CRET") {
		t.Errorf("Send with a token that is not taken = %v, %d were stale", err, stale)
	}
	plain := newSink(t)
	from.Host = plain.Addr
	if err := from.Check(t.Context()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "PLAIN") {
		t.Errorf("Check of a server without tokens = %v", err)
	}
}

func TestSendRefused(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"MAIL", "RCPT", "DATA"} {
		s := newSink(t, func(s *mailtest.Sink) {
			s.Reply = func(v, _ string) error {
				if v == verb {
					return mailtest.SMTPError(554, "no")
				}
				return nil
			}
		})
		if err := sender(s).Send(t.Context(), alert("ada@example.com")); err == nil {
			t.Errorf("Send refused at %s = nil", verb)
		}
	}
	if err := sender(newSink(t)).Send(t.Context(), alert("not an address")); err == nil {
		t.Error("Send to what is no address = nil")
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	s := delivery.Sender{Host: l.Addr().String(), TLS: delivery.TLSNone, From: "rapport@example.com"}
	if err := s.Send(ctx, alert("ada@example.com")); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("Send to a silent server = %v after %v", err, time.Since(began))
	}
}

func TestPasswordsNeedTLS(t *testing.T) {
	t.Parallel()
	s := newSink(t)
	from := sender(s)
	from.TLS = delivery.TLSStart // which the sink does not offer
	from.User, from.Password = "rapport", func(context.Context) (string, error) { return "secret", nil }
	if err := from.Send(t.Context(), alert("ada@example.com")); err == nil {
		t.Error("Send without the TLS asked for = nil")
	}
	from.TLS = "sometimes"
	if err := from.Check(t.Context()); err == nil {
		t.Error("Check with an unknown mode = nil")
	}
	from.TLS, from.Password = delivery.TLSNone, func(context.Context) (string, error) { return "", errors.New("no file") }
	if err := from.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "no file") {
		t.Errorf("Check without a password = %v", err)
	}
}
