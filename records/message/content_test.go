package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"rapport/records/contact"
)

// read reads a mail as it stands.
func read(t *testing.T, raw string) Parsed {
	t.Helper()
	p, err := Parse(strings.NewReader(raw), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// forms are what mail programs, file systems and gateways make of a mail's
// bytes.
var forms = map[string]func(string) string{
	"LF":          func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") },
	"CR":          func(s string) string { return strings.ReplaceAll(s, "\r\n", "\r") },
	"CRCRLF":      func(s string) string { return strings.ReplaceAll(s, "\r\n", "\r\r\n") },
	"a mark":      func(s string) string { return "\xef\xbb\xbf" + s },
	"From_":       func(s string) string { return "From ada Tue Nov 22 05:19:32 2026\r\n" + s },
	">From_":      func(s string) string { return ">From ada Tue Nov 22 05:19:32 2026\r\n" + s },
	"blank lines": func(s string) string { return "\r\n\r\n" + s },
	"no line end": func(s string) string { return strings.TrimRight(s, "\r\n") },
	"NULs":        func(s string) string { return strings.ReplaceAll(s, "e", "\x00e") },
	"NULs behind": func(s string) string { return s + strings.Repeat("\x00", 1000) },
}

// TestM54_OddBytes reads the golden mails in every form their bytes may take:
// the digest is that of the bytes as they came, and sender, subject and words
// are those of the usual form.
func TestM54_OddBytes(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no mails in testdata: %v", err)
	}
	mails := map[string]string{
		"plain":    textHead + textBody,
		"binary":   mixedHead + "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\x01\xfe\xff\r\n--b--\r\n",
		"uuencode": textHead + textBody + "begin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n",
		"stuffed":  textHead + textBody + ">From here on\r\n.\r\n..\r\n",
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte("\r\r\n")) || !bytes.Contains(raw, []byte("\n")) || raw[0] <= ' ' {
			continue // is in one of the forms already
		}
		mails[filepath.Base(path)] = strings.ReplaceAll(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n", "\r\n")
	}
	words := func(p Parsed) string { return strings.Join(strings.Fields(p.Text), " ") }
	tries := 0
	for name, mail := range mails {
		usual := read(t, mail)
		for form, change := range forms {
			raw := change(mail)
			p := read(t, raw)
			tries++
			if p.Sum != sha256.Sum256([]byte(raw)) || p.Size != int64(len(raw)) {
				t.Errorf("%s, %s: digest or size is not that of the bytes", name, form)
			}
			for what, s := range map[string]string{"text": p.Text, "HTML": p.HTML, "reply": p.Reply, "subject": p.Head.Subject} {
				checkText(t, name+", "+form, what, s)
			}
			if strings.HasPrefix(form, "NULs") && name != "plain" {
				continue // inside words and encodings they change what is there
			}
			if p.Head.Subject != usual.Head.Subject || len(p.Head.From) != len(usual.Head.From) || words(p) != words(usual) && name != "binary" {
				t.Errorf("%s, %s:\nsubject %q, text %.300q\nusual:\nsubject %q, text %.300q", name, form, p.Head.Subject, words(p), usual.Head.Subject, words(usual))
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// written are sentences in the charsets people write mail in.
var written = map[string][]string{
	"Grüße aus Köln, straße und café":         {"utf-8", "iso-8859-1", "windows-1252", "iso-8859-15", "macintosh"},
	"Příliš žluťoučký kůň, zażółć gęślą jaźń": {"utf-8", "iso-8859-2", "windows-1250"},
	"Съешь ещё этих мягких булок":             {"utf-8", "koi8-r", "windows-1251", "iso-8859-5", "ibm866", "x-mac-cyrillic"},
	"Ξεσκεπάζω την ψυχοφθόρα":                 {"utf-8", "iso-8859-7", "windows-1253"},
	"Pijamalı hasta yağız şoföre":             {"utf-8", "iso-8859-9", "windows-1254"},
	"דג סקרן שט בים":                          {"utf-8", "iso-8859-8", "windows-1255"},
	"صِف خَلقَ خَودِ":                         {"utf-8", "windows-1256"},
	"いろはにほへと、東京の天気です":                         {"utf-8", "iso-2022-jp", "shift_jis", "euc-jp"},
	"天地玄黃宇宙洪荒日月盈昃":                            {"utf-8", "big5", "gb18030"},
	"天地玄黄，这是一封信":                              {"utf-8", "gb2312", "gbk", "gb18030"},
	"다람쥐 헌 쳇바퀴에 타고파":                          {"utf-8", "euc-kr"},
	"เป็นมนุษย์สุดประเสริฐ":                   {"utf-8", "windows-874", "tis-620"},
	"Zwölf Boxkämpfer naïve":                  {"utf-16le", "utf-16be"},
}

// TestM55_Charsets writes a sentence in each charset into the subject, a name
// and the text, and reads it back; under labels that are wrong or unknown every
// text is still valid and the bytes are kept by their digest.
func TestM55_Charsets(t *testing.T) {
	tries := 0
	for sentence, labels := range written {
		for _, label := range labels {
			e, err := htmlindex.Get(label)
			if err != nil {
				t.Fatalf("%s: %v", label, err)
			}
			encoded, err := e.NewEncoder().Bytes([]byte(sentence))
			if err != nil {
				t.Fatalf("%s: %v", label, err)
			}
			word := "=?" + label + "?b?" + base64.StdEncoding.EncodeToString(encoded) + "?="
			mail := func(charset string) string {
				return "From: " + word + " <ada@example.com>\r\nSubject: " + word + "\r\nContent-Type: text/plain; charset=\"" + charset + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(encoded)
			}
			p := read(t, mail(label))
			for what, got := range map[string]string{"subject": p.Head.Subject, "text": p.Text, "name": p.Head.From[0].Name} {
				if got != sentence {
					t.Errorf("%s in %s: %q, want %q", what, label, got, sentence)
				}
			}
			tries++
			for _, wrong := range []string{"utf-8", "us-ascii", "utf-8;", "unknown-8bit", "no-such-charset", "iso-2022-kr", "cp932", "utf-7", "x'y", "", strings.Repeat("x", 9000)} {
				raw := mail(wrong)
				p := read(t, raw)
				tries++
				checkText(t, label+" as "+wrong, "text", p.Text)
				if p.Sum != sha256.Sum256([]byte(raw)) || strings.TrimSpace(p.Text) == "" {
					t.Errorf("%s as %.20s: text %q", label, wrong, p.Text)
				}
				if wrong != "iso-2022-kr" && wrong != "utf-7" && wrong != "cp932" && label == "utf-8" && p.Text != sentence {
					t.Errorf("%s as %.20s: text %q, want %q", label, wrong, p.Text, sentence)
				}
			}
			// Raw bytes in the header, by the charset the body names.
			p = read(t, strings.Replace(strings.ReplaceAll(mail(label), word, string(encoded)), "\x00", "", -1))
			checkText(t, label, "raw subject", p.Head.Subject)
			tries++
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM55_CorporaTexts: whatever the charset or the bytes of a mail of the
// corpora, all that is read out of it is valid.
func TestM55_CorporaTexts(t *testing.T) {
	odd, tries := 0, 0
	for _, folder := range []string{"mime", "bounce/mails", "reply", "bulk"} {
		eachMail(t, folder, func(name string, raw []byte) {
			p, _ := Parse(bytes.NewReader(raw), Limits{})
			all, err := json.Marshal([]any{p, Describe(name, p)})
			if err != nil || !utf8.Valid(all) {
				t.Errorf("%s: not valid: %v", name, err)
			}
			if bytes.Contains(all, []byte(`\u0000`)) {
				t.Errorf("%s: NUL", name)
			}
			if !utf8.Valid(raw) {
				odd++
			}
			tries++
		})
	}
	t.Logf("%d mails, %d of them no valid UTF-8", tries, odd)
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM57_Dates combines every fault of a Date with every fault of the other
// clocks: a message stands where it can have been written, never in the future.
func TestM57_Dates(t *testing.T) {
	now := day("2026-11-22 12:00:00")
	dates := []string{
		"", "Date: \r\n", "Date: garbage\r\n", "Date: Tue, 20 Nov 1601 10:00:00 +0000\r\n", "Date: Fri, 20 Nov 9999 10:00:00 +0000\r\n", "Date: Fri, 20 Nov 2026 10:00:00 -2400\r\n",
		"Date: Fri, 20 Nov 2026 10:00:00 +9999\r\n", "Date: Thu, 20 Nov 2036 10:00:00 +0000\r\n", "Date: Sun, 20 Nov 2016 10:00:00 +0000\r\n", "Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n", "Date: 99 Nov 2026 99:99:99 +0000\r\n",
		"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n", "Date: Wed, 31 Dec 2100 23:59:59 +0000\r\n", "Date: Fri, 20 Nov 99999999999999999999 10:00:00 +0000\r\n", "Date: " + strings.Repeat("2026 ", 5000) + "\r\n",
		"Date: Tue, 19 Jan 2038 03:14:08 +0000\r\n", "Date: 20 Nov 126 10:00:00\r\n", "Date: Fri, 30 Feb 2026 10:00:00 +0000\r\n",
	}
	relayed := []string{"", "Received: from a by b; Fri, 20 Nov 2026 09:59:30 +0000\r\n", "Received: from a by b; Thu, 20 Nov 2036 09:59:30 +0000\r\n", "Received: from a by b; garbage\r\n", "Received: from a by b; Sun, 20 Nov 2016 09:59:30 +0000\r\n"}
	received := []time.Time{{}, day("2026-11-20 10:00:00"), day("2036-11-20 10:00:00"), day("1601-01-01 00:00:00"), time.Unix(1<<40, 0)}
	tries := 0
	for _, d := range dates {
		for _, r := range relayed {
			for _, at := range received {
				h := ParseHead([]byte(r + d + "From: ada@example.com\r\n\r\n"))
				got := SaneTime(h, at, now)
				tries++
				if got.After(now.Add(clockSlack)) || got.Year() < 1970 {
					t.Errorf("%.60q, %q, received %v: %v", d, r, at, got)
				}
				plausible := sane(at) && !at.After(now)
				if plausible && got.After(at.Add(clockSlack)) {
					t.Errorf("%.60q, %q: %v, after it was received", d, r, got)
				}
				if _, err := json.Marshal(h); err != nil {
					t.Errorf("%.60q: %v", d, err)
				}
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM61_FileNames: whatever a mail calls its attachment, the name is one
// element of a path on every system, shown as it is, and keeps its extension.
func TestM61_FileNames(t *testing.T) {
	names := map[string]string{
		"../../etc/passwd": "passwd", `..\..\windows\system32\calc.exe`: "calc.exe", `C:\x`: "x", "/": "", "..": "", ".": "", "...": "", ".htaccess": "htaccess",
		"a\x00b.pdf": "ab.pdf", "invoice\u202efdp.exe": "invoicefdp.exe", "a\u200bb.txt": "ab.txt", "CON": "_CON", "con.txt": "_con.txt", "LPT9.html": "_LPT9.html", "nul.": "_nul",
		"report.html": "report.html", "picture.svg": "picture.svg", "a:b.txt": "a_b.txt", `a"b|c?.txt`: "a_b_c_.txt", "a<script>.html": "a_script_.html", " spaced .txt ": "spaced .txt",
		"a\r\nContent-Type: text/html": "html", "\x1b[31mred.txt": "[31mred.txt", strings.Repeat("x", 10<<10) + ".pdf": strings.Repeat("x", 251) + ".pdf",
		strings.Repeat("ü", 10<<10) + ".pdf": strings.Repeat("ü", 125) + ".pdf", "%2e%2e%2fpasswd": "%2e%2e%2fpasswd", "файл.pdf": "файл.pdf", "a\u2028b.txt": "a b.txt",
	}
	tries := 0
	for in, want := range names {
		encodings := map[string]string{
			"RFC 2047": "filename=\"=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(in)) + "?=\"",
			"RFC 2231": "filename*=utf-8''" + percent(in),
			"pieces":   "filename*0*=utf-8''" + percent(in[:len(in)/2]) + "; filename*1*=" + percent(in[len(in)/2:]),
		}
		for how, field := range encodings {
			if len(in) > 5000 && how == "RFC 2047" {
				continue // no word is that long
			}
			p := read(t, mixedHead+"--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment; "+field+"\r\n\r\nx\r\n--b--\r\n")
			tries++
			if len(p.Attachments) != 1 {
				t.Errorf("%.40q by %s: %d attachments", in, how, len(p.Attachments))
				continue
			}
			got := p.Attachments[0].Name
			if got != want {
				t.Errorf("%.40q by %s: name %.60q, want %.60q", in, how, got, want)
			}
			if strings.ContainsAny(got, "/\\\x00:\r\n") || len(got) > maxName || filepath.Base(filepath.Join("x", got)) != got && got != "" {
				t.Errorf("%.40q by %s: %.60q is no name", in, how, got)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// TestM53_OddAddresses: what cannot be read as an address is shown as it
// stands and has none, so that no display name makes anybody of it.
func TestM53_OddAddresses(t *testing.T) {
	for in, want := range map[string][]Party{
		`"a@b"@c.example`: {{Address: `"a@b"@c.example`}},
		"Group: ada@example.com, <bob@example.org>;": {{Address: "ada@example.com"}, {Address: "bob@example.org"}},
		"undisclosed-recipients:;":                   nil,
		"<>":                                         nil,
		"NIL":                                        {{Raw: "NIL"}},
		"Ada (the (first) programmer) <ada@x.example>": {{Name: "Ada (the (first) programmer)", Address: "ada@x.example"}},
		"ada@[192.0.2.1]":                      {{Address: "ada@[192.0.2.1]"}},
		`"ada@example.com" <eve@evil.example>`: {{Name: "ada@example.com", Address: "eve@evil.example"}},
		"ada@example.com <eve@evil.example>":   {{Name: "ada@example.com", Address: "eve@evil.example"}},
		"<ada@example.com> <eve@evil.example>": {{Name: "<ada@example.com>", Address: "eve@evil.example"}},
		"Ada Byron":                            {{Raw: "Ada Byron"}},
		"ada@b\u00fccher.example":              {{Address: "ada@xn--bcher-kva.example"}},
		"ada@ex\u0430mple.com":                 {{Address: "ada@xn--exmple-4nf.com"}},
	} {
		got := ParseHead([]byte("To: " + in + "\r\n\r\n")).To
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("To: %s\n got %+v\nwant %+v", in, got, want)
		}
		for _, p := range got {
			if p.Address == "" && p.Raw == "" {
				t.Errorf("To: %s: %+v has neither an address nor what stands there", in, p)
			}
			if p.Address != "" {
				if _, err := contact.ParseAddress(string(p.Address)); err != nil {
					t.Errorf("To: %s: %q is kept and is no address: %v", in, p.Address, err)
				}
			}
		}
	}
	t.Attr("tries", "13")
}
