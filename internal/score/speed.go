package main

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	gomessage "github.com/emersion/go-message"

	"rapport/internal/mailtest"
)

// Sizes of the speed figure: the generated mail of a company, in pieces small
// enough to be held.
const (
	speedMails  = 10000
	speedPiece  = 1000
	speedRounds = 1
)

// speed compares reading and judging mail, everything on, with a bare walk by
// go-message that decodes all parts, one core each. The two take turns piece
// by piece, so that what else the machine does meets both.
func speed(r *Report) error {
	runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(runtime.NumCPU())
	var shares []float64
	var ours, bare time.Duration
	for piece := range speedMails / speedPiece {
		var mails [][]byte
		for _, m := range mailtest.NewBulk(uint64(piece+1), speedPiece, speedPiece/10, 1).Mails {
			mails = append(mails, m.Raw())
		}
		for range speedRounds {
			a, b := timed(mails, readWhole), timed(mails, walkBare)
			ours, bare = ours+a, bare+b
			shares = append(shares, float64(b)/float64(a))
		}
	}
	slices.Sort(shares)
	perSecond := func(d time.Duration) float64 { return speedMails * speedRounds / d.Seconds() }
	f := r.Figure("speed.bare-walk", 40)
	f.Timed, f.All = true, 100
	f.Good = int(100 * shares[len(shares)/2])
	f.Text = fmt.Sprintf("  %.0f mails/s, bare walk %.0f mails/s", perSecond(ours), perSecond(bare))
	return nil
}

// timed returns how long reading the mails takes.
func timed(mails [][]byte, read func([]byte)) time.Duration {
	runtime.GC()
	start := time.Now()
	for _, raw := range mails {
		read(raw)
	}
	return time.Since(start)
}

func readWhole(raw []byte) { verdict(raw) }

// walkBare reads a mail with go-message alone, decoding all parts.
func walkBare(raw []byte) {
	e, err := gomessage.Read(bytes.NewReader(raw))
	if e == nil || err != nil && !gomessage.IsUnknownCharset(err) {
		return
	}
	e.Walk(func(_ []int, part *gomessage.Entity, err error) error {
		if err == nil && part.MultipartReader() == nil {
			_, err = io.Copy(io.Discard, part.Body)
		}
		return err
	})
}
