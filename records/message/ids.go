package message

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// maxID bounds a Message-ID; a longer one is shortened to its beginning and a
// digest of the whole, so that it still equals itself and nothing else.
const maxID = 500

// messageIDs returns the ids in s: what stands in angle brackets, else the
// words. Of a long list the first and last ones are kept, in order.
func messageIDs(s string, first, last int) []string {
	var head, tail []string
	at := 0
	add := func(id string) {
		if id = cleanID(id); id == "" {
			return
		}
		if len(head) < first {
			head = append(head, id)
			return
		}
		if len(tail) < last {
			tail = append(tail, id)
			return
		}
		tail[at] = id
		at = (at + 1) % last
	}
	if strings.IndexByte(s, '<') < 0 {
		for f := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
			add(f)
		}
	}
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			break
		}
		s = s[i+1:]
		n := strings.IndexAny(s, "><")
		if n < 0 {
			n = len(s)
		}
		add(s[:n])
		s = s[n:]
	}
	if len(tail) < last || at == 0 {
		return append(head, tail...)
	}
	return append(append(head, tail[at:]...), tail[:at]...)
}

// replyIDs reads In-Reply-To, which may hold prose beside ids.
func replyIDs(s string) []string {
	if strings.IndexByte(s, '<') >= 0 {
		return messageIDs(s, 20, 1)
	}
	var out []string
	for _, id := range messageIDs(s, 20, 1) {
		if strings.Contains(id, "@") {
			out = append(out, id)
		}
	}
	return out
}

// cleanID makes one id fit for keeping and comparing.
func cleanID(id string) string {
	if strings.ContainsAny(id, " \t\r\n") {
		id = strings.Join(strings.Fields(id), "")
	}
	if !plainASCII(id) {
		id = cleanText(guessText(id, ""))
	}
	if len(id) > maxID {
		sum := sha256.Sum256([]byte(id))
		id = strings.ToValidUTF8(id[:maxID-66], "") + "~" + hex.EncodeToString(sum[:])
	}
	return id
}
