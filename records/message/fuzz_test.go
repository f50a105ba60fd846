package message

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seeds are the beginnings fuzzing starts from.
var seeds = []string{
	typicalMail,
	"", "\r\n", "\n\nbody", "From x\nFrom: a@b\n\nx", "no header at all", "Subject: =?utf-8?B?w7w=?= =?iso-2022-jp?B?GyRC?=\n\n",
	"From: \"a@b\"@c, Group: <x@y>, (c) z@w;\nDate: Tue, 22 Nov 26 05:19 PST\nIn-Reply-To: your mail <a@b>\n\n",
	"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nFrom: x@y\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\nt\n--b\nContent-Type: text/html\n\n<p>h<blockquote>q\n--b--\n--a--\n--a\n\nlate",
	"Content-Type: multipart/report; report-type=delivery-status; boundary=a\n\n--a\n\nfailed\n--a\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n--a\nContent-Type: text/rfc822-headers\n\nMessage-ID: <x@y>\n--a--",
	"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nRnJvbTogYUBiCgpoZWxsbwo=",
	"Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nDTSTART;TZID=X:20260101T100000\nEND:VEVENT\n",
	"Subject: Fwd: x\n\n---------- Forwarded message ---------\nVon: Ada <ada@example.com>\nDatum: 22. November 2026\nBetreff: y\nAn: b@example.org\n\ntext",
	"Content-Type: text/plain; charset=utf-7; format=flowed\nContent-Transfer-Encoding: quoted-printable\n\n+AOk- =\n> q \n> r\n-- \nsig",
	"Subject: x\n\nhi\nbegin 644 a.txt\n#0V%T\n`\nend\nbye",
	withWinmail("hi", winmail()),
	"Sub\x00ject: a\x00b\nFr\x00om: a@b\n\x00\nbody",
	"Content-Type:0000" + strings.Repeat("\xdc", 80) + "/0\n\n", // a type cut within a character
	"Content-Type: multipart/mixed\n\n--x\nContent-Type: application/pdf; name*0*=utf-8''%41; name*1=b\nContent-Disposition: attachment; filename=\"../../a\"\n\nx\n",
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 64<<10 {
			t.Skip()
		}
		p, err := Parse(bytes.NewReader(raw), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ParseHead(raw), p.Head); diff != "" {
			t.Errorf("ParseHead and Parse differ (-head +mail):\n%s", diff)
		}
		d := DescribeFile("x", p)
		for what, text := range map[string]string{"text": p.Text, "HTML": p.HTML, "reply": p.Reply, "subject": p.Head.Subject, "message id": p.Head.MessageID} {
			checkText(t, "mail", what, text)
		}
		for _, a := range p.Attachments {
			checkText(t, "mail", "name", a.Name)
			checkText(t, "mail", "type", a.Type)
		}
		said := 0
		for _, f := range p.Files {
			checkText(t, "mail", "text of a file", f.Text)
			if said += len(f.Text); said > maxFileTexts || f.Text == "" {
				t.Errorf("file %q says %d bytes, all together %d", f.Name, len(f.Text), said)
			}
		}
		for _, part := range p.Parts {
			checkText(t, "mail", "type of a part", part.Type)
			checkText(t, "mail", "disposition of a part", part.Disposition)
		}
		for _, in := range p.Inner {
			checkText(t, "mail", "inner text", in.Text)
			checkText(t, "mail", "inner subject", in.Head.Subject)
		}
		whole, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 4<<10 {
			return
		}
		// How the bytes arrive must not matter.
		q, err := Parse(iotest.OneByteReader(bytes.NewReader(raw)), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		piecemeal, _ := json.Marshal(DescribeFile("x", q))
		if !bytes.Equal(whole, piecemeal) || p.TextSum != q.TextSum || p.Sum != q.Sum {
			t.Errorf("read whole:\n%s\nread byte by byte:\n%s", whole, piecemeal)
		}
	})
}

func FuzzParseHead(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := ParseHead(raw)
		for _, p := range h.Participants() {
			checkText(t, "head", "name", p.Name)
			checkText(t, "head", "raw address", p.Raw)
			checkText(t, "head", "address", string(p.Address))
			if (p.Address == "") == (p.Raw == "") {
				t.Errorf("party has neither or both of address and raw: %+v", p)
			}
		}
		for _, id := range h.ThreadIDs() {
			checkText(t, "head", "id", id)
			if len(id) > maxID {
				t.Errorf("id of %d bytes", len(id))
			}
		}
		if got := SaneTime(h, time.Time{}, now); got.After(now.Add(clockSlack)) {
			t.Errorf("SaneTime = %v, after %v", got, now)
		}
		h.Trust("x")
		h.LooksReport()
		h.LooksForwarded()
		IdentityKeys(h, &Sum{})
		if _, err := json.Marshal(h); err != nil {
			t.Error(err)
		}
	})
}
