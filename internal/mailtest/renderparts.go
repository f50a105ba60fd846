package mailtest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The kinds of attachments, by what they compress to.
const (
	textLike = iota // a table: little is left
	zipLike         // an office document: nothing to gain
	jpegLike
	attachmentKinds
)

func (l *letter) withAttachment(b *bytes.Buffer, r *rand.Rand, text, bound string) {
	kind, content := "mixed", attachment(r, l.kind, l.attach)
	header := []string{
		"Content-Type: text/csv; charset=utf-8; name=\"table.csv\"\r\nContent-Disposition: attachment; filename=\"table.csv\"",
		"Content-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document\r\nContent-Disposition: attachment; filename*=utf-8''Angebot%20f%C3%BCr%20Sie.docx",
		"Content-Type: image/jpeg; name=\"photo.jpg\"\r\nContent-Disposition: attachment; filename=\"photo.jpg\"",
	}[l.kind]
	if l.shape == related {
		kind, header = "related", "Content-Type: image/jpeg\r\nContent-ID: <logo@inline>\r\nContent-Disposition: inline; filename=\"logo.jpg\""
	}
	l.multipart(b, kind, bound, func(open func()) {
		open()
		if l.shape == related {
			l.textPart(b, "text/html", strings.Replace(l.markup(text), "</body>", `<img src="cid:logo@inline"></body>`, 1))
		} else {
			l.multipart(b, "alternative", bound+"a", func(open func()) {
				open()
				l.textPart(b, "text/plain", text)
				open()
				l.textPart(b, "text/html", l.markup(text))
			})
		}
		open()
		b.WriteString(header + "\r\nContent-Transfer-Encoding: base64\r\n\r\n")
		b.WriteString(wrapped(content))
	})
}

// attachment returns n bytes of the entropy of its kind.
func attachment(r *rand.Rand, kind, n int) string {
	if kind == textLike {
		var b strings.Builder
		for b.Len() < n {
			fmt.Fprintf(&b, "%d;%s;2024-%02d-%02d;%d,%02d\r\n", r.IntN(9000)+1000, pick(r, tableWords), r.IntN(12)+1, r.IntN(28)+1, r.IntN(500), r.IntN(100))
		}
		return b.String()[:n]
	}
	p := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(p[i:], r.Uint64())
	}
	copy(p, []string{zipLike: "PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00", jpegLike: "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"}[kind])
	return string(p[:n])
}

var tableWords = []string{"gasket", "Dichtung", "flange", "Flansch", "valve", "Ventil", "hose", "Schlauch", "bearing", "Lager"}

// forwardBlock writes the inner letter as mail clients quote what they forward.
func (l *letter) forwardBlock(b *strings.Builder, r *rand.Rand) {
	in := l.inner
	show := func(p party) string { return fmt.Sprintf("%s <%s>", orString(p.name, p.addr), p.addr) }
	var to []string
	for _, p := range in.to {
		to = append(to, show(p))
	}
	all, day := strings.Join(to, ", "), in.date.Format("Monday, January 2, 2006 3:04 PM")
	switch l.style % forwardStyles {
	case 0: // Gmail
		fmt.Fprintf(b, "\n---------- Forwarded message ---------\nFrom: %s\nDate: %s\nSubject: %s\nTo: %s\n\n", show(in.from), in.date.Format("Mon, Jan 2, 2006 at 3:04 PM"), in.subject, all)
	case 1: // Outlook
		fmt.Fprintf(b, "\n-----Original Message-----\nFrom: %s\nSent: %s\nTo: %s\nSubject: %s\n\n", show(in.from), day, all, in.subject)
	case 2: // Outlook in German
		fmt.Fprintf(b, "\n________________________________\nVon: %s\nGesendet: %s\nAn: %s\nBetreff: %s\n\n", show(in.from), in.date.Format("02.01.2006 15:04"), all, in.subject)
	case 3: // Thunderbird
		fmt.Fprintf(b, "\n-------- Forwarded Message --------\nSubject: \t%s\nDate: \t%s\nFrom: \t%s\nTo: \t%s\n\n", in.subject, in.date.Format(time.RFC1123Z), show(in.from), all)
	case 4: // Apple Mail
		fmt.Fprintf(b, "\nBegin forwarded message:\n\nFrom: %s\nSubject: %s\nDate: %s\nTo: %s\n\n", show(in.from), in.subject, day, all)
	case 5: // French
		fmt.Fprintf(b, "\n-------- Message transféré --------\nSujet : %s\nDate : %s\nDe : %s\nPour : %s\n\n", in.subject, in.date.Format(time.RFC1123Z), show(in.from), all)
	}
	b.WriteString(in.sample + "\n" + in.lang.paragraphs(r, in.size))
}

const forwardStyles = 6

// reportBody writes a delivery report about the inner letter, as RFC 3464 or in
// one of the freer forms servers use.
func (l *letter) reportBody(b *bytes.Buffer, text, bound string) {
	rcpt := l.inner.to[0].addr
	explain := fmt.Sprintf("%s\r\nYour message could not be delivered to <%s>:\r\n550 5.1.1 user unknown\r\n", text, rcpt)
	fmt.Fprintf(b, "Content-Type: multipart/report; report-type=delivery-status; boundary=\"%s\"\r\n\r\n", bound)
	fmt.Fprintf(b, "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n", bound, explain)
	fmt.Fprintf(b, "--%s\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; %s\r\n\r\nFinal-Recipient: rfc822; %s\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n",
		bound, domainOf(l.from.addr), rcpt)
	if l.style%2 == 0 {
		fmt.Fprintf(b, "--%s\r\nContent-Type: text/rfc822-headers\r\n\r\n", bound)
		l.inner.header(b, false)
	} else {
		fmt.Fprintf(b, "--%s\r\nContent-Type: message/rfc822\r\n\r\n", bound)
		l.inner.header(b, false)
		l.inner.body(b, rand.New(rand.NewPCG(l.inner.seed, 1)), "")
	}
	fmt.Fprintf(b, "\r\n--%s--\r\n", bound)
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// wrapped is base64 in lines of 76.
func wrapped(s string) string {
	enc := b64(s)
	var b strings.Builder
	b.Grow(len(enc) + len(enc)/38 + 2)
	for len(enc) > 76 {
		b.WriteString(enc[:76])
		b.WriteString("\r\n")
		enc = enc[76:]
	}
	return b.String() + enc + "\r\n"
}
