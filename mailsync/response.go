package mailsync

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// response reads one response and either keeps what it says or leaves it to
// the library in w.out.
func (w *wire) response() error {
	w.fit()
	if numbers, err := w.listsNumbers(); err != nil {
		return err
	} else if numbers {
		return w.searched()
	}
	line, err := w.line()
	if err != nil {
		return err
	}
	switch {
	case len(line) == 0: // a stray empty line
		return nil
	case line[0] == '+':
		w.pass(clean(line, maxSmall))
		return w.asked()
	case bytes.HasPrefix(line, []byte("* ")):
		return w.untagged(line[2:])
	}
	return w.tagged(line)
}

// asked notes that the server asks for the next line of a sign-in. The library
// gets ready for the reply to that line only as it sends it, and would wait for
// ever for a reply that came before; so nothing is read until then. Nor may a
// server ask before there is a command to ask about.
func (w *wire) asked() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asking == "" {
		return malformed("it asks for more of a command that was not sent")
	}
	if w.secret {
		w.turn = make(chan struct{})
	}
	return nil
}

// ourTurn waits until the line the server asked for is sent, or nothing more is.
func (w *wire) ourTurn() {
	w.mu.Lock()
	turn := w.turn
	w.mu.Unlock()
	if turn != nil {
		<-turn
	}
}

// sent ends the wait of ourTurn. mu is held.
func (w *wire) sent() {
	if w.turn != nil {
		close(w.turn)
		w.turn = nil
	}
}

func (w *wire) pass(line []byte) {
	w.out = append(append(w.out[:0], line...), "\r\n"...)
}

// tagged hands a tagged reply to the library with a response code that it
// can read. Anything else at this place means that a literal was not as long
// as announced.
func (w *wire) tagged(line []byte) error {
	tag, rest, _ := bytes.Cut(line, []byte(" "))
	kind, text, _ := bytes.Cut(rest, []byte(" "))
	switch strings.ToUpper(string(kind)) {
	case "OK", "NO", "BAD":
	default:
		return malformed("a line that is no response: {line}", "line", fmt.Sprintf("%.60q", line))
	}
	if len(tag) < 2 || tag[0] != 'T' || len(bytes.Trim(tag[1:], "0123456789")) > 0 {
		return malformed("a reply to a command that was not sent: {line}", "line", fmt.Sprintf("%.60q", line))
	}
	code, arg, say := splitCode(text)
	w.mu.Lock()
	if string(tag) == w.asking { // and to no earlier one, whose reply may come late
		w.asking, w.secret = "", false
	}
	w.note(code, arg, say)
	w.mu.Unlock()
	w.pass([]byte(string(tag) + " " + strings.ToUpper(string(kind)) + " " + codeFor(code, arg) + say))
	return nil
}

// codeFor writes a response code the way the library can read it.
func codeFor(code, arg string) string {
	switch code {
	case "", "APPENDUID", "COPYUID", "PERMANENTFLAGS", "UIDNEXT", "UIDVALIDITY", "HIGHESTMODSEQ":
		return ""
	case "CAPABILITY":
		return "[CAPABILITY " + capabilities(arg) + "] "
	}
	for _, r := range code {
		if (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return ""
		}
	}
	return "[" + code + "] "
}

// capabilities keeps the words that are atoms.
func capabilities(arg string) string {
	var keep []string
	for word := range strings.FieldsSeq(arg) {
		if !strings.ContainsAny(word, `(){%*"\]`) {
			keep = append(keep, word)
		}
	}
	return strings.Join(keep, " ")
}

// splitCode takes "[CODE arg] text" apart; the text comes back clean.
func splitCode(text []byte) (code, arg, say string) {
	if len(text) > 0 && text[0] == '[' {
		if end := bytes.IndexByte(text, ']'); end > 0 {
			c, a, _ := bytes.Cut(text[1:end], []byte(" "))
			code, arg = strings.ToUpper(string(clean(c, 80))), string(clean(a, maxSmall))
			text = bytes.TrimLeft(text[end+1:], " ")
		}
	}
	say = string(clean(text, 1000))
	if say == "" || say[0] == '[' { // the library would take it for a code, and can spin for ever on one
		say = "-" + say
	}
	return code, arg, say
}

// clean cuts text and replaces what is not printable ASCII.
func clean(text []byte, limit int) []byte {
	out := bytes.Clone(text[:min(len(text), limit)])
	for i, c := range out {
		if c < ' ' || c > '~' {
			out[i] = '?'
		}
	}
	return out
}

// note takes the numbers out of a response code. mu is held.
func (w *wire) note(code, arg, say string) {
	n, _ := strconv.ParseUint(arg, 10, 64)
	switch code {
	case "UIDVALIDITY":
		w.sel.uidValidity = uint32(n)
	case "UIDNEXT":
		w.sel.uidNext = uint32(n)
	case "HIGHESTMODSEQ":
		w.sel.modSeq = n
	case "ALERT":
		if len(w.alerts) < 16 {
			w.alerts = append(w.alerts, say)
		}
	}
}

// untagged handles a response that belongs to no tag; line is without "* ".
func (w *wire) untagged(line []byte) error {
	word, rest, _ := bytes.Cut(line, []byte(" "))
	switch kind := strings.ToUpper(string(word)); kind {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		w.condition(kind, rest)
		return nil
	case "CAPABILITY":
		w.pass([]byte("* CAPABILITY " + capabilities(string(clean(rest, maxSmall)))))
		return nil
	case "LIST", "STATUS":
		whole, err := w.assemble(rest)
		if err == nil {
			err = w.keep(kind, whole)
		}
		return err
	default:
		if n, err := strconv.ParseUint(kind, 10, 32); err == nil {
			return w.numbered(uint32(n), rest)
		}
		_, err := w.assemble(rest) // unknown, or of no interest
		return err
	}
}

// condition handles OK, NO, BAD, BYE and PREAUTH. The library sees the
// greeting, capabilities and BYE of them.
func (w *wire) condition(kind string, rest []byte) {
	code, arg, say := splitCode(rest)
	w.mu.Lock()
	first := !w.greeted
	if first {
		w.greeted = true
		w.pending--
	}
	w.note(code, arg, say)
	if kind == "BYE" {
		w.bye = strings.TrimSpace(strings.TrimSuffix("["+code+"] ", "[] ") + say)
		if code == "" {
			w.bye = say
		}
		w.notify()
	}
	w.mu.Unlock()
	if first || kind == "BYE" || code == "CAPABILITY" {
		w.pass([]byte("* " + kind + " " + codeFor(code, arg) + say))
	}
}

// numbered handles "n EXISTS", "n EXPUNGE" and "n FETCH".
func (w *wire) numbered(n uint32, rest []byte) error {
	word, rest, _ := bytes.Cut(rest, []byte(" "))
	switch strings.ToUpper(string(word)) {
	case "EXISTS":
		if n > maxExists {
			return hostile("a folder of {n|message|messages}", "n", int(n))
		}
		w.mu.Lock()
		w.sel.exists = n
		w.sel.changes++
		w.mu.Unlock()
		w.notify()
	case "EXPUNGE":
		w.mu.Lock()
		if w.sel.exists > 0 {
			w.sel.exists--
		}
		w.sel.changes++
		w.mu.Unlock()
		w.notify()
	case "FETCH":
		return w.fetched(rest)
	default:
		_, err := w.assemble(rest)
		return err
	}
	return nil
}

// assemble reads the rest of a response with its literals, which come back as
// quoted strings.
func (w *wire) assemble(rest []byte) ([]byte, error) {
	whole := bytes.Clone(rest)
	for {
		n, at, ok := literalAt(whole)
		if !ok {
			return whole, nil
		}
		if n > maxSmall || len(whole) > maxLine {
			return nil, hostile("a literal of {n|byte|bytes} where a name is due", "n", int(n))
		}
		if err := w.count(int(n)); err != nil {
			return nil, err
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(w.br, data); err != nil {
			return nil, noEOF(err)
		}
		more, err := w.line()
		if err != nil {
			return nil, noEOF(err)
		}
		whole = append(append(whole[:at:at], quoteRaw(string(data))...), more...)
	}
}

// literalAt tells whether a line ends with the announcement of a literal.
func literalAt(line []byte) (n uint64, at int, ok bool) {
	if len(line) < 3 || line[len(line)-1] != '}' {
		return 0, 0, false
	}
	at = bytes.LastIndexByte(line, '{')
	if at < 0 {
		return 0, 0, false
	}
	digits := strings.TrimSuffix(string(line[at+1:len(line)-1]), "+")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil && !strings.Contains(err.Error(), "range") {
		return 0, 0, false
	}
	if at > 0 && line[at-1] == '~' {
		at--
	}
	return n, at, true
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// listed is one folder as LIST names it.
type listed struct {
	raw   string // the server's own bytes
	delim string // "" where there is no hierarchy
	attrs []string
}

// keep stores what LIST or STATUS say. A line that cannot be read is left
// out: it concerns one folder only.
func (w *wire) keep(kind string, line []byte) error {
	p := &scanner{text: line}
	if kind == "LIST" {
		attrs := p.list()
		delim := p.value()
		p.space()
		if p.end() {
			return nil
		}
		if strings.EqualFold(delim, "NIL") {
			delim = ""
		}
		return w.keepFolder(listed{raw: p.name(), delim: delim, attrs: slices.Clone(attrs[:min(len(attrs), maxAttributes)])})
	}
	name := p.name()
	items := p.list()
	var s selection
	for i := 0; i+1 < len(items); i += 2 {
		n, _ := strconv.ParseUint(items[i+1], 10, 64)
		switch strings.ToUpper(items[i]) {
		case "MESSAGES":
			s.exists = uint32(min(n, maxExists))
		case "UIDNEXT":
			s.uidNext = uint32(n)
		case "UIDVALIDITY":
			s.uidValidity = uint32(n)
		case "HIGHESTMODSEQ":
			s.modSeq = n
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, again := w.statuses[name]; !again {
		if err := w.room(len(w.statuses), len(name)); err != nil {
			return err
		}
	}
	w.statuses[name] = s
	return nil
}

func (w *wire) keepFolder(l listed) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	size := len(l.raw)
	for _, a := range l.attrs {
		size += len(a)
	}
	if err := w.room(len(w.lists), size); err != nil {
		return err
	}
	w.lists = append(w.lists, l)
	return nil
}

// room bounds what is kept of folders. mu is held.
func (w *wire) room(folders, bytes int) error {
	if w.namesSum += bytes; folders >= maxFolders || w.namesSum > maxNames {
		return hostile("more than {n} folders, or {size} MB of their names", "n", maxFolders, "size", maxNames>>20)
	}
	return nil
}

// scanner reads the values of a response line without its literals.
type scanner struct {
	text []byte
	at   int
}

func (p *scanner) end() bool { return p.at >= len(p.text) }

func (p *scanner) space() {
	for !p.end() && p.text[p.at] == ' ' {
		p.at++
	}
}

// value reads a quoted string or an atom.
func (p *scanner) value() string {
	p.space()
	if p.end() {
		return ""
	}
	if p.text[p.at] != '"' {
		start := p.at
		for !p.end() && !bytes.ContainsRune([]byte(" ()"), rune(p.text[p.at])) {
			p.at++
		}
		return string(p.text[start:p.at])
	}
	var b []byte
	for p.at++; !p.end() && p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' && p.at+1 < len(p.text) {
			p.at++
		}
		b = append(b, p.text[p.at])
	}
	p.at++
	return string(b)
}

// name reads a folder name: quoted, or an atom with whatever a careless
// server lets stand in it.
func (p *scanner) name() string {
	p.space()
	if !p.end() && p.text[p.at] == '"' {
		return p.value()
	}
	start := p.at
	p.at = len(p.text)
	if i := bytes.Index(p.text[start:], []byte(" (")); i >= 0 {
		p.at = start + i
	}
	return string(p.text[start:p.at])
}

// list reads a parenthesised list; lists within it are flattened. A value
// that is no list is a list of one.
func (p *scanner) list() []string {
	p.space()
	if p.end() || p.text[p.at] != '(' {
		return []string{p.value()}
	}
	depth := 0
	var out []string
	for !p.end() {
		switch p.text[p.at] {
		case '(':
			depth++
			p.at++
		case ')':
			depth--
			p.at++
			if depth == 0 {
				return out
			}
		case ' ':
			p.at++
		default:
			if v := p.value(); len(out) < 10_000 {
				out = append(out, v)
			}
		}
	}
	return out
}
