package message

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

// tnefAttribute writes one attribute as Outlook does.
func tnefAttribute(level byte, id uint32, data []byte) []byte {
	out := []byte{level}
	out = binary.LittleEndian.AppendUint32(out, id)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(data)))
	out = append(out, data...)
	sum := uint16(0)
	for _, c := range data {
		sum += uint16(c)
	}
	return binary.LittleEndian.AppendUint16(out, sum)
}

// tnefProps writes a long name and a media type as MAPI properties, with two
// others before them.
func tnefProps(name, kind string) []byte {
	out := binary.LittleEndian.AppendUint32(nil, 4)
	property := func(kind, id uint16, value ...byte) {
		out = binary.LittleEndian.AppendUint16(out, kind)
		out = binary.LittleEndian.AppendUint16(out, id)
		out = append(out, value...)
	}
	counted := func(b []byte) []byte {
		v := binary.LittleEndian.AppendUint32(nil, 1)
		v = binary.LittleEndian.AppendUint32(v, uint32(len(b)))
		v = append(v, b...)
		return append(v, make([]byte, (4-len(b)%4)%4)...)
	}
	property(0x0003, 0x0e20, 1, 0, 0, 0)
	property(0x0040, 0x3007, 1, 2, 3, 4, 5, 6, 7, 8)
	var wide []byte
	for _, u := range utf16.Encode([]rune(name + "\x00")) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	property(0x001f, propLongName, counted(wide)...)
	property(0x001e, propMimeTag, counted([]byte(kind+"\x00"))...)
	return out
}

// winmail is a TNEF stream with a text and two files.
func winmail() []byte {
	out := binary.LittleEndian.AppendUint32(nil, tnefSignature)
	out = append(out, 1, 0)
	out = append(out, tnefAttribute(1, 0x00089006, []byte{0, 0, 1, 0})...)
	out = append(out, tnefAttribute(1, tnefBody, []byte("Offer attached.\x00"))...)
	out = append(out, tnefAttribute(2, tnefAttachStart, make([]byte, 14))...)
	out = append(out, tnefAttribute(2, tnefAttachTitle, []byte("ANGEBO~1.PDF\x00"))...)
	out = append(out, tnefAttribute(2, tnefAttachData, []byte("%PDF-1.4 offer"))...)
	out = append(out, tnefAttribute(2, tnefAttachProps, tnefProps("Angebot für Ada.pdf", "application/pdf"))...)
	out = append(out, tnefAttribute(2, tnefAttachStart, make([]byte, 14))...)
	out = append(out, tnefAttribute(2, tnefAttachTitle, []byte("notes.txt\x00"))...)
	return append(out, tnefAttribute(2, tnefAttachData, []byte("notes"))...)
}

func withWinmail(text string, tnef []byte) string {
	coded := base64.StdEncoding.EncodeToString(tnef)
	var lines strings.Builder
	for len(coded) > 76 {
		lines.WriteString(coded[:76] + "\r\n")
		coded = coded[76:]
	}
	return "Subject: offer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + text +
		"\r\n--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines.String() + coded + "\r\n--b--\r\n"
}

func attachmentLines(p Parsed) string {
	var out []string
	for _, a := range p.Attachments {
		out = append(out, fmt.Sprintf("%s %s %s %d", a.Part, a.Name, a.Type, a.Size))
	}
	return strings.Join(out, "|")
}

func TestFilesInsideWinmail(t *testing.T) {
	raw := withWinmail("", winmail())
	p := read(t, raw)
	if got, want := attachmentLines(p), "2.1 Angebot für Ada.pdf application/pdf 14|2.2 notes.txt text/plain 5"; got != want {
		t.Errorf("attachments %s, want %s", got, want)
	}
	if p.Text != "Offer attached." {
		t.Errorf("text %q", p.Text)
	}
	var out bytes.Buffer
	if err := WritePart(&out, strings.NewReader(raw), "2.1", Limits{}); err != nil || out.String() != "%PDF-1.4 offer" {
		t.Errorf("WritePart = %q, %v", out.String(), err)
	}
	if p := read(t, withWinmail("Hello", winmail())); p.Text != "Hello" {
		t.Errorf("text %q, want that of the mail alone", p.Text)
	}
}

// TestDamagedWinmail cuts and bends the stream at every byte: what can be read
// is listed, the file itself wherever something was lost.
func TestDamagedWinmail(t *testing.T) {
	whole := winmail()
	for i := range whole {
		for _, damaged := range [][]byte{whole[:i], append(append(bytes.Clone(whole[:i]), whole[i]^0xff), whole[i+1:]...)} {
			p := read(t, withWinmail("Hello", damaged))
			if len(p.Attachments) == 0 || p.Text != "Hello" {
				t.Fatalf("at %d: text %q, attachments %s", i, p.Text, attachmentLines(p))
			}
		}
	}
	p := read(t, withWinmail("Hello", whole[:len(whole)-3]))
	if got := attachmentLines(p); !strings.Contains(got, "2 winmail.dat") || !strings.Contains(got, "Angebot") {
		t.Errorf("of a stream that was cut: %s", got)
	}
	claims := append(bytes.Clone(whole), tnefAttribute(2, tnefAttachProps, []byte{0xff, 0xff, 0xff, 0x7f, 0x1f, 0, 7, 0x37, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})...)
	if p := read(t, withWinmail("Hello", claims)); len(p.Attachments) != 2 {
		t.Errorf("lengths that are none: %s", attachmentLines(p))
	}
}

func TestUuencodedFiles(t *testing.T) {
	head := "Subject: x\r\nContent-Type: text/plain\r\n\r\n"
	for _, tt := range []struct{ name, body, text, files string }{
		{"a file in a text", "before\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nafter\r\n", "before\nafter", "1.1 cat.txt text/plain 3"},
		{"two files", "begin 644 a.bin\r\n#0V%T\r\n`\r\nend\r\nbegin 0600 b.bin\r\n#0V%T\r\n`\r\nend\r\n", "", "1.1 a.bin application/octet-stream 3|1.2 b.bin application/octet-stream 3"},
		{"no end", "hi\r\nbegin 644 cat.txt\r\n#0V%T", "hi", "1.1 cat.txt text/plain 3"},
		{"no name", "begin 644\r\n" + strings.Repeat("M"+strings.Repeat("A", 60)+"\r\n", 2) + "`\r\nend\r\n", "", "1.1  application/octet-stream 90"},
		{"no name and no file", "begin 644\r\n#0V%T\r\n", "begin 644\n#0V%T", ""},
		{"prose that begins so", "We\r\nbegin 644 days\r\nfrom now.\r\n", "We\nbegin 644 days\nfrom now.", ""},
		{"prose at the end", "We\r\nbegin 644 days", "We\nbegin 644 days", ""},
		{"text behind a damaged file", "begin 644 cat.txt\r\n#0V%T\r\nsee you tomorrow\r\n", "see you tomorrow", "1.1 cat.txt text/plain 3"},
	} {
		p := read(t, head+tt.body)
		if p.Text != tt.text || attachmentLines(p) != tt.files {
			t.Errorf("%s: text %q, files %s; want %q, %s", tt.name, p.Text, attachmentLines(p), tt.text, tt.files)
		}
	}
	var out bytes.Buffer
	if err := WritePart(&out, strings.NewReader(head+"begin 644 cat.txt\n#0V%T\n`\nend\n"), "1.1", Limits{}); err != nil || out.String() != "Cat" {
		t.Errorf("WritePart = %q, %v", out.String(), err)
	}
}

func TestJapaneseUnderAWrongLabel(t *testing.T) {
	for name, raw := range map[string]string{"EUC-JP": "\xa4\xb3\xa4\xf3\xa4\xcb\xa4\xc1\xa4\xcf", "Shift_JIS": "\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd", "UTF-8": "こんにちは", "ISO-2022-JP": "\x1b$B$3$s$K$A$O\x1b(B"} {
		if p := read(t, "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n"+raw+"\r\n"); p.Text != "こんにちは" {
			t.Errorf("%s: %q", name, p.Text)
		}
	}
}
