package mailtest

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

// Mark is a word that stands in one place of one mailbox's mail and nowhere
// else, so that wherever it is shown one knows what was shown.
type Mark struct{ Word, Box, Place string }

var marks = regexp.MustCompile(`zq([a-z]+?)in([a-z]+?)wq`)

// mark makes the word of a place of a mailbox.
func mark(box, place string) string { return "zq" + box + "in" + place + "wq" }

// Marks are the marks in a text, in its order.
func Marks(text string) (out []Mark) {
	for _, m := range marks.FindAllStringSubmatch(text, -1) {
		out = append(out, Mark{Word: m[0], Box: m[1], Place: m[2]})
	}
	return out
}

// MarksOf are the marks in [MarkedMails] of a mailbox.
func MarksOf(box string) []Mark {
	return append(Marks(strings.Join(MarkedMails(box), "")), Mark{Word: mark(box, "sent"), Box: box, Place: "sent"}) // which is encoded
}

// OfSubject reports whether a place is a subject's.
func OfSubject(place string) bool { return strings.HasPrefix(place, "subject") }

// OfProtected reports whether a place is of the mail of boss@press.example.
func OfProtected(place string) bool { return place == "protected" || strings.HasSuffix(place, "seven") }

const (
	crlf         = "\r\n"
	severalParts = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	endOfParts   = "\r\n--b--\r\n"
)

// MarkedMails are eight mails of a mailbox at example.com, with a mark in each
// place a mail has: with carl@press.example in text and HTML, with an
// attachment, an invitation, a forwarded mail, a quoted answer, one sent; a
// bounce; and one of boss@press.example.
func MarkedMails(box string) []string {
	w := func(place string) string { return mark(box, place) }
	head := func(n int, from, kind string) string {
		return fmt.Sprintf("Message-ID: <%s%d@press.example>\r\nFrom: %s\r\nTo: %s@example.com\r\nDate: Mon, 02 Mar 2026 12:0%d:00 +0000\r\nSubject: About %s\r\nX-Note: %s\r\n",
			box, n, from, box, n, w("subject"+kind), w("header"+kind))
	}
	carl := "Carl Weber <carl@press.example>"
	html := "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + w("plain") +
		"\r\n--b\r\nContent-Type: text/html\r\n\r\n<p title=\"" + w("title") + "\">" + w("html") + "</p>" + endOfParts
	attached := severalParts + "--b\r\n\r\nSee " + w("cover") + ".\r\n--b\r\nContent-Type: text/plain; name=\"" + w("file") + ".txt\"\r\nContent-Disposition: attachment; filename=\"" + w("file") + ".txt\"\r\n\r\n" + w("attached") + endOfParts
	invite := "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:" + w("uid") + "\r\nSUMMARY:" + w("summary") +
		"\r\nLOCATION:" + w("location") + "\r\nDESCRIPTION:" + w("description") + "\r\nDTSTART:20260402T120000Z\r\nDTEND:20260402T130000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	forward := severalParts + "--b\r\n\r\nFYI " + w("fyi") + "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <in" + box + "@far.example>\r\nFrom: " + w("inner") + " <" + w("inner") +
		"@far.example>\r\nTo: carl@press.example\r\nSubject: " + w("within") + "\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\n" + w("enclosed") + endOfParts
	quoted := "\r\nYes " + w("answer") + "\r\n\r\nOn Monday, Ada wrote:\r\n> " + w("quote") + crlf
	bounce := "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry " + w("sorry") +
		"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.press.example\r\n\r\nFinal-Recipient: rfc822; carl@press.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 " + w("diagnostic") +
		"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <sent" + box + "@example.com>\r\nFrom: " + box + "@example.com\r\nTo: carl@press.example\r\nSubject: " + w("returned") + "\r\n" + endOfParts
	return []string{
		head(1, carl, "one") + html, head(2, carl, "two") + attached, head(3, carl, "three") + invite,
		head(4, carl, "four") + forward, head(5, carl, "five") + "In-Reply-To: <" + box + "1@press.example>\r\n" + quoted,
		head(6, "Mailer <mailer-daemon@press.example>", "six") + bounce,
		head(7, "Boss <boss@press.example>", "seven") + crlf + w("protected") + crlf,
		"Message-ID: <" + box + "8@example.com>\r\nFrom: " + box + "@example.com\r\nTo: " + carl + "\r\nDate: Mon, 02 Mar 2026 13:00:00 +0000\r\nSubject: Re: " + w("subjecteight") + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString([]byte("Sent "+w("sent"))) + crlf,
	}
}
