package mailtest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// searching is a SEARCH being read: RFC 9051, section 6.4.4, as far as a
// client of ours asks.
type searching struct {
	words  []string
	folder *ScriptFolder
}

// matcher says whether a message is found.
type matcher func(ScriptMessage) bool

// search answers UID SEARCH; what it does not know it refuses.
func (c *ScriptConn) search(command string) bool {
	words := searchWords(command)
	extended := len(words) > 1 && strings.EqualFold(words[0], "RETURN")
	if extended {
		for len(words) > 0 && words[0] != ")" {
			words = words[1:]
		}
		words = words[min(len(words), 1):]
	}
	if len(words) > 1 && strings.EqualFold(words[0], "CHARSET") {
		words = words[2:]
	}
	c.s.Lock()
	var uids []string
	found, err := (&searching{words, c.Selected}).all()
	if f := c.Selected; f != nil && err == nil {
		for _, m := range f.Messages {
			if found(m) {
				uids = append(uids, strconv.FormatUint(uint64(m.UID), 10))
			}
		}
	}
	c.s.Unlock()
	switch {
	case err != nil:
		c.Send(c.Tag + " BAD " + err.Error() + "\r\n")
		return false
	case !extended:
		c.Send("* SEARCH " + strings.Join(uids, " ") + "\r\n")
	case len(uids) == 0:
		c.Sendf("* ESEARCH (TAG %q) UID\r\n", c.Tag)
	default:
		c.Sendf("* ESEARCH (TAG %q) UID ALL %s\r\n", c.Tag, strings.Join(uids, ","))
	}
	return true
}

// searchWords cuts a command into words; a quoted one keeps its spaces, and
// begins with a quote so that it is taken for no key.
func searchWords(s string) (out []string) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " ") {
		switch {
		case s[0] == '(' || s[0] == ')':
			out, s = append(out, s[:1]), s[1:]
		case s[0] == '"':
			var b strings.Builder
			at := 1
			for ; at < len(s) && s[at] != '"'; at++ {
				if s[at] == '\\' && at+1 < len(s) {
					at++
				}
				b.WriteByte(s[at])
			}
			out, s = append(out, `"`+b.String()), s[min(at+1, len(s)):]
		default:
			end := strings.IndexAny(s, " ()")
			if end < 0 {
				end = len(s)
			}
			out, s = append(out, s[:end]), s[end:]
		}
	}
	return out
}

// all reads keys up to the end or a closing parenthesis; all of them must hold.
func (s *searching) all() (matcher, error) {
	keys := []matcher{}
	for len(s.words) > 0 && s.words[0] != ")" {
		k, err := s.key()
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return func(m ScriptMessage) bool {
		for _, k := range keys {
			if !k(m) {
				return false
			}
		}
		return true
	}, nil
}

func (s *searching) next() string {
	if len(s.words) == 0 {
		return ""
	}
	w := s.words[0]
	s.words = s.words[1:]
	return w
}

// text is a key's argument.
func (s *searching) text() string { return strings.TrimPrefix(s.next(), `"`) }

func (s *searching) key() (matcher, error) {
	switch key := strings.ToUpper(s.next()); key {
	case "(":
		k, err := s.all()
		s.next() // the closing one
		return k, err
	case "ALL":
		return func(ScriptMessage) bool { return true }, nil
	case "NOT":
		k, err := s.key()
		return func(m ScriptMessage) bool { return !k(m) }, err
	case "OR":
		a, err := s.key()
		if err != nil {
			return nil, err
		}
		b, err := s.key()
		return func(m ScriptMessage) bool { return a(m) || b(m) }, err
	case "UID":
		set := parseSet(s.text(), s.folder)
		return func(m ScriptMessage) bool { return set.has(m.UID) }, nil
	case "SINCE":
		day, err := time.Parse("2-Jan-2006", s.text())
		return func(m ScriptMessage) bool { return !m.Received.Before(day) }, err
	case "FROM", "TO", "CC", "BCC", "SUBJECT":
		return inField(key, s.text()), nil
	case "HEADER":
		field := s.text()
		return inField(field, s.text()), nil
	default:
		return nil, fmt.Errorf("unknown search key %q", key)
	}
}

// inField looks for a text in a header field, case folded.
func inField(field, text string) matcher {
	return func(m ScriptMessage) bool {
		head, _, _ := strings.Cut(string(m.Raw), "\r\n\r\n")
		head = strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(head)
		for line := range strings.SplitSeq(head, "\r\n") {
			name, value, _ := strings.Cut(line, ":")
			if strings.EqualFold(strings.TrimSpace(name), field) && strings.Contains(strings.ToUpper(value), strings.ToUpper(text)) {
				return true
			}
		}
		return false
	}
}
