// Package pdftext reads the text of PDF files (ISO 32000), in the order in which
// it is written on the pages, good enough to be found and to show a passage of.
// The structure of a file, its filters and its encryption are pdfcpu's work;
// what is written on a page, and in which letters, is read here.
//
// Whoever made a file may mean harm, and neither the library nor this package
// promises what a file costs: [rapport/internal/confined] does.
package pdftext

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"sync"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// The bounds of reading one file.
const (
	maxText    = 64 << 10
	maxPages   = 2000
	maxNodes   = 20_000   // of the tree of pages
	maxStream  = 16 << 20 // decoded bytes of one stream
	maxOps     = 2_000_000
	maxForms   = 8 // forms within forms
	maxNotes   = 500
	headerArea = 1024 // where a file may begin, as every reader allows
)

// errEnough ends the reading of a file of which enough is known.
var errEnough = errors.New("enough is read")

// Is reports whether content is a PDF file, whatever it is called.
func Is(content []byte) bool {
	return bytes.Contains(content[:min(len(content), headerArea)], []byte("%PDF-"))
}

// Read returns what a PDF file says, 64 KB at most: lines as they stand on the
// pages, and what is filled into its fields. Pictures of text say nothing. A
// file whose end or table of contents is missing is read as far as it goes; one
// that needs a password is an error.
func Read(content []byte) (text string, err error) {
	defer func() {
		if r := recover(); r != nil { // of the library: the file is odder than it knows
			text, err = "", fmt.Errorf("read PDF file: %v", r)
		}
	}()
	begin := bytes.Index(content[:min(len(content), headerArea)], []byte("%PDF-"))
	if begin < 0 {
		return "", errors.New("read PDF file: it does not begin as one")
	}
	content = content[begin:]
	x, err := open(content)
	if err != nil {
		mended, ok := mend(content)
		if !ok {
			return "", fmt.Errorf("read PDF file: %w", err)
		}
		if x, err = open(mended); err != nil {
			return "", fmt.Errorf("read PDF file: %w", err)
		}
	}
	r := &reading{x: x, fonts: map[types.IndirectRef]*font{}}
	r.pages()
	return strings.TrimSpace(r.out.String()), nil
}

// quiet keeps the library from looking for a configuration of its own, and from
// writing one.
var quiet = sync.OnceFunc(func() { model.ConfigPath = "disable" })

// open reads the structure of a file, tolerantly.
func open(content []byte) (*model.XRefTable, error) {
	quiet()
	log.SetOutput(io.Discard)
	conf := model.NewDefaultConfiguration()
	conf.ValidationMode, conf.Offline = model.ValidationRelaxed, true
	ctx, err := pdfcpu.Read(bytes.NewReader(content), conf)
	if err != nil {
		return nil, err
	}
	return ctx.XRefTable, nil
}

// reading is the work on one file.
type reading struct {
	x     *model.XRefTable
	fonts map[types.IndirectRef]*font
	out   strings.Builder
	page  layout
	ops   int
	nodes int
	count int // pages
}

// pages reads page by page until there is enough.
func (r *reading) pages() {
	root, err := r.x.Catalog()
	if err != nil {
		return
	}
	_ = r.node(root["Pages"], nil, map[int]bool{})
}

// node reads a node of the tree of pages, with what it inherits. Trees that
// lead back into themselves end where they do.
func (r *reading) node(o types.Object, resources types.Object, above map[int]bool) error {
	if r.nodes++; r.nodes > maxNodes || len(above) > 64 {
		return errEnough
	}
	if ref, ok := o.(types.IndirectRef); ok {
		n := ref.ObjectNumber.Value()
		if above[n] {
			return nil
		}
		above[n] = true
		defer delete(above, n)
	}
	d := r.dict(o)
	if own, ok := d["Resources"]; ok {
		resources = own
	}
	kids, isTree := d["Kids"]
	if !isTree {
		return r.onePage(d, resources)
	}
	for _, kid := range r.array(kids) {
		if err := r.node(kid, resources, above); err != nil {
			return err
		}
	}
	return nil
}

// onePage reads what a page says: its content, then what is filled in on it.
func (r *reading) onePage(d types.Dict, resources types.Object) error {
	if r.count++; d == nil || r.count > maxPages {
		return errEnough
	}
	p := painter{r: r, state: newState()}
	p.run(r.content(d["Contents"]), r.dict(resources), 0)
	for i, note := range r.array(d["Annots"]) {
		if i == maxNotes {
			break
		}
		if a := r.dict(note); a != nil && (isName(a["Subtype"], "Widget") || isName(a["Subtype"], "FreeText")) {
			p.appearance(a, r.dict(resources))
		}
	}
	r.out.WriteString(r.page.end())
	r.out.WriteByte('\n')
	if r.out.Len() >= maxText || r.ops >= maxOps {
		text := strings.ToValidUTF8(r.out.String()[:min(r.out.Len(), maxText)], "")
		r.out.Reset()
		r.out.WriteString(text)
		return errEnough
	}
	return nil
}

// content joins the streams of a page.
func (r *reading) content(o types.Object) []byte {
	streams := []types.Object{o}
	if a := r.array(o); a != nil {
		streams = a
	}
	var out []byte
	for _, s := range streams {
		if len(out) > maxStream {
			break
		}
		out = append(append(out, r.stream(s)...), '\n')
	}
	return out
}

// stream decodes a stream; nil where it is none or cannot be decoded.
func (r *reading) stream(o types.Object) []byte {
	sd, _, err := r.x.DereferenceStreamDict(o)
	if err != nil || sd == nil {
		return nil
	}
	if sd.Content == nil && sd.DecodeWithLimit(maxStream) != nil {
		return nil
	}
	return sd.Content
}

// value follows a reference to what it names.
func (r *reading) value(o types.Object) types.Object {
	v, err := r.x.Dereference(o)
	if err != nil {
		return nil
	}
	return v
}

// dict is a dictionary or that of a stream; nil for anything else.
func (r *reading) dict(o types.Object) types.Dict {
	switch v := r.value(o).(type) {
	case types.Dict:
		return v
	case types.StreamDict:
		return v.Dict
	}
	return nil
}

func (r *reading) array(o types.Object) types.Array {
	a, _ := r.value(o).(types.Array)
	return a
}

func (r *reading) number(o types.Object, otherwise float64) float64 {
	switch v := r.value(o).(type) {
	case types.Integer:
		return float64(v)
	case types.Float:
		return float64(v)
	}
	return otherwise
}

func (r *reading) name(o types.Object) string {
	n, _ := r.value(o).(types.Name)
	return string(n)
}

func isName(o types.Object, want string) bool {
	n, ok := o.(types.Name)
	return ok && string(n) == want
}
