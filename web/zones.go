package web

import (
	"errors"
	"time"

	"rapport/records/contact"
)

// noZone says what is wrong with the name of a time zone; empty: nothing. A
// machine without zone files knows too little to refuse any name.
func noZone(name string) string {
	if name == "" {
		return ""
	}
	if _, err := time.LoadLocation(name); err == nil {
		return ""
	}
	if _, err := time.LoadLocation("Europe/Berlin"); err != nil {
		return ""
	}
	return "there is no time zone \"" + oneLine(name) + "\", write it like Europe/Berlin"
}

// sound refuses what a person typed for a record and no record can hold. The
// time zone is checked only where it was typed: what is stored stands.
func sound(err error, zone string) error {
	if err != nil {
		return Invalid(err)
	}
	if why := noZone(zone); why != "" {
		return Invalid(errors.New(why))
	}
	return nil
}

// zonesOf returns what is wrong with the time zones of an import.
func zonesOf(rows []contact.Row) []contact.RowError {
	var out []contact.RowError
	known := map[string]string{}
	for _, r := range rows {
		var zone string
		switch {
		case r.Contact != nil:
			zone = r.Contact.TimeZone
		case r.Organisation != nil:
			zone = r.Organisation.TimeZone
		}
		why, seen := known[zone]
		if !seen {
			why = noZone(zone)
			known[zone] = why
		}
		if why != "" && len(out) < maxZoneErrors {
			out = append(out, contact.RowError{Line: r.Line, What: why})
		}
	}
	return out
}

// maxZoneErrors bounds what is reported at once.
const maxZoneErrors = 100
