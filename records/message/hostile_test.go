package message

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// repeated yields head, then block times over, then tail, without holding it.
type repeated struct {
	head, block, tail string
	times             int
	at                int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		total := r.times * len(r.block)
		var c int
		switch {
		case r.at < len(r.head):
			c = copy(p[n:], r.head[r.at:])
		case r.at < len(r.head)+total:
			c = copy(p[n:], r.block[(r.at-len(r.head))%len(r.block):])
		case r.at < len(r.head)+total+len(r.tail):
			c = copy(p[n:], r.tail[r.at-len(r.head)-total:])
		default:
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		r.at += c
		n += c
	}
	return n, nil
}

// Seek goes back to the beginning, which is all that is asked of it.
func (r *repeated) Seek(int64, int) (int64, error) { r.at = 0; return 0, nil }

const smallHead = "From: Ada <ada@example.com>\r\nTo: bob@example.org\r\nSubject: hello\r\nDate: Tue, 22 Nov 2026 05:19:32 +0200\r\nMessage-ID: <a@example.com>\r\nMIME-Version: 1.0\r\n"

// nested builds multiparts inside each other, each with a text before it.
func nested(depth int, boundary func(int) string) string {
	var b strings.Builder
	b.WriteString(smallHead)
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary(i), boundary(i))
		if i < 3 {
			fmt.Fprintf(&b, "Content-Type: text/plain\r\n\r\nlevel %d\r\n--%s\r\n", i, boundary(i))
		}
	}
	b.WriteString("Content-Type: text/plain\r\n\r\nthe deepest\r\n")
	return b.String()
}

func hostileMails() map[string]io.ReadSeeker {
	text := func(s string) io.ReadSeeker { return strings.NewReader(s) }
	numbered := func(i int) string { return fmt.Sprintf("b%d", i) }
	same := func(int) string { return "same" }
	many := func(head, block string, times int, tail string) io.ReadSeeker {
		if raceEnabled {
			times = max(times/20, 1)
		}
		for len(block) < 4<<10 && times%2 == 0 { // so that making the mail costs nothing
			block, times = block+block, times/2
		}
		return &repeated{head: head, block: block, times: times, tail: tail}
	}
	field := smallHead + "Content-Type: text/plain\r\n"
	body := "\r\nlevel 0\r\n"
	mails := map[string]io.ReadSeeker{
		"M50 same boundary":            text(nested(20_000, same)),
		"M50 rfc822 in rfc822":         many(smallHead, "Content-Type: message/rfc822\r\n\r\n", 100_000, "\r\nlevel 0"),
		"M51 100,000 parts":            many(smallHead+"Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\nlevel 0\r\n", 100_000, "--b--\r\n"),
		"M51 boundary 900 KB":          text(smallHead + "Content-Type: multipart/mixed; boundary=\"" + strings.Repeat("b", 900_000) + "\"\r\n\r\n--" + strings.Repeat("b", 900_000) + "\r\n\r\nlevel 0\r\n"),
		"M51 boundary missing":         text(smallHead + "Content-Type: multipart/mixed\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nlevel 0\r\n--x--\r\n"),
		"M51 boundary empty":           text(smallHead + "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\nlevel 0\r\n"),
		"M51 dashes everywhere":        many(nested(31, numbered), "--\r\n-- x\r\n--b\r\n", 400_000, ""),
		"M52 one line of 10 MB":        many(field+"X-Long: ", "x", 10_000_000, "\r\n"+body),
		"M52 150,000 fields":           many(field, "X-Field: value\r\n", 150_000, body),
		"M52 450,000 folds":            many(field+"X-Field: a\r\n", " b\r\n", 450_000, body),
		"M52 450,000 folds of Subject": many("Subject: a\r\n", " b\r\n", 450_000, smallHead+body),
		"M52 100,000 addresses":        many(field+"Cc: x@example.com", ",\r\n a1@example.com", 60_000, "\r\n"+body),
		"M52 References of 1 MB":       many(field+"References:", " <a@b>\r\n", 120_000, body),
		"M52 junk lines":               many(field, "no field at all\r\nX-F: 1\r\n", 50_000, body),
		"M53 encoded words":            many(field+"X-Y: 1\r\nComments: x\r\nCc: ", "=?utf-8?q?a?=", 70_000, "\r\n"+body),
		"M53 words without end":        many(field+"Cc: ", "=?utf-8?q?a", 90_000, "\r\n"+body),
		"M53 nested comments":          many(field+"Cc: ", "(", 900_000, "\r\n"+body),
		"M53 quotes":                   many(field+"Cc: ", "\"a\\", 300_000, "\r\n"+body),
		"M53 angles":                   many(field+"Cc: ", "<", 900_000, "\r\n"+body),
		"M53 at signs":                 many(field+"Cc: ", "@", 900_000, "\r\n"+body),
		"M53 colons":                   many(field+"Cc: ", "a:", 400_000, "\r\n"+body),
		"M53 groups":                   many(field+"Cc: ", "g:;", 300_000, "\r\n"+body),
		"M54 CR only":                  text(strings.ReplaceAll(field+body, "\r\n", "\r")),
		"M54 CRCRLF":                   text(strings.ReplaceAll(field+body, "\r\n", "\r\r\n")),
		"M54 From_ line":               text("From ada Tue Nov 22\r\n" + field + body),
		"M54 mark first":               text("\xef\xbb\xbf" + field + body),
		"M54 NUL bytes":                text(field + "\r\n\x00level\x00 0\r\n"),
		"M56 line of 20 MB":            many(field+"\r\nlevel 0\r\n", "x", 20_000_000, ""),
		"M56 base64 line of 10 MB":     many(smallHead+"Content-Transfer-Encoding: base64\r\n\r\n", "bGV2ZWwgMAo", 900_000, ""),
		"M56 encoded in encoded":       many(smallHead+strings.Repeat("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", 40), "level 0 and on and on it goes\r\n", 300_000, ""),
		"M58 attachment of 100 MB":     many(smallHead+"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nlevel 0\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n", strings.Repeat("QUJD", 19)+"\r\n", 1_300_000, "--b--\r\n"),
		"M58 text of 100 MB":           many(field+"\r\nlevel 0\r\n", "and on and on it goes\r\n", 4_300_000, ""),
		"M60 nested tags":              many(smallHead+"Content-Type: text/html\r\n\r\nlevel 0", "<div>", 1_000_000, ""),
		"M60 many images":              many(smallHead+"Content-Type: text/html\r\n\r\nlevel 0", "<img src=\"http://example.com/x.png\" alt=\"x\" style=\"display:block\">", 100_000, ""),
		"M60 open brackets":            many(smallHead+"Content-Type: text/html\r\n\r\nlevel 0", "<", 5_000_000, ""),
		"M60 quotes in quotes":         many(smallHead+"Content-Type: text/html\r\n\r\nlevel 0", "<blockquote>a", 400_000, ""),
		"M60 lists":                    many(smallHead+"Content-Type: text/html\r\n\r\nlevel 0", "<ul><li>a", 500_000, ""),
		"M60 styles":                   many(smallHead+"Content-Type: text/html\r\n\r\nlevel 0<style>", "a{b:c}", 900_000, "</style>"),
		"M60 links":                    many(smallHead+"Content-Type: text/html\r\n\r\nlevel 0", "<a href=http://example.com/>a", 180_000, ""),
		"M60 attributes":               many(smallHead+"Content-Type: text/html\r\n\r\nlevel 0<p", " a=b", 1_200_000, ">"),
		"quoted lines":                 many(field+"\r\nlevel 0\r\n", "> On 1 Jan 2026 ada@example.com wrote:\r\n", 200_000, ""),
		"attributions":                 many(field+"\r\nlevel 0\r\n", "On 1 Jan 2026 ada@example.com wrote:\r\n", 200_000, ""),
		"forward blocks":               many(field+"\r\nlevel 0\r\n", "From: ada@example.com\r\nTo: b@example.org\r\nSubject: x\r\n\r\n", 100_000, ""),
		"from lines":                   many(field+"\r\nlevel 0\r\n", "From: ada@example.com\r\n", 400_000, ""),
		"report":                       many(smallHead+"Content-Type: message/delivery-status\r\n\r\n", "Final-Recipient: rfc822; a@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", 100_000, ""),
		"absence":                      many("X-Autoreply: yes\r\n"+field+"\r\nlevel 0\r\n", "until bis ", 500_000, ""),
	}
	for _, depth := range []int{100, 1_000, 10_000, 100_000} {
		if raceEnabled && depth > 1_000 {
			continue
		}
		mails[fmt.Sprintf("M50 depth %d", depth)] = text(nested(depth, numbered))
	}
	return mails
}

// TestHostileMailIsBounded covers M50 to M60: whatever the bytes, a mail is
// read within a second and 20 ms a megabyte above ten, and within 64 MB.
func TestHostileMailIsBounded(t *testing.T) {
	for name, r := range hostileMails() {
		t.Run(name, func(t *testing.T) {
			var p Parsed
			var took, allowed time.Duration
			var used, mb int64
			for try := range 3 { // a busy machine may be slow once, a slow reader is so each time
				r.Seek(0, io.SeekStart)
				peak := watchHeap()
				start, busy := time.Now(), cpuTime()
				var err error
				p, err = Parse(r, Limits{})
				Classify(p)
				took, used = min(time.Since(start), cpuTime()-busy), peak()
				if err != nil {
					t.Fatal(err)
				}
				mb = p.Size >> 20
				allowed = time.Second + time.Duration(max(mb-10, 0))*20*time.Millisecond
				if took <= allowed && used <= 64<<20 || raceEnabled || try == 2 {
					break
				}
			}
			t.Logf("%d MB: %v, %d MB of heap, text %d, %d inner, %d attachments, defects %v", mb, took.Round(time.Millisecond), used>>20, len(p.Text), len(p.Inner), len(p.Attachments), p.Defects)
			if !raceEnabled && took > allowed {
				t.Errorf("took %v, want at most %v", took, allowed)
			}
			if !raceEnabled && used > 64<<20 {
				t.Errorf("used %d MB, want at most 64", used>>20)
			}
			checkText(t, name, "text", p.Text)
			if !strings.Contains(p.Text, "level 0") && name != "report" && !strings.Contains(name, "rfc822 in") && !strings.Contains(name, "encoded in") {
				t.Errorf("text lost: %.100q (defects %v)", p.Text, p.Defects)
			}
			if p.Head.Subject == "" && !strings.Contains(name, "Subject") || len(p.Head.From) == 0 && !strings.Contains(name, "Subject") {
				t.Errorf("head lost: %+v", p.Head)
			}
		})
	}
}

// watchHeap samples the heap until the returned function is called, which
// gives the highest growth seen.
func watchHeap() func() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	base := int64(m.HeapAlloc)
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		var top int64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			runtime.ReadMemStats(&m)
			top = max(top, int64(m.HeapAlloc)-base)
			select {
			case <-stop:
				done <- top
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 { close(stop); return <-done }
}

func TestHeadsOfHostileMailAreBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("times are no measure under the race detector")
	}
	for name, r := range hostileMails() {
		raw, err := io.ReadAll(io.LimitReader(r, 12<<20))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		h := ParseHead(raw)
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		checkText(t, name, "subject", h.Subject)
	}
}
