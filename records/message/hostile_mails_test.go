package message

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// hostile is a kind of mail made to cost whoever reads it; full is the size
// the fault matrix asks for, in whatever n counts.
type hostile struct {
	name string
	full int
	mail func(n int) *repeated
	lost bool // nothing of its text need be found
}

// repeated yields head, then block times over, then tail, without holding it.
type repeated struct {
	head, block, tail string
	middle            int // bytes of all blocks
	at                int
}

func many(head, block string, times int, tail string) *repeated {
	r := &repeated{head: head, tail: tail, middle: times * len(block)}
	r.block = strings.Repeat(block, (4<<10)/max(len(block), 1)+1) // so that making the mail costs nothing
	return r
}

func text(s string) *repeated { return &repeated{head: s} }

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		var c int
		switch {
		case r.at < len(r.head):
			c = copy(p[n:], r.head[r.at:])
		case r.at < len(r.head)+r.middle:
			at := r.at - len(r.head)
			c = copy(p[n:min(len(p), n+r.middle-at)], r.block[at%len(r.block):])
		case r.at < len(r.head)+r.middle+len(r.tail):
			c = copy(p[n:], r.tail[r.at-len(r.head)-r.middle:])
		default:
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		r.at += c
		n += c
	}
	return n, nil
}

const (
	smallHead = "From: Ada <ada@example.com>\r\nTo: bob@example.org\r\nSubject: hello\r\nDate: Tue, 22 Nov 2026 05:19:32 +0200\r\nMessage-ID: <a@example.com>\r\nMIME-Version: 1.0\r\n"
	textHead  = smallHead + "Content-Type: text/plain\r\n"
	textBody  = "\r\nlevel 0\r\n"
	htmlHead  = smallHead + "Content-Type: text/html\r\n\r\nlevel 0"
	mixedHead = smallHead + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nlevel 0\r\n"
)

// nested builds multiparts inside each other, each with a text before it.
func nested(depth int, boundary func(int) string) *repeated {
	var b strings.Builder
	b.WriteString(smallHead)
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary(i), boundary(i))
		if i < 3 {
			fmt.Fprintf(&b, "Content-Type: text/plain\r\n\r\nlevel %d\r\n--%s\r\n", i, boundary(i))
		}
	}
	b.WriteString("Content-Type: text/plain\r\n\r\nthe deepest\r\n")
	return text(b.String())
}

func numbered(i int) string { return fmt.Sprintf("b%d", i) }

// inField repeats a block inside a field of the header.
func inField(name, field, block string, full int) hostile {
	return hostile{name: name, full: full, mail: func(n int) *repeated { return many(textHead+field, block, n, "\r\n"+textBody) }}
}

// inBody repeats a block behind the first line of the text.
func inBody(name, head, block string, full int) hostile {
	return hostile{name: name, full: full, mail: func(n int) *repeated { return many(head, block, n, "") }}
}

var deepMails = []hostile{
	{name: "multiparts", full: 100_000, mail: func(n int) *repeated { return nested(n, numbered) }},
	{name: "multiparts of one boundary", full: 100_000, mail: func(n int) *repeated { return nested(n, func(int) string { return "same" }) }},
	{name: "messages", full: 100_000, lost: true, mail: func(n int) *repeated {
		return many(smallHead, "Content-Type: message/rfc822\r\n\r\n", n, "\r\nlevel 0")
	}},
	{name: "messages with heads", full: 20_000, lost: true, mail: func(n int) *repeated {
		return many(smallHead, smallHead+"Content-Type: message/rfc822\r\n\r\n", n, "\r\nlevel 0")
	}},
	{name: "multiparts and messages in turn", full: 50_000, lost: true, mail: func(n int) *repeated {
		var b strings.Builder
		b.WriteString(smallHead)
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\nContent-Type: message/rfc822\r\n\r\n", i, i)
		}
		return text(b.String() + "\r\nlevel 0")
	}},
	{name: "alternatives", full: 30_000, mail: func(n int) *repeated {
		m := nested(n, numbered)
		return text(strings.ReplaceAll(m.head, "multipart/mixed", "multipart/alternative"))
	}},
}

var partMails = []hostile{
	{name: "parts", full: 100_000, mail: func(n int) *repeated { return many(mixedHead, "--b\r\n\r\nlevel\r\n", n, "--b--\r\n") }},
	{name: "parts without an end", full: 100_000, mail: func(n int) *repeated { return many(mixedHead, "--b\r\n\r\nlevel\r\n", n, "") }},
	{name: "attachments", full: 100_000, mail: func(n int) *repeated {
		return many(mixedHead, "--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx\r\n", n, "--b--\r\n")
	}},
	{name: "HTML parts", full: 100_000, mail: func(n int) *repeated {
		return many(mixedHead, "--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n", n, "--b--\r\n")
	}},
	{name: "ends", full: 300_000, mail: func(n int) *repeated { return many(mixedHead, "--b--\r\n", n, "") }},
	{name: "multiparts side by side", full: 100_000, mail: func(n int) *repeated {
		return many(mixedHead, "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n", n, "")
	}},
	{name: "a long boundary", full: 900_000, mail: func(n int) *repeated {
		b := strings.Repeat("b", n)
		return text(smallHead + "Content-Type: multipart/mixed; boundary=\"" + b + "\"\r\n\r\n--" + b + "\r\n\r\nlevel 0\r\n")
	}},
	{name: "no boundary", full: 100_000, mail: func(n int) *repeated {
		return many(smallHead+"Content-Type: multipart/mixed\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nlevel 0\r\n", "--x\r\nContent-Type: text/plain\r\n\r\ny\r\n", n, "--x--\r\n")
	}},
	{name: "no boundary and dashes", full: 300_000, mail: func(n int) *repeated {
		return many(smallHead+"Content-Type: multipart/mixed\r\n\r\nlevel 0\r\n", "--x\r\ny\r\n", n, "")
	}},
	{name: "an empty boundary", full: 300_000, mail: func(n int) *repeated {
		return many(smallHead+"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\nlevel 0\r\n", "--\r\n", n, "")
	}},
	{name: "dashes in deep parts", full: 400_000, mail: func(n int) *repeated { return many(nested(31, numbered).head, "--\r\n-- x\r\n--b\r\n", n, "") }},
	{name: "beginnings of boundaries in deep parts", full: 400_000, mail: func(n int) *repeated { return many(nested(31, numbered).head, "--b30\r\n--b3\r\n--b\r\n", n, "") }},
	{name: "empty lines in headers", full: 300_000, mail: func(n int) *repeated { return many(mixedHead+"--b\r\n", " \r\n", n, "") }},
}

var headerMails = []hostile{
	inField("one line", "X-Long: ", "x", 10_000_000),
	inField("one line of Subject", "Subject: ", "Re: ", 250_000),
	inField("folds", "X-Field: a\r\n", " b\r\n", 450_000),
	inField("addresses", "Cc: x@example.com", ",\r\n a1@example.com", 100_000),
	inField("different fields of addresses", "", "Cc: a1@example.com\r\n", 100_000),
	inField("senders", "", "From: a1@example.com\r\n", 100_000),
	inField("References", "References:", " <a@b>\r\n", 150_000),
	inField("In-Reply-To", "In-Reply-To:", " <a@b>\r\n", 150_000),
	inField("fields of In-Reply-To", "", "In-Reply-To: <a@b>\r\n", 60_000),
	inField("Message-IDs", "", "Message-ID: <a@b>\r\n", 60_000),
	inField("Received", "", "Received: from a by b; Tue, 22 Nov 2026 05:19:32 +0200\r\n", 150_000),
	inField("dates", "", "Date: x\r\n", 150_000),
	inField("failed recipients", "", "X-Failed-Recipients: a@example.com\r\n", 60_000),
	inField("authentication results", "", "Authentication-Results: mx.example.com; spf=pass\r\n", 60_000),
	inField("parameters", "Content-Type: text/plain", "; a=b", 200_000),
	inField("continued parameters", "Content-Type: text/plain", "; name*0*=b", 100_000),
	inField("blanks", "X-Blank:", " ", 1_000_000),
	inField("a list's name", "List-Id: ", "<", 1_000_000),
	{name: "folds of Subject", full: 450_000, mail: func(n int) *repeated { return many("Subject: a\r\n", " b\r\n", n, smallHead+textBody) }},
	{name: "fields", full: 150_000, mail: func(n int) *repeated { return many(textHead, "X-Field: value\r\n", n, textBody) }},
	{name: "lines that are no field", full: 100_000, mail: func(n int) *repeated { return many(textHead, "no field at all\r\nX-F: 1\r\n", n, textBody) }},
	{name: "lines of an mbox", full: 300_000, mail: func(n int) *repeated { return many(textHead, ">From x\r\n", n, textBody) }},
	{name: "headers of parts", full: 150_000, mail: func(n int) *repeated { return many(mixedHead+"--b\r\n", "X-Field: value\r\n", n, textBody) }},
}

var addressMails = []hostile{
	inField("encoded words", "Cc: ", "=?utf-8?q?a?=", 70_000),
	inField("encoded words apart", "Subject: ", "=?utf-8?q?a?= =?utf-7?q?b?= ", 20_000),
	inField("encoded words of eight languages", "Cc: ", "=?iso-2022-jp?b?GyRC?= ", 40_000),
	inField("words without end", "Cc: ", "=?utf-8?q?a", 90_000),
	inField("beginnings of words", "Cc: ", "=?", 450_000),
	inField("words in words", "Cc: ", "=?utf-8?q?=?utf-8?q?", 50_000),
	inField("question marks", "Cc: ", "=?utf-8?q??=41", 70_000),
	inField("opening comments", "Cc: ", "(", 900_000),
	inField("comments", "Cc: ", "(a)", 300_000),
	inField("comments in comments", "Cc: ", "((a)(b))", 100_000),
	inField("escapes in comments", "Cc: ", "(\\", 450_000),
	inField("quotes", "Cc: ", "\"a\\", 300_000),
	inField("quoted commas", "Cc: ", "\",\" ", 200_000),
	inField("angles", "Cc: ", "<", 900_000),
	inField("closing angles", "Cc: ", ">", 900_000),
	inField("angles that close late", "Cc: ", "<a>,", 200_000),
	inField("at signs", "Cc: ", "@", 900_000),
	inField("source routes", "Cc: <", "@a,", 300_000),
	inField("colons", "Cc: ", "a:", 400_000),
	inField("groups", "Cc: ", "g:;", 300_000),
	inField("groups in groups", "Cc: ", "g:a@b,", 150_000),
	inField("dots and blanks", "Cc: ", " . a", 250_000),
	inField("words before an address", "Cc: ", "a ", 450_000),
	inField("backslashes", "Cc: ", "\\", 900_000),
	inField("raw bytes", "Cc: ", "\xfc", 900_000),
	inField("wide characters", "Cc: ", "\u00fc", 450_000),
	inField("right-to-left marks", "Cc: ", "\u202e", 300_000),
	inField("NILs", "Cc: ", "NIL,", 200_000),
	inField("empty addresses", "Cc: ", "<>,", 300_000),
	inField("literals", "Cc: ", "<a@[IPv6:::1]>,", 60_000),
	inField("homographs", "Cc: ", "<a@\u0435xample.com>,", 40_000),
	inField("dates of words", "Date: ", "mon ", 250_000),
	inField("dates of numbers", "Date: ", "1-", 450_000),
	inField("authentication of quotes", "Authentication-Results: mx.example.com; ", "\"(", 450_000),
}

var encodingMails = []hostile{
	inBody("one line", textHead+"\r\nlevel 0\r\n", "x", 20_000_000),
	inBody("one line of base64", smallHead+"Content-Transfer-Encoding: base64\r\n\r\n", "bGV2ZWwgMAo", 900_000),
	inBody("padding of base64", smallHead+"Content-Transfer-Encoding: base64\r\n\r\nbGV2ZWwgMAo\r\n", "=", 10_000_000),
	inBody("base64 that is none", smallHead+"Content-Transfer-Encoding: base64\r\n\r\nlevel 0 is here\r\n", "not at all!\r\n", 700_000),
	inBody("escapes", smallHead+"Content-Transfer-Encoding: quoted-printable\r\n\r\nlevel 0\r\n", "=41", 3_000_000),
	inBody("broken escapes", smallHead+"Content-Transfer-Encoding: quoted-printable\r\n\r\nlevel 0\r\n", "=", 10_000_000),
	inBody("soft line breaks", smallHead+"Content-Transfer-Encoding: quoted-printable\r\n\r\nlevel 0\r\n", "=\r\n", 3_000_000),
	inBody("flowed lines", smallHead+"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\nlevel 0\r\n", "> \r\n", 400_000),
	inBody("utf-7", smallHead+"Content-Type: text/plain; charset=utf-7\r\n\r\nlevel 0\r\n", "+AOk-", 200_000),
	inBody("utf-7 without end", smallHead+"Content-Type: text/plain; charset=utf-7\r\n\r\nlevel 0\r\n", "+A", 500_000),
	inBody("Korean shifts", smallHead+"Content-Type: text/plain; charset=iso-2022-kr\r\n\r\nlevel 0\r\n", "\x0e!\x0f", 300_000),
	inBody("Japanese escapes", smallHead+"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\nlevel 0\r\n", "\x1b$B\x1b(B", 150_000),
	inBody("raw bytes", textHead+"\r\nlevel 0\r\n", "\xfc\xfd", 500_000),
	inBody("NULs", textHead+"\r\nlevel 0\r\n", "\x00", 10_000_000),
	inBody("bare CRs", textHead+"\r\nlevel 0\r\n", "a\r", 5_000_000),
	inBody("line ends", textHead+"\r\nlevel 0\r\n", "\r\r\n", 3_000_000),
	{name: "a charset per part", full: 1000, mail: func(n int) *repeated {
		return many(mixedHead, "--b\r\nContent-Type: text/plain; charset=gb18030\r\n\r\n"+strings.Repeat("\xd6\xd0", 500)+"\r\n", n, "")
	}},
	{name: "encoded in encoded", full: 300_000, lost: true, mail: func(n int) *repeated {
		return many(smallHead+strings.Repeat("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", 40), "level 0 and on and on it goes\r\n", n, "")
	}},
	{name: "base64 in base64", full: 3_000_000, lost: true, mail: func(n int) *repeated { return text(reEncoded(n)) }},
}

// reEncoded is a mail that holds a mail that holds a mail, each in base64,
// until it has about n bytes.
func reEncoded(n int) string {
	mail := textHead + textBody
	for len(mail) < n {
		mail = smallHead + "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(mail))
	}
	return mail
}

var largeMails = []hostile{
	{name: "an attachment of 100 MB", full: 1_300_000, mail: func(n int) *repeated {
		return many(mixedHead+"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n", strings.Repeat("QUJD", 19)+"\r\n", n, "--b--\r\n")
	}},
	{name: "a binary attachment of 50 MB", full: 700_000, mail: func(n int) *repeated {
		return many(mixedHead+"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: binary\r\n\r\n", strings.Repeat("\x00\xff\r", 24)+"\r\n", n, "--b--\r\n")
	}},
	{name: "a mail of 100 MB as attachment", full: 4_300_000, mail: func(n int) *repeated {
		return many(mixedHead+"--b\r\nContent-Type: message/rfc822\r\n\r\n"+textHead+textBody, "and on and on it goes\r\n", n, "--b--\r\n")
	}},
	inBody("a text of 100 MB", textHead+"\r\nlevel 0\r\n", "and on and on it goes\r\n", 4_300_000),
	inBody("an HTML text of 100 MB", htmlHead, "<p>and on and on it goes\r\n", 4_000_000),
	inBody("a text of 50 MB in escapes", smallHead+"Content-Transfer-Encoding: quoted-printable\r\n\r\nlevel 0\r\n", "=C3=BC=C3=BC and on =\r\n", 2_000_000),
}

var htmlMails = []hostile{
	inBody("nested tags", htmlHead, "<div>", 1_000_000),
	inBody("pictures", htmlHead, "<img src=\"http://example.com/x.png\" alt=\"x\" style=\"display:block\">", 100_000),
	inBody("open brackets", htmlHead, "<", 5_000_000),
	inBody("closing tags", htmlHead, "</p>", 1_200_000),
	inBody("quotes in quotes", htmlHead, "<blockquote>a", 400_000),
	inBody("lists", htmlHead, "<ul><li>a", 500_000),
	inBody("tables", htmlHead, "<table><tr><td>a", 300_000),
	inBody("styles of elements", htmlHead, "<p style=\"display : none\">a</p>", 160_000),
	inBody("long styles", htmlHead, "<p style=\""+strings.Repeat("color:red;", 190)+"\">a</p>", 2_500),
	inBody("hidden in hidden", htmlHead, "<div hidden>a", 400_000),
	inBody("links", htmlHead, "<a href=http://example.com/>a", 180_000),
	inBody("attributes", htmlHead+"<p", " a=b", 1_200_000),
	inBody("different attributes", htmlHead, "<p a=b c=d e=f g=h i=j>", 200_000),
	inBody("attributes without end", htmlHead, "<p a=\"", 800_000),
	inBody("entities", htmlHead, "&amp;", 1_000_000),
	inBody("numbered entities", htmlHead, "&#65;&#x42;", 500_000),
	inBody("entities without end", htmlHead, "&notit", 800_000),
	inBody("comments", htmlHead, "<!--a-->", 600_000),
	inBody("comments without end", htmlHead, "<!--", 1_200_000),
	inBody("declarations", htmlHead, "<!DOCTYPE a><![CDATA[", 250_000),
	inBody("scripts", htmlHead, "<script>a</script", 300_000),
	inBody("scripts without end", htmlHead, "<script>a</scrip><!--<script", 180_000),
	inBody("text areas", htmlHead, "<textarea></textare", 250_000),
	inBody("preformatted", htmlHead+"<pre>", "a\r\n", 1_600_000),
	inBody("pre in pre", htmlHead, "<pre>\n", 800_000),
	inBody("fillers", htmlHead, "\u200b&zwnj; ", 400_000),
	inBody("line breaks", htmlHead, "<br>", 1_200_000),
	inBody("rules", htmlHead, "<hr>", 1_200_000),
	{name: "style sheets", full: 900_000, mail: func(n int) *repeated { return many(htmlHead+"<style>", "a{b:c}", n, "</style>") }},
	{name: "style sheets in turn", full: 250_000, mail: func(n int) *repeated { return many(htmlHead, "<style>a{}</style>", n, "") }},
}

var reportMails = []hostile{
	inBody("quoted attributions", textHead+"\r\nlevel 0\r\n", "> On 1 Jan 2026 ada@example.com wrote:\r\n", 200_000),
	inBody("attributions", textHead+"\r\nlevel 0\r\n", "On 1 Jan 2026 ada@example.com wrote:\r\n", 200_000),
	inBody("beginnings of attributions", textHead+"\r\nlevel 0\r\n", "On 1 Jan 2026\r\n", 400_000),
	inBody("forwards", textHead+"\r\nlevel 0\r\n", "From: ada@example.com\r\nTo: b@example.org\r\nSubject: x\r\n\r\n", 100_000),
	inBody("dividers", textHead+"\r\nlevel 0\r\n", "-----Original Message-----\r\n", 200_000),
	inBody("almost dividers", textHead+"\r\nlevel 0\r\n", "--- x ---\r\n__________ y\r\n", 200_000),
	inBody("lines with From", textHead+"\r\nlevel 0\r\n", "From: ada@example.com\r\n", 400_000),
	inBody("colons", textHead+"\r\nlevel 0\r\n", "a:\r\n", 400_000),
	inBody("blanks", textHead+"\r\nlevel 0\r\n", " ", 5_000_000),
	inBody("empty lines", textHead+"\r\nlevel 0\r\n", "\r\n", 2_000_000),
	inBody("signatures", textHead+"\r\nlevel 0\r\n", "-- \r\n", 400_000),
	inBody("absences", "X-Autoreply: yes\r\n"+textHead+"\r\nlevel 0\r\n", "until bis ", 500_000),
	inBody("successors", "X-Autoreply: yes\r\n"+textHead+"\r\nlevel 0\r\n", "please contact @ ", 300_000),
	inBody("text of a report", "Return-Path: <>\r\n"+strings.Replace(textHead, "hello", "Undelivered Mail", 1)+"\r\nlevel 0\r\n", "550 5.1.1 <ada@example.com> user unknown\r\n\r\n", 100_000),
	{name: "delivery status", full: 100_000, lost: true, mail: func(n int) *repeated {
		return many(smallHead+"Content-Type: message/delivery-status\r\n\r\n", "Final-Recipient: rfc822; a@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", n, "")
	}},
	{name: "delivery status in parts", full: 10_000, mail: func(n int) *repeated {
		return many(mixedHead, "--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@example.com\r\nAction: failed\r\n\r\n", n, "")
	}},
	{name: "feedback", full: 100_000, lost: true, mail: func(n int) *repeated {
		return many(smallHead+"Content-Type: message/feedback-report\r\n\r\n", "Original-Rcpt-To: a@example.com\r\n", n, "")
	}},
	{name: "an invitation", full: 100_000, lost: true, mail: func(n int) *repeated {
		return many(smallHead+"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n", "BEGIN:VTIMEZONE\r\nTZID:x\r\nTZOFFSETTO:+0100\r\n", n, "")
	}},
	{name: "a notice in JSON", full: 100_000, lost: true, mail: func(n int) *repeated {
		return many(textHead+"\r\n{\"notificationType\":\"Bounce\",\"x\":", "[", n, "")
	}},
}

// archiveMails carry what an unpacker would choke on; canary is in all of it.
func archiveMails(n int) map[string][]byte {
	zeros := bytes.Repeat([]byte(canary+strings.Repeat("\x00", 1000)), n)
	var gz bytes.Buffer
	g := gzip.NewWriter(&gz)
	g.Write(zeros)
	g.Close()
	bomb := zeros
	for range 4 { // an archive of ten archives of ten archives …
		var z bytes.Buffer
		w := zip.NewWriter(&z)
		for i := range 10 {
			f, _ := w.Create(fmt.Sprintf("%d.zip", i))
			f.Write(bomb)
		}
		w.Close()
		bomb = z.Bytes()
	}
	return map[string][]byte{
		"bomb.zip":   bomb,
		"zeros.gz":   gz.Bytes(),
		"winmail.da": append([]byte{0x78, 0x9f, 0x3e, 0x22, 1, 0}, zeros[:min(len(zeros), 64<<10)]...),
		"post.pst":   append([]byte("!BDN"), zeros[:min(len(zeros), 64<<10)]...),
		"part.yenc":  append([]byte("=ybegin line=128 size=1 name=x\r\n"), zeros[:min(len(zeros), 64<<10)]...),
	}
}

const canary = "quokkaquokka"
