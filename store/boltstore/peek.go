package boltstore

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// peek reads one field of a record, for who asks it of very many: a decoder
// goes through all of a record twice. It reports whether the record is there;
// a field that it does not have leaves into as it is.
func (tx *Tx) peek(table string, key []byte, field string, into any) (bool, error) {
	raw := tx.data(table).Get(key)
	if raw == nil {
		return false, nil
	}
	plain, err := plainJSON(key, raw)
	if err == nil {
		if v := fieldOf(plain, field); v != nil {
			err = json.Unmarshal(v, into)
		}
	}
	if err != nil {
		return false, fmt.Errorf("read %s %x: %w", table, key, err)
	}
	return true, nil
}

// fieldOf finds the value of a field of an object as encode writes them:
// without spaces, and with names that need no escapes. It returns nil where
// there is none.
func fieldOf(object []byte, name string) []byte {
	for at := 1; at < len(object) && object[at] == '"'; at++ { // over the comma
		end := stringEnd(object, at)
		if end >= len(object) || object[end] != ':' {
			return nil
		}
		stop := valueEnd(object, end+1)
		if stop > len(object) {
			return nil
		}
		if string(object[at+1:end-1]) == name {
			return object[end+1 : stop]
		}
		at = stop
	}
	return nil
}

// stringEnd returns where the string that begins at a quote ends, beyond the
// end of b where it does not.
func stringEnd(b []byte, at int) int {
	for at++; at < len(b); at += 2 { // over what is escaped
		n := bytes.IndexAny(b[at:], `"\`)
		if n < 0 {
			break
		}
		if at += n; b[at] == '"' {
			return at + 1
		}
	}
	return len(b) + 1
}

// valueEnd returns where the value that begins at a place ends, beyond the end
// of b where it does not.
func valueEnd(b []byte, at int) int {
	depth := 0
	for at < len(b) {
		switch b[at] {
		case '"':
			if at = stringEnd(b, at); depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return at + 1 + depth // the end of the object around it is not its own
			}
		case ',':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return len(b) + 1
}
