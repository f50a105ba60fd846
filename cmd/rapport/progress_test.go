package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/vbauerster/mpb/v8"
)

// TestBarFollows gives a bar a total that is known only later.
func TestBarFollows(t *testing.T) {
	t.Parallel()
	p := mpb.New(mpb.WithOutput(io.Discard))
	bar := newBar(p, "ada")
	for _, step := range [][2]int64{{1, 0}, {188, 40}, {250, 249}} {
		bar.SetTotal(step[0], false)
		bar.SetCurrent(step[1])
		if got := bar.Current(); got != step[1] || bar.Completed() {
			t.Errorf("the bar is at %d, completed %v; want %d of %d, not completed", got, bar.Completed(), step[1], step[0])
		}
	}
	bar.Abort(true)
	p.Wait()
	if !bar.Aborted() {
		t.Error("the bar stays on the screen; want it gone at the end")
	}
}

// TestTallyPromisesNothing shows counts and no share: what there is to do is
// learned folder by folder.
func TestTallyPromisesNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := mpb.New(mpb.WithOutput(&out), mpb.WithAutoRefresh(), mpb.WithWidth(60))
	bar := newTally(p, "ada")
	bar.SetTotal(100, false)
	bar.SetCurrent(100) // a folder is done, the next brings more
	bar.SetTotal(128, false)
	bar.Abort(false)
	p.Wait()
	if got := out.String(); strings.Contains(got, "%") || !strings.Contains(got, "100 of 128 found so far") {
		t.Errorf("a pass shows %q; want its counts and no share", got)
	}
}
