//go:build unix

package confined

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

func TestPDF(t *testing.T) {
	got, err := PDF(t.Context(), mailtest.PDF("Offer 4711\nTwelve (12) anvils", "Kind regards"))
	if want := "Offer 4711\nTwelve (12) anvils\n\nKind regards"; err != nil || got != want {
		t.Errorf("PDF = %q, %v; want %q", got, err, want)
	}
	if got, err := PDF(t.Context(), []byte("no PDF file")); err == nil || got != "" || !strings.Contains(err.Error(), "does not begin as one") {
		t.Errorf("PDF of another file = %q, %v", got, err)
	}
	if _, err := PDF(t.Context(), make([]byte, maxFile+1)); err == nil {
		t.Error("a file of more than the limit is read")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := PDF(ctx, mailtest.PDF("Offer")); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}

// packed is a stream packed so often.
func packed(often int, content []byte) string {
	filters := ""
	for range often {
		var b bytes.Buffer
		w, _ := zlib.NewWriterLevel(&b, zlib.BestCompression)
		_, _ = w.Write(content)
		_ = w.Close()
		content, filters = b.Bytes(), filters+"/FlateDecode"
	}
	return fmt.Sprintf("<</Length %d/Filter[%s]>>\nstream\n%s\nendstream", len(content), filters, content)
}

// hostile are files made to cost whoever opens them.
func hostile() map[string][]byte {
	catalog, pages := "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>"
	page := "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>/XObject<</X 6 0 R>>>>>>"
	font := "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
	large := 300 << 20
	kids := strings.Repeat("2 0 R ", 5000)
	out := map[string][]byte{
		"a bomb":                mailtest.PDFOf(catalog, pages, page, packed(1, make([]byte, large)), font),
		"a bomb in a bomb":      mailtest.PDFOf(catalog, pages, page, packed(2, make([]byte, large)), font),
		"text without end":      mailtest.PDFOf(catalog, pages, page, packed(1, []byte("BT /F1 9 Tf "+strings.Repeat("(a) Tj ", 2<<20))), font),
		"operators without end": mailtest.PDFOf(catalog, pages, page, packed(1, []byte(strings.Repeat("q ", 7<<20))), font),
		"one stream a thousand times": mailtest.PDFOf(catalog, pages,
			"<</Type/Page/Parent 2 0 R/Contents["+strings.Repeat("4 0 R ", 1000)+"]/Resources<<>>>>", packed(1, []byte(strings.Repeat("0 0 m ", 2<<20)))),
		"a tree of itself":        mailtest.PDFOf(catalog, "<</Type/Pages/Kids["+kids+"]/Count 5000>>"),
		"two trees of each other": mailtest.PDFOf(catalog, "<</Type/Pages/Kids["+strings.Repeat("3 0 R ", 2000)+"]>>", "<</Type/Pages/Kids["+strings.Repeat("2 0 R 4 0 R ", 2000)+"]>>", "<</Type/Pages/Kids["+strings.Repeat("3 0 R ", 2000)+"]>>"),
		"a form of itself": mailtest.PDFOf(catalog, pages, page, "<</Length 5>>\nstream\n/X Do\nendstream", font,
			"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Resources<</XObject<</X 6 0 R>>>>/Length 120>>\nstream\n"+strings.Repeat("/X Do ", 20)+"\nendstream"),
		"arrays in arrays":                mailtest.PDFOf(catalog, strings.Repeat("[", 2<<20)),
		"dictionaries in each other":      mailtest.PDFOf(catalog, strings.Repeat("<</A", 1<<20)),
		"a reference to itself":           mailtest.PDFOf(catalog, "2 0 R"),
		"a length of itself":              mailtest.PDFOf(catalog, pages, page, "<</Length 4 0 R>>\nstream\nBT ET\nendstream"),
		"a table without end":             []byte("%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\nxref\n0 2000000000\n0000000000 65535 f \ntrailer\n<</Size 2000000000/Root 1 0 R/Prev 44>>\nstartxref\n44\n%%EOF\n"),
		"an object of a number too large": []byte("%PDF-1.7\n2147483647 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Size 2147483648/Root 2147483647 0 R>>\nstartxref\n9\n%%EOF\n"),
		"many objects":                    append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("1 0 obj\n<</Type/Catalog/Pages 1 0 R>>\nendobj\n"), 60_000)...),
		"a stream of objects":             mailtest.PDFOf(catalog, strings.Replace(packed(1, []byte(strings.Repeat("1 0 ", 1<<20)+strings.Repeat("<<", 32<<20))), "<<", "<</Type/ObjStm/N 1000000/First 4194304", 1)),
		"a table packed":                  []byte("%PDF-1.7\n1 0 obj\n" + strings.Replace(packed(1, make([]byte, 200<<20)), "<<", "<</Type/XRef/Size 90000000/W[1 4 2]/Root 1 0 R", 1) + "\nendobj\nstartxref\n9\n%%EOF\n"),
		"letters without end":             mailtest.PDFOf(catalog, pages, page, "<</Length 30>>\nstream\nBT /F1 9 Tf (abcdefgh) Tj\nendstream", "<</Type/Font/Subtype/Type0/Encoding/Identity-H/ToUnicode 6 0 R/DescendantFonts[<</W[0 2000000000 500]>>]>>", packed(1, []byte("begincmap "+strings.Repeat("<0000> <ffffffff> <0041> ", 1<<19)+"endbfrange"))),
		"numbers without sense":           mailtest.PDFOf(catalog, pages, page, "<</Length 90>>\nstream\nBT /F1 1e308 Tf 1e308 0 0 -1e308 nan inf Tm (a) Tj 1e308 Tc (b) Tj [(a) -1e308 (b)] TJ 0 0 0 0 0 0 cm (x) Tj\nendstream", font),
	}
	offer := mailtest.PDF(strings.Repeat("an offer ", 500))
	for _, n := range []int{9, 50, 200, len(offer) / 2, len(offer) - 30} {
		out[fmt.Sprintf("cut after %d bytes", n)] = offer[:n]
	}
	return out
}

func TestCheck(t *testing.T) {
	if err := Check(t.Context()); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Check(ctx); err == nil {
		t.Error("nothing was read, and all is well")
	}
}

// TestM59_PDFFilesAreBounded reads files that are made to cost whoever opens
// them: each ends within its bounds, and the next is read as if nothing were.
func TestM59_PDFFilesAreBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("what a process holds is no measure under the race detector")
	}
	files := hostile()
	for name, content := range files {
		if len(content) > 8<<20 {
			t.Errorf("%s: %d bytes, more than are kept of a mail", name, len(content))
		}
		before := spent(t)
		text, err := PDF(t.Context(), content)
		took := spent(t) - before
		t.Logf("%-32s %8d bytes, %6d of text in %v: %.120v", name, len(content), len(text), took.Round(time.Millisecond), err)
		if len(text) > maxText || took > (maxCPU+1)*time.Second {
			t.Errorf("%s: %d bytes of text in %v (%v)", name, len(text), took, err)
		}
		if errors.Is(err, ErrFree) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The kernel tells of a child what its parent held when it began; that it
	// refuses more than the bound is what can be seen.
	if _, err := PDF(t.Context(), files["a table packed"]); err == nil || !strings.Contains(err.Error(), "costs more than a file may") {
		t.Errorf("a table of more than %d MB: %v", maxHeap>>20, err)
	}
	if got, err := PDF(t.Context(), mailtest.PDF("afterwards")); err != nil || got != "afterwards" {
		t.Errorf("the next file = %q, %v", got, err)
	}
	t.Attr("tries", strconv.Itoa(len(files)))
}
