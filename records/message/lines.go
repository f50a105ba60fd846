package message

import "bytes"

// maxPiece bounds the part of a line handed on at once; a longer line comes
// in several pieces.
const maxPiece = 64 << 10

// piece is a line, or a part of a long one.
type piece struct {
	text  []byte // without the line end; valid during the call only
	eol   []byte // the line end as it stands; empty inside a long line and at the end of the mail
	first bool   // the line begins here
	last  bool   // the line ends here
}

// splitter cuts a stream into lines. A line ends with LF, with any number of
// CRs before it; in a mail that has no LF in its first 64 KB it ends with CR.
type splitter struct {
	emit    func(piece)
	held    []byte
	end     byte // the byte that ends a line, 0 while undecided
	midLine bool
}

// write takes the next bytes.
func (s *splitter) write(p []byte) {
	if s.end == 0 && len(s.held) == 0 && bytes.IndexByte(p, '\n') >= 0 {
		s.end = '\n'
	}
	if s.end == 0 {
		s.held = append(s.held, p...)
		if !s.decide(false) {
			return
		}
		p, s.held = s.held, nil
	}
	for len(p) > 0 {
		n := bytes.IndexByte(p, s.end)
		if n < 0 {
			s.keep(p)
			return
		}
		line := p[:n+1]
		if len(s.held) > 0 {
			s.held = append(s.held, line...)
			line = s.held
		}
		s.line(line)
		s.held = s.held[:0]
		p = p[n+1:]
	}
}

// decide settles what ends a line; it reports whether it could.
func (s *splitter) decide(final bool) bool {
	switch {
	case bytes.IndexByte(s.held, '\n') >= 0:
		s.end = '\n'
	case !final && len(s.held) < maxPiece:
		return false
	case bytes.IndexByte(s.held, '\r') >= 0:
		s.end = '\r'
	default:
		s.end = '\n'
	}
	return true
}

// keep holds the beginning of a line, and passes on what grows too long.
func (s *splitter) keep(p []byte) {
	s.held = append(s.held, p...)
	for len(s.held) > maxPiece {
		// A CR at the cut may belong to the line's end.
		n := maxPiece
		for n > 1 && s.held[n-1] == '\r' {
			n--
		}
		s.emit(piece{text: s.held[:n], first: !s.midLine})
		s.midLine = true
		s.held = s.held[:copy(s.held, s.held[n:])]
	}
}

// line passes on a whole line, in pieces where it is long.
func (s *splitter) line(line []byte) {
	n := len(line) - 1
	if s.end == '\n' {
		for n > 0 && line[n-1] == '\r' {
			n--
		}
	}
	text, eol := line[:n], line[n:]
	for len(text) > maxPiece {
		s.emit(piece{text: text[:maxPiece], first: !s.midLine})
		s.midLine = true
		text = text[maxPiece:]
	}
	s.emit(piece{text: text, eol: eol, first: !s.midLine, last: true})
	s.midLine = false
}

// close passes on what is left at the end of the mail.
func (s *splitter) close() {
	if s.end == 0 {
		s.decide(true)
		p := s.held
		s.held = nil
		s.write(p)
	}
	if text := bytes.TrimRight(s.held, "\r"); len(text) > 0 || s.midLine {
		s.emit(piece{text: text, first: !s.midLine, last: true})
	}
	s.held = nil
}
