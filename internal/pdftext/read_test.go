package pdftext

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"rapport/internal/mailtest"
)

// page is a file of one page with this content, font and what else there is:
// objects from number 6 on.
func page(content, font string, more ...string) []byte {
	return mailtest.PDFOf(append([]string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>/Properties<</P<</ActualText<FEFF0078>>>>>>>/Annots[7 0 R]>>",
		stream("", content), font,
	}, more...)...)
}

func stream(entries, content string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", entries, len(content), content)
}

const latin = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"

// composite is a font of two-byte codes that says what they mean.
func composite(encoding, table string) (font, said string) {
	return "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/" + encoding + "/ToUnicode 6 0 R/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/DW 600>>]>>",
		stream("", "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange "+table+" endcmap")
}

func TestRead(t *testing.T) {
	t.Parallel()
	bengali, bengaliSaid := composite("Identity-H", "4 beginbfchar <0001> <0995> <0002> <09bf> <0003> <09c7> <0004> <09be> endbfchar")
	chinese, chineseSaid := composite("Identity-H", "2 beginbfrange <0010> <0012> <62a5> <0020> <0021> [<4ef7> <5355>] endbfrange")
	arabic, arabicSaid := composite("Identity-H", "1 beginbfrange <0001> <0020> <fe81> endbfrange 2 beginbfchar <0030> <0034> <0031> <0037> endbfchar")
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"lines":                 {mailtest.PDF("Offer 4711\nTwelve (12) anvils", "page \\ 2"), "Offer 4711\nTwelve (12) anvils\n\npage \\ 2"},
		"gaps":                  {page(`BT /F 10 Tf [(an) -20 (vil) -400 (4711) 30 (x)] TJ 0 -12 Td 12 TL (be) Tj (low) ' T* (last) Tj ET`, latin), "anvil 4711x\nbe\nlow\nlast"},
		"letters apart":         {page(`BT /F 10 Tf 1 0 0 1 10 10 Tm (a) Tj 5.56 0 Td (n) Tj 5.56 0 Td (v) Tj 20 0 Td (x) Tj ET`, latin), "anv x"},
		"a quarter turn":        {page(`BT /F 10 Tf 0 1 -1 0 50 50 Tm (up) Tj 11.1 0 Td (wards) Tj ET BT /F 10 Tf 300 300 Td (along) Tj ET`, latin), "upwards\nalong"},
		"encodings":             {page("BT /F 10 Tf (Gr\\366\\337e \\200 \\(x\\)\\\n\\61) Tj <e4F> Tj ET", latin), "Größe € (x)1äð"},
		"names":                 {page(`BT /F 10 Tf (ABCDEFG) Tj ET`, "<</Type/Font/Subtype/Type1/BaseFont/X/Encoding<</Differences[65/ffi/eacute/afii10017/uni20AC/lslash/unknown/a.sc]>>/FirstChar 65/Widths[600 600 600 600 600 600 600]>>"), "ffiéА€ła"},
		"standard":              {page(`BT /F 10 Tf ('\341\256\373) Tj ET`, "<</Type/Font/Subtype/Type1/BaseFont/X>>"), "’Æfiß"},
		"Mac":                   {page(`BT /F 10 Tf (\212\247) Tj ET`, "<</Type/Font/Subtype/TrueType/BaseFont/X/Encoding/MacRomanEncoding>>"), "äß"},
		"Bengali, drawn before": {page("BT /F 10 Tf <000200010003000100040001> Tj ET", bengali, bengaliSaid), "কিকোক"},
		"Chinese":               {page("BT /F 10 Tf <001000200021> Tj ET", chinese, chineseSaid), "报价单"},
		"Chinese by UCS":        {page("BT /F 10 Tf <62a54ef70041> Tj ET", "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/UniGB-UCS2-H/DescendantFonts[<</DW 1000>>]>>"), "报价A"},
		"Japanese":              {page("BT /F 10 Tf <8ca990cf4142> Tj ET", "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/90ms-RKSJ-H/DescendantFonts[<</DW 1000>>]>>"), "見積AB"},
		"Korean":                {page("BT /F 10 Tf <b0dfc0fb> Tj ET", "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/KSCms-UHC-H/DescendantFonts[<</DW 1000>>]>>"), "견적"},
		"Arabic, as drawn":      {page("BT /F 10 Tf <000b0003> Tj 12 0 Td <00300031> Tj ET", arabic, arabicSaid), "47أئ"},
		"what is meant":         {page("BT /F 10 Tf /Span<</ActualText<feff00660066>>>BDC (#) Tj (!) Tj EMC (a) Tj /Span/P BDC (y) Tj EMC /Artifact BMC (z) Tj EMC ET", latin), "ffaxz"},
		"a form":                {page("q 1 0 0 1 9 9 cm /X Do Q BT /F 10 Tf 0 90 Td (behind) Tj ET", latin, stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Matrix[1 0 0 1 0 300]/Resources<</Font<</F 5 0 R>>>>", "BT /F 10 Tf (inside) Tj ET")), "inside\nbehind"},
		"a field":               {page("BT /F 10 Tf (Name:) Tj ET", latin, "null", "<</Type/Annot/Subtype/Widget/Rect[0 300 90 320]/AP<</N 8 0 R>>>>", stream("/Subtype/Form/BBox[0 0 9 9]/Resources<</Font<</F 5 0 R>>>>", "/Tx BMC BT /F 10 Tf (Ada Berg) Tj ET EMC")), "Name:\nAda Berg"},
		"a picture":             {page("BT /F 10 Tf (a) Tj ET BI /W 1 /H 1 ID (x) Tj \xff EI BT /F 10 Tf 0 90 Td (b) Tj ET", latin), "a\nb"},
		"behind a line":         {append([]byte("a stray line\r\n"), mailtest.PDF("Offer")...), "Offer"},
	} {
		if got, err := Read(tt.file); err != nil || got != tt.want {
			t.Errorf("%s: Read = %q, %v; want %q", name, got, err, tt.want)
		}
	}
}

// TestReadMadeByOthers reads the same file as other programs write it: packed
// into streams of objects, encrypted without a password to open it, and cut.
func TestReadMadeByOthers(t *testing.T) {
	t.Parallel()
	const want = "Offer 4711\nTwelve anvils"
	files, err := filepath.Glob("testdata/*.pdf")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(content)
		if strings.HasSuffix(name, "password.pdf") {
			if err == nil || got != "" {
				t.Errorf("%s: Read = %q, %v; want an error", name, got, err)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: Read = %q, %v; want %q", name, got, err, want)
		}
	}
	whole := mailtest.PDF(want)
	cut := whole[:strings.Index(string(whole), "xref")+20]
	if got, err := Read(cut); err != nil || got != want {
		t.Errorf("without its end: Read = %q, %v", got, err)
	}
	if got, err := Read([]byte(strings.Replace(string(whole), "startxref", "startxxxx", 1))); err != nil || got != want {
		t.Errorf("without its table: Read = %q, %v", got, err)
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]bool{"%PDF-1.4": true, "x\n%PDF-1.4": true, "": false, "PK": false, strings.Repeat(" ", 1024) + "%PDF-": false} {
		if got := Is([]byte(content)); got != want {
			t.Errorf("Is(%.20q) = %v", content, got)
		}
	}
}

// FuzzRead reads pages whose content and table of letters are anything.
func FuzzRead(f *testing.F) {
	f.Add("BT /F 10 Tf 1 0 0 1 9 9 Tm <00010002> Tj [(a) -300 (b)] TJ ET q Q /X Do", "begincodespacerange <00> <ff> endcodespacerange <01> <02> <0041> endbfrange")
	f.Add("/Span<</ActualText(x)>>BDC (a) Tj EMC BI ID EI (\\(\\51)", "<01> <0995> endbfchar <01> <02> [<0041>] endbfrange")
	f.Fuzz(func(t *testing.T, content, table string) {
		font, _ := composite("Identity-H", "")
		text, _ := Read(page(content, font, stream("", table)))
		if len(text) > maxText || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Errorf("Read = %q", text)
		}
	})
}
