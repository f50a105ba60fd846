package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"mime/quotedprintable"
	"regexp"
	"strings"
)

// mutated returns a copy of a mail that says the same in other words: other
// domains and addresses, other boundaries, other transfer encodings of its
// texts, other line ends. What a report means does not hang on any of these,
// so neither may what is read of it.
func mutated(name string, raw []byte) []byte {
	seed := fnv.New32a()
	seed.Write([]byte(name))
	n := seed.Sum32()
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	raw = otherAddresses(raw, n)
	raw = otherBoundaries(raw, n)
	raw = otherEncodings(raw, n)
	if n%2 == 0 {
		raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
	}
	return raw
}

var (
	addressWords  = regexp.MustCompile(`[A-Za-z0-9._%+=-]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}`)
	boundaryParam = regexp.MustCompile(`(?i)boundary\s*=\s*(?:"([^"\n]+)"|([^\s;"]+))`)
	machineLocals = regexp.MustCompile(`(?i)^(mailer-?daemon|mail-?daemon|postmaster|mail-system|microsoftexchange.*|mmdf|no-?reply|.*bounce.*|feedback.*|abuse.*|staff|complaints?|.*fbl.*|scomp|mdaemon|mailadministrator|.*daemon.*|.*delivery.*|.*autoresponder.*|double-bounce|.*googlegroups.*)$`)
)

// otherAddresses gives every person another name and every domain that stands
// in an address another, the same one each time. Machines keep their names,
// and Message-IDs their form.
func otherAddresses(raw []byte, n uint32) []byte {
	return addressWords.ReplaceAllFunc(raw, func(a []byte) []byte {
		local, domain, _ := strings.Cut(string(a), "@")
		if strings.Contains(domain, "googlegroups") {
			return a
		}
		tops := []string{"example", "test", "co.example", "mail.test"}
		d := hash(domain, n)
		domain = fmt.Sprintf("d%x.%s", d, tops[d%4])
		if !machineLocals.MatchString(local) {
			local = fmt.Sprintf("p%x", hash(local, n))
		}
		return []byte(local + "@" + domain)
	})
}

func hash(s string, seed uint32) uint32 {
	h := fnv.New32a()
	fmt.Fprint(h, strings.ToLower(s), seed)
	return h.Sum32()
}

// otherBoundaries renames every boundary.
func otherBoundaries(raw []byte, n uint32) []byte {
	for i, m := range boundaryParam.FindAllSubmatch(raw, 20) {
		old := string(m[1]) + string(m[2])
		if len(old) < 6 {
			continue // which may be a word of the text
		}
		raw = bytes.ReplaceAll(raw, []byte(old), fmt.Appendf(nil, "=_%x_%d", n, i))
	}
	return raw
}

// otherEncodings writes the plain texts of a mail in another transfer
// encoding, base64 or quoted-printable.
func otherEncodings(raw []byte, n uint32) []byte {
	delimiters := map[string]bool{}
	for _, m := range boundaryParam.FindAllSubmatch(raw, 20) {
		b := string(m[1]) + string(m[2])
		delimiters["--"+b], delimiters["--"+b+"--"] = true, true
	}
	var out, part bytes.Buffer
	flush := func() {
		out.Write(otherEncoding(part.Bytes(), n))
		part.Reset()
	}
	for line := range bytes.Lines(raw) {
		if delimiters[strings.TrimRight(string(line), " \t\n")] {
			flush()
			out.Write(line)
			continue
		}
		part.Write(line)
	}
	flush()
	return out.Bytes()
}

// otherEncoding encodes one part, if it is plain text as it stands. What
// begins after a delimiter is a header without lines, or with some.
func otherEncoding(part []byte, n uint32) []byte {
	head, body, ok := bytes.Cut(part, []byte("\n\n"))
	low := strings.ToLower(string(head))
	if !ok || len(bytes.TrimSpace(body)) == 0 || strings.Contains(low, "content-transfer-encoding") || !strings.Contains(low, "text/plain") || strings.Contains(low, "multipart/") || strings.Contains(low, "message/") {
		return part
	}
	var b bytes.Buffer
	b.Write(head)
	if n%3 == 0 {
		b.WriteString("\nContent-Transfer-Encoding: quoted-printable\n\n")
		w := quotedprintable.NewWriter(&b)
		w.Write(body)
		w.Close()
		return append(bytes.ReplaceAll(b.Bytes(), []byte("\r\n"), []byte("\n")), '\n')
	}
	b.WriteString("\nContent-Transfer-Encoding: base64\n\n")
	text := base64.StdEncoding.EncodeToString(body)
	for len(text) > 76 {
		b.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	b.WriteString(text + "\n\n")
	return b.Bytes()
}
