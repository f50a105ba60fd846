package app

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxLogText is how much of one attribute is logged; servers choose some of
// these texts.
const maxLogText = 2000

// newLogger returns the logger of a format ("text" or "json"). Whatever
// people or servers wrote reaches the terminal with control characters
// escaped and bounded in length.
func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: printable}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// parseLevel reads debug, info, warn or error; empty means info.
func parseLevel(s string) (slog.Level, error) {
	var l slog.Level
	if s == "" {
		return l, nil
	}
	if err := l.UnmarshalText([]byte(s)); err != nil {
		return l, fmt.Errorf("read log level %q: %w", s, err)
	}
	return l, nil
}

// printable is a slog.ReplaceAttr: it makes an attribute safe to print.
func printable(_ []string, a slog.Attr) slog.Attr {
	a.Key = escape(a.Key)
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(escape(a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error:
			a.Value = slog.StringValue(escape(v.Error()))
		case fmt.Stringer:
			a.Value = slog.StringValue(escape(v.String()))
		case []string:
			list := make([]string, len(v))
			for i, s := range v {
				list[i] = escape(s)
			}
			a.Value = slog.AnyValue(list)
		case *slog.Source:
		default:
			a.Value = slog.StringValue(escape(fmt.Sprintf("%+v", v)))
		}
	}
	return a
}

// escape bounds a text and writes its unprintable characters as Go escapes.
// Line ends stay: both handlers quote them, and stacks stay readable.
func escape(s string) string {
	if len(s) > maxLogText {
		cut := maxLogText
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	clean := strings.IndexFunc(s, func(r rune) bool {
		return r == utf8.RuneError || (!unicode.IsPrint(r) && r != '\n' && r != '\t')
	}) < 0
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRuneToASCII(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// faults logs a repeating fault when it begins, when it changes and when it
// ends, and not in between.
type faults struct {
	log *slog.Logger
	now func() time.Time

	mu   sync.Mutex // guards open
	open map[string]fault
}

type fault struct {
	text  string
	since time.Time
	count int
}

func newFaults(log *slog.Logger, now func() time.Time) *faults {
	return &faults{log: log, now: now, open: map[string]fault{}}
}

// report says how an object is doing now; nil err means well.
func (f *faults) report(object string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was, open := f.open[object]
	switch {
	case err == nil && !open:
	case err == nil:
		delete(f.open, object)
		f.log.Info("fault ended", "object", object, "lasted", f.now().Sub(was.since).Round(time.Second), "times", was.count)
	case !open:
		f.open[object] = fault{text: err.Error(), since: f.now(), count: 1}
		f.log.Warn("fault began", "object", object, "err", err)
	case was.text != err.Error():
		f.open[object] = fault{text: err.Error(), since: was.since, count: was.count + 1}
		f.log.Warn("fault changed", "object", object, "err", err)
	default:
		was.count++
		f.open[object] = was
	}
}

// forget drops an object that is no longer looked after.
func (f *faults) forget(object string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, object)
}
