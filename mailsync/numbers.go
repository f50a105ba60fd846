package mailsync

import (
	"bytes"
	"strconv"

	"rapport/records/message"
)

// maxRanges is how many ranges of UIDs one command may name: a folder of two
// million messages of which every other one is gone.
const maxRanges = 1 << 20

// numbers are UIDs as a server names them, in its order.
type numbers struct {
	ranges []message.UIDRange
	over   bool // there were more than are kept
}

func (n *numbers) add(lo, hi uint32) {
	if lo > hi {
		lo, hi = hi, lo
	}
	last := len(n.ranges) - 1
	switch {
	case lo == 0:
	case last >= 0 && n.ranges[last].Hi+1 == lo:
		n.ranges[last].Hi = hi
	case len(n.ranges) == maxRanges:
		n.over = true
	default:
		n.ranges = append(n.ranges, message.UIDRange{Lo: lo, Hi: hi})
	}
}

// take returns the set and begins anew.
func (n *numbers) take() (message.UIDSet, error) {
	defer func() { *n = numbers{} }()
	if n.over {
		return message.UIDSet{}, hostile("more than {n} ranges of UIDs", "n", maxRanges)
	}
	return message.UIDRanges(n.ranges...), nil
}

// listsNumbers tells whether the next response is a SEARCH or ESEARCH, looking
// no further than it takes to tell.
func (w *wire) listsNumbers() (bool, error) {
	for i := 0; ; i++ {
		b, err := w.br.Peek(i + 1)
		if err != nil {
			if i > 0 {
				err = noEOF(err)
			}
			return false, err
		}
		open := false
		for _, word := range []string{"* SEARCH", "* ESEARCH"} {
			if !bytes.EqualFold(b, []byte(word[:min(i+1, len(word))])) {
				continue
			}
			if i+1 == len(word) {
				return true, nil
			}
			open = true
		}
		if !open {
			return false, nil
		}
	}
}

// searched reads a SEARCH or ESEARCH response word by word and never as a
// whole, since it may name every message of a large folder:
// "* SEARCH 2 3 5 (MODSEQ 7)", `* ESEARCH (TAG "T1") UID ALL 1:3,5`.
func (w *wire) searched() error {
	var word []byte
	set, extended, depth, read := false, false, 0, 0
	end := func() {
		text := string(word)
		word = word[:0]
		switch {
		case depth > 0 || text == "":
		case bytes.EqualFold([]byte(text), []byte("ESEARCH")):
			extended = true
		case bytes.EqualFold([]byte(text), []byte("ALL")):
			set = true
		case set || !extended:
			w.name(text)
		}
	}
	for {
		c, err := w.br.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		if read++; read%(64<<10) == 0 || c == '\n' {
			if err := w.count(read); err != nil {
				return err
			}
			read = 0
		}
		switch {
		case c == '\n':
			end()
			return nil
		case c == '(':
			end()
			depth++
		case c == ')':
			end()
			depth--
		case c == ' ' || c == '\r':
			wasSet := set && len(word) > 0
			end()
			set = set && !wasSet
		case c == ',':
			end()
		case len(word) < 24: // two numbers and a colon
			word = append(word, c)
		}
	}
}

// name keeps a number or a range that answers the search under way.
func (w *wire) name(text string) {
	first, last, ranged := bytes.Cut([]byte(text), []byte(":"))
	lo, err := strconv.ParseUint(string(first), 10, 32)
	hi := lo
	if ranged && err == nil {
		hi, err = strconv.ParseUint(string(last), 10, 32)
	}
	if err != nil || lo == 0 || hi == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.searching {
		w.found.add(uint32(lo), uint32(hi))
	}
}

// count adds bytes outside the literals of messages to what the server said
// since the command began.
func (w *wire) count(n int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.text += int64(n); w.text > maxText {
		return hostile("more than {n} MB of responses to one command", "n", maxText>>20)
	}
	return nil
}
