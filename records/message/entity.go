package message

import (
	"bytes"
	"crypto/sha256"
	"strings"
)

// headerLines gathers the lines of one header. Lines that are no field are
// held back: a field after them shows that they are junk, a blank line that
// the body began without one.
type headerLines struct {
	block   []byte
	pending [][]byte
	limit   int64
	leading bool // blank lines before the header are skipped
	cut     bool // the limit was reached
	junk    bool
	skip    bool // pieces up to the line's end are dropped
}

// line takes a piece and reports whether the header ended with it. Lines left
// in pending then belong to the body, followed by the piece itself.
func (h *headerLines) line(p piece) (ended bool) {
	if bytes.IndexByte(p.text, 0) >= 0 {
		p.text = bytes.ReplaceAll(p.text, []byte{0}, nil) // NULs mean nothing in a header
	}
	if !p.first {
		switch {
		case h.skip:
		case len(h.pending) > 0:
			if last := &h.pending[len(h.pending)-1]; len(*last) < maxPiece {
				*last = append(*last, p.text...)
			}
		default:
			h.add(p)
		}
		return false
	}
	h.skip = false
	if len(h.block) == 0 && len(h.pending) == 0 {
		p.text = bytes.TrimPrefix(p.text, []byte("\xef\xbb\xbf"))
	}
	blank := len(bytes.TrimSpace(p.text)) == 0
	switch colon := fieldColon(p.text); {
	case len(p.text) == 0 && h.leading && len(h.block) == 0 && len(h.pending) == 0:
		return false
	case len(p.text) == 0, blank && len(h.block) == 0:
		return true
	case len(h.pending) > 0 && plainField(p.text):
		h.pending, h.junk = nil, true
		h.add(p)
	case len(h.pending) > 0:
		return h.hold(p)
	case isMboxLine(p.text):
		h.skip = !p.last
	case colon > 0:
		h.add(p)
	case isSpace(p.text[0]) && len(h.block) == 0 && fieldColon(bytes.TrimLeft(p.text, " \t")) > 0:
		p.text = bytes.TrimLeft(p.text, " \t")
		h.add(p)
	case isSpace(p.text[0]) && len(h.block) > 0 && !blank:
		h.add(p)
	default:
		return h.hold(p)
	}
	return false
}

// hold keeps a line whose nature the next ones tell.
func (h *headerLines) hold(p piece) (ended bool) {
	if h.cut {
		return false
	}
	if len(h.pending) >= 4 {
		return true
	}
	h.pending = append(h.pending, bytes.Clone(p.text))
	return false
}

func (h *headerLines) add(p piece) {
	if int64(len(h.block)+len(p.text)) > h.limit {
		h.cut = true
		p.text = p.text[:max(h.limit-int64(len(h.block)), 0)]
		if len(p.text) == 0 {
			return
		}
	}
	h.block = append(h.block, p.text...)
	if p.last || h.cut {
		h.block = append(h.block, '\n')
	}
}

// flush returns the lines that turned out to be the body's when the part ends.
func (h *headerLines) flush() [][]byte {
	held := h.pending
	h.pending = nil
	return held
}

// partHeader is what a part's header says of its content.
type partHeader struct {
	media       mediaType
	second      mediaType // a text type that a repeated Content-Type names
	disposition mediaType
	encoding    string
	path        string
	id          string // Content-ID without angle brackets
	contentType string // as it stands, that media was read from
}

// readPartHeader reads the Content fields of a header block.
func readPartHeader(block []byte) partHeader {
	var h partHeader
	var haveType, haveDisposition bool
	eachField(block, func(key, value []byte) {
		switch string(key) {
		case "content-type":
			v := clip(unfold(value), 64<<10)
			if m := parseMediaType(v, ""); !haveType {
				h.media, h.contentType, haveType = m, v, true
			} else if strings.HasPrefix(m.value, "text/") {
				h.second = m
			}
		case "content-disposition":
			if !haveDisposition {
				h.disposition, haveDisposition = parseMediaType(clip(unfold(value), 64<<10), ""), true
			}
		case "content-id":
			if h.id == "" {
				h.id = strings.Trim(clip(unfold(value), 256), "<> \t")
			}
		case "content-transfer-encoding":
			if h.encoding == "" {
				v := strings.ToLower(clip(unfold(value), 100))
				v, _, _ = strings.Cut(v, "(")
				h.encoding = strings.Trim(v, "\"'; \t.,")
			}
		}
	})
	return h
}

// name returns the file name, fit to be shown.
func (h partHeader) name() string {
	if n := fileName(h.disposition.get("filename"), ""); n != "" {
		return n
	}
	return fileName(h.media.get("name"), "")
}

// beginEntity starts the content whose header is complete.
func (w *walker) beginEntity() {
	block := w.header.block
	h := readPartHeader(block)
	h.path = w.path
	if w.isMsg {
		w.messageHead(h)
	}
	if w.header.cut {
		w.defect("header-truncated")
	}
	if w.header.junk {
		w.defect("header-line")
	}
	w.header.pending = nil
	if family, sub, _ := strings.Cut(h.media.value, "/"); family == "" || sub == "" {
		h.media.value = defaultType(h.media.value, w.digest)
	}
	w.note(h)
	family, sub, _ := strings.Cut(h.media.value, "/")
	switch {
	case family == "multipart" && len(w.stack) < w.lim.Depth:
		w.openMultipart(h, sub)
	case isMessageType(h.media.value) && !encoded(h.encoding) && len(w.stack) < w.lim.Depth:
		w.openMessage(h)
	default:
		if family == "multipart" || isMessageType(h.media.value) && !encoded(h.encoding) {
			w.defect("too-deep")
		}
		w.leaf = w.newLeaf(h)
		w.leaf.node = len(w.out.Parts) - 1
		w.state = inLeaf
	}
}

// note adds a node to the tree of parts.
func (w *walker) note(h partHeader) {
	p := Part{Path: h.path, Depth: len(w.stack), Type: clipText(h.media.value, 127), Encoding: cleanText(guessText(h.encoding, "")), Disposition: clipText(h.disposition.value, 127), Name: h.name()}
	if p.Path == "" {
		p.Path = "1"
	}
	for i, m := range h.media.params {
		if i == maxShownParams {
			break
		}
		p.Params = append(p.Params, Param{clipText(cleanText(guessText(m.key, "")), 127), clipText(headerText(m.value, ""), maxName)})
	}
	w.out.Parts = append(w.out.Parts, p)
}

// maxShownParams bounds the parameters that are listed of one part.
const maxShownParams = 16

// defaultType returns the type of a part that names none that can be read.
func defaultType(value string, digest bool) string {
	switch {
	case value == "text" || value == "html":
		return map[string]string{"text": "text/plain", "html": "text/html"}[value]
	case value == "multipart":
		return "multipart/mixed"
	case digest:
		return "message/rfc822"
	}
	return "text/plain"
}

func isMessageType(value string) bool {
	return value == "message/rfc822" || value == "message/global" || value == "message/news"
}

// encoded reports whether content must be decoded before it can be read.
func encoded(encoding string) bool { return encoding == "base64" || encoding == "quoted-printable" }

// messageHead reads the header of the mail itself, or of a message inside.
func (w *walker) messageHead(h partHeader) {
	head, r := readHead(w.header, h)
	if i := w.inner(); i >= 0 {
		w.out.Inner[i].Head = head
		w.contributeHead(w.header.block)
		w.noteToken(r)
		return
	}
	if w.top != nil {
		return
	}
	w.out.Head, w.top = head, r
	if len(w.header.block) == 0 {
		w.defect("no-header")
	}
}

// openMultipart pushes a multipart. Its children's paths begin with its own.
func (w *walker) openMultipart(h partHeader, sub string) {
	f := &frame{multi: true, kind: sub, path: h.path, inner: -1, pieces: len(w.pieces)}
	if f.path != "" {
		f.path += "."
	}
	if b := strings.TrimRight(h.media.get("boundary"), " \t"); b != "" {
		f.boundary = []byte(clip(b, maxBoundary))
	}
	text := partHeader{media: mediaType{value: "text/plain", params: h.media.params}, encoding: h.encoding, path: h.path}
	if h.second.value != "" {
		text.media, f.hybrid = h.second, true
	}
	f.preamble = w.newLeaf(text)
	w.stack = append(w.stack, f)
	w.know(f.boundary, 1)
	w.state = inPreamble
}

// openMessage pushes a message inside the mail.
func (w *walker) openMessage(h partHeader) {
	f := &frame{path: h.path, inner: len(w.out.Inner)}
	if !w.inReport() && w.inner() < 0 && len(w.stack) > 0 {
		f.leaf = &leaf{w: w, head: h, file: true, sum: sha256.New()}
	}
	w.out.Inner = append(w.out.Inner, Inner{})
	w.stack = append(w.stack, f)
	w.path = h.path
	w.startHeader(w.lim.PartHeader, true, false)
}
