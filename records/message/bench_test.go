package message

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	gomessage "github.com/emersion/go-message"
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
// second of a bare go-message walk over the same mail.
func BenchmarkAgainstGoMessage(b *testing.B) {
	mails := sampleMails(b)
	var ours, theirs time.Duration
	read := 0
	for b.Loop() {
		read = 0
		for _, raw := range mails {
			start := time.Now()
			p, _ := Parse(bytes.NewReader(raw), Limits{})
			Classify(p)
			ours += time.Since(start)
			start = time.Now()
			if walkBare(raw) {
				read++
			}
			theirs += time.Since(start)
		}
	}
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
	b.ReportMetric(float64(read)/float64(len(mails)), "readable-by-peer")
}
