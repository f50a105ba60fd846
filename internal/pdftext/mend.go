package pdftext

import (
	"bytes"
	"fmt"
	"regexp"
)

// catalog finds the object a file begins to be read at.
var catalog = regexp.MustCompile(`(\d{1,10})\s+(\d{1,5})\s+obj\s*<<[^>]{0,300}/Type\s*/Catalog\b`)

// mend gives a file whose end is missing one that leads to its catalog: what is
// behind the last whole object goes, and readers then look for the objects
// themselves. It reports whether that is possible.
func mend(content []byte) ([]byte, bool) {
	end := bytes.LastIndex(content, []byte("endobj"))
	if end < 0 {
		return nil, false
	}
	root := catalog.FindSubmatch(content)
	if root == nil {
		return nil, false
	}
	out := bytes.Clone(content[:end+len("endobj")])
	return fmt.Appendf(out, "\ntrailer\n<</Root %s %s R/Size 1>>\nstartxref\n0\n%%%%EOF\n", root[1], root[2]), true
}
