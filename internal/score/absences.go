package main

import (
	_ "embed"
	"fmt"
	"strings"

	"rapport/records/message"
)

// Notices of absence as people write them. An entry is its name behind ====,
// a subject, the text, and behind ==== the last day or the first one back and
// who stands in, each - where it does not say.
//
//go:embed testdata/absences.txt
var absenceNotes string

// More of them, written later in other words and measured before a rule knew
// of them.
//
//go:embed testdata/absences-fresh.txt
var freshAbsences string

// absences measures what is read of how long somebody is away, and whom to
// write to instead.
func absences(r *Report) error {
	if err := absenceSet(r, "away", absenceNotes); err != nil {
		return err
	}
	return absenceSet(r, "away.fresh", freshAbsences)
}

// absenceSet measures the notices of one file.
func absenceSet(r *Report, name, notes string) error {
	until, successor := r.Figure(name+".until", 90), r.Figure(name+".successor", 90)
	entries := strings.Split("\n"+strings.TrimSuffix(notes, "\n"), "\n==== ")[1:]
	if len(entries)%2 != 0 {
		return fmt.Errorf("read absences: %d parts", len(entries))
	}
	for n := 0; n < len(entries); n += 2 {
		name, note, _ := strings.Cut(entries[n], "\n")
		subject, text, _ := strings.Cut(note, "\n")
		wantDay, wantWho, _ := strings.Cut(entries[n+1], " ")
		mail := "From: Ada Lindqvist <ada@example.com>\r\nTo: bob@example.org\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nAuto-Submitted: auto-replied\r\nContent-Type: text/plain; charset=utf-8\r\n" +
			subject + "\r\n\r\n" + strings.ReplaceAll(text, "\n", "\r\n")
		p, err := message.Parse(strings.NewReader(mail), message.Limits{})
		if err != nil {
			return fmt.Errorf("parse %q: %w", name, err)
		}
		v := message.Classify(p)
		day, who := "-", "-"
		if v.AwayUntil != nil {
			day = v.AwayUntil.Format("2006-01-02")
		}
		if v.Successor != "" {
			who = string(v.Successor)
		}
		until.Count(v.Kind == message.Automatic && day == wantDay, name, "%s until %s, want %s", v.Kind, day, wantDay)
		successor.Count(who == wantWho, name, "write to %s, want %s", who, wantWho)
	}
	return nil
}
