package mailsync

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"rapport/records/message"
)

// Bounds on the literals of FETCH.
const (
	keepHeader  = 1 << 20 // of a header; the rest is read and dropped
	maxHeader   = 64 << 20
	memoryBody  = 1 << 20   // longer bodies go to a file
	rangeBody   = 8 << 20   // longer bodies are fetched in ranges of this size
	maxBody     = 256 << 20 // of one literal, whatever RFC822.SIZE promised
	maxHeld     = 8 << 20   // of the bodies one request keeps in memory
	maxHeaders  = 4 << 20   // of the headers one request keeps
	lateLiteral = 8 << 20   // of literals held while their UID is not known
)

// section is what of a message a FETCH asks for.
type section string

// The sections.
const (
	sectionNone   section = ""
	sectionHeader section = "HEADER"
	sectionBody   section = "BODY"
)

// fetchRequest is one UID FETCH under way. The wire fills got while the
// responses come; others read it after done has been received from.
type fetchRequest struct {
	asked   message.UIDSet
	section section
	offset  int64 // of a range; -1: the whole
	length  int64 // of a range
	size    int64 // of the messages asked for, as the server says; 0: not known
	spool   func() (*os.File, error)
	got     map[uint32]*part
	uids    numbers // that came, where nothing but their UIDs was asked for
	done    chan error
	broken  error // a fault of ours while storing
	held    int64 // bytes kept in memory
	waited  bool
	price   usage // promised of the day's budget
	err     error
}

// part is what came of one message.
type part struct {
	uid      uint32
	received time.Time
	size     int64
	flags    []string
	labels   []string
	thread   string
	data     []byte
	file     *os.File // instead of data
	length   int64    // of the literal
	have     bool     // the section came, if only as NIL
	null     bool     // it came as NIL
	whole    bool     // the answer to a range is the whole message
}

func (p *part) discard() {
	if p.file != nil {
		p.file.Close()
		os.Remove(p.file.Name())
		p.file = nil
	}
}

// missing returns the asked UIDs for which no complete answer came.
func (r *fetchRequest) missing() message.UIDSet {
	var have []message.UIDRange
	for uid, p := range r.got {
		if p.have {
			have = append(have, message.UIDRange{Lo: uid, Hi: uid})
		}
	}
	return r.asked.Minus(message.UIDRanges(have...))
}

// discard removes the files of answers nobody takes.
func (r *fetchRequest) discard() {
	for _, p := range r.got {
		p.discard()
	}
}

// answer is one FETCH response being read.
type answer struct {
	uid      uint32
	received time.Time
	size     int64
	flags    []string
	labels   []string
	thread   string
	hasFlags bool
	bodies   []content
}

// content is one BODY[…] of an answer.
type content struct {
	section section
	offset  int64
	null    bool
	data    []byte
	file    *os.File
	length  int64
	bad     error
}

// fetchReader reads one FETCH response piece by piece.
type fetchReader struct {
	w    *wire
	p    scanner
	odd  bool // it cannot be read as it should be; it is skipped, not believed
	held int64
}

// fetched reads a FETCH response and gives it to the request that asked. The
// response counts only when all of it was read.
func (w *wire) fetched(rest []byte) error {
	r := &fetchReader{w: w, p: scanner{text: bytes.Clone(rest)}}
	var a answer
	err := r.read(&a)
	if err == nil && !r.odd {
		w.deliver(&a)
	}
	for _, b := range a.bodies {
		if b.file != nil { // nobody took it
			b.file.Close()
			os.Remove(b.file.Name())
		}
	}
	return err
}

func (r *fetchReader) read(a *answer) error {
	r.p.space()
	if r.p.end() || r.p.text[r.p.at] != '(' {
		return r.skip()
	}
	r.p.at++
	for {
		r.p.space()
		if r.p.end() {
			return r.skip()
		}
		if r.p.text[r.p.at] == ')' {
			if r.p.at++; r.p.at != len(bytes.TrimRight(r.p.text, " ")) {
				return r.skip()
			}
			return nil
		}
		name := strings.ToUpper(r.attribute())
		if name == "" {
			return r.skip()
		}
		if err := r.item(name, a); err != nil || r.odd {
			return err
		}
	}
}

// skip reads on to the end of a response that makes no sense.
func (r *fetchReader) skip() error {
	r.odd = true
	for {
		n, _, ok := literalAt(r.p.text)
		if !ok {
			return nil
		}
		if n > maxBody {
			return hostile("a literal of {n|byte|bytes}", "n", int(n))
		}
		if err := r.discard(int64(n)); err != nil {
			return err
		}
	}
}

// discard drops a literal and reads the line after it.
func (r *fetchReader) discard(n int64) error {
	if _, err := io.CopyN(io.Discard, r.w.br, n); err != nil {
		return noEOF(err)
	}
	return r.next()
}

func (r *fetchReader) next() error {
	line, err := r.w.line()
	if err != nil {
		return noEOF(err)
	}
	r.p = scanner{text: bytes.Clone(line)}
	return nil
}

// attribute reads the name of a data item with its section and offset:
// BODY[HEADER], BODY[]<0>, RFC822.SIZE.
func (r *fetchReader) attribute() string {
	start, depth := r.p.at, 0
	for ; !r.p.end(); r.p.at++ {
		switch c := r.p.text[r.p.at]; {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0 && (c == ' ' || c == '(' || c == ')' || c == '{' || c == '"'):
			return string(r.p.text[start:r.p.at])
		}
	}
	return ""
}

func (r *fetchReader) item(name string, a *answer) error {
	r.p.space()
	switch {
	case strings.HasPrefix(name, "BODY[") || name == "RFC822.HEADER" || name == "RFC822":
		return r.body(name, a)
	case name == "FLAGS" || name == "X-GM-LABELS":
		list, err := r.list()
		if name == "FLAGS" {
			a.flags, a.hasFlags = list, true
		} else {
			a.labels = list
		}
		return err
	case name == "THREADID": // in parentheses, or NIL
		list, err := r.list()
		if len(list) == 1 {
			a.thread = threadID(list[0])
		}
		return err
	}
	value, err := r.small()
	switch name {
	case "X-GM-THRID":
		a.thread = threadID(value)
	case "UID":
		n, _ := strconv.ParseUint(value, 10, 32)
		a.uid = uint32(n)
	case "RFC822.SIZE":
		a.size, _ = strconv.ParseInt(value, 10, 64)
		a.size = max(a.size, 0)
	case "INTERNALDATE":
		a.received = internalDate(value)
	}
	return err
}

// threadID is a server's name of a conversation, as far as it is one: Gmail's
// are numbers, those of RFC 8474 up to 255 letters, digits, dashes and lines.
func threadID(value string) string {
	odd := func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}
	if len(value) > 255 || strings.ContainsFunc(value, odd) || strings.Trim(value, "0") == "" || strings.EqualFold(value, "NIL") {
		return ""
	}
	return value
}

// internalDate reads the time a server received a message; zero where it
// says something unreadable.
func internalDate(text string) time.Time {
	for _, layout := range []string{"_2-Jan-2006 15:04:05 -0700", "02-Jan-2006 15:04:05 -0700", time.RFC1123Z, time.RFC3339} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil && t.Year() > 1970 && t.Year() < 10000 {
			return t
		}
	}
	return time.Time{}
}

// small reads a value of no great length, whatever its form.
func (r *fetchReader) small() (string, error) {
	if !r.p.end() && r.p.text[r.p.at] == '(' {
		_, err := r.list()
		return "", err
	}
	if data, ok, err := r.smallLiteral(); ok || err != nil {
		return data, err
	}
	return r.p.value(), nil
}

func (r *fetchReader) smallLiteral() (string, bool, error) {
	n, at, ok := literalAt(r.p.text)
	if !ok || at != r.p.at {
		return "", false, nil
	}
	if n > maxSmall {
		return "", false, hostile("a literal of {n|byte|bytes} where a word is due", "n", int(n))
	}
	if err := r.w.count(int(n)); err != nil {
		return "", false, err
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r.w.br, data); err != nil {
		return "", false, noEOF(err)
	}
	return string(data), true, r.next()
}

// list reads a parenthesised list, whose values may be literals.
func (r *fetchReader) list() ([]string, error) {
	if r.p.end() || r.p.text[r.p.at] != '(' {
		v, err := r.element()
		return []string{v}, err
	}
	var out []string
	size := 0
	for depth := 0; !r.p.end(); {
		switch r.p.text[r.p.at] {
		case '(':
			depth++
			r.p.at++
			continue
		case ' ':
			r.p.at++
			continue
		case ')':
			r.p.at++
			if depth--; depth == 0 {
				return out, nil
			}
			continue
		}
		v, err := r.element()
		if err != nil {
			return nil, err
		}
		if size += len(v); size > maxSmall || len(out) == 1000 {
			return nil, r.skip()
		}
		out = append(out, v)
	}
	r.odd = true
	return out, nil
}

func (r *fetchReader) element() (string, error) {
	if data, ok, err := r.smallLiteral(); ok || err != nil {
		return data, err
	}
	before := r.p.at
	v := r.p.value()
	if r.p.at == before { // nothing that could be a value
		r.p.at++
	}
	return v, nil
}

// body reads a header or a body.
func (r *fetchReader) body(name string, a *answer) error {
	b := content{offset: -1}
	spec, _, _ := strings.Cut(strings.TrimPrefix(name, "BODY["), "]")
	switch {
	case name == "RFC822" || spec == "":
		b.section = sectionBody
	case name == "RFC822.HEADER" || spec == "HEADER":
		b.section = sectionHeader
	}
	if _, after, ok := strings.Cut(name, "]<"); ok {
		b.offset, _ = strconv.ParseInt(strings.TrimRight(after, ">"), 10, 64)
	}
	n, at, ok := literalAt(r.p.text)
	if !ok || at != r.p.at {
		quoted := !r.p.end() && r.p.text[r.p.at] == '"'
		b.data = []byte(r.p.value())
		if b.null = !quoted; b.null {
			b.data = nil
		}
		b.length = int64(len(b.data))
		a.bodies = append(a.bodies, b)
		return nil
	}
	if err := r.literal(int64(min(n, 1<<62)), a.uid, &b); err != nil {
		a.bodies = append(a.bodies, b)
		return err
	}
	a.bodies = append(a.bodies, b)
	return r.next()
}

// literal reads a body's bytes to where they belong: memory, a file, or
// nowhere where nobody asked for them.
func (r *fetchReader) literal(n int64, uid uint32, b *content) error {
	b.length = n
	req := r.w.requestFor(uid, b)
	bound := int64(maxBody)
	if b.section == sectionHeader {
		bound = maxHeader
	} else if req != nil && req.length > 0 && b.offset >= 0 {
		bound = req.length
	}
	if n > bound {
		return hostile("a literal of {n|byte|bytes}", "n", int(n))
	}
	if r.held += n; uid == 0 && r.held > lateLiteral {
		return hostile("more than {n} MB before the UID they belong to", "n", lateLiteral>>20)
	}
	keep, limit := n, int64(maxHeld)
	if b.section == sectionHeader {
		limit = maxHeaders
	}
	switch {
	case uid != 0 && req == nil:
		keep = 0
	case b.section == sectionHeader:
		keep = min(n, keepHeader)
	case req != nil && req.spool != nil && (n > memoryBody || req.held+n > maxHeld):
		return r.toFile(n, req, b)
	}
	if req != nil && req.held+keep > limit { // it is asked for again with fewer others
		b.section, keep = sectionNone, 0
	}
	if req != nil {
		req.held += keep
	}
	b.data = make([]byte, keep)
	if _, err := io.ReadFull(r.w.br, b.data); err != nil {
		return noEOF(err)
	}
	if _, err := io.CopyN(io.Discard, r.w.br, n-keep); err != nil {
		return noEOF(err)
	}
	return nil
}

func (r *fetchReader) toFile(n int64, req *fetchRequest, b *content) error {
	f, err := req.spool()
	if err != nil {
		b.bad = err
		_, err = io.CopyN(io.Discard, r.w.br, n)
		return noEOF(err)
	}
	b.file = f
	for left := n; left > 0; {
		chunk, err := r.w.br.Peek(int(min(left, 4096)))
		if len(chunk) == 0 {
			return noEOF(err)
		}
		if more := r.w.br.Buffered(); int64(more) > int64(len(chunk)) {
			chunk, _ = r.w.br.Peek(int(min(int64(more), left)))
		}
		if b.bad == nil {
			_, b.bad = f.Write(chunk)
		}
		r.w.br.Discard(len(chunk))
		left -= int64(len(chunk))
	}
	return nil
}
