package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// revised is an answer that is one record, or shows one: its revision changes
// with every change of the record, and with nothing else.
type revised interface{ revision() string }

// continued is an answer that is part of a list; next is where it goes on.
type continued interface{ next() string }

// worthPacking is from how many bytes on an answer is compressed.
const worthPacking = 1400 // one packet

// answer sends v as JSON. An answer to GET has an entity tag, and nothing is
// sent of it to whoever has it already (RFC 9110, section 13.1.2).
func answer(w http.ResponseWriter, r *http.Request, v any) error {
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the answer down: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if c, ok := v.(continued); ok && c.next() != "" {
		q := r.URL.Query()
		q.Set("cursor", c.next())
		h.Set("Link", fmt.Sprintf("<%s?%s>; rel=\"next\"", r.URL.EscapedPath(), q.Encode()))
	}
	sendTagged(w, r, raw.Bytes(), entityTag(v, raw.Bytes(), r))
	return nil
}

// send sends text that is read, with a tag of its content.
func send(w http.ResponseWriter, r *http.Request, raw []byte) {
	sendTagged(w, r, raw, entityTag(nil, raw, r))
}

// sendTagged sends an answer, packed where that is taken and worth it, unless
// whoever asks has it already.
func sendTagged(w http.ResponseWriter, r *http.Request, raw []byte, tag string) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	packed := len(raw) > worthPacking && acceptsGzip(r)
	if tag != "" {
		if packed { // another representation has another tag
			tag = strings.TrimSuffix(tag, `"`) + packedSuffix + `"`
		}
		h.Set("ETag", tag)
		if tagged(r.Header.Values("If-None-Match"), tag) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if !packed {
		_, _ = w.Write(raw) // whoever is gone does not read it
		return
	}
	h.Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = z.Write(raw)
	_ = z.Close()
}

// keyHeader is where a client gives a request a key, to repeat it safely.
const keyHeader = "Idempotency-Key"

// maxKey is how long such a key may be.
const maxKey = 200

const packedSuffix = "-gzip"

// entityTag is "REVISION-DIGEST" of a record, "DIGEST" of anything else that
// is read, nothing otherwise.
func entityTag(v any, raw []byte, r *http.Request) string {
	rev := ""
	if rv, ok := v.(revised); ok {
		rev = rv.revision() + "-"
	} else if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return ""
	}
	return `"` + rev + digest(raw) + `"`
}

// digest is short and tells contents apart.
func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12])
}

// revisionOf is the revision of a record as it is stored.
func revisionOf(record any) string {
	raw, err := json.Marshal(record)
	if err != nil { // a record is plain values
		return ""
	}
	return digest(raw)
}

// tagged reports whether a list of entity tags, or *, has one.
func tagged(lists []string, tag string) bool {
	for _, list := range lists {
		for one := range strings.SplitSeq(list, ",") {
			one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
			if one == "*" || one == tag {
				return true
			}
		}
	}
	return false
}

func acceptsGzip(r *http.Request) bool {
	for _, list := range r.Header.Values("Accept-Encoding") {
		for one := range strings.SplitSeq(list, ",") {
			name, weight, _ := strings.Cut(strings.ReplaceAll(one, " ", ""), ";")
			if !strings.EqualFold(name, "gzip") {
				continue
			}
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(weight), "q="), 64)
			return weight == "" || err == nil && q > 0
		}
	}
	return false
}

// MatchInput is the input of operations that change a record only where nobody
// else did in between.
type MatchInput struct {
	IfMatch string `header:"If-Match" doc:"The ETag of the record as it was read, or its revision in quotes: where the record was changed since, nothing is done and the answer is 412."`
}

// holds refuses where the record is not at one of the revisions wanted.
func (u MatchInput) holds(revision string) error {
	if strings.TrimSpace(u.IfMatch) == "" {
		return nil
	}
	for one := range strings.SplitSeq(u.IfMatch, ",") {
		one = strings.Trim(strings.TrimPrefix(strings.TrimSpace(one), "W/"), `"`)
		if rev, _, _ := strings.Cut(one, "-"); rev == "*" || rev == revision {
			return nil
		}
	}
	return told(http.StatusPreconditionFailed, codeChanged, "somebody else changed this in between: read it again, then change it")
}
