// Package officexml reads the text of office files: those of Microsoft Office
// (docx, xlsx, pptx) and OpenDocument (odt, ods, odp), which are archives of
// XML. Whoever made a file may mean harm, so what is unpacked of it is bounded,
// nothing of it reaches a disk, and whatever is not understood is left out.
package officexml

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The bounds of reading one file.
const (
	maxMembers  = 5000    // files in the archive
	maxUnpacked = 4 << 20 // bytes that are unpacked of all of them
	maxText     = 64 << 10
	maxTag      = 16 << 10 // bytes of one tag
)

// errEnough ends the reading of a file of which enough is known.
var errEnough = errors.New("enough is read")

// Read returns what an office file says, 64 KB at most: paragraphs and cells on
// lines of their own. It unpacks at most 4 MB; of a longer file the beginning is
// read. The error says why a file cannot be read at all.
func Read(content []byte) (string, error) {
	if n := bytes.Count(content, []byte("PK\x01\x02")); n > maxMembers {
		return "", fmt.Errorf("read office file: %d files in it, more than %d", n, maxMembers)
	}
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return "", fmt.Errorf("read office file: %w", err)
	}
	r := reading{left: maxUnpacked}
	for _, f := range spoken(z.File) {
		if err = r.member(f); err != nil {
			break
		}
	}
	if text := strings.TrimSpace(strings.ToValidUTF8(r.text.String(), "")); text != "" || err == nil || errors.Is(err, errEnough) {
		return text, nil
	}
	return "", fmt.Errorf("read office file: %w", err)
}

// spoken lists the members that hold text, in the order of reading.
func spoken(all []*zip.File) []*zip.File {
	var out []*zip.File
	for _, f := range all {
		if _, _, ok := place(f.Name); ok {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b *zip.File) int {
		ra, na, _ := place(a.Name)
		rb, nb, _ := place(b.Name)
		if ra != rb {
			return ra - rb
		}
		return na - nb
	})
	return out
}

// numbered are the folders and beginnings of members that are counted through.
var numbered = []struct{ folder, stem string }{{"ppt/slides", "slide"}, {"xl/worksheets", "sheet"}, {"ppt/notesSlides", "notesSlide"}}

// place says when a member is read: rank before number; false for one that
// holds no text.
func place(name string) (rank, number int, ok bool) {
	name = strings.TrimPrefix(name, "/")
	switch name {
	case "word/document.xml", "xl/sharedStrings.xml", "content.xml":
		return 0, 0, true
	case "word/footnotes.xml", "word/endnotes.xml", "word/comments.xml":
		return 9, 0, true
	}
	folder, file := path.Split(name)
	for i, n := range numbered {
		digits, isXML := strings.CutSuffix(file, ".xml")
		digits, isStem := strings.CutPrefix(digits, n.stem)
		if number, err := strconv.Atoi(digits); isXML && isStem && err == nil && folder == n.folder+"/" {
			return i + 1, number, true
		}
	}
	return 0, 0, false
}

// reading is the work on one file.
type reading struct {
	text   strings.Builder
	left   int64 // bytes that may still be unpacked
	words  int   // elements open whose content is text
	shared bool  // the value being read is the number of a shared text
}

func (r *reading) member(f *zip.File) error {
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", f.Name, err)
	}
	defer in.Close()
	bounded := &io.LimitedReader{R: in, N: r.left}
	defer func() { r.left = bounded.N }()
	d := xml.NewDecoder(&shortTags{in: bounded})
	d.Strict = false
	d.CharsetReader = func(label string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("charset %q is none of office files", label)
	}
	odf := f.Name == "content.xml"
	r.words = 0
	for {
		t, err := d.RawToken()
		if err == io.EOF && bounded.N > 0 {
			return nil
		}
		if bounded.N == 0 {
			return errEnough
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Name, err)
		}
		if r.token(t, odf); r.text.Len() >= maxText {
			return errEnough
		}
	}
}

// shortTags refuses XML whose tags are longer than any program writes them: the
// decoder holds a whole tag, and several times its size of attributes.
type shortTags struct {
	in     io.Reader
	inside bool // of a tag
	run    int  // bytes of it so far
}

func (s *shortTags) Read(p []byte) (int, error) {
	n, err := s.in.Read(p[:min(len(p), 4<<10)])
	switch i := bytes.LastIndexAny(p[:n], "<>"); {
	case i >= 0:
		s.inside, s.run = p[i] == '<', n-i
	case s.inside:
		s.run += n
	}
	if s.inside && s.run > maxTag {
		return 0, fmt.Errorf("a tag of more than %d bytes", maxTag)
	}
	return n, err
}

// token takes one piece of XML. In files of Microsoft text stands in elements
// t, in cells in v; in OpenDocument anywhere within paragraphs.
func (r *reading) token(t xml.Token, odf bool) {
	switch t := t.(type) {
	case xml.StartElement:
		r.start(t, odf)
	case xml.EndElement:
		r.end(t.Name, odf)
	case xml.CharData:
		if r.words > 0 && !r.shared {
			r.text.Write(t[:min(len(t), maxText-r.text.Len())])
		}
	}
}

func (r *reading) start(t xml.StartElement, odf bool) {
	switch {
	case speaks(t.Name, odf):
		r.words++
	case t.Name.Local == "tab", t.Name.Local == "s" && odf:
		r.text.WriteByte(' ')
	case t.Name.Local == "br", t.Name.Local == "cr", t.Name.Local == "line-break":
		r.text.WriteByte('\n')
	case t.Name.Local == "c": // a cell: a shared text was read already
		r.shared = slices.ContainsFunc(t.Attr, func(a xml.Attr) bool { return a.Name.Local == "t" && a.Value == "s" })
	}
}

func (r *reading) end(name xml.Name, odf bool) {
	if speaks(name, odf) && r.words > 0 {
		r.words--
	}
	switch name.Local {
	case "c":
		r.shared = false
		r.text.WriteByte('\n')
	case "p", "h", "si", "tc":
		r.text.WriteByte('\n')
	}
}

// speaks reports whether the text of an element is for people.
func speaks(name xml.Name, odf bool) bool {
	if odf {
		return name.Space == "text" && (name.Local == "p" || name.Local == "h")
	}
	return name.Local == "t" || name.Local == "v"
}
