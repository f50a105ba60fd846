package message

import (
	"encoding/hex"
	"strings"
	"testing"
)

// TestContentOfEver holds the digests of mails fast. Stores keep them: a
// change of reading that changes one loses the identity of mail without a
// Message-ID. Nothing here may ever be updated, only added to.
func TestContentOfEver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ mail, want string }{
		"empty":      {"From: a@example.com\n\n", "d560fce3ec9b4877"},
		"plain":      {"From: a@example.com\n\nHello,\n> quoted\n-- \nAda\n", "3c3724a6a320b976"},
		"html":       {"Content-Type: text/html; charset=utf-8\n\n<html><head><style>p { x }</style><title>t</title></head><p hidden>pre</p><p>Hi&nbsp;<a class=x HREF='https://example.com/?a=1&amp;b=2'>there</a><br>a &lt; b<!-- no > no --><script>x</SCRIPT>", "4f5c9eb353f28e57"},
		"latin":      {"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n", "c22314bc471aeff5"},
		"japanese":   {"Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B$3$s\x1b(B\n", "2a98c8c0b8d8d771"},
		"shift_jis":  {"Content-Type: text/plain; charset=Shift_JIS\n\n\x82\xb1\x82\xf1\n", "005be7c22e941b19"},
		"mislabeled": {"Content-Type: text/plain; charset=nonsense\n\nGr\xfc\xdfe\n", "7eb0f2fd97e66523"},
		"alternative": {"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n--b\nContent-Type: text/html\n\n<b>other</b>\n--b--\n",
			"f21023c49501119a"},
		"files":    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n--b\nContent-Type: text/csv; name=a.csv\n\na;b\n--b\nContent-Type: application/ics\n\nBEGIN:VCALENDAR\n--b--\n", "728fcfe3b4e271f6"},
		"inside":   {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\nContent-Type: message/rfc822\n\nFrom: x@example.com\nSubject: s\n\ninner\n--b--\n", "3b994969708285d3"},
		"encoded":  {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nRnJvbTogYUBiCgpoZWxsbwo=\n", "37abbe60671420eb"},
		"uuencode": {"From: a@example.com\n\nhi\nbegin 644 a.txt\n#0V%T\n`\nend\nbye\n", "febefead9523fc35"},
		"tnef":     {withWinmail("hi", winmail()), "17a9e82a70363232"},
		"report":   {"Content-Type: multipart/report; report-type=delivery-status; boundary=a\n\n--a\n\nfailed\n--a\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b\nAction: failed\n--a\nContent-Type: text/rfc822-headers\n\nMessage-ID: <x@y>\n--a--\n", "23bf5c555fb2a960"},
		"unclosed": {"Content-Type: multipart/mixed; boundary=b\n\nno part\n", "de36cc27f98cbdb5"},
		"long":     {"From: a@example.com\n\n" + strings.Repeat("and on and on\n", 100_000), "d05c13aedd0cf2df"},
	} {
		sum := parse(t, c.mail).TextSum
		if got := hex.EncodeToString(sum[:8]); got != c.want {
			t.Errorf("%s: content %s; want %s", name, got, c.want)
		}
	}
}

// TestContentIsNotItsMarkup: what servers do to HTML leaves the content alone;
// another word, link or picture does not.
func TestContentIsNotItsMarkup(t *testing.T) {
	t.Parallel()
	const head = "From: a@example.com\nContent-Type: text/html; charset=utf-8\n\n"
	const body = `<p>Grüße &amp; mehr: <a href="https://example.com/x">hier</a></p>`
	want := parse(t, head+body).TextSum
	for name, mail := range map[string]string{
		"wrapped":     head + "<html><head><meta charset=utf-8><style type=\"text/css\">a{}</style></head><body>\n" + body + "\n</body></html>",
		"entities":    head + strings.ReplaceAll(strings.ReplaceAll(body, "ü", "&uuml;"), "ß", "&#223;"),
		"attributes":  head + strings.ReplaceAll(body, "<a href=", "<a target='_blank' href ="),
		"latin 1":     strings.Replace(head, "utf-8", "iso-8859-1", 1) + strings.NewReplacer("ü", "\xfc", "ß", "\xdf").Replace(body),
		"a comment":   head + body + "<!-- scanned -->",
		"line breaks": head + strings.ReplaceAll(body, " ", "\r\n"),
	} {
		if parse(t, mail).TextSum != want {
			t.Errorf("%s: another content", name)
		}
	}
	for name, mail := range map[string]string{
		"a word":   head + strings.Replace(body, "mehr", "nichts", 1),
		"a link":   head + strings.Replace(body, "/x", "/y", 1),
		"plain":    "From: a@example.com\n\n" + body,
		"a second": head + body + "<p>PS</p>",
	} {
		if parse(t, mail).TextSum == want {
			t.Errorf("%s: the same content", name)
		}
	}
}
