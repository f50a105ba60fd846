package demo

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"time"
)

// when returns the moment a sample was sent.
func (m mail) when(now time.Time) time.Time {
	clock, err := time.Parse("15:04", m.at)
	if err != nil {
		return now.Add(-time.Second).UTC().Truncate(time.Second)
	}
	day := now.UTC().AddDate(0, 0, -m.days)
	return time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), 17, 0, time.UTC)
}

// domain returns the sender's domain.
func (m mail) domain() string {
	a := address(m.from)
	return a[strings.LastIndexByte(a, '@')+1:]
}

func (m mail) messageID() string { return m.key + "@" + m.domain() }

// render writes the message as it would travel. ancestors are the messages
// before it in the conversation, oldest first.
func (m mail) render(now time.Time, ancestors []mail) []byte {
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("Date", m.when(now).Format(time.RFC1123Z))
	header("From", encoded(m.from))
	header("To", encodedList(m.to))
	if len(m.cc) > 0 {
		header("Cc", encodedList(m.cc))
	}
	header("Subject", mime.QEncoding.Encode("utf-8", m.subject))
	header("Message-ID", "<"+m.messageID()+">")
	if n := len(ancestors); n > 0 {
		header("In-Reply-To", "<"+ancestors[n-1].messageID()+">")
		var refs []string
		for _, a := range ancestors {
			refs = append(refs, "<"+a.messageID()+">")
		}
		header("References", strings.Join(refs, "\r\n "))
	}
	for _, h := range m.headers {
		b.WriteString(h + "\r\n")
	}
	header("MIME-Version", "1.0")
	m.content(&b)
	return b.Bytes()
}

// content writes the rest of the header and the body.
func (m mail) content(b *bytes.Buffer) {
	mixed, alternative := "mixed-"+m.key, "alternative-"+m.key
	if len(m.attached) > 0 {
		fmt.Fprintf(b, "Content-Type: multipart/mixed; boundary=%q\r\n\r\n--%s\r\n", mixed, mixed)
	}
	if m.html != "" {
		fmt.Fprintf(b, "Content-Type: multipart/alternative; boundary=%q\r\n\r\n--%s\r\n", alternative, alternative)
		textPart(b, "plain", m.body)
		fmt.Fprintf(b, "--%s\r\n", alternative)
		textPart(b, "html", m.html)
		fmt.Fprintf(b, "--%s--\r\n", alternative)
	} else {
		textPart(b, "plain", m.body)
	}
	for _, f := range m.attached {
		name := mime.FormatMediaType("attachment", map[string]string{"filename": f.name})
		fmt.Fprintf(b, "--%s\r\nContent-Type: %s\r\nContent-Disposition: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n", mixed, f.kind, name)
		lines(b, base64.StdEncoding.EncodeToString(f.data()))
	}
	if len(m.attached) > 0 {
		fmt.Fprintf(b, "--%s--\r\n", mixed)
	}
}

func textPart(b *bytes.Buffer, kind, text string) {
	fmt.Fprintf(b, "Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", kind)
	w := quotedprintable.NewWriter(b)
	_, _ = w.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n"))) // a buffer takes everything
	_ = w.Close()
	b.WriteString("\r\n")
}

// lines breaks base64 as RFC 2045 wants it.
func lines(b *bytes.Buffer, s string) {
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	b.WriteString(s + "\r\n")
}

// parse splits one of the people above. They are constants of this package,
// so a mistake in one is found by its test.
func parse(person string) *netmail.Address {
	a, err := netmail.ParseAddress(person)
	if err != nil {
		return &netmail.Address{Address: person}
	}
	return a
}

func address(person string) string { return parse(person).Address }

func encoded(person string) string { return parse(person).String() }

func encodedList(persons []string) string {
	out := make([]string, len(persons))
	for i, p := range persons {
		out[i] = encoded(p)
	}
	return strings.Join(out, ",\r\n ")
}

func text(s string) func() []byte { return func() []byte { return []byte(s) } }

// pdf makes a document of one line.
func pdf(line string) func() []byte {
	return func() []byte {
		stream := fmt.Sprintf("BT /F1 18 Tf 72 720 Td (%s) Tj ET", line)
		objects := []string{
			"<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
			"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
			fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(stream), stream),
			"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
		}
		var b bytes.Buffer
		b.WriteString("%PDF-1.4\n")
		offsets := make([]int, len(objects))
		for i, o := range objects {
			offsets[i] = b.Len()
			fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
		}
		table := b.Len()
		fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
		for _, o := range offsets {
			fmt.Fprintf(&b, "%010d 00000 n \n", o)
		}
		fmt.Fprintf(&b, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
		return b.Bytes()
	}
}

// picture makes a small image in shades of one colour.
func picture(r, g, bl uint8) func() []byte {
	return func() []byte {
		img := image.NewRGBA(image.Rect(0, 0, 96, 64))
		for y := range 64 {
			for x := range 96 {
				shade := uint8((x*3 + y*5) % 64)
				img.Set(x, y, color.RGBA{r + shade, g + shade, bl + shade, 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return nil // an image in memory can always be encoded
		}
		return b.Bytes()
	}
}
