package officexml

import (
	"archive/zip"
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rapport/internal/mailtest"
)

// archive packs members, name and content in turn.
func archive(t testing.TB, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		w, err := z.Create(members[i])
		if err == nil {
			_, err = w.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const word = `<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="w"><w:body><w:p><w:r><w:rPr><w:b/></w:rPr><w:t>Twelve </w:t></w:r><w:r><w:t xml:space="preserve">anvils</w:t><w:tab/><w:t>4711 &amp; more</w:t></w:r></w:p><w:p><w:r><w:t>Größe</w:t></w:r></w:p><w:instrText>HIDDEN</w:instrText></w:body></w:document>`

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		members []string
		want    string
	}{
		"docx": {[]string{"[Content_Types].xml", "<t>x</t>", "word/footnotes.xml", "<t>a note</t>", "word/document.xml", word}, "Twelve anvils 4711 & more\nGröße\na note"},
		"pptx": {[]string{"ppt/slides/slide10.xml", "<a:p><a:t>last</a:t></a:p>", "ppt/slides/slide2.xml", "<a:p><a:t>first</a:t></a:p>", "ppt/slideMasters/slide1.xml", "<a:t>template</a:t>", "ppt/notesSlides/notesSlide1.xml", "<a:t>said</a:t>"}, "first\nlast\nsaid"},
		"xlsx": {[]string{"xl/worksheets/sheet1.xml", `<row><c r="A1" t="s"><v>0</v></c><c r="B1"><f>SUM(A1)</f><v>4711.5</v></c><c t="inlineStr"><is><t>here</t></is></c></row>`, "xl/sharedStrings.xml", "<sst><si><t>anvil</t></si><si><r><t>cra</t></r><r><t>ne</t></r></si></sst>"}, "anvil\ncrane\n\n4711.5\nhere"},
		"odt":  {[]string{"content.xml", `<office:body><office:text><text:h>Offer</text:h><text:p>Twelve<text:s/><text:span>an</text:span>vils<text:tab/>x<text:line-break/>y</text:p></office:text></office:body>`, "styles.xml", "<text:p>no</text:p>"}, "Offer\nTwelve anvils x\ny"},
		"none": {[]string{"notes.txt", "anvil"}, ""},
		"long": {[]string{"word/document.xml", "<t>" + strings.Repeat("ä", maxText) + "</t>"}, strings.Repeat("ä", maxText/2)},
		"half": {[]string{"word/document.xml", "<t>a beginning</t><t"}, "a beginning"},
	} {
		if got, err := Read(archive(t, tt.members...)); err != nil || got != tt.want {
			t.Errorf("%s: Read = %.200q, %v; want %.200q", name, got, err, tt.want)
		}
	}
	for name, content := range map[string][]byte{"empty": nil, "no archive": []byte("PK"), "cut": archive(t, "word/document.xml", word)[:60]} {
		if got, err := Read(content); err == nil || got != "" {
			t.Errorf("%s: Read = %q, %v; want an error", name, got, err)
		}
	}
}

// TestM59_OfficeFilesWithinBounds reads office files that are made to cost
// whoever opens them.
func TestM59_OfficeFilesWithinBounds(t *testing.T) {
	large := 6 << 20
	bombs := map[string][]byte{
		"spaces":          archive(t, "word/document.xml", strings.Repeat(" ", large)),
		"one text":        archive(t, "word/document.xml", "<t>"+strings.Repeat("a", large)),
		"one tag":         archive(t, "word/document.xml", "<"+strings.Repeat("a", large)),
		"attributes":      archive(t, "word/document.xml", "<t "+strings.Repeat("a='' ", large/5)),
		"few attributes":  archive(t, "word/document.xml", strings.Repeat("<t "+strings.Repeat("a='' ", 20_000)+"/>", 100)),
		"depth":           archive(t, "content.xml", strings.Repeat("<text:p>", large/8)),
		"ends":            archive(t, "content.xml", strings.Repeat("</text:p>", large/9)),
		"entities":        archive(t, "word/document.xml", `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><t>`+strings.Repeat("&b;", 1<<20)+"</t>"),
		"cells":           archive(t, "xl/worksheets/sheet1.xml", strings.Repeat("<c/>", large/4)),
		"a comment":       archive(t, "word/document.xml", "<!--"+strings.Repeat("-x", large/2)),
		"another charset": archive(t, "word/document.xml", `<?xml version="1.0" encoding="utf-7"?><t>x</t>`),
		"signatures":      bytes.Repeat([]byte("PK\x01\x02"), 1<<20),
	}
	var members []string
	for i := range maxMembers + 100 {
		members = append(members, fmt.Sprintf("ppt/slides/slide%d.xml", i), "<t>x</t>")
	}
	bombs["members"] = archive(t, members...)
	bombs["slides"] = archive(t, members[:2*maxMembers]...)
	nested := archive(t, "word/document.xml", strings.Repeat("x", large))
	bombs["an archive in an archive"] = archive(t, "word/document.xml", string(nested))
	for name, content := range bombs {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := mailtest.CPUTime()
		text, err := Read(content)
		took := mailtest.CPUTime() - began
		runtime.ReadMemStats(&after)
		if took > 5*time.Second {
			t.Errorf("%s: read in %v (%v)", name, took, err)
		}
		// Of what is allocated nearly nothing is held: a tag, and the text.
		if made := after.TotalAlloc - before.TotalAlloc; made > 320<<20 {
			t.Errorf("%s: %d MB were allocated in all", name, made>>20)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 8<<20 {
			t.Errorf("%s: %d MB are held", name, held>>20)
		}
		if len(text) > maxText || !utf8.ValidString(text) {
			t.Errorf("%s: %d bytes of text", name, len(text))
		}
	}
	t.Attr("tries", strconv.Itoa(len(bombs)))
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(word), true)
	f.Add([]byte(`<text:p>a<text:s/>b</text:p>`), false)
	f.Fuzz(func(t *testing.T, content []byte, office bool) {
		name := "content.xml"
		if office {
			name = "word/document.xml"
		}
		text, _ := Read(archive(t, name, string(content)))
		if len(text) > maxText || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Errorf("Read = %q", text)
		}
		_, _ = Read(content)
	})
}
