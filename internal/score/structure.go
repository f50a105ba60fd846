package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"

	"rapport/records/message"
)

// structure compares the tree of parts with the one james-mime4j found, which
// stands in an XML file beside each mail.
func structure(r *Report) error {
	f := r.Figure("mime4j.structure", 97)
	var failed error
	err := r.eachMail("mime/james-mime4j", func(m mail) {
		base, ok := strings.CutSuffix(m.name, ".msg")
		if !ok {
			return
		}
		text, err := os.ReadFile(r.Corpora + "/" + base + ".xml")
		if err != nil {
			failed = err
			return
		}
		want, err := xmlTree(text)
		if err != nil {
			failed = fmt.Errorf("read %s.xml: %w", base, err)
			return
		}
		p, _ := message.Parse(bytes.NewReader(m.raw), message.Limits{})
		got := partTree(p.Parts)
		f.Count(got == want, m.name, "got  %s\nwant %s", got, want)
	})
	if err != nil {
		return err
	}
	return failed
}

// xmlTree writes a tree of parts as mime4j prints it: ( ) a multipart, [ ] a
// message inside another, . a part with content.
func xmlTree(text []byte) (string, error) {
	d := xml.NewDecoder(strings.NewReader(strings.ToValidUTF8(plainXML(text), "?")))
	d.Strict = false
	var b strings.Builder
	depth := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "multipart":
				b.WriteByte('(')
			case "message":
				if depth++; depth > 1 {
					b.WriteByte('[')
				}
			case "body":
				b.WriteByte('.')
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "multipart":
				b.WriteByte(')')
			case "message":
				if depth--; depth > 0 {
					b.WriteByte(']')
				}
			}
		}
	}
}

// plainXML replaces the control characters that XML cannot hold.
func plainXML(text []byte) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' {
			return '?'
		}
		return c
	}, string(text))
}

// partTree writes our tree of parts in the same way.
func partTree(parts []message.Part) string {
	var b strings.Builder
	var open []byte // what closes each node that is open
	for _, p := range parts {
		for len(open) > p.Depth {
			b.WriteByte(open[len(open)-1])
			open = open[:len(open)-1]
		}
		switch {
		case strings.HasPrefix(p.Type, "multipart/"):
			b.WriteByte('(')
			open = append(open, ')')
		case p.Type == "message/rfc822":
			b.WriteByte('[')
			open = append(open, ']')
		default:
			b.WriteByte('.')
		}
	}
	for len(open) > 0 {
		b.WriteByte(open[len(open)-1])
		open = open[:len(open)-1]
	}
	return b.String()
}
