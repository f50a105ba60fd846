package message

import (
	"fmt"
	"io"
)

// WritePart reads a whole mail and writes the decoded content of the
// attachment whose Part is part. Where there is none, nothing is written. Its
// cost is that of [Parse]; memory does not grow with the attachment. lim must
// be the one under which the attachment was found.
func WritePart(out io.Writer, r io.Reader, part string, lim Limits) error {
	var p Parsed
	var failed error
	c := scratches.Get().(*scratch) // not given back when the walk panics
	w := newWalker(lim.fill(), &p, c)
	w.wanted = part
	w.sink = func(b []byte) {
		if failed == nil {
			_, failed = out.Write(b)
		}
	}
	err := feed(r, func(b []byte) {
		if failed == nil {
			w.lines.write(b)
		}
	})
	w.close()
	w.finish()
	scratches.Put(c)
	if failed != nil {
		return fmt.Errorf("write part %s: %w", part, failed)
	}
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	return nil
}
