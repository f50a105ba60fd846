package message

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// checkHostile reads the mails of a row at their full size: whatever the bytes,
// within a second of processor time and 20 ms a megabyte above ten, within
// 64 MB, and with the text of the first levels. Under the race detector, where
// neither is a measure, it reads a twentieth.
func checkHostile(t *testing.T, mails []hostile) {
	for _, h := range mails {
		t.Run(h.name, func(t *testing.T) {
			n := h.full
			if raceEnabled {
				n = max(n/20, 1)
			}
			var p Parsed
			for try := range 3 { // a busy machine may be slow once, a slow reader is so each time
				if m := measure(h, n, &p); m.within() || raceEnabled {
					break
				} else if try == 2 {
					t.Errorf("%d MB took %v and %d MB of heap, want at most %v and 64 MB", p.Size>>20, m.took, m.heap>>20, m.allowed)
				}
			}
			checkParsed(t, h, p)
		})
	}
	t.Attr("tries", strconv.Itoa(len(mails)))
}

// cost is what reading one mail took.
type cost struct {
	took, allowed time.Duration
	heap          int64 // the highest growth seen
}

func (c cost) within() bool { return c.took <= c.allowed && c.heap <= 64<<20 }

func measure(h hostile, n int, p *Parsed) cost {
	r := h.mail(n)
	peak := watchHeap()
	start, busy := time.Now(), mailtest.CPUTime()
	*p, _ = Parse(r, Limits{})
	Classify(*p)
	c := cost{took: min(time.Since(start), mailtest.CPUTime()-busy), heap: peak()}
	c.allowed = time.Second + time.Duration(max(p.Size>>20-10, 0))*20*time.Millisecond
	return c
}

func checkParsed(t *testing.T, h hostile, p Parsed) {
	t.Helper()
	checkText(t, h.name, "text", p.Text)
	checkText(t, h.name, "subject", p.Head.Subject)
	if !strings.Contains(p.Text, "level 0") && !h.lost {
		t.Errorf("text lost: %.100q (defects %v)", p.Text, p.Defects)
	}
	if p.Head.Subject == "" || len(p.Head.From) == 0 && !strings.HasPrefix(h.mail(1).head, "Subject") {
		t.Errorf("head lost: %+v", p.Head)
	}
	if len(p.Attachments) > maxParts || len(p.Inner) > maxParts {
		t.Errorf("%d attachments and %d messages inside are kept, want at most %d", len(p.Attachments), len(p.Inner), maxParts)
	}
}

func TestM50_HostileDepth(t *testing.T) {
	checkHostile(t, deepMails)
	for _, depth := range []int{100, 1_000, 10_000} {
		p, err := Parse(nested(depth, numbered), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(p.Defects, "too-deep") || !strings.Contains(p.Text, "level 2") {
			t.Errorf("depth %d: defects %v, text %.100q; want too-deep and the first levels", depth, p.Defects, p.Text)
		}
	}
	t.Attr("tries", strconv.Itoa(len(deepMails)+3))
}

func TestM51_HostileParts(t *testing.T)     { checkHostile(t, partMails) }
func TestM52_HostileHeaders(t *testing.T)   { checkHostile(t, headerMails) }
func TestM53_HostileAddresses(t *testing.T) { checkHostile(t, addressMails) }
func TestM56_HostileEncodings(t *testing.T) { checkHostile(t, encodingMails) }
func TestM58_HostileSizes(t *testing.T)     { checkHostile(t, largeMails) }
func TestM60_HostileHTML(t *testing.T)      { checkHostile(t, htmlMails) }
func TestM62_HostileReports(t *testing.T)   { checkHostile(t, reportMails) }

// TestM58_HostileManyLargeMails reads mail after mail with an attachment of
// 25 MB: the memory of one is free for the next.
func TestM58_HostileManyLargeMails(t *testing.T) {
	h := largeMails[0]
	peak := watchHeap()
	for range largeOnes {
		p, err := Parse(h.mail(h.full/4), Limits{})
		if err != nil || len(p.Attachments) != 1 || p.Attachments[0].Size < 18_000_000 {
			t.Fatalf("Parse = %d bytes, %v, %v", p.Size, p.Attachments, err)
		}
	}
	if used := peak(); used > 16<<20 && !raceEnabled {
		t.Errorf("%d mails took %d MB of heap, want at most 16", largeOnes, used>>20)
	}
	t.Attr("tries", strconv.Itoa(largeOnes))
}

// TestM59_ArchivesAreNeverUnpacked: an attachment is as large as it came, and
// nothing of what an archive holds is found in what is read.
func TestM59_ArchivesAreNeverUnpacked(t *testing.T) {
	archives := archiveMails(2000)
	for name, content := range archives {
		for _, label := range []string{"application/octet-stream", "application/zip", "application/ms-tnef", "text/plain"} {
			var mail strings.Builder
			fmt.Fprintf(&mail, "%s--b\r\nContent-Type: %s; name=%s\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n", mixedHead, label, name, base64.StdEncoding.EncodeToString(content))
			peak := watchHeap()
			p, err := Parse(strings.NewReader(mail.String()), Limits{})
			used := peak()
			if err != nil || len(p.Attachments) != 1 {
				t.Fatalf("%s: Parse = %v, %v", name, p.Attachments, err)
			}
			if got := p.Attachments[0].Size; got != int64(len(content)) {
				t.Errorf("%s as %s: size %d, want the %d that came", name, label, got, len(content))
			}
			if all, _ := json.Marshal([]any{p, Describe("x", p)}); bytes.Contains(all, []byte(canary)) {
				t.Errorf("%s as %s: its content was read", name, label)
			}
			if used > 4<<20 && !raceEnabled {
				t.Errorf("%s as %s: %d KB of heap", name, label, used>>10)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(len(archives)*4))
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

func TestHostileHeadsAreBounded(t *testing.T) {
	if raceEnabled {
		t.Skip("times are no measure under the race detector")
	}
	for _, h := range slices.Concat(headerMails, addressMails, deepMails, partMails) {
		raw, err := io.ReadAll(io.LimitReader(h.mail(h.full), 12<<20))
		if err != nil {
			t.Fatal(err)
		}
		start := mailtest.CPUTime()
		head := ParseHead(raw)
		if took := mailtest.CPUTime() - start; took > time.Second {
			t.Errorf("%s: took %v", h.name, took)
		}
		checkText(t, h.name, "subject", head.Subject)
	}
}

// TestHostileMailGrowsLinearly reads every kind of hostile mail in four sizes,
// each twice the one before, and fits how time and allocated bytes grow: no
// exponent lies above 1.1, so no path is quadratic below a limit that hides it.
func TestHostileMailGrowsLinearly(t *testing.T) {
	if raceEnabled {
		t.Skip("times are no measure under the race detector")
	}
	for _, h := range slices.Concat(deepMails, partMails, headerMails, addressMails, encodingMails, largeMails, htmlMails, reportMails) {
		t.Run(h.name, func(t *testing.T) {
			var took, bytes float64
			for range 3 { // a busy machine makes a curve bend now and then
				took, bytes = growth(h)
				if took <= 1.1 && bytes <= 1.1 {
					break
				}
			}
			if took > 1.1 || bytes > 1.1 {
				t.Errorf("time grows with the power %.2f, allocated bytes with %.2f; want at most 1.1", took, bytes)
			}
		})
	}
}

// growth fits the exponents of time and of allocated bytes.
func growth(h hostile) (took, bytes float64) {
	var times, allocs []float64
	n := max(h.full/growthShare/8, 1)
	for range 4 {
		best, alloc := time.Duration(math.MaxInt64), uint64(math.MaxUint64)
		for range growthReads {
			r := h.mail(n)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := mailtest.CPUTime()
			p, _ := Parse(r, Limits{})
			Classify(p)
			best = min(best, mailtest.CPUTime()-start)
			runtime.ReadMemStats(&after)
			alloc = min(alloc, after.TotalAlloc-before.TotalAlloc)
		}
		// Floors: what little costs says nothing of what much would, and buffers
		// up to some size are borrowed, not allocated.
		times = append(times, math.Log2(float64(best.Microseconds())+2000))
		allocs = append(allocs, math.Log2(float64(alloc)+4<<20))
		n *= 2
	}
	return slope(times), slope(allocs)
}

// slope is that of the line of least squares through values at 0, 1, 2 …
func slope(y []float64) float64 {
	n := float64(len(y))
	var sx, sy, sxx, sxy float64
	for i, v := range y {
		x := float64(i)
		sx, sy, sxx, sxy = sx+x, sy+v, sxx+x*x, sxy+x*v
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
