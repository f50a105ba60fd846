package planner

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
)

func envelope() Envelope {
	return Envelope{
		From: "Example News <news@example.com>", To: "ada@example.org", ToName: "Ada Byron", ReplyTo: "sales@example.com",
		Date: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), MessageID: "d.abc.def@example.com", Token: "rtoken", Language: "en",
		ListID: "news.example.com", ListName: "Example News", UnsubscribeURL: "https://example.com/u/rtoken",
		UnsubscribeMail: "mailto:news+rtoken@example.com?subject=unsubscribe", Feedback: "spring:news:newsletter:example",
	}
}

var rendered = campaign.Rendered{Subject: "Grüße aus Köln", HTML: "<!DOCTYPE html><p>Grüße " + strings.Repeat("x", 2000) + "</p>", Text: "Grüße\n.\n..x\nFrom here\n"}

// parts reads a mail with the standard library, which did not write it.
func parts(t *testing.T, raw []byte) (*netmail.Message, map[string]string) {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	out := map[string]string{}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return m, out
		} else if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil || p.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatal(err, p.Header)
		}
		out[p.Header.Get("Content-Type")] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}

func TestCompose(t *testing.T) {
	raw, err := Compose(envelope(), rendered)
	if err != nil {
		t.Fatal(err)
	}
	m, got := parts(t, raw)
	for name, want := range map[string]string{
		"From": `"Example News" <news@example.com>`, "To": `"Ada Byron" <ada@example.org>`, "Reply-To": "<sales@example.com>",
		"Date": "Sun, 01 Mar 2026 09:00:00 +0000", "Message-Id": "<d.abc.def@example.com>", "X-Rapport-Id": "rtoken", "Mime-Version": "1.0",
		"List-Id": "Example News <news.example.com>", "List-Unsubscribe": "<https://example.com/u/rtoken>, <mailto:news+rtoken@example.com?subject=unsubscribe>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Auto-Submitted": "auto-generated", "Precedence": "bulk",
		"X-Auto-Response-Suppress": "OOF, AutoReply, RN, NRN, DR", "Feedback-Id": "spring:news:newsletter:example", "Content-Language": "en",
	} {
		if have := m.Header[name]; len(have) != 1 || have[0] != want {
			t.Errorf("%s: %q, want %q", name, have, want)
		}
	}
	if subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil || subject != rendered.Subject {
		t.Errorf("Subject: %q, %v", subject, err)
	}
	if m.Header.Get("Cc")+m.Header.Get("Bcc")+m.Header.Get("User-Agent")+m.Header.Get("X-Mailer") != "" {
		t.Errorf("header: %v", m.Header)
	}
	if got["text/plain; charset=UTF-8"] != rendered.Text || got["text/html; charset=UTF-8"] != rendered.HTML {
		t.Errorf("parts: %q", got)
	}
}

// payloads try to become a header, a recipient or a parameter.
var payloads = []string{
	"x\r\nBcc: evil@example.net", "x\nBcc: evil@example.net", "x\rBcc: evil@example.net", "x\x00y", "=?utf-8?q?x=0d=0aBcc:_evil@example.net?=",
	"x, evil@example.net", `"x" <evil@example.net>`, "x <evil@example.net>", "x> ORCPT=evil@example.net", "x\u2028Bcc: evil@example.net",
	"x\u2029y", "x\u0085Bcc: evil@example.net", "\u202Ex", "x;filename=y", "x\\", strings.Repeat("x", 5000), "\xff\xfe", "=?utf-8?b?" + strings.Repeat("A", 500) + "?=",
}

// TestInjection puts each payload into each place: the header keeps its fields
// and the mail its one recipient, or the mail is refused.
func TestInjection(t *testing.T) {
	clean, err := Compose(envelope(), rendered)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := parts(t, clean)
	want := fields(m)
	places := map[string]func(*Envelope, *campaign.Rendered, string){
		"subject":     func(_ *Envelope, r *campaign.Rendered, s string) { r.Subject = s },
		"name":        func(e *Envelope, _ *campaign.Rendered, s string) { e.ToName = s },
		"sender":      func(e *Envelope, _ *campaign.Rendered, s string) { e.From = s + " <news@example.com>" },
		"address":     func(e *Envelope, _ *campaign.Rendered, s string) { e.To = contact.Address(s + "@example.org") },
		"domain":      func(e *Envelope, _ *campaign.Rendered, s string) { e.To = contact.Address("ada@" + s) },
		"reply":       func(e *Envelope, _ *campaign.Rendered, s string) { e.ReplyTo = contact.Address(s + "@example.com") },
		"list":        func(e *Envelope, _ *campaign.Rendered, s string) { e.ListName = s },
		"unsubscribe": func(e *Envelope, _ *campaign.Rendered, s string) { e.UnsubscribeMail = "mailto:" + s },
		"feedback":    func(e *Envelope, _ *campaign.Rendered, s string) { e.Feedback = s },
		"text":        func(_ *Envelope, r *campaign.Rendered, s string) { r.Text = s },
	}
	sent, refused := 0, 0
	for place, put := range places {
		for _, payload := range payloads {
			e, r := envelope(), rendered
			put(&e, &r, payload)
			raw, err := Compose(e, r)
			if err != nil {
				refused++
				continue
			}
			sent++
			m, _ := parts(t, raw)
			to, err := m.Header.AddressList("To")
			if err != nil || len(to) != 1 || to[0].Address != string(e.To) || !slices.Equal(fields(m), want) {
				t.Errorf("%s %q: to %v, %v; fields %v", place, payload, to, err, fields(m))
			}
			if from, err := m.Header.AddressList("From"); err != nil || len(from) != 1 || from[0].Address != "news@example.com" {
				t.Errorf("%s %q: from %v, %v", place, payload, from, err)
			}
			if bytes.ContainsAny(raw, "\x00") || bytes.Count(raw, []byte{'\r'}) != bytes.Count(raw, []byte{'\n'}) {
				t.Errorf("%s %q: line ends", place, payload)
			}
		}
	}
	t.Logf("%d sent, %d refused", sent, refused)
	if sent == 0 || refused == 0 {
		t.Error("nothing was tried")
	}
}

func fields(m *netmail.Message) (names []string) {
	for name := range m.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
