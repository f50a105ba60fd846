package boltstore

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"strings"
)

// Lists are narrowed by the beginnings of words. Each place of a record's texts
// where a word begins has a row: what stands there, up to the next space or
// wordLength bytes, and the record's id. The value is the key of its row in
// the index by name without the id, so that what is found is put in order
// without reading records or walking all names.

const (
	// wordLength bounds a word in a key. Whoever is found by a longer one is
	// read, as everybody is, before it counts.
	wordLength = 24
	// maxWordRows bounds the rows of one record. One whose texts have more
	// places has a row of the empty word, and may have any.
	maxWordRows = 64
)

// betweenWords are the bytes after which a word begins.
const betweenWords = " @.-_+'\"(,;/"

// wordRows lists the rows of a record called name.
func wordRows(name, id string, texts []string, add func(k, v []byte)) {
	val := appendText(nil, shorten(nameKey(name)))
	seen := map[string]bool{}
	row := func(word string) {
		if !seen[word] {
			seen[word] = true
			add(appendID(appendText(nil, word), id), val)
		}
	}
	for _, t := range texts {
		t = foldAll(t)
		for at := range len(t) {
			if at > 0 && strings.IndexByte(betweenWords, t[at-1]) < 0 {
				continue
			}
			word := wordKey(t[at:])
			if word == "" {
				continue
			}
			if len(seen) == maxWordRows {
				row("")
				return
			}
			row(word)
		}
	}
}

// wordKey cuts a folded word, or a text that begins with it, as keys have it.
func wordKey(t string) string {
	if n := strings.IndexByte(t, ' '); n >= 0 {
		t = t[:n]
	}
	return t[:min(len(t), wordLength)]
}

// eachWith visits the rows of those who may have a word that begins like w: the
// key of their id, and their place among the names.
func (tx *Tx) eachWith(index, w string, visit func(id, name []byte)) error {
	beginning := appendText(nil, wordKey(w))
	for _, prefix := range [][]byte{beginning[:len(beginning)-1], {0}} {
		c := tx.index(index).Cursor()
		n := 0
		for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if n++; n%4096 == 0 && tx.ctx.Err() != nil {
				return tx.ctx.Err()
			}
			end := bytes.IndexByte(k, 0)
			if end < 0 {
				return errKey
			}
			visit(k[end+1:], v)
		}
	}
	return nil
}

// idBits is a set of the keys of ids that may hold others too, one in sixteen
// at most: whoever is found in it is read before it counts.
type idBits struct {
	words []uint64
	shift int
	n     int // added, each as often as it was
}

// idSeed makes it impossible to choose ids that meet in the set.
var idSeed = maphash.MakeSeed()

func newIDBits(most int) *idBits {
	n := bits.Len(uint(max(most, 64))) + 4 // in bits of the set
	return &idBits{words: make([]uint64, 1<<(n-6)), shift: 64 - n}
}

func (s *idBits) place(id []byte) uint64 {
	if len(id) == idLength { // a ULID, of which half is chance: multiplying spreads it
		return (binary.LittleEndian.Uint64(id)*0x9E3779B97F4A7C15 + binary.LittleEndian.Uint64(id[8:])) * 0xD6E8FEB86659FD93 >> s.shift
	}
	return maphash.Bytes(idSeed, id) >> s.shift
}

func (s *idBits) add(id []byte) {
	p := s.place(id)
	s.words[p>>6] |= 1 << (p & 63)
	s.n++
}

func (s *idBits) has(id []byte) bool {
	p := s.place(id)
	return s.words[p>>6]&(1<<(p&63)) != 0
}
