package main

import (
	_ "embed"
	"fmt"
	"strings"

	"rapport/records/message"
)

// Delivery reports in the ways of large providers and in several languages. An
// entry is its name behind ====, the mail, and behind ==== the recipient, the
// class, and whether the address is dead. They were written after the rules,
// and measured before a rule knew of them.
//
//go:embed testdata/bounces-fresh.txt
var freshReports string

// freshBounces measures whether reports nobody has seen are found, and what is
// read of them.
func freshBounces(r *Report) error {
	detected, class := r.Figure("report.detected", 99), r.Figure("report.class", 90)
	falseHard := r.AtMost("report.false-hard", 0.5)
	entries := strings.Split("\n"+strings.TrimSuffix(freshReports, "\n"), "\n==== ")[1:]
	if len(entries)%2 != 0 {
		return fmt.Errorf("read fresh reports: %d parts", len(entries))
	}
	for n := 0; n < len(entries); n += 2 {
		name, raw, _ := strings.Cut(entries[n], "\n")
		want := strings.Fields(entries[n+1])
		v := verdict([]byte(strings.ReplaceAll(raw, "\n", "\r\n")))
		detected.Count(v.Kind == message.Bounce && len(v.Bounces) == 1 && v.Bounces[0].Recipient == want[0], name, "is a %s of %v", v.Kind, v.Bounces)
		if len(v.Bounces) == 0 {
			continue
		}
		b := v.Bounces[0]
		class.Count(b.Class == want[1] && fmt.Sprint(b.Hard) == want[2], name, "%s, dead %v; want %s, %s", b.Class, b.Hard, want[1], want[2])
		falseHard.Count(!b.Hard || want[2] == "true", name, "%s is called dead", b.Recipient)
	}
	return nil
}
