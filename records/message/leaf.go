package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
)

// leaf is a part with content of its own. Text is kept up to a limit; of a
// file only the size and digest are.
type leaf struct {
	w      *walker
	head   partHeader
	kind   string // media type where its content is read; "" for a file only
	file   bool   // listed as an attachment
	said   bool   // a file that is kept in buf to be read
	kept   bool   // an office file that is kept in office
	buf    []byte
	limit  int64
	sum    hash.Hash // of the decoded content, for files
	size   int64
	folded folding // of the content of a text, for the digest of the mail
	eol    []byte  // a line end that counts only if another line follows

	base64 *base64Decoder
	qp     *qpDecoder
	begun  bool
	out    []byte   // decoded and not yet passed on
	child  *walker  // reads an encoded message
	mail   *Parsed  // what child found
	digest [32]byte // set by flush
	uu     *uuReader
	lines  bool // folded takes the lines as they come, before uu does
	tnef   *tnefReader
	inside []*insideFile // files that uu and tnef found
	office []byte
	node   int // index in Parsed.Parts, -1 for what is no part
}

// newLeaf decides what becomes of a part.
func (w *walker) newLeaf(h partHeader) *leaf {
	l := &leaf{w: w, head: h, limit: min(w.keep, w.lim.Text+w.lim.Text/4), node: -1}
	switch h.encoding {
	case "base64", "b64", "base-64":
		l.base64 = &base64Decoder{}
	case "quoted-printable", "quoted_printable", "quotedprintable", "qp":
		l.qp = &qpDecoder{}
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits", "none", "plain":
	default:
		w.defect("encoding-unknown")
	}
	attached := h.disposition.value == "attachment"
	t := h.media.value
	switch {
	case t == "message/delivery-status", t == "message/global-delivery-status", t == "message/feedback-report", t == "text/rfc822-headers", t == "message/rfc822-headers", t == "message/global-headers", t == "text/rfc822-header":
		l.kind, l.limit = t, min(w.keep, 256<<10)
	case t == "text/calendar" || t == "application/ics":
		l.kind, l.file, l.limit = "text/calendar", attached || h.name() != "", min(w.keep, 256<<10)
	case isMessageType(t) && encoded(h.encoding) && len(w.stack) < w.lim.Depth && w.encoded < maxEncoded:
		l.kind, l.file = t, true
		l.openChild()
	case isMessageType(t) && encoded(h.encoding):
		w.defect("too-deep")
		l.file = true
	case attached || !strings.HasPrefix(t, "text/") || notText[t]:
		l.file = true
		if t == "application/ms-tnef" || t == "application/vnd.ms-tnef" || strings.EqualFold(h.name(), "winmail.dat") {
			l.tnef = &tnefReader{l: l}
		}
	default:
		l.kind = t
		if t == "text/plain" && l.base64 == nil && l.qp == nil {
			l.uu, l.lines = &uuReader{}, true
		}
		if t == "text/html" {
			l.limit = w.keep
		}
		l.file = len(w.segments) > 0 && h.name() != ""
	}
	if l.file || contentKind(t) == contentFile {
		l.sum = sha256.New()
	}
	l.listen()
	return l
}

// notText are the text types that people open rather than read.
var notText = map[string]bool{
	"text/vcard": true, "text/x-vcard": true, "text/directory": true, "text/csv": true, "text/css": true, "text/javascript": true, "text/xml": true, "text/rtf": true, "text/x-amp-html": true,
}

// maxEncoded bounds how many encoded messages are read inside each other:
// each level decodes the rest of the mail once more.
const maxEncoded = 4

// openChild prepares to read a message that is itself encoded.
func (l *leaf) openChild() {
	lim := l.w.lim
	lim.Depth -= len(l.w.stack) + 1
	lim.Parts -= l.w.parts
	l.mail = &Parsed{}
	l.child = newWalker(lim, l.mail, l.w.scratch)
	l.child.keep, l.child.heard, l.child.encoded = l.w.keep, l.w.heard, l.w.encoded+1
	if inside, ok := strings.CutPrefix(l.w.wanted, l.part()+"."); ok {
		l.child.wanted, l.child.sink = inside, l.w.sink
	}
}

// part is how an attachment's Part names the leaf.
func (l *leaf) part() string {
	if l.head.path == "" {
		return "1"
	}
	return l.head.path
}

// write takes the next piece of the part's encoded content.
func (l *leaf) write(p piece) {
	if l.out == nil {
		l.out = l.w.scratch.take()
	}
	if l.lines {
		l.folded.write(l.w.scratch, p.text)
	}
	if l.uu != nil {
		taken, back := l.uu.line(l, p)
		if back.text != nil {
			l.plain(back)
		}
		if taken {
			return
		}
	}
	l.plain(p)
}

// plain is write for what is no part of a uuencoded file.
func (l *leaf) plain(p piece) {
	if !l.begun && len(bytes.TrimSpace(p.text)) > 0 {
		l.begun = true
		if l.base64 != nil && l.kind != "" && notBase64(p.text) {
			l.base64 = nil
			l.w.defect("encoding-wrong")
		}
	}
	switch {
	case l.base64 != nil:
		l.out = l.base64.decode(l.out, p.text)
	case l.qp != nil:
		n := len(l.out)
		if len(l.eol) > 0 {
			l.out = append(l.out, l.eol...)
			n = len(l.out)
			l.eol = nil
		}
		l.out = l.qp.decode(l.out, p.text, p.last)
		if p.last && len(l.out) > n && l.out[len(l.out)-1] == '\n' {
			l.out, l.eol = l.out[:len(l.out)-1], lineEnd(p.eol)
		}
	default:
		l.out = append(append(l.out, l.eol...), p.text...)
		l.eol = lineEnd(p.eol)
	}
	if len(l.out) >= 16<<10 {
		l.pass()
	}
}

// The line ends that parts keep; nobody writes to them.
var crlf, cr, lf = []byte("\r\n"), []byte("\r"), []byte("\n")

// lineEnd returns a line end that outlives the piece it came with.
func lineEnd(eol []byte) []byte {
	switch {
	case len(eol) == 0:
		return nil
	case len(eol) > 1:
		return crlf
	case eol[0] == '\r':
		return cr
	}
	return lf
}

// notBase64 reports whether the first line of a text is plainly not base64,
// whatever its label says.
func notBase64(line []byte) bool {
	bad := 0
	line = bytes.TrimSpace(line)
	for _, c := range line {
		if base64Value[c] == 0xff && c != '=' {
			bad++
		}
	}
	return bad*3 > len(line) || bytes.Count(line, []byte(" ")) >= 2
}

// pass hands decoded bytes on and keeps what is to be kept.
func (l *leaf) pass() {
	b := l.out
	l.size += int64(len(b))
	if l.sum != nil {
		l.sum.Write(b)
	}
	if !l.lines && contentKind(l.head.media.value) != contentFile {
		l.folded.write(l.w.scratch, b)
	}
	if l.file && l.w.wanted != "" && l.w.wanted == l.part() {
		l.w.sink(b)
	}
	switch {
	case l.tnef != nil:
		l.tnef.write(b)
	case l.child != nil:
		l.child.lines.write(b)
	case l.said:
		l.hear(b)
	case l.kept:
		l.store(b)
	case l.kind != "":
		if l.buf == nil {
			l.buf = l.w.scratch.take()
		}
		n := min(l.limit-int64(len(l.buf)), int64(len(b)))
		l.buf = append(l.buf, b[:n]...)
		if n < int64(len(b)) {
			l.w.defect("text-truncated")
		}
	}
	l.out = l.out[:0]
}

// flush ends the part.
func (l *leaf) flush() {
	if l.uu != nil {
		if held := l.uu.begin; held != nil {
			l.plain(piece{text: held, eol: l.uu.eol, first: true, last: true})
		}
		l.uu.close(l)
		l.uu = nil
	}
	if l.base64 != nil {
		l.out = l.base64.finish(l.out)
		if l.base64.dirty {
			l.w.defect("encoding-damaged")
		}
	}
	if l.qp != nil && l.qp.n > 0 {
		l.out = append(l.out, l.qp.held[:l.qp.n]...)
	}
	if len(l.out) > 0 {
		l.pass()
	}
	if l.sum != nil {
		l.sum.Sum(l.digest[:0])
	}
}

// release gives the part's memory back.
func (l *leaf) release() {
	l.w.scratch.give(l.out)
	l.w.scratch.give(l.buf)
	l.out, l.buf = nil, nil
}

// finishLeaf settles what a part gave.
func (w *walker) finishLeaf(l *leaf) {
	defer l.release()
	l.flush()
	if l.node >= 0 {
		w.out.Parts[l.node].Size = l.size
	}
	w.contribute(l)
	if l.child != nil {
		w.adopt(l)
	}
	if l.tnef != nil {
		l.tnef.close()
	}
	if l.file && (l.tnef == nil || !l.tnef.whole || len(l.inside) == 0) {
		w.attach(l)
	}
	for _, f := range l.inside {
		w.attachInside(f)
	}
	if l.said {
		w.fileText(l)
	}
	if l.kept {
		w.keepDocument(l)
	}
	if l.kind == "" || l.child != nil {
		return
	}
	w.keep -= int64(len(l.buf))
	switch l.kind {
	case "message/delivery-status", "message/global-delivery-status":
		w.deliveryStatus(l.buf)
	case "message/feedback-report":
		w.feedbackReport(l.buf)
	case "text/rfc822-headers", "message/rfc822-headers", "message/global-headers", "text/rfc822-header":
		if w.original == nil {
			h, r := parseHead(l.buf)
			w.original = &h
			w.noteToken(r)
		}
	case "text/calendar":
		if w.calendar == "" && w.inner() < 0 {
			w.calendar = toUTF8(l.head.media.get("charset"), l.buf)
			w.method = l.head.media.get("method")
		}
		w.said(l.head.name(), l.part(), calendarText(toUTF8(l.head.media.get("charset"), l.buf)))
	default:
		w.addText(l)
	}
}

// addText turns a finished text part into a segment.
func (w *walker) addText(l *leaf) {
	charset := l.head.media.get("charset")
	html := l.kind == "text/html"
	if html && charset == "" {
		charset = metaCharset(l.buf)
	}
	text := cleanText(toUTF8(charset, l.buf))
	inner := w.inner()
	switch {
	case html && inner < 0:
		if w.out.HTML != "" {
			w.out.HTML += "\n"
		}
		w.out.HTML += text
	case l.kind == "text/enriched" || l.kind == "text/richtext":
		text = stripTags(text)
	case strings.EqualFold(l.head.media.get("format"), "flowed"):
		text = unflow(text, strings.EqualFold(l.head.media.get("delsp"), "yes"))
	}
	w.segments = append(w.segments, segment{text: text, html: html, inner: inner})
}

// metaCharset finds the charset an HTML document names for itself.
func metaCharset(b []byte) string {
	b = bytes.ToLower(clip(b, 2048))
	i := bytes.Index(b, []byte("charset="))
	if i < 0 {
		return ""
	}
	b = bytes.TrimLeft(b[i+8:], `"' `)
	n := bytes.IndexAny(b, `"' />;`)
	if n < 0 || n > 40 {
		return ""
	}
	return string(b[:n])
}

// attach lists a part as an attachment.
func (w *walker) attach(l *leaf) {
	a := Attachment{Name: l.head.name(), Type: clipText(l.head.media.value, 127), Size: l.size, SHA256: hex.EncodeToString(l.digest[:]), Part: l.part()}
	if id := l.head.id; id != "" && w.out.ContentIDs[id] == "" {
		if w.out.ContentIDs == nil {
			w.out.ContentIDs = map[string]string{}
		}
		w.out.ContentIDs[id] = a.Part
	}
	if a.Name == "" && l.mail != nil {
		a.Name = mailName(l.mail.Head.Subject)
	}
	a.Inline = l.head.disposition.value == "inline" || l.head.disposition.value == "" && strings.HasPrefix(a.Type, "image/")
	w.out.Attachments = append(w.out.Attachments, a)
}

// mailName names an attached message after its subject.
func mailName(subject string) string {
	if subject = fileName(subject, ""); subject == "" {
		subject = "message"
	}
	return fileName(subject+".eml", "")
}

// adopt takes over what the reader of an encoded message found.
func (w *walker) adopt(l *leaf) {
	l.child.close()
	l.child.finish()
	m := l.mail
	w.out.Inner = append(w.out.Inner, Inner{Head: m.Head, Text: m.own})
	w.out.Inner = append(w.out.Inner, m.Inner...)
	for _, a := range m.Attachments {
		a.Part = strings.TrimPrefix(l.head.path+"."+a.Part, ".")
		w.out.Attachments = append(w.out.Attachments, a)
	}
	for _, f := range m.Files {
		f.Part = strings.TrimPrefix(l.head.path+"."+f.Part, ".")
		w.out.Files = append(w.out.Files, f)
	}
	for _, d := range m.Documents {
		d.Part = strings.TrimPrefix(l.head.path+"."+d.Part, ".")
		w.out.Documents = append(w.out.Documents, d)
	}
	w.heard, w.lim.Documents = l.child.heard, l.child.lim.Documents
	for _, d := range m.Defects {
		if !slices.Contains(m.Head.Defects, d) { // those are the inner message's own
			w.defect(d)
		}
	}
	for _, part := range m.Parts {
		part.Path = strings.TrimPrefix(l.head.path+"."+part.Path, ".")
		part.Depth += w.out.Parts[l.node].Depth + 1
		w.out.Parts = append(w.out.Parts, part)
	}
	w.parts += l.child.parts
	w.keep = max(l.child.keep, 0)
}
