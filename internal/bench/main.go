// Command bench measures Rapport side by side with its peers: mbsync, which
// fetches the same mail into files, mu, which indexes them, and a bare IMAP
// client. All work on the same Dovecot in one run, in turn; the first round
// warms up and is dropped, and what is printed is the median of the others.
//
//	go run ./internal/bench            the full sizes, about ten minutes
//	go run ./internal/bench -quick     a tenth of them
//
//	go run ./internal/bench send       newsletters, beside smtp-source and go-mail's loop
//	go run ./internal/bench scale      how time, memory and size grow; see scale -h
//
// Rapport is built and driven as its users do, by its commands alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

// Options are the sizes of a run.
type Options struct {
	Messages int     // in the mailbox that is filed
	Many     int     // in the mailbox without news
	Rounds   int     // counted, beside one to warm up
	Scale    float64 // of the messages' sizes; 1: about 32 KB on average
	Binary   string  // of rapport; empty: it is built
	Keep     bool    // leave the directory behind
}

func main() {
	parts := map[string]func(context.Context, []string) error{"scale": scaleMain, "send": sendMain}
	if part := parts[strings.Join(os.Args[1:min(len(os.Args), 2)], "")]; part != nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		err := part(ctx, os.Args[2:])
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	o := Options{}
	quick := flag.Bool("quick", false, "a tenth of the sizes")
	flag.IntVar(&o.Messages, "messages", 10000, "messages in the mailbox that is filed")
	flag.IntVar(&o.Many, "many", 50000, "messages in the mailbox without news")
	flag.IntVar(&o.Rounds, "rounds", 3, "rounds that count, beside one to warm up")
	flag.Float64Var(&o.Scale, "scale", 1, "of the messages' sizes; 1 is about 32 KB on average")
	flag.StringVar(&o.Binary, "rapport", "", "binary to measure; it is built when empty")
	flag.BoolVar(&o.Keep, "keep", false, "leave the directory behind")
	flag.Parse()
	if *quick {
		o.Messages, o.Many = o.Messages/10, o.Many/10
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
