package mailsync

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// garbage makes what a hostile server may say: responses by a grammar that is
// nearly IMAP's, and real transcripts spoilt.
type garbage struct {
	*rand.Rand
	transcripts [][]byte
}

// transcripts are recorded answers of real servers below RAPPORT_CORPORA; none
// where that is not set.
func transcripts() (all [][]byte, err error) {
	root := os.Getenv("RAPPORT_CORPORA")
	if root == "" {
		return nil, nil
	}
	err = filepath.WalkDir(filepath.Join(root, "imap"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".txt") {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && len(text) > 0 && len(text) < 256<<10 {
			all = append(all, text)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read transcripts: %w", err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no transcripts below %s", root)
	}
	return all, nil
}

func (g garbage) pick(words ...string) string { return words[g.IntN(len(words))] }

// number is a number at the edge of something.
func (g garbage) number() string {
	return g.pick("0", "1", "7", fmt.Sprint(g.IntN(1000)), "4294967295", "4294967296", "2147483648", "9223372036854775807", "18446744073709551616", "-1", "00", "1e9")
}

// text is a run of bytes, printable or not.
func (g garbage) text() string {
	b := make([]byte, g.IntN(40))
	for i := range b {
		b[i] = byte(' ' + g.IntN(95))
		if g.IntN(20) == 0 {
			b[i] = byte(g.IntN(256))
		}
	}
	return string(b)
}

// value is anything that may stand for a value, nested a few levels.
func (g garbage) value(depth int) string {
	switch n := g.IntN(12); {
	case n < 3:
		return g.number()
	case n < 4:
		return g.pick("NIL", "nil", `\Seen`, `\`, "$odd[x]", "*", "%", "]", "{", "}", `"`, "INBOX", "&AAA-")
	case n < 6:
		return `"` + g.text() + `"`
	case n < 8:
		body := g.text()
		length := fmt.Sprint(len(body))
		if g.IntN(4) == 0 {
			length = g.number()
		}
		return g.pick("", "~") + "{" + length + g.pick("", "", "", "+", "-") + "}\r\n" + body
	case n < 11 && depth < 6:
		var b strings.Builder
		b.WriteByte('(')
		for range g.IntN(6) {
			b.WriteString(g.value(depth+1) + g.pick(" ", " ", "", "  "))
		}
		return b.String() + g.pick(")", ")", ")", "", "))")
	}
	return g.text()
}

// response is one line, more or less.
func (g garbage) response(tag string) string {
	end := g.pick("\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "", "\x00\r\n")
	code := g.pick("", "", "[ALERT] ", "[UIDVALIDITY "+g.number()+"] ", "[UIDNEXT "+g.number()+"] ", "[CAPABILITY "+g.text()+"] ", "[HIGHESTMODSEQ "+g.number()+"] ", "[", "[]", "[PERMANENTFLAGS ("+g.text()+")] ")
	switch g.IntN(14) {
	case 0, 1, 2:
		var b strings.Builder
		fmt.Fprintf(&b, "* %s FETCH (", g.number())
		for range 1 + g.IntN(5) {
			b.WriteString(g.pick("UID", "UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODY[HEADER]", "BODY[]", "BODY[]<0>", "BODY[", "ENVELOPE", "BODYSTRUCTURE", "X-GM-LABELS", "MODSEQ", g.text()) + " " + g.value(0) + " ")
		}
		return b.String() + ")" + end
	case 3:
		return "* " + g.pick("LIST", "LSUB", "XLIST", "list") + " " + g.value(0) + " " + g.value(0) + " " + g.value(0) + end
	case 4:
		return "* STATUS " + g.value(0) + " (MESSAGES " + g.number() + " UIDNEXT " + g.number() + " UIDVALIDITY " + g.number() + g.pick(")", "") + end
	case 5:
		return "* " + g.pick("SEARCH", "SORT") + " " + strings.Repeat(g.number()+" ", g.IntN(50)) + end
	case 6:
		return `* ESEARCH (TAG "` + tag + `") UID ALL ` + g.number() + g.pick(":", ",", "") + g.number() + end
	case 7:
		return "* " + g.number() + " " + g.pick("EXISTS", "EXPUNGE", "RECENT", "EXIST", "VANISHED") + end
	case 8:
		return "* " + g.pick("OK", "NO", "BAD", "PREAUTH", "BYE", "ok") + " " + code + g.text() + end
	case 9:
		return tag + " " + g.pick("OK", "NO", "BAD", "ok", "OKAY", "") + " " + code + g.text() + end
	case 10:
		return "T" + g.number() + " OK " + code + g.text() + end
	case 11:
		return g.pick("+", "+ ", "+ "+g.text(), "+"+g.text()) + end
	case 12:
		return "* " + g.pick("CAPABILITY", "ENABLED", "NAMESPACE", "ID", "QUOTA", "FLAGS", "METADATA", "VANISHED", "THREAD", "X-"+g.text()) + " " + g.value(0) + " " + g.value(0) + end
	}
	return g.text() + end
}

// mutated is a real transcript, spoilt in a few places and said under our tag.
func (g garbage) mutated(tag string) string {
	text := bytes.ReplaceAll(bytes.Clone(g.transcripts[g.IntN(len(g.transcripts))]), []byte("A########"), []byte(tag))
	for range g.IntN(6) {
		at := g.IntN(len(text))
		to := min(len(text), at+g.IntN(200))
		switch g.IntN(5) {
		case 0:
			text[at] ^= 1 << g.IntN(8)
		case 1:
			text = append(text[:at:at], text[to:]...)
		case 2:
			text = append(text[:to:to], text[at:]...)
		case 3:
			text = append(text[:at:at], append([]byte(g.value(0)), text[at:]...)...)
		case 4:
			text = text[:at+1]
		}
		if len(text) == 0 {
			return "\r\n"
		}
	}
	return string(text)
}
