package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"html"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// The digest of a mail's content, [Parsed.TextSum], is kept in stores, and is
// part of the identity of mail without a Message-ID. So what it is made of
// never changes, however much better mail is read: of each part with content
// its characters without white space, or a file's bytes, in the order of the
// parts. Nothing that is used here may learn; TestContentOfEver guards it.

// contentLabel begins what the digest is made of.
const contentLabel = "mail content 2\n"

// maxContentText is the longest text whose charset and markup count; of a
// longer one the bytes do.
const maxContentText = 1 << 20

// contentPiece is what one part gives to the digest of the whole mail.
type contentPiece struct {
	kind byte // contentText …
	sum  Sum
}

// What a piece is, as it stands in the digest.
const (
	contentText = 't'
	contentHTML = 'h'
	contentFile = 'f'
	contentHead = 'm' // the header of a message inside
)

// contentKind says how a part of a type counts.
func contentKind(mediaType string) byte {
	family, _, _ := strings.Cut(mediaType, "/")
	switch {
	case mediaType == "text/html":
		return contentHTML
	case family == "text", family == "message":
		return contentText
	}
	return contentFile
}

// folding digests bytes without white space and control characters.
type folding struct {
	hash hash.Hash
	any  bool // something was left
}

func (f *folding) write(c *scratch, b []byte) {
	if f.hash == nil {
		f.hash = sha256.New()
	}
	n := 0
	for _, x := range b {
		if n == len(c.folded) {
			f.hash.Write(c.folded[:n])
			f.any, n = true, 0
		}
		c.folded[n] = x
		if x > ' ' {
			n++
		}
	}
	if n > 0 {
		f.hash.Write(c.folded[:n])
		f.any = true
	}
}

// contribute adds a finished part to the content.
func (w *walker) contribute(l *leaf) {
	kind := contentKind(l.head.media.value)
	if kind == contentFile {
		if l.sum != nil {
			w.addPiece(contentFile, Sum(l.digest))
		}
		return
	}
	text := &l.folded
	if b := l.buf; l.kind != "" && l.size == int64(len(b)) && len(b) <= maxContentText && (kind == contentHTML || !utf8.Valid(b)) {
		text = &folding{}
		if b = decodeForContent(l.head.media.get("charset"), b); kind == contentHTML {
			b = htmlContent(b)
		}
		text.write(w.scratch, b)
	}
	if text.any {
		w.addPiece(kind, Sum(text.hash.Sum(nil)))
	}
}

func (w *walker) addPiece(kind byte, s Sum) { w.pieces = append(w.pieces, contentPiece{kind, s}) }

// contributeHead adds the header of a message inside.
func (w *walker) contributeHead(block []byte) {
	var f folding
	if f.write(w.scratch, block); f.any {
		w.addPiece(contentHead, Sum(f.hash.Sum(nil)))
	}
}

// plainCounts leaves the HTML of a multipart/alternative out of the content
// where it has plain text as well.
func (w *walker) plainCounts(from int) {
	pieces := w.pieces[from:]
	plain := false
	for _, p := range pieces {
		plain = plain || p.kind == contentText
	}
	if !plain {
		return
	}
	kept := w.pieces[:from]
	for _, p := range pieces {
		if p.kind != contentHTML {
			kept = append(kept, p)
		}
	}
	w.pieces = kept
}

// contentSum is the digest of the whole mail.
func (w *walker) contentSum() Sum {
	h := w.scratch.digest
	h.Reset()
	h.Write([]byte(contentLabel))
	for _, p := range w.pieces {
		h.Write([]byte{p.kind})
		h.Write(p.sum[:])
	}
	return Sum(h.Sum(nil))
}

// decodeForContent decodes text by its label where it has one that the web's
// standard knows and is what the label says; else the bytes stand for
// themselves.
func decodeForContent(label string, b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	e, err := htmlindex.Get(strings.ToLower(strings.TrimSpace(label)))
	if err != nil {
		return b
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil || bytes.Contains(out, []byte("\uFFFD")) {
		return b
	}
	return out
}

// htmlContent is what HTML says apart from its markup, which servers change:
// the characters outside of tags, and where links go.
func htmlContent(b []byte) []byte {
	out := make([]byte, 0, len(b)/2)
	for len(b) > 0 {
		i := bytes.IndexByte(b, '<')
		if i < 0 {
			i = len(b)
		}
		out = append(out, html.UnescapeString(string(b[:i]))...)
		b = b[i:]
		if len(b) > 0 {
			var href []byte
			href, b = cutTag(b)
			out = append(out, html.UnescapeString(string(href))...)
		}
	}
	return out
}

// cutTag returns where a tag links to, and what comes after it: after the
// content too of what is not shown.
func cutTag(b []byte) (href, rest []byte) {
	end := []byte(">")
	if bytes.HasPrefix(b, []byte("<!--")) {
		end = []byte("-->")
	}
	tag, rest, _ := bytes.Cut(b, end)
	for _, hidden := range []string{"style", "script"} {
		if hasFoldPrefix(tag[1:], hidden) {
			return nil, afterTag(rest, hidden)
		}
	}
	for at := tag; ; {
		i := bytes.IndexByte(at, '=')
		if i < 0 {
			return nil, rest
		}
		name, value := bytes.TrimSpace(at[:i]), bytes.TrimLeft(at[i+1:], " \t\r\n")
		at = at[i+1:]
		if len(name) < 4 || !bytes.EqualFold(name[len(name)-4:], []byte("href")) {
			continue
		}
		if len(value) > 0 && (value[0] == '"' || value[0] == '\'') {
			value, _, _ = bytes.Cut(value[1:], value[:1])
			return value, rest
		}
		if i := bytes.IndexAny(value, " \t\r\n"); i >= 0 {
			value = value[:i]
		}
		return value, rest
	}
}

// afterTag returns what comes after the next closing tag of a name.
func afterTag(b []byte, name string) []byte {
	for {
		i := bytes.Index(b, []byte("</"))
		if i < 0 {
			return nil
		}
		if b = b[i+2:]; hasFoldPrefix(b, name) {
			_, b, _ = bytes.Cut(b, []byte(">"))
			return b
		}
	}
}

func hasFoldPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

// FormerIdentity returns the identity that a store of format 3 kept of a mail
// without a Message-ID, by which decisions and tombstones of mail that is gone
// are found; nil for other mail.
func (p Parsed) FormerIdentity() []Sum {
	if p.Head.MessageID != "" || p.formerSum == (Sum{}) {
		return nil
	}
	return IdentityKeys(p.Head, &p.formerSum)
}

// formerSum is the digest that stores of format 3 kept: over the text as it is
// shown. It finds what they remember of mail whose bytes are gone.
func (w *walker) formerSum() Sum {
	h := w.scratch.digest
	h.Reset()
	w.scratch.writeFolded(w.out.Text)
	for _, a := range w.out.Attachments {
		if d, err := hex.DecodeString(a.SHA256); err == nil {
			h.Write([]byte{0})
			h.Write(d)
		}
	}
	return Sum(h.Sum(nil))
}
