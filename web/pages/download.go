package pages

import (
	"net/http"
	"net/url"
	"strings"
)

// download is an answer that a browser keeps as a file, whatever it holds. Its
// header goes out with its first byte, so that what could not be begun is
// still told as an error.
type download struct {
	*visit
	kind, name string
	begun      bool
}

func (d *download) Write(p []byte) (int, error) {
	if !d.begun {
		d.begin()
	}
	return d.w.Write(p)
}

func (d *download) begin() {
	d.begun = true
	h := d.w.Header()
	h.Set("Content-Type", d.kind)
	h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(fileName(d.name)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	d.w.WriteHeader(http.StatusOK)
}

// end ends the answer. What broke off half way is cut so that the browser
// notices.
func (d *download) end(err error) error {
	switch {
	case err == nil && !d.begun:
		d.begin()
	case err != nil && d.begun:
		d.Pages.log.WarnContext(d.ctx(), "download cut short", "err", err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// fileName makes a name fit for every file system.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, clip(name, 120))
	if name = strings.Trim(name, " ."); name == "" {
		return "file"
	}
	return name
}
