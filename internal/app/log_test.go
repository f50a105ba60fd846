package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestS20_LogIsSafeToPrint puts every control into every kind of attribute.
func TestS20_LogIsSafeToPrint(t *testing.T) {
	t.Parallel()
	tries := 0
	for _, c := range []string{"\x1b[31mred\x1b[0m", "\u009b0m", "\x1b]0;title\x07", "\u202egnp", "\u2066x", "\ufeff", "\x00", "\x7f\x08", "\rover", "\xff\x9b", "\U000e0041"} {
		for _, format := range []string{"text", "json"} {
			for kind, attr := range map[string]slog.Attr{
				"text": slog.String("a", "red"+c), "error": slog.Any("a", errors.New("red"+c)), "joined errors": slog.Any("a", errors.Join(errors.New("red"+c), errors.New(c))),
				"list": slog.Any("a", []string{"red", c}), "group": slog.Group("g", "a", "red"+c), "group of errors": slog.Group("g", slog.Any("a", fmt.Errorf("red %w", errors.New(c)))),
				"struct": slog.Any("a", struct{ A string }{"red" + c}), "map": slog.Any("a", map[string]string{"red": c}), "bytes": slog.Any("a", []byte("red"+c)), "key": slog.String("red"+c, "a"), "stringer": slog.Any("a", &url.URL{Path: "red" + c}),
			} {
				var b bytes.Buffer
				log := newLogger(&b, format, slog.LevelInfo)
				log.Info("x", attr)
				log.With(attr).WithGroup("g").Info("x", attr)
				tries++
				out := b.String()
				if at := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) || r == utf8.RuneError && c != "\xff\x9b" }); at >= 0 {
					t.Errorf("%s, %s: %q of %q", format, kind, out[at:min(len(out), at+4)], out)
				}
			}
		}
	}
	var b bytes.Buffer
	newLogger(&b, "json", slog.LevelInfo).Info("x", "long", strings.Repeat("ä", 5000), "list", []string{strings.Repeat("ä", 5000)})
	if b.Len() > 9000 {
		t.Errorf("%d bytes of log, want two texts of %d at most", b.Len(), maxLogText)
	}
	t.Attr("tries", strconv.Itoa(tries))
}
