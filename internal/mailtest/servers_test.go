package mailtest

import (
	"context"
	"net/smtp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

func TestIMAPOverTLS(t *testing.T) {
	t.Parallel()
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	conf, err := ca.ServerTLS()
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewIMAP(conf, ada)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)
	if err := s.Append(ada.Name, "Projects/One", []byte("Subject: x\r\n\r\ny\r\n"), at, `\Seen`); err != nil {
		t.Fatal(err)
	}
	c := dialTLS(t, s.Addr, ca, ada, nil)
	list, err := c.List("", "*", &imap.ListOptions{ReturnStatus: &imap.StatusOptions{NumMessages: true}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]uint32{}
	special := map[string]bool{}
	for _, l := range list {
		found[l.Mailbox] = *l.Status.NumMessages
		special[l.Mailbox] = len(l.Attrs) == 1
	}
	if found["Projects/One"] != 1 || !special["Sent"] || special["INBOX"] || len(list) != 8 {
		t.Errorf("LIST = %v, special %v; want one message in Projects/One and Sent special", found, special)
	}
	if err := s.Append("nobody", "INBOX", nil, at); err == nil {
		t.Error("an unknown account takes mail")
	}
}

func TestIMAPIdleInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewPipeListener()
		s, err := ServeIMAP(l, ada)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		exists := make(chan uint32, 10)
		c := imapclient.New(conn, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{
			Mailbox: func(m *imapclient.UnilateralDataMailbox) {
				if m.NumMessages != nil {
					exists <- *m.NumMessages
				}
			},
		}})
		if err := c.Login(ada.Name, ada.Password).Wait(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Select("INBOX", nil).Wait(); err != nil {
			t.Fatal(err)
		}
		idle, err := c.Idle()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Append(ada.Name, "INBOX", []byte("Subject: x\r\n\r\n"), time.Now()); err != nil {
			t.Fatal(err)
		}
		for n := range exists {
			if n == 1 {
				break
			}
		}
		if err := idle.Close(); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSink(t *testing.T) {
	t.Parallel()
	s := StartSink(t, func(s *Sink) {
		s.Reply = func(verb, argument string) error {
			if verb == "RCPT" && strings.HasPrefix(argument, "gone@") {
				return SMTPError(550, "no such user")
			}
			return nil
		}
	})
	if err := smtp.SendMail(s.Addr, nil, "a@example.com", []string{"b@example.org"}, []byte("Subject: x\r\n\r\n.y\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := smtp.SendMail(s.Addr, nil, "a@example.com", []string{"gone@example.org"}, nil); err == nil || !strings.Contains(err.Error(), "550") {
		t.Errorf("SendMail to gone@ = %v; want 550", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := s.Wait(ctx, 1)
	if err != nil || got[0].From != "a@example.com" || string(got[0].Data) != "Subject: x\r\n\r\n.y\r\n" {
		t.Errorf("Wait = %+v, %v", got, err)
	}
}

func TestPostfixSink(t *testing.T) {
	t.Parallel()
	s := StartSMTPSink(t)
	if err := smtp.SendMail(s.Addr, nil, "a@example.com", []string{"b@example.org"}, []byte("Subject: x\r\n\r\ny\r\n")); err != nil {
		t.Fatal(err)
	}
	got, err := s.Messages()
	if err != nil || len(got) != 1 || !strings.Contains(got[0], "Subject: x") {
		t.Errorf("Messages = %q, %v; want one", got, err)
	}
}
