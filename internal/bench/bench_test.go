package main

import (
	"os"
	"testing"
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
