package message

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// utf16le writes a text as Excel saves tables as Unicode.
func utf16le(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

const invitation = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@x\r\nSUMMARY;LANGUAGE=de:Besprechung\\, Gießerei\r\nLOCATION:Halle 7\r\nDESCRIPTION:Wir reden\\nüber Ambo\r\n sse.\r\n" +
	"ORGANIZER;CN=\"Ada Byron\":mailto:ADA@example.com\r\nATTENDEE;ROLE=CHAIR;CN=Bob:mailto:bob@example.org\r\nDTSTART:20260301T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

// TestFilesSay reads texts, tables, pages and invitations that are attached,
// and nothing else.
func TestFilesSay(t *testing.T) {
	t.Parallel()
	met := "Besprechung, Gießerei\nHalle 7\nWir reden über Ambosse.\nAda Byron\nada@example.com\nBob\nbob@example.org"
	for _, tt := range []struct{ header, content, want string }{
		{"text/plain; charset=iso-8859-1; name=a.txt", "Gr\xfc\xdfe", "Grüße"},
		{"text/csv; name=a.csv", "item;price\nanvil;4711", "item;price\nanvil;4711"},
		{"application/octet-stream; name=A.CSV", "anvil;4711", "anvil;4711"},
		{"application/vnd.ms-excel; name=a.csv", utf16le("Größe\t7"), "Größe\t7"},
		{"text/html; name=a.html", "<title>x</title><style>p{}</style><p>One <b>anvil</b></p><p>two", "One anvil\n\ntwo"},
		{"text/xml; name=a.xml", "<order><item>anvil</item></order>", "anvil"},
		{"text/vcard; name=a.vcf", "BEGIN:VCARD\nFN:Ada\nEND:VCARD", "BEGIN:VCARD\nFN:Ada\nEND:VCARD"},
		{"text/calendar; method=REQUEST; charset=utf-8; name=i.ics", invitation, met},
		{"application/octet-stream; name=i.ics", invitation, met},
		{"text/css; name=a.css", "p{}", ""},
		{"application/octet-stream; name=a.bin", "anvil", ""},
		{"text/plain; name=a.txt", "PK\x03\x04\x00anvil", ""},
		{"image/png; name=a.txt", "anvil", ""},
		{"text/plain; name=a.txt", " \r\n ", ""},
	} {
		mail := mixedHead + "--b\r\nContent-Type: " + tt.header + "\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString([]byte(tt.content)) + "\r\n--b--\r\n"
		p, err := Parse(strings.NewReader(mail), Limits{})
		if err != nil || len(p.Attachments) != 1 {
			t.Fatalf("Parse of %s: %v, %v", tt.header, p.Attachments, err)
		}
		var want []FileText
		if tt.want != "" {
			want = []FileText{{Name: p.Attachments[0].Name, Part: p.Attachments[0].Part, Text: tt.want}}
		}
		if d := cmp.Diff(want, p.Files); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.header, d)
		}
		if strings.TrimSpace(p.Text) != "level 0" {
			t.Errorf("%s: the file is in the mail's own text: %q", tt.header, p.Text)
		}
	}
}

// TestInvitationSays: an invitation is no attachment where it is a part of the
// mail, and is read all the same; a mail in an encoded mail says what it says.
func TestInvitationSays(t *testing.T) {
	t.Parallel()
	inner := mixedHead + "--b\r\nContent-Type: text/csv; name=a.csv\r\n\r\nanvil\r\n--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n" + invitation + "--b--\r\n"
	mail := smallHead + "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(inner)) + "\r\n--o--\r\n"
	for outer, mail := range map[string]string{"": inner, "1.": mail} {
		p, err := Parse(strings.NewReader(mail), Limits{})
		if err != nil || len(p.Files) != 2 {
			t.Fatalf("Parse = %+v, %v, want two files that say something", p.Files, err)
		}
		if f := p.Files[0]; f.Name != "a.csv" || f.Part != outer+"2" || f.Text != "anvil" {
			t.Errorf("the table is %+v", f)
		}
		if f := p.Files[1]; !strings.HasPrefix(f.Text, "Besprechung, Gießerei\nHalle 7") {
			t.Errorf("the invitation is %+v", f)
		}
	}
}

// TestM58_FilesSayWithinBounds: however many and large attached texts are, what
// is kept of them is bounded, and read in time.
func TestM58_FilesSayWithinBounds(t *testing.T) {
	tries := 0
	for _, kind := range []string{"text/csv", "text/html", "text/calendar", "text/xml", "application/json"} {
		for _, block := range []string{"SUMMARY:anvil <p> crane\r\n", "<", "SUMMARY:", "\xff\xfe\x00", "&#x", "a;", "\r\n "} {
			tries++
			part := "--b\r\nContent-Type: " + kind + "; name=a.txt\r\nContent-Disposition: attachment\r\n\r\n" + strings.Repeat(block, 100<<10/len(block)) + "\r\n"
			peak := watchHeap()
			p, err := Parse(many(mixedHead, part, 60, "--b--\r\n"), Limits{})
			used := peak()
			if err != nil || len(p.Attachments) != 60 {
				t.Fatalf("Parse = %d attachments, %v", len(p.Attachments), err)
			}
			said := 0
			for _, f := range p.Files {
				said += len(f.Text)
				if len(f.Text) > maxFileText {
					t.Errorf("%s of %q: a file says %d bytes", kind, block, len(f.Text))
				}
			}
			if said > maxFileTexts {
				t.Errorf("%s of %q: files say %d bytes", kind, block, said)
			}
			if used > 64<<20 && !raceEnabled {
				t.Errorf("%s of %q: %d MB of heap", kind, block, used>>20)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestDocumentsAreKept keeps office and PDF files as they are, up to the limit of all
// together, and no others.
func TestDocumentsAreKept(t *testing.T) {
	t.Parallel()
	mail := mixedHead
	for _, name := range []string{"a.docx", "b.doc", "c.XLSX", "large.odt", "dd.pdf"} {
		content := strings.Repeat("x", len(name))
		if name == "large.odt" {
			content = strings.Repeat("x", 100<<10)
		}
		mail += "--b\r\nContent-Type: application/octet-stream; name=" + name + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(content)) + "\r\n"
	}
	for limit, want := range map[int64]string{0: "", 5: "", 6: "2 a.docx", 11: "2 a.docx", 12: "2 a.docx,4 c.XLSX", 1000: "2 a.docx,4 c.XLSX,6 dd.pdf"} {
		p, err := Parse(strings.NewReader(mail+"--b--\r\n"), Limits{Documents: limit})
		if err != nil || len(p.Attachments) != 5 {
			t.Fatalf("Parse = %v, %v", p.Attachments, err)
		}
		var got []string
		for _, d := range p.Documents {
			got = append(got, d.Part+" "+d.Name)
			if string(d.Content) != strings.Repeat("x", len(d.Name)) {
				t.Errorf("%s is kept as %.50q", d.Name, d.Content)
			}
		}
		if strings.Join(got, ",") != want {
			t.Errorf("with %d bytes %q are kept, want %q", limit, got, want)
		}
	}
}
