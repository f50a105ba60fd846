package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// BenchmarkPeers is the command's run: it prints its table and lets make bench
// find it. With -short it takes a tenth of the sizes.
func BenchmarkPeers(b *testing.B) {
	o := Options{Messages: 10000, Many: 50000, Rounds: 3, Scale: 1}
	if testing.Short() {
		o.Messages, o.Many = o.Messages/10, o.Many/10
	}
	for range b.N {
		if err := run(b.Context(), os.Stdout, o); err != nil {
			b.Fatal(err)
		}
	}
}

// TestReportTellsWhen runs a command that speaks and then goes on: what it
// said last was said before it ended.
func TestReportTellsWhen(t *testing.T) {
	t.Parallel()
	var out report
	began := time.Now()
	out.at = began
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "echo one; echo two; read -r line")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // read ends with 1 at the end of its input
	if out.String() != "one\ntwo\n" || !out.at.After(began) || time.Since(out.at) < 0 {
		t.Errorf("said %q at %v, begun at %v", out.String(), out.at, began)
	}
}
