package pages_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// hostile are the mails and addresses a vector travels in.
type hostile struct{ vector }

// sender is a contact of ours; each vector has one.
func (h hostile) sender() string { return fmt.Sprintf("v%d@hostile.example", h.number) }

// stranger is nobody we know; each vector has one.
func (h hostile) stranger() string { return fmt.Sprintf("v%d@stranger%[1]d.example", h.number) }

// shared is at a domain of two organisations, so that a person must decide.
func (h hostile) shared() string { return fmt.Sprintf("v%d@shared.example", h.number) }

// id is the Message-ID of the mail a sender writes.
func (h hostile) id(from string) string {
	return "<" + strings.ReplaceAll(from, "@", ".at.") + "@hostile.example>"
}

// line is the vector where a header has room for one line.
func (h hostile) line() string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(h.text)
}

// mail renders a mail with the vector in its subject, its sender's name, its
// bodies and its attachments' names and content. Every third has no plain text.
func (h hostile) mail(from string, at time.Time) []byte {
	var b strings.Builder
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("From", encodedWords(h.line())+" <"+from+">")
	header("To", "ada@kestrel.example")
	header("Subject", encodedWords(h.line()))
	header("Date", at.Format(time.RFC1123Z))
	header("Message-ID", h.id(from))
	header("MIME-Version", "1.0")
	header("Content-Type", `multipart/mixed; boundary="outer"`)
	part := func(boundary, kind, disposition string, content string) {
		fmt.Fprintf(&b, "\r\n--%s\r\nContent-Type: %s\r\n", boundary, kind)
		if disposition != "" {
			header("Content-Disposition", disposition)
		}
		b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
		for encoded := base64.StdEncoding.EncodeToString([]byte(content)); encoded != ""; {
			n := min(76, len(encoded))
			b.WriteString(encoded[:n] + "\r\n")
			encoded = encoded[n:]
		}
	}
	if h.number%3 == 0 {
		part("outer", "text/html; charset=utf-8", "", h.text)
	} else {
		b.WriteString("\r\n--outer\r\nContent-Type: multipart/alternative; boundary=\"inner\"\r\n")
		part("inner", "text/plain; charset=utf-8", "", h.text)
		part("inner", "text/html; charset=utf-8", "", h.text)
		b.WriteString("\r\n--inner--\r\n")
	}
	part("outer", "text/html; charset=utf-8", "attachment; filename*=utf-8''"+percent(h.line()+".html"), h.text)
	part("outer", "image/svg+xml", "inline; filename*=utf-8''"+percent(h.line()+".svg"), h.text)
	b.WriteString("\r\n--outer--\r\n")
	return []byte(b.String())
}

// reply is a mail of ours to somebody, so that they count as a correspondent.
func (h hostile) reply(to string, at time.Time) []byte {
	return fmt.Appendf(nil, "From: Ada <ada@kestrel.example>\r\nTo: %s <%s>\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <re.%d@kestrel.example>\r\nIn-Reply-To: %s\r\nReferences: %[6]s\r\n\r\nThank you.\r\n",
		encodedWords(h.line()), to, encodedWords("Re: "+h.line()), at.Format(time.RFC1123Z), h.number, h.id(to))
}

// encodedWords writes any text as RFC 2047 has it, one word a line.
func encodedWords(s string) string {
	const most = 42 // bytes of text in a word of at most 75
	var words []string
	for s != "" {
		n := min(most, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, "\r\n ")
}

// percent writes any text as RFC 2231 has it.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
