package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport/web"
)

// upkeep says how the store is looked after: a line for whatever there is.
func (s *session) upkeep(u web.Upkeep) {
	if r := u.Restored; r != nil && !r.Reconciled {
		of := "an older copy"
		if !r.Backup.IsZero() {
			of = "a backup of " + s.local(r.Backup)
		}
		s.printf("%s\n", s.screen.paint(yellow, fmt.Sprintf("restored %s from %s (generation %d); every folder is being compared with its server", s.local(r.At), of, r.Generation)))
	}
	if b := u.Backup; b != nil {
		s.backup(*b)
	}
	if e := u.Erasure; e != nil {
		line, st := "bytes of what was erased leave the disk by "+s.local(e.Deadline)+" (rapport store compact: now)", style("")
		if e.Overdue {
			line, st = "bytes of what was erased should have left the disk by "+s.local(e.Deadline)+": run rapport store compact", red
		}
		s.printf("%s\n", s.screen.paint(st, line))
	}
	if r := u.Retention; r != nil {
		s.retention(*r)
	}
	for _, f := range u.Sales {
		s.saleFolder(f)
	}
	if f := u.Files; f != nil {
		s.printf("reading attached files of older mail: %s of %s messages\n", number(f.Done), number(f.Total))
	}
}

// saleFolder says how a watched directory is.
func (s *session) saleFolder(f web.SaleFolder) {
	line := f.Direction + "s in " + f.Dir + ": "
	switch l := f.Last; {
	case l.At.IsZero():
		line += "no file yet"
	case l.Failed:
		line += l.File + " was not imported " + s.local(l.At)
	default:
		line += fmt.Sprintf("%s brought %s new, %s changed %s", l.File, number(l.Added), number(l.Updated), s.local(l.At))
	}
	if f.Waiting > 0 {
		line += fmt.Sprintf(", %s waiting", number(f.Waiting))
	}
	s.printf("%s\n", plain(line))
	if f.Failed > 0 {
		s.printf("%s\n", s.screen.paint(red, plain(fmt.Sprintf("not imported: %s; see %s/failed for what to mend", number(f.Failed), f.Dir))))
	}
	if f.Error != "" {
		s.printf("%s\n", s.screen.paint(red, plain(f.Error)))
	}
}

func (s *session) backup(b web.BackupState) {
	switch {
	case b.Last.IsZero() && b.Kept > 0: // after a restore
		s.printf("no backup yet of the store as it is; %d older in %s", b.Kept, plain(b.Dir))
	case b.Last.IsZero():
		s.printf("no backup yet in %s", plain(b.Dir))
	default:
		s.printf("last good backup %s ago, %s, verified; %d in %s", age(s.now().Sub(b.Last)), bytesText(b.Bytes), b.Kept, plain(b.Dir))
	}
	if !b.Next.IsZero() {
		s.printf(", next %s", s.local(b.Next))
	}
	s.printf("\n")
	if b.Error != "" {
		s.printf("%s\n", s.screen.paint(red, plain("backup failed "+s.local(b.ErrorAt)+": "+b.Error)))
	}
}

func (s *session) retention(r web.RetentionState) {
	if r.Last.IsZero() {
		s.printf("retention: not enforced yet")
	} else {
		var kinds []string
		for _, k := range slices.Sorted(maps.Keys(r.Removed)) {
			kinds = append(kinds, number(r.Removed[k])+" "+k)
		}
		if len(kinds) == 0 {
			kinds = []string{"nothing"}
		}
		s.printf("retention: %s removed %s", strings.Join(kinds, ", "), s.local(r.Last))
	}
	if r.Held > 0 {
		s.printf(", %s held", number(r.Held))
	}
	if r.Done > 0 {
		s.printf(", %s looked at so far", number(r.Done))
	}
	if !r.Next.IsZero() {
		s.printf(", next %s", s.local(r.Next))
	}
	s.printf("\n")
	if r.Error != "" {
		s.printf("%s\n", s.screen.paint(red, plain("retention failed "+s.local(r.ErrorAt)+": "+r.Error)))
	}
}

// age is a span for people: its one or two largest units.
func age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return "a moment"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
