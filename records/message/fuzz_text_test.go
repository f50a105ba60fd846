package message

import (
	"strings"
	"testing"
)

// FuzzHTMLText checks that any HTML yields clean text of bounded length.
func FuzzHTMLText(f *testing.F) {
	for _, s := range []string{"", "<p>a<blockquote>b", "<table><tr><td>a<td>b</table>", "<a href='https://example.com'>x</a>", "<ul><li>a<ul><li>b", "<div style='display:none'>x</div>y", "<pre>a\n b</pre>", "<!--[if mso]>x<![endif]-->", "&#0;&#x110000;&nbsp;\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 64<<10 {
			t.Skip()
		}
		got := cleanText(htmlText(cleanText(s), 32<<10))
		checkText(t, "HTML", "text", got)
		if len(got) > 32<<10+4096 {
			t.Errorf("%d bytes of text", len(got))
		}
	})
}

// FuzzNewText checks that what is new of a text is lines of it, in their order.
func FuzzNewText(f *testing.F) {
	for _, s := range []string{"", "hello\n\nOn Sun, Ada wrote:\n> x\n", "yes\n> q\nno\n-- \nAda", "-----Original Message-----\nFrom: a@b\n", "Am 22.11.2026 schrieb Ada:\n> x", "________________________________\nVon: Ada\nGesendet: heute\n", "a\n-- \nAda\nPS: b", "Best regards,\nAda", "Sent from my iPhone\n\n> a\nb\n> c", "২১ নভেম্বর, ২০২২ তারিখে ১০:০০ a@b <a@b> লিখেছেন:\n>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 64<<10 {
			t.Skip()
		}
		s = cleanText(s)
		lines := strings.Split(s, "\n")
		got := newText(lines, Head{From: []Party{{Name: "Ada Lovelace", Address: "ada@example.com"}}})
		checkText(t, "text", "what is new", got)
		at := 0
		for line := range strings.SplitSeq(got, "\n") {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			for at < len(lines) && strings.TrimSpace(lines[at]) != line {
				at++
			}
			if at++; at > len(lines) {
				t.Fatalf("%q is in what is new of %q and not in its place in the text", line, s)
			}
		}
	})
}

// FuzzClassify checks that any report is judged within the bounds, and that
// none of its recipients is dead without a class that says so.
func FuzzClassify(f *testing.F) {
	for _, s := range []string{"<ada@example.net>: 550 5.1.1 user unknown", "550 <ada@example.net>... User unknown\n>>> DATA\n<<< 550 no", "ada@example.net on Sun\n    not recognized", "The following addresses failed:\n a@b.example\n c@d.example\n", ""} {
		f.Add(s, "mailer-daemon@example.org", "Undelivered mail")
	}
	f.Fuzz(func(t *testing.T, body, from, subject string) {
		if len(body) > 32<<10 || len(from)+len(subject) > 1000 {
			t.Skip()
		}
		v := Classify(read(t, "From: "+from+"\r\nSubject: "+subject+"\r\nReturn-Path: <>\r\n\r\n"+body))
		if v.Kind == "" || len(v.Bounces) > maxRecipients || (v.Kind == Bounce) != (len(v.Bounces) > 0) {
			t.Errorf("kind %q with %d recipients", v.Kind, len(v.Bounces))
		}
		for _, b := range v.Bounces {
			checkText(t, "report", "diagnostic", b.Diagnostic)
			checkText(t, "report", "recipient", b.Recipient)
			if b.Hard != (b.Class == "address") || b.Class == "" || len(b.Diagnostic) > 1000 {
				t.Errorf("judged as %+v", b)
			}
		}
	})
}
