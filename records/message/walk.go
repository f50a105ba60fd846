package message

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// walker reads one mail line by line, in one pass and without holding it: a
// stack of open multiparts and messages, and the leaf that is being read. A
// part ends where any enclosing part's boundary stands, or the mail does.
type walker struct {
	lim      Limits
	out      *Parsed
	scratch  *scratch
	lines    splitter
	stack    []*frame
	state    walkState
	header   headerLines
	digest   bool // the entity whose header is being read is a message by default
	isMsg    bool // the header being read is that of a message
	path     string
	leaf     *leaf
	parts    int
	encoded  int   // how many encoded messages this one is inside
	keep     int64 // bytes of text that may still be kept
	heard    int   // bytes that were kept of what files say
	segments []segment
	top      *headReader
	feedback *feedbackReport
	calendar string
	method   string // of the calendar part
	original *Head  // from text/rfc822-headers
	token    string
	pieces   []contentPiece
	known    map[string]int // how many multiparts on the stack have a boundary
	clipped  int            // how many have one of maxBoundary

	wanted string       // the Part of an attachment whose decoded content goes to sink
	sink   func([]byte) // which keeps nothing of what it is given
}

type walkState int

const (
	inHeader walkState = iota
	inLeaf
	inPreamble // before a multipart's first boundary
	between    // after a closing boundary
	drained    // too many parts: the rest is not read
)

// frame is an open multipart or an open message inside the mail.
type frame struct {
	boundary []byte // without the dashes; nil for a message, and where it must be guessed
	multi    bool
	kind     string // subtype of a multipart
	path     string
	children int
	starts   []int // index of the first segment of each child
	pieces   int   // of the walker when it began
	seen     bool  // a delimiter was seen
	closed   bool
	preamble *leaf
	hybrid   bool   // the header names a text type as well, which the preamble then is
	guess    []byte // a line that may be the first delimiter of a multipart whose boundary is not known
	inner    int    // index in Parsed.Inner, for a message
	leaf     *leaf  // digests a message listed as an attachment
}

// segment is a piece of readable text.
type segment struct {
	text  string
	html  bool // text is still HTML
	inner int  // index in Parsed.Inner, -1 for the mail itself
}

func newWalker(lim Limits, out *Parsed, c *scratch) *walker {
	w := &walker{lim: lim, out: out, scratch: c, keep: 8 * lim.Text, isMsg: true}
	w.header = headerLines{limit: lim.Header, leading: true, block: c.take()}
	w.lines.emit = w.line
	return w
}

func (w *walker) defect(what string) { w.out.Defects = appendNew(w.out.Defects, what) }

// line takes the next piece of a line.
func (w *walker) line(p piece) {
	if w.state == drained {
		return
	}
	if p.first && len(p.text) > 2 && p.text[0] == '-' && p.text[1] == '-' && w.delimiter(p) {
		return
	}
	w.digestUpTo(len(w.stack), p)
	w.content(p)
}

// digestUpTo adds a piece to the digests of the attached messages among the
// first n frames: a delimiter inside a message is part of it, the one that
// ends it is not.
func (w *walker) digestUpTo(n int, p piece) {
	for _, f := range w.stack[:n] {
		if f.leaf != nil {
			f.leaf.write(p)
		}
	}
}

// content takes a piece that is no delimiter.
func (w *walker) content(p piece) {
	switch w.state {
	case inHeader:
		if w.header.line(p) {
			held := w.header.pending
			w.beginEntity()
			for _, line := range held { // they were the body's beginning
				w.content(piece{text: line, eol: []byte("\n"), first: true, last: true})
			}
			if len(held) > 0 {
				w.content(p)
			}
		}
	case inLeaf:
		w.leaf.write(p)
	case inPreamble:
		w.preamble(p)
	}
}

// maxBoundary bounds a boundary; of a longer one only the beginning counts.
const maxBoundary = 256

// delimiter recognises the boundary of an open multipart, the innermost first,
// and acts on it. What was open inside ends there.
func (w *walker) delimiter(p piece) bool {
	text := bytes.TrimRight(p.text[2:], " \t\r")
	if w.clipped == 0 && w.known[string(text)] == 0 && w.known[string(bytes.TrimSuffix(text, []byte("--")))] == 0 {
		return false
	}
	for i := len(w.stack) - 1; i >= 0; i-- {
		f := w.stack[i]
		if f.boundary == nil || f.closed || !bytes.HasPrefix(text, f.boundary) {
			continue
		}
		rest := text[len(f.boundary):]
		switch {
		case len(rest) == 0, len(f.boundary) == maxBoundary:
			w.digestUpTo(i, p)
			w.nextPart(i)
			return true
		case string(rest) == "--":
			w.digestUpTo(i, p)
			w.unwind(i + 1)
			f.closed, f.seen = true, true
			w.state = between
			return true
		}
	}
	// After its end a multipart may go on: some writers close it too early.
	for i := len(w.stack) - 1; i >= 0; i-- {
		if f := w.stack[i]; f.closed && bytes.Equal(text, f.boundary) && w.state == between {
			f.closed = false
			w.defect("boundary-after-end")
			w.digestUpTo(i, p)
			w.nextPart(i)
			return true
		}
	}
	return false
}

// know counts the boundaries on the stack, so that a line that is none of
// them costs the same however many there are.
func (w *walker) know(boundary []byte, n int) {
	if boundary == nil {
		return
	}
	if len(boundary) == maxBoundary {
		w.clipped += n
	}
	if w.known == nil {
		w.known = map[string]int{}
	}
	if w.known[string(boundary)] += n; w.known[string(boundary)] == 0 {
		delete(w.known, string(boundary))
	}
}

// nextPart begins a new child of the multipart at stack[i].
func (w *walker) nextPart(i int) {
	w.unwind(i + 1)
	f := w.stack[i]
	if first := f.preamble; first != nil && f.hybrid && !f.seen {
		f.starts = append(f.starts, len(w.segments))
		w.finishLeaf(first)
	}
	if f.preamble != nil {
		f.preamble.release()
	}
	f.seen, f.preamble, f.guess = true, nil, nil
	f.children++
	f.starts = append(f.starts, len(w.segments))
	if w.parts++; w.parts > w.lim.Parts {
		w.defect("too-many-parts")
		w.state = drained
		return
	}
	w.path = f.path + strconv.Itoa(f.children)
	w.startHeader(w.lim.PartHeader, false, f.kind == "digest")
}

func (w *walker) startHeader(limit int64, message, digest bool) {
	w.state = inHeader
	w.isMsg, w.digest = message, digest
	w.header = headerLines{limit: limit, leading: message, block: w.header.block[:0]}
}

// unwind ends the open leaf or header, and every frame from stack[n] up.
func (w *walker) unwind(n int) {
	if w.state == inHeader {
		held := w.header.flush()
		w.beginEntity()
		for _, line := range held {
			w.content(piece{text: line, eol: []byte("\n"), first: true, last: true})
		}
		if w.state == inHeader { // a message that ends in its own header
			w.beginEntity()
		}
	}
	if w.leaf != nil {
		leaf := w.leaf
		w.leaf = nil
		w.finishLeaf(leaf)
	}
	for len(w.stack) > n {
		f := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		w.know(f.boundary, -1)
		w.endFrame(f)
	}
	w.state = between
}

// endFrame settles what a finished multipart or message gave.
func (w *walker) endFrame(f *frame) {
	if f.leaf != nil {
		f.leaf.flush()
		w.attach(f.leaf)
		f.leaf.release()
		if a := &w.out.Attachments[len(w.out.Attachments)-1]; a.Name == "" {
			a.Name = mailName(w.out.Inner[f.inner].Head.Subject)
		}
	}
	switch {
	case !f.multi:
	case !f.seen:
		w.defect("boundary-missing")
		if f.preamble != nil {
			w.finishLeaf(f.preamble)
		}
	case !f.closed:
		w.defect("boundary-not-closed")
	}
	if f.multi && f.kind == "alternative" {
		w.choose(f)
		w.plainCounts(f.pieces)
	}
}

// preamble reads on until a multipart's first delimiter. Where none comes its
// content is text. A boundary that is missing or wrong is guessed from a line
// of dashes and letters with a Content field after it.
func (w *walker) preamble(p piece) {
	f := w.stack[len(w.stack)-1]
	if p.first && f.guess != nil {
		if len(p.text) > 8 && strings.EqualFold(string(p.text[:8]), "content-") {
			w.know(f.boundary, -1)
			f.boundary = f.guess
			w.know(f.boundary, 1)
			w.defect("boundary-guessed")
			w.nextPart(len(w.stack) - 1)
			w.content(p)
			return
		}
		f.guess = nil
	}
	if p.first && p.last && len(p.text) > 3 && len(p.text) < maxBoundary && p.text[0] == '-' && p.text[1] == '-' {
		f.guess = bytes.Clone(bytes.TrimRight(p.text[2:], " \t"))
	}
	if f.preamble != nil {
		f.preamble.write(p)
	}
}

// choose keeps, of a multipart/alternative, the plain text, or where there is
// none the last alternative that has text.
func (w *walker) choose(f *frame) {
	if len(f.starts) < 2 {
		return
	}
	best, plain := -1, false
	for i, start := range f.starts {
		end := len(w.segments)
		if i+1 < len(f.starts) {
			end = f.starts[i+1]
		}
		for _, s := range w.segments[start:end] {
			switch {
			case strings.TrimSpace(s.text) == "" || s.inner != w.inner():
			case !s.html && !plain:
				best, plain = i, true
			case s.html && !plain:
				best = i
			}
		}
	}
	if best < 0 {
		return
	}
	start, end := f.starts[best], len(w.segments)
	if best+1 < len(f.starts) {
		end = f.starts[best+1]
	}
	others := otherTexts(w.segments[f.starts[0]:], w.segments[start:end])
	n := copy(w.segments[f.starts[0]:], w.segments[start:end])
	w.segments = append(w.segments[:f.starts[0]+n], others...)
}

// otherTexts returns the plain texts among all that say something else than
// the chosen: they are no alternatives, whatever their writer called them.
func otherTexts(all, chosen []segment) []segment {
	var out []segment
	said := ""
	for _, s := range all {
		if s.html || strings.TrimSpace(s.text) == "" || slices.ContainsFunc(chosen, func(c segment) bool { return c.text == s.text }) {
			continue
		}
		if said == "" {
			for _, c := range chosen {
				said += strings.Join(strings.Fields(c.text), "")
			}
		}
		if words := strings.Join(strings.Fields(s.text), ""); !strings.Contains(said, words) {
			out, said = append(out, s), said+words
		}
	}
	return out
}

// inner returns the index of the message inside the mail that is being read,
// -1 for the mail itself.
func (w *walker) inner() int {
	for i := len(w.stack) - 1; i >= 0; i-- {
		if !w.stack[i].multi {
			return w.stack[i].inner
		}
	}
	return -1
}

// inReport reports whether the part being read is a child of a report.
func (w *walker) inReport() bool {
	for i := len(w.stack) - 1; i >= 0; i-- {
		if w.stack[i].multi {
			return w.stack[i].kind == "report"
		}
	}
	return false
}

// close ends the mail.
func (w *walker) close() {
	w.lines.close()
	if w.state == drained {
		w.state = between
		w.leaf = nil
	}
	w.unwind(0)
	w.scratch.give(w.header.block)
	w.header.block = nil
}
