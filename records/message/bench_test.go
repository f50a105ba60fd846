package message

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"

	"rapport/internal/mailtest"
)

// sampleMails returns mail to measure with: the bulk corpus, or without it one
// typical mail.
func sampleMails(tb testing.TB) [][]byte {
	if os.Getenv("RAPPORT_CORPORA") == "" {
		return [][]byte{[]byte(typicalMail)}
	}
	var out [][]byte
	eachMail(tb, "bulk", func(_ string, raw []byte) { out = append(out, raw) })
	return out
}

const typicalMail = smallHead + "References: <1@example.com> <2@example.com>\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Gr&uuml;&szlig;e</p>\r\n--b--\r\n"

func BenchmarkParseHead(b *testing.B) {
	mails := sampleMails(b)
	b.ReportAllocs()
	start, n := time.Now(), 0
	for b.Loop() {
		ParseHead(mails[n%len(mails)])
		n++
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "heads/s")
}

func BenchmarkParse(b *testing.B) {
	mails := sampleMails(b)
	b.ReportAllocs()
	n, size := 0, int64(0)
	for b.Loop() {
		raw := mails[n%len(mails)]
		p, _ := Parse(bytes.NewReader(raw), Limits{})
		Classify(p)
		size += int64(len(raw))
		n++
	}
	b.SetBytes(size / int64(max(n, 1)))
}

// walkBare reads a mail with go-message alone, decoding all parts: the peer
// that Parse is measured against. It reports whether it could read the mail.
func walkBare(raw []byte) bool {
	if bytes.HasPrefix(raw, []byte("From ")) { // which it would refuse
		raw = raw[bytes.IndexByte(raw, '\n')+1:]
	}
	e, err := gomessage.Read(bytes.NewReader(raw))
	if e == nil {
		return false
	}
	_ = err
	return e.Walk(func(_ []int, part *gomessage.Entity, err error) error {
		if err != nil {
			return err
		}
		if part.MultipartReader() == nil {
			_, err = io.Copy(io.Discard, part.Body)
		}
		return err
	}) == nil
}

// BenchmarkAgainstGoMessage reports how long Parse and Classify take for each
// second of a bare go-message walk over the same mail, once over the generated
// world that the benchmarks file, once over real mail where it is at hand.
func BenchmarkAgainstGoMessage(b *testing.B) {
	b.Run("generated", func(b *testing.B) { againstGoMessage(b, generatedMails(1000)) })
	b.Run("bulk", func(b *testing.B) { againstGoMessage(b, sampleMails(b)) })
}

// generatedMails returns mail like that of a company, about 32 KB each.
func generatedMails(n int) [][]byte {
	var out [][]byte
	for _, m := range mailtest.NewBulk(1, n, n/10, 1).Mails {
		out = append(out, m.Raw())
	}
	return out
}

func againstGoMessage(b *testing.B, mails [][]byte) {
	size := 0
	for _, raw := range mails {
		size += len(raw)
	}
	passes := max(1, 16<<20/size)
	run := func(read func(raw []byte)) time.Duration {
		runtime.GC()
		start := mailtest.CPUTime()
		for range passes {
			for _, raw := range mails {
				read(raw)
			}
		}
		return mailtest.CPUTime() - start
	}
	var ratios, took []float64
	readable := 0
	for b.Loop() {
		ours := run(func(raw []byte) {
			p, _ := Parse(bytes.NewReader(raw), Limits{})
			Classify(p)
		})
		readable = 0
		theirs := run(func(raw []byte) {
			if walkBare(raw) {
				readable++
			}
		})
		ratios = append(ratios, float64(ours)/float64(theirs))
		took = append(took, float64(ours.Nanoseconds())/1e3/float64(passes*len(mails)))
	}
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(took), "µs/mail")
	b.ReportMetric(float64(readable)/float64(passes*len(mails)), "readable-by-peer")
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
