package message

import (
	"fmt"
	"strings"
	"testing"
)

func TestPartsAreListedAsATree(t *testing.T) {
	p := read(t, "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n--a\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeQoKdHdvCg==\r\n--a\r\nContent-Type: image/png; name=\"=?utf-8?q?M=C3=B6we=2Epng?=\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\nAAAA\r\n--a--\r\n")
	var got []string
	for _, n := range p.Parts {
		got = append(got, fmt.Sprintf("%d %s %s %d %s", n.Depth, n.Path, n.Type, n.Size, n.Name))
	}
	want := "0 1 multipart/mixed 0 |1 1 text/plain 5 |1 2 message/rfc822 0 |2 2 multipart/alternative 0 |3 2.1 text/plain 3 |1 3 message/rfc822 16 |2 3.1 text/plain 3 |1 4 image/png 3 Möwe.png"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("parts:\n got %s\nwant %s", s, want)
	}
	if image := p.Parts[len(p.Parts)-1]; image.Encoding != "base64" || image.Disposition != "attachment" || len(image.Params) != 1 || image.Params[0].Value != "Möwe.png" {
		t.Errorf("the image is listed as %+v", image)
	}
}

func TestAlternativesThatAreNone(t *testing.T) {
	part := func(kind, text string) string { return "--a\r\nContent-Type: " + kind + "\r\n\r\n" + text + "\r\n" }
	for _, tt := range []struct{ name, parts, want string }{
		{"text and HTML", part("text/plain", "hello") + part("text/html", "<p>hello"), "hello"},
		{"the same text twice", part("text/plain", "hello") + part("text/plain; format=flowed", "hello "), "hello"},
		{"two texts", part("text/plain", "hello") + part("text/plain", "world"), "hello\n\nworld"},
		{"a text and more of it", part("text/plain", "hello\r\nworld") + part("text/plain", "world"), "hello\nworld"},
	} {
		if p := read(t, "Content-Type: multipart/alternative; boundary=a\r\n\r\n"+tt.parts+"--a--\r\n"); p.Text != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, p.Text, tt.want)
		}
	}
}

func TestFieldsOfOddWriters(t *testing.T) {
	h := ParseHead([]byte("Subject: [EXTERNAL]=?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: by mx.example.com with SMTP id b16; Sun, 22 Nov 2026 10:31:15 -0700 (PDT)\r\nTo: <mailto:ada@example.com?subject=help>\r\n\r\n"))
	if h.Subject != "[EXTERNAL] Grüße" {
		t.Errorf("subject %q", h.Subject)
	}
	if got := h.Date.Format("2006-01-02 15:04:05"); got != "2026-11-22 17:31:15" {
		t.Errorf("date %s", got)
	}
	if len(h.To) != 1 || h.To[0].Address != "ada@example.com" {
		t.Errorf("to %+v", h.To)
	}
	m := parseMediaType("application/pdf; name*0*=iso-8859-1'es'%D1and%FA; name*1*=iso-8859-1'%20x.pdf", "")
	if got := m.get("name"); got != "Ñandú x.pdf" {
		t.Errorf("name %q", got)
	}
	if p := read(t, "Content-Type: /plain\r\n\r\nhello\r\n"); p.Parts[0].Type != "text/plain" || p.Text != "hello" {
		t.Errorf("half a type is read as %+v, text %q", p.Parts, p.Text)
	}
}
