package boltstore

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
)

// inLines is base64 as mail holds it.
func inLines(raw []byte) string {
	var b strings.Builder
	for text := base64.StdEncoding.EncodeToString(raw); text != ""; {
		n := min(76, len(text))
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return b.String()
}

// Mail of any mixture comes back byte for byte, from a plain decoder.
func TestPackedMail(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	header := "From: a@example.org\r\nSubject: offer\r\n\r\n"
	prose := strings.Repeat("What we talked about on the phone, once more in writing.\r\n", 900)
	mails := map[string]string{
		"empty":            "",
		"short":            header + "hello\r\n",
		"text":             header + prose,
		"attachment":       header + prose + inLines(random(300<<10)),
		"text behind":      header + inLines(random(100<<10)) + prose + inLines(random(20<<10)) + prose,
		"no letters":       string(random(200 << 10)),
		"one letter":       strings.Repeat("A", 300<<10),
		"two letters":      strings.Repeat("AB", 40<<10),
		"no line":          base64.StdEncoding.EncodeToString(random(500 << 10)),
		"just a stretch":   inLines(random(minLiterals * 3 / 4)),
		"barely a stretch": inLines(random(minLiterals*76/78*3/4 - 100)),
	}
	for range 200 {
		var b strings.Builder
		for range 1 + r.IntN(5) {
			switch r.IntN(4) {
			case 0:
				b.WriteString(prose[:r.IntN(len(prose))])
			case 1:
				b.WriteString(inLines(random(r.IntN(200 << 10))))
			case 2:
				b.Write(random(r.IntN(50 << 10)))
			case 3:
				b.WriteString(strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(200<<10)))
			}
		}
		mails["mixture "+b.String()[:min(b.Len(), 8)]] = b.String()
	}
	for name, mail := range mails {
		var packed []byte
		for left := []byte(mail); len(left) > 0; {
			n := min(len(left), packChunk)
			packed = packMail(packed, left[:n])
			left = left[n:]
		}
		if got, err := textDecoder.DecodeAll(packed, nil); err != nil || string(got) != mail {
			t.Errorf("%s of %d bytes: came back as %d bytes: %v", name, len(mail), len(got), err)
		}
		if limit := len(mail) + len(mail)/100 + 64; len(packed) > limit {
			t.Errorf("%s of %d bytes: packed to %d", name, len(mail), len(packed))
		}
	}
	raw := []byte(inLines(random(150 << 10)))
	if n := len(packMail(nil, raw)); n > len(raw)*79/100 {
		t.Errorf("base64 of %d bytes: packed to %d", len(raw), n)
	}
	if !bytes.Contains(packMail(nil, raw), []byte{0x28, 0xb5, 0x2f, 0xfd, frameSingle}) {
		t.Error("base64 was not told from text")
	}
}
