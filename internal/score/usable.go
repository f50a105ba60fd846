package main

import (
	"bytes"
	"strings"

	"rapport/records/message"
)

// usable measures whether mail yields what its header holds, and text wherever
// there is any.
func usable(r *Report) error {
	f := r.Figure("mime.usable", 99.5)
	for _, folder := range []string{"mime", "bulk"} {
		err := r.eachMail(folder, func(m mail) {
			p, err := message.Parse(bytes.NewReader(m.raw), message.Limits{})
			lacks := lacking(m.raw, p)
			if err != nil {
				lacks = append(lacks, err.Error())
			}
			f.Count(len(lacks) == 0, m.name, "no %s (defects %v)", strings.Join(lacks, ", "), p.Defects)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lacking names what a mail plainly has and p has not.
func lacking(raw []byte, p message.Parsed) []string {
	var out []string
	top := bytes.ToLower(raw)
	for _, blank := range []string{"\n\n", "\r\n\r\n", "\r\r"} {
		if i := bytes.Index(top, []byte(blank)); i > 0 {
			top = top[:i+1]
		}
	}
	has := func(field string) bool {
		i := 0
		if !bytes.HasPrefix(top, []byte(field)) {
			if i = bytes.Index(top, []byte("\n"+field)); i < 0 {
				return false
			}
			i++
		}
		value, _, _ := bytes.Cut(top[i+len(field):], []byte("\n"))
		return len(bytes.TrimSpace(value)) > 0
	}
	for _, c := range []struct {
		field string
		found bool
	}{{"from:", len(p.Head.From) > 0}, {"date:", !p.Head.Date.IsZero()}, {"subject:", p.Head.Subject != ""}} {
		if !c.found && has(c.field) {
			out = append(out, strings.TrimSuffix(c.field, ":"))
		}
	}
	if strings.TrimSpace(p.Text) == "" && len(p.Attachments) == 0 && hasBody(raw) {
		out = append(out, "text")
	}
	return out
}

// hasBody reports whether anything stands after the header.
func hasBody(raw []byte) bool {
	for _, blank := range []string{"\r\n\r\n", "\n\n"} {
		if _, body, ok := bytes.Cut(raw, []byte(blank)); ok {
			return len(bytes.TrimSpace(body)) > 0
		}
	}
	return false
}
