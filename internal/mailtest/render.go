package mailtest

import (
	"bytes"
	"fmt"
	"html"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"
)

// render writes one copy of the letter as bytes.
func (l *letter) render(c *copyOf) []byte {
	r := rand.New(rand.NewPCG(l.seed, uint64(len(l.copies))))
	var b bytes.Buffer
	if !c.sent {
		l.trace(&b, c)
	}
	l.header(&b, c.sent)
	l.body(&b, r, c.footer)
	return b.Bytes()
}

// trace writes what servers put before a message on its way to one mailbox, so
// that the copies of one message differ in their bytes.
func (l *letter) trace(b *bytes.Buffer, c *copyOf) {
	at := c.at.UTC().Format(time.RFC1123Z)
	sum := rawSum([]byte(c.mailbox + c.folder + l.id + at))
	from := normal(l.from.addr)
	fmt.Fprintf(b, "Return-Path: <%s>\r\nDelivered-To: %s\r\n", map[bool]string{false: from}[l.shape == report], orString(c.deliveredTo, c.mailbox))
	fmt.Fprintf(b, "Received: from mx.quillon.example by store.quillon.example with LMTP id %x\r\n\tfor <%s>; %s\r\n", sum[:6], c.mailbox, at)
	fmt.Fprintf(b, "Received: from out.%s (out.%[1]s [192.0.2.%d])\r\n\tby mx.quillon.example with ESMTPS id %x; %s\r\n",
		domainOf(from), sum[7], sum[8:12], at)
}

func domainOf(addr string) string { return addr[strings.LastIndexByte(addr, '@')+1:] }

// header writes the author's header; bcc says whether Bcc is shown.
func (l *letter) header(b *bytes.Buffer, bcc bool) {
	l.address(b, "From", l.from)
	if l.sender != nil {
		l.address(b, "Sender", *l.sender)
	}
	if l.replyTo != nil {
		l.address(b, "Reply-To", *l.replyTo)
	}
	for i, p := range l.resent {
		l.address(b, []string{"Resent-From", "Resent-To"}[min(i, 1)], p)
	}
	if l.undisclosed {
		b.WriteString("To: undisclosed-recipients:;\r\n")
	} else {
		l.address(b, "To", l.to...)
	}
	l.address(b, "Cc", l.cc...)
	if bcc {
		l.address(b, "Bcc", l.bcc...)
	}
	fmt.Fprintf(b, "Subject: %s\r\n", l.words(l.subject))
	if !l.noDate {
		fmt.Fprintf(b, "Date: %s\r\n", l.date.Format(time.RFC1123Z))
	}
	if l.id != "" {
		fmt.Fprintf(b, "Message-ID: <%s>\r\n", l.id)
	}
	if l.irt != "" {
		fmt.Fprintf(b, "In-Reply-To: <%s>\r\n", l.irt)
	}
	if len(l.refs) > 0 {
		fmt.Fprintf(b, "References: <%s>\r\n", strings.Join(l.refs, ">\r\n\t<"))
	}
	if l.garbled != "" {
		b.WriteString(l.garbled + "\r\n")
	}
	for _, h := range l.extra {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("MIME-Version: 1.0\r\n")
}

func (l *letter) address(b *bytes.Buffer, name string, parties ...party) {
	if len(parties) == 0 {
		return
	}
	var all []string
	for _, p := range parties {
		switch {
		case p.name == "":
			all = append(all, p.addr)
		case isASCII(p.name) && strings.ContainsAny(p.name, `.,@"()<>`):
			all = append(all, fmt.Sprintf("%q <%s>", p.name, p.addr))
		default:
			all = append(all, fmt.Sprintf("%s <%s>", l.words(p.name), p.addr))
		}
	}
	fmt.Fprintf(b, "%s: %s\r\n", name, strings.Join(all, ",\r\n\t"))
}

// words encodes header text as the letter's client does.
func (l *letter) words(s string) string {
	if isASCII(s) || l.rawHeaders {
		return s
	}
	charset := orString(l.charset, "utf-8")
	encoded, ok := encode(charset, s)
	if !ok || charset == "us-ascii" {
		charset, encoded = "utf-8", s
	}
	if charset == "utf-8" && l.transfer == "quoted-printable" {
		return mime.QEncoding.Encode(charset, encoded)
	}
	if charset == "utf-8" {
		return mime.BEncoding.Encode(charset, encoded)
	}
	return "=?" + charset + "?B?" + b64(encoded) + "?="
}

// body writes the content's header fields, an empty line and the content.
func (l *letter) body(b *bytes.Buffer, r *rand.Rand, footer string) {
	text := l.text(r) + footer
	bound := "=_" + word(r, 16)
	switch l.shape {
	case htmlOnly:
		l.textPart(b, "text/html", l.markup(text))
	case alternative:
		l.multipart(b, "alternative", bound, func(open func()) {
			open()
			l.textPart(b, "text/plain", text)
			open()
			l.textPart(b, "text/html", l.markup(text))
		})
	case mixed, related:
		l.withAttachment(b, r, text, bound)
	case attached:
		l.multipart(b, "mixed", bound, func(open func()) {
			open()
			l.textPart(b, "text/plain", text)
			open()
			b.WriteString("Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=\"forwarded.eml\"\r\n\r\n")
			l.inner.header(b, false)
			l.inner.body(b, rand.New(rand.NewPCG(l.inner.seed, 1)), "")
		})
	case report:
		l.reportBody(b, text, bound)
	case calendar:
		l.multipart(b, "alternative", bound, func(open func()) {
			open()
			l.textPart(b, "text/plain", text)
			open()
			b.WriteString("Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\n")
			fmt.Fprintf(b, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:%s\r\nDTSTART:%s\r\nSUMMARY:Meeting\r\nORGANIZER:mailto:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
				l.id, l.date.UTC().Add(72*time.Hour).Format("20060102T150405Z"), l.from.addr)
		})
	default:
		l.textPart(b, "text/plain", text)
	}
}

// text is the letter's words with CRLF line ends.
func (l *letter) text(r *rand.Rand) string {
	var b strings.Builder
	if l.note != "" {
		b.WriteString(l.note + "\n\n")
	} else if l.lang != nil {
		b.WriteString(l.lang.greeting + ",\n\n")
	}
	b.WriteString(l.sample + "\n")
	if l.marker != "" {
		fmt.Fprintf(&b, "Ref. %s\n", l.marker)
	}
	if l.canary != "" {
		fmt.Fprintf(&b, "Ref. %s\n", l.canary)
	}
	if l.shape == inline {
		l.forwardBlock(&b, r)
	} else if l.lang != nil {
		b.WriteString("\n" + l.lang.paragraphs(r, l.size))
		b.WriteString("\n" + orString(l.from.name, l.from.addr) + "\n")
	}
	if l.quote != "" {
		fmt.Fprintf(&b, "\nOn an earlier day somebody wrote:\n> %s\n", l.quote)
	}
	return strings.ReplaceAll(b.String(), "\n", "\r\n")
}

func (l *letter) markup(text string) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\r\n<html><head><style>p { margin: 0 0 1em 0; font-family: Calibri, sans-serif; }</style></head><body>\r\n")
	for line := range strings.SplitSeq(text, "\r\n") {
		if line != "" {
			b.WriteString(`<p class="MsoNormal">` + html.EscapeString(line) + "</p>\r\n")
		}
	}
	return b.String() + "</body></html>\r\n"
}

// multipart writes a multipart with its header; parts calls open before each part.
func (l *letter) multipart(b *bytes.Buffer, kind, bound string, parts func(open func())) {
	fmt.Fprintf(b, "Content-Type: multipart/%s; boundary=\"%s\"\r\n\r\n", kind, bound)
	parts(func() { fmt.Fprintf(b, "\r\n--%s\r\n", bound) })
	fmt.Fprintf(b, "\r\n--%s--\r\n", bound)
}

// textPart writes one text with its header, in the letter's charset where that
// can hold it.
func (l *letter) textPart(b *bytes.Buffer, mediaType, text string) {
	charset := orString(l.charset, "utf-8")
	encoded, ok := encode(charset, text)
	if !ok {
		charset, encoded = "utf-8", text
	}
	transfer := orString(l.transfer, "8bit")
	if charset == "us-ascii" || charset == "iso-2022-jp" && transfer == "8bit" {
		transfer = "7bit"
	}
	fmt.Fprintf(b, "Content-Type: %s; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n", mediaType, charset, transfer)
	switch transfer {
	case "quoted-printable":
		w := quotedprintable.NewWriter(b)
		_, _ = w.Write([]byte(encoded)) // a buffer takes everything
		_ = w.Close()
	case "base64":
		b.WriteString(wrapped(encoded))
	default:
		b.WriteString(encoded)
	}
}
