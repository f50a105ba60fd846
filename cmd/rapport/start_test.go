package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// TestLimitOfWhatAStartAllocates reads what the runtime tells of the packages
// that get ready before main: every command pays for it, and so does a timer
// that syncs every minute. A careless pattern once took four fifths of it.
func TestLimitOfWhatAStartAllocates(t *testing.T) {
	t.Parallel()
	const all, each = 5 << 20, 1 << 20
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	sum, packages := 0, regexp.MustCompile(`(?m)^init (\S+) .* clock, (\d+) bytes`).FindAllSubmatch(said, -1)
	for _, p := range packages {
		n, err := strconv.Atoi(string(p[2]))
		if err != nil {
			t.Fatal(err)
		}
		if sum += n; n > each {
			t.Errorf("%s allocates %d KB before the program begins, want at most %d", p[1], n>>10, each>>10)
		}
	}
	if len(packages) < 20 || sum > all {
		t.Errorf("%d packages allocate %d KB before the program begins, want at most %d", len(packages), sum>>10, all>>10)
	}
}
