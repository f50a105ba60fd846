package message

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parse reads a mail given with line feeds.
func parse(t testing.TB, mail string) Parsed {
	t.Helper()
	p, err := Parse(strings.NewReader(strings.ReplaceAll(mail, "\n", "\r\n")), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHTMLText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"plain &amp; simple", "plain & simple"},
		{"<p>one</p><p>two</p>", "one\n\ntwo"},
		{"<div>one</div><div>two<br>three</div>", "one\ntwo\nthree"},
		{"a<b>b</b> <i>c</i>", "ab c"},
		{"<a href='https://example.com/x'>click</a>", "click <https://example.com/x>"},
		{"<a href='https://example.com/'>example.com</a>", "example.com"},
		{"<a href='mailto:ada@example.com'>ada@example.com</a>", "ada@example.com"},
		{"<a href='javascript:x()'>x</a> <a href='#top'>top</a>", "x top"},
		{"<blockquote>q<blockquote>r</blockquote></blockquote>after", "> q\n>> r\nafter"},
		{"<ul><li>a<ul><li>b</ul><li>c</ul>", "- a\n  - b\n- c"},
		{"<ol><li>a<li>b</ol>", "1. a\n2. b"},
		{"<table><tr><td>a<td>b<tr><td>c</table>", "a  b\nc"},
		{"<pre>a  b\n c</pre>d", "a  b\n c\nd"},
		{"<style>x{}</style><script>y</script><title>z</title>shown", "shown"},
		{"<span style='display: none'>preheader</span>shown", "shown"},
		{"<div style='display:none'>only</div>", "only"},
		{"a&zwnj;&nbsp;\u200b\u200bb", "a\u200c\u00a0\u200b\u200bb"},
		{"shown<!-- not shown --> too", "shown too"},
		{"<p>never closed <b>bold", "never closed bold"},
		{"<", "<"},
		{"", ""},
		{"<img src=x alt='a logo'>", "[a logo]"},
		{"<img src=x width=1 height='1' alt='opened'>shown", "shown"},
		{"<style>.pre{display:none !important} @media (max-width:600px){.wide{display:none}}</style><div class='x pre'>hidden</div><div class=wide>shown</div>", "shown"},
		{"<style>@media print{.a{color:red}} p.b{display:none} .c{DISPLAY: none}</style><p class=b>b</p><p class=c>c</p>", "b"},
		{"<div style='max-height:0px;overflow:hidden'>preview</div>shown", "shown"},
		{"<div style='font-size:0px;line-height:0px'><div style='font-size:13px'>shown</div></div>", "shown"},
		{"<div style='opacity:0.9'>shown</div>", "shown"},
		{"<p class=MsoNormal>one<p class=MsoNormal>two<p class=MsoNormal>&nbsp;</p><p class=MsoNormal>three</p>", "one\ntwo\n\u00a0\nthree"},
		{"<p style='margin: 0 0 10px'>one</p><p style='margin:0'>two</p><p style='margin-top:0in;margin-bottom:0in'>three</p>", "one\n\ntwo\nthree"},
		{"<blockquote style='margin:0 0 0 40px;border:none;padding:0px'>moved</blockquote><blockquote class='gmail_quote' style='border:none'>quoted</blockquote>", "moved\n> quoted"},
	} {
		if got := htmlText(tt.in, maxText); got != tt.want {
			t.Errorf("htmlText(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestNewText(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ in, want string }{
		"nothing quoted":           {"Hello,\n\nall well: see > below.\n", "Hello,\n\nall well: see > below."},
		"english":                  {"Yes.\n\nOn Mon, Nov 21, 2022 at 10:00 AM Carol <carol@example.net> wrote:\n> q\n", "Yes."},
		"two lines":                {"Yes.\n\nOn Mon, Nov 21, 2022 at 10:00 AM Carol van der Somebody\n<carol@example.net> wrote:\n\n> q\n", "Yes."},
		"prose right before":       {"Hello\nOn 21 Nov 2022 10:00, \"Carol van der Somebody\" <\ncarol@example.net> wrote:\n\n> q", "Hello"},
		"prose wrapped before":     {"I try as soon as I\nget back.\nOn 21 Nov 2022, Carol wrote:\n\n> q", "I try as soon as I\nget back."},
		"german":                   {"Ja.\n\nAm 21.11.2022 um 10:00 schrieb Carol:\n> q", "Ja."},
		"french":                   {"Oui.\n\nLe lun. 21 nov. 2022 à 10:00, Carol <carol@example.net> a écrit :\n> q", "Oui."},
		"spanish":                  {"Sí.\n\nEl lun, 21 nov 2022 a las 10:00, Carol (<carol@example.net>) escribió:\n> q", "Sí."},
		"no marks":                 {"Yes.\n\nOn 21 Nov 2022, Carol wrote:\n\nquoted without marks", "Yes."},
		"answers between":          {"On 21 Nov 2022, Carol wrote:\n> one?\nYes.\n> two?\nNo.", "Yes.\nNo."},
		"outlook":                  {"Yes.\n\nFrom: Carol <carol@example.net>\nSent: Monday, November 21, 2022 10:00\nTo: Ada\nSubject: anvils\n\nq", "Yes."},
		"outlook, ruled":           {"Ja.\n\n________________________________\nVon: Carol <carol@example.net>\nGesendet: Montag, 21. November 2022 10:00\nAn: Ada\nBetreff: x\n\nq", "Ja."},
		"original message":         {"Yes.\n\n-----Original Message-----\nFrom: Carol\nq", "Yes."},
		"signature":                {"Yes.\n-- \nAda\nExample Ltd", "Yes."},
		"phone":                    {"Yes.\n\nSent from my iPhone", "Yes."},
		"prose that wrote":         {"As Carol wrote:\nwe sell anvils.\nMore.", "As Carol wrote:\nwe sell anvils.\nMore."},
		"prose with From":          {"From: here on we walk.\nIt is far.", "From: here on we walk.\nIt is far."},
		"no list has its words":    {"Jes.\n\nLa 21.11.2022 je 10:00 Karolo Roo <carol@example.net> skribis:\n\nunmarked", "Jes."},
		"no list has its header":   {"Jes.\n\n-----Origina Mesagho-----\nEl: Karolo Roo\nSendita: 21.11.2022 10:00\nAl: ada@example.com\nTemo: amboso\n\nunmarked", "Jes."},
		"address over two lines":   {"Ja.\n\nman. 21. nov. 2022 kl. 10:00 skrev Carol Roe <carol@example.net\n>:\n\n> q", "Ja."},
		"quote gone, line left":    {"On 21 Nov 2022 at 10:00, Carol Roe <carol@example.net> wrote:\n\nYes, gladly.", "Yes, gladly."},
		"prose with date and name": {"I met Carol on 21 Nov 2022:\nwe sell anvils.", "I met Carol on 21 Nov 2022:\nwe sell anvils."},
		"number right above":       {"we meet at 5\nOn 21 Nov 2022 at 10:00, Carol Roe wrote:\n> q", "we meet at 5"},
		"mailbox file's mark":      {"He said:\n>From here on it is easy.\nGood.", "He said:\n>From here on it is easy.\nGood."},
		"times are no sender":      {"Plan:\nDate: 21.11.2022\nFrom: 10:00\nTo: 12:00\nSubject: anvils\nbe there", "Plan:\nDate: 21.11.2022\nFrom: 10:00\nTo: 12:00\nSubject: anvils\nbe there"},
		"prose that was sent":      {"Sent from my desk, is much easier.", "Sent from my desk, is much easier."},
		"thanks are said":          {"Yes.\n\nThanks!", "Yes.\n\nThanks!"},
		"postscript":               {"Yes.\n\n-- \nAda\n\nPS: bring gloves", "Yes.\n\nPS: bring gloves"},
		"table with a rule":        {"Due:\n\nService Date \n-------------------- \nanvil.example Jun 27, 2022\n\nPlease pay them all before the end of June.", "Due:\n\nService Date \n-------------------- \nanvil.example Jun 27, 2022\n\nPlease pay them all before the end of June."},
		"advice is no notice":      {"Ja.\n\nBitte leiten Sie die Nachricht an den Empfänger weiter und löschen Sie sie dann.", "Ja.\n\nBitte leiten Sie die Nachricht an den Empfänger weiter und löschen Sie sie dann."},
		"list footer":              {"Yes.\n\n_______________________________________________\nanvils mailing list\nanvils@lists.example.com\nhttps://lists.example.com/listinfo/anvils", "Yes."},
		"only a phone's line":      {"Sent from my iPhone", ""},
		"only thanks":              {"Thanks,\nAda", "Thanks,\nAda"},
		"only a quote":             {"> q\n> r", ""},
		"dashes are no marker":     {"one\n-----\ntwo", "one\n-----\ntwo"},
	} {
		if got := newText(strings.Split(tt.in, "\n"), Head{From: []Party{{Name: "Ada Lovelace", Address: "ada@example.com"}}}); got != tt.want {
			t.Errorf("%s: newText = %q, want %q", name, got, tt.want)
		}
	}
}

func TestForwardBlocks(t *testing.T) {
	t.Parallel()
	fwd := Head{Subject: "Fwd: x"}
	reply := Head{Subject: "Re: x", InReplyTo: []string{"a@b"}}
	outlook := func(from, sent, to, subject string) string {
		return "see below\n\n" + from + ": Carol Roe <carol@example.net>\n" + sent + ": 21 Nov 2022 10:00\n" + to + ": Ada <ada@example.com>; Bob <bob@example.org>\n" + subject + ": anvils\n\nDo you sell them?\n"
	}
	for name, tt := range map[string]struct {
		text string
		head Head
		want int
	}{
		"english":            {outlook("From", "Sent", "To", "Subject"), fwd, 1},
		"bold":               {outlook("*From", "*Sent", "*To", "*Subject"), fwd, 1},
		"german":             {outlook("Von", "Gesendet", "An", "Betreff"), fwd, 1},
		"french":             {outlook("De ", "Envoyé ", "À ", "Objet "), fwd, 1},
		"spanish":            {outlook("De", "Enviado el", "Para", "Asunto"), fwd, 1},
		"italian":            {outlook("Da", "Inviato", "A", "Oggetto"), fwd, 1},
		"dutch":              {outlook("Van", "Verzonden", "Aan", "Onderwerp"), fwd, 1},
		"swedish":            {outlook("Från", "Skickat", "Till", "Ämne"), fwd, 1},
		"polish":             {outlook("Od", "Wysłano", "Do", "Temat"), fwd, 1},
		"russian":            {outlook("От", "Отправлено", "Кому", "Тема"), fwd, 1},
		"chinese":            {outlook("发件人", "发送时间", "收件人", "主题"), fwd, 1},
		"japanese":           {outlook("差出人", "送信日時", "宛先", "件名"), fwd, 1},
		"bengali":            {outlook("প্রেরক", "তারিখ", "প্রাপক", "বিষয়"), fwd, 1},
		"an answer":          {outlook("From", "Sent", "To", "Subject"), reply, 0},
		"marked, an answer":  {strings.Replace(outlook("From", "Date", "To", "Subject"), "see below\n", "---------- Forwarded message ---------", 1), reply, 1},
		"no subject prefix":  {outlook("From", "Sent", "To", "Subject"), Head{Subject: "x"}, 1},
		"twice":              {outlook("From", "Sent", "To", "Subject") + outlook("Von", "Gesendet", "An", "Betreff"), fwd, 2},
		"blank lines":        {strings.ReplaceAll(outlook("From", "Sent", "To", "Subject"), "\n", "\n\n"), fwd, 1},
		"prose":              {"From: the start\nTo: the end\nit was good ada@example.com", fwd, 0},
		"no address":         {"From: Carol\nTo: Ada\nSubject: x\n\ntext about a@b", fwd, 0},
		"quoted by Apple":    {"Begin forwarded message:\n\n> From: Carol Roe <carol@example.net>\n> Subject: anvils\n> To: Ada <ada@example.com>, Bob <bob@example.org>\n>\n> Do you sell them?", fwd, 1},
		"folded address row": {"From: Carol Roe <carol@example.net>\nTo: Ada <ada@example.com>,\n Bob <bob@example.org>\nSubject: anvils\n\nDo you sell them?", fwd, 1},
	} {
		got := forwardBlocks(tt.text, strings.Split(tt.text, "\n"), tt.head)
		if len(got) != tt.want {
			t.Errorf("%s: %d blocks, want %d", name, len(got), tt.want)
			continue
		}
		for _, in := range got {
			if len(in.Head.From) != 1 || in.Head.From[0].Address != "carol@example.net" || in.Head.From[0].Name != "Carol Roe" || len(in.Head.To) != 2 || in.Head.Subject != "anvils" || !in.Inline || !strings.Contains(in.Text, "Do you sell them?") {
				t.Errorf("%s: read %+v", name, in)
			}
		}
	}
}

// TestTextSumIsStable: what a server may do to a mail's encoding leaves the
// digest alone, another word does not.
func TestTextSumIsStable(t *testing.T) {
	t.Parallel()
	const text = "Grüße aus Köln,\nalles gut. Eine lange Zeile folgt, die wohl umbrochen wird: " + "und weiter und weiter und weiter.\n"
	var qp bytes.Buffer
	w := quotedprintable.NewWriter(&qp)
	w.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	w.Close()
	latin := strings.NewReplacer("ü", "\xfc", "ß", "\xdf", "ö", "\xf6").Replace(text)
	const head = "From: ada@example.com\nContent-Type: text/plain; charset="
	want := parse(t, head+"utf-8\n\n"+text).TextSum
	for name, mail := range map[string]string{
		"quoted-printable": head + "utf-8\nContent-Transfer-Encoding: quoted-printable\n\n" + qp.String(),
		"base64":           head + "utf-8\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(text)),
		"latin 1":          head + "iso-8859-1\n\n" + latin,
		"other header":     "X-Scanned: yes\n" + head + "\"utf-8\"\n\n" + text,
		"trailing blanks":  head + "utf-8\n\n" + strings.ReplaceAll(text, "\n", " \n") + "\n\n",
	} {
		if got := parse(t, mail).TextSum; got != want {
			t.Errorf("%s: another digest", name)
		}
	}
	lf, err := Parse(strings.NewReader(head+"utf-8\n\n"+text), Limits{})
	if err != nil || lf.TextSum != want {
		t.Errorf("line feeds alone: another digest (%v)", err)
	}
	for name, mail := range map[string]string{
		"other word": head + "utf-8\n\n" + strings.Replace(text, "gut", "schlecht", 1),
		"a footer":   head + "utf-8\n\n" + text + "\nThis mail was scanned.",
		"a file":     "From: ada@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n" + text + "\n--b\nContent-Type: application/pdf\n\nx\n--b--\n",
	} {
		if parse(t, mail).TextSum == want {
			t.Errorf("%s: the same digest", name)
		}
	}
	long := strings.Repeat("and on and on\n", 200_000)
	if parse(t, head+"utf-8\n\n"+long+"one").TextSum == parse(t, head+"utf-8\n\n"+long+"two").TextSum {
		t.Error("texts that differ beyond the limit have the same digest")
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mail string
		kind Kind
		auto bool
	}{
		"personal":               {"From: ada@example.com\nSubject: hello\n\nHi Bob", Personal, false},
		"human on vacation":      {"From: ada@example.com\nSubject: Out of office next week\n\nWho stands in?", Personal, false},
		"vacation program":       {"From: ada@example.com\nSubject: Out of office\nAuto-Submitted: auto-replied\n\nI am away until 5 December 2026.", Automatic, true},
		"human answers a report": {"From: ada@example.com\nSubject: Re: Undelivered Mail Returned to Sender\nIn-Reply-To: <a@b>\n\nWhy was this not delivered?\n> 550 5.1.1 User unknown", Personal, false},
		"human tells of a bounce": {"From: ada@example.com\nSubject: Delivery problem with our order\n\nThe parcel has not been delivered to us.",
			Personal, false},
		"newsletter":          {"From: news@example.com\nList-Unsubscribe: <mailto:u@example.com>\nSubject: Spring\n\nNews", List, true},
		"stop":                {"From: bob@example.org\nSubject: Re: Spring\n\nSTOP\n\nOn 1 May 2026 news@example.com wrote:\n> News", Unsubscribe, false},
		"by subject":          {"From: bob@example.org\nSubject: unsubscribe\n\n", Unsubscribe, false},
		"by a mail program":   {"From: bob@example.org\nSubject: unsubscribe\nAuto-Submitted: auto-replied\n\nApple Mail sent this email to unsubscribe", Unsubscribe, true},
		"stop in a sentence":  {"From: bob@example.org\nSubject: Re: Spring\n\nStop by our booth if you can, we would love to show you the new anvils.", Personal, false},
		"calendar answer":     {"From: bob@example.org\nSubject: Accepted: Review\nContent-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:1\nEND:VEVENT\nEND:VCALENDAR", Calendar, true},
		"report of success":   {"From: MAILER-DAEMON@example.com\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@example.org\nAction: delivered\nStatus: 2.0.0\n", Automatic, true},
		"qmail":               {"Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nSubject: failure notice\n\nHi. This is the qmail-send program at example.com.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<nobody@example.org>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 User unknown\n\n--- Below this line is a copy of the message.\n", Bounce, true},
		"null path, no story": {"Return-Path: <>\nFrom: shop@example.com\nSubject: Your order\n\nThank you.", Automatic, true},
		"no-reply":            {"From: no-reply@example.com\nSubject: Your order\n\nThank you.", Automatic, true},
	} {
		v := Classify(parse(t, tt.mail))
		if v.Kind != tt.kind || v.Auto != tt.auto {
			t.Errorf("%s: %s, auto %v; want %s, %v", name, v.Kind, v.Auto, tt.kind, tt.auto)
		}
	}
	v := Classify(parse(t, "Return-Path: <>\nFrom: MAILER-DAEMON@example.com\nSubject: failure notice\n\n<nobody@example.org>:\nRemote host said: 550 5.1.1 User unknown\n"))
	want := []BouncedTo{{Recipient: "nobody@example.org", Status: "5.1.1", ReplyCode: "550", Class: "address", Reason: "unknown user", Hard: true, Diagnostic: "Remote host said: 550 5.1.1 User unknown"}}
	if diff := cmp.Diff(want, v.Bounces); diff != "" {
		t.Errorf("bounces of a plain report (-want +got):\n%s", diff)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	mail := nested(10, func(i int) string { return strings.Repeat("b", i+1) })
	p, err := Parse(mail, Limits{Depth: 2, Text: 5})
	if err != nil {
		t.Fatal(err)
	}
	if p.Text != "level" || !strings.Contains(strings.Join(p.Defects, " "), "too-deep") {
		t.Errorf("text %q, defects %v", p.Text, p.Defects)
	}
	p, err = Parse(strings.NewReader(smallHead+"Content-Type: multipart/mixed; boundary=b\r\n\r\n"+strings.Repeat("--b\r\nContent-Type: image/png\r\n\r\nx\r\n", 20)), Limits{Parts: 7})
	if err != nil || len(p.Attachments) != 7 {
		t.Errorf("%d attachments, %v", len(p.Attachments), err)
	}
}

func TestAwayUntil(t *testing.T) {
	t.Parallel()
	sent := day("2022-11-22 05:19:32")
	for _, tt := range []struct{ in, want string }{
		{"I am away until 5 December 2022.", "2022-12-05 00:00:00"},
		{"I will be back on Monday, December 5th.", "2022-12-05 00:00:00"},
		{"Ich bin bis 05.12.2022 abwesend", "2022-12-05 00:00:00"},
		{"Ich bin vom 1.12. bis zum 5.1. nicht da", "2023-01-05 00:00:00"},
		{"wieder ab dem 5. Dezember", "2022-12-05 00:00:00"},
		{"absent jusqu'au 5 décembre 2022", "2022-12-05 00:00:00"},
		{"hasta el 5 de diciembre de 2022", "2022-12-05 00:00:00"},
		{"from 2022-11-20 until 2022-12-05", "2022-12-05 00:00:00"},
		{"Odsutan sam do 15. listopada 2023.", "2023-10-15 00:00:00"},
		{"Jestem na urlopie do 15 listopada 2023", "2023-11-15 00:00:00"},
		{"Będę nieobecny do 15. listopada 2023", "2023-11-15 00:00:00"},
		{"Jsem mimo kancelář do 15. listopadu 2023", "2023-11-15 00:00:00"},
		{"until further notice", ""},
		{"I was away until 5 December 2012", ""},
		{"nothing", ""},
	} {
		got, ok := awayUntil(tt.in, sent)
		if tt.want == "" && ok || tt.want != "" && !got.Equal(day(tt.want)) {
			t.Errorf("awayUntil(%q) = %v, %v; want %q", tt.in, got, ok, tt.want)
		}
	}
}

func TestDayOfAnInvoiceIsNoAbsence(t *testing.T) {
	t.Parallel()
	text := "\n\nVotre facture est payable jusqu'au 15 janvier 2027.\n"
	head := "From: Ada <ada@example.com>\nDate: Sun, 22 Nov 2026 10:00:00 +0000\n"
	if v := Classify(parse(t, head+"Subject: Votre facture\nAuto-Submitted: auto-generated"+text)); v.Kind != Automatic || v.AwayUntil != nil {
		t.Errorf("an invoice is %s, away until %v", v.Kind, v.AwayUntil)
	}
	if v := Classify(parse(t, head+"Subject: Absence\nAuto-Submitted: auto-replied\n\nDe retour le 15 janvier 2027.\n")); v.AwayUntil == nil {
		t.Errorf("a notice of absence is %s and names no day", v.Kind)
	}
}
