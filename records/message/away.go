package message

import (
	"strings"
	"time"
)

// awayWords precede the end of an absence, lower case. The flag says whether
// the day named is the last of the absence or the first back.
var awayWords = []string{
	"until", "till", "through", "returning on", "returning", "will return on", "return on", "be back on", "back on", "back in the office on", "back in the office", "be back",
	"bis einschließlich", "bis einschliesslich", "bis zum", "bis", "wieder ab", "ab dem", "wieder am", "zurück am", "wieder erreichbar ab", "jusqu'au", "jusqu’au", "de retour le", "retour le", "hasta el", "hasta", "regreso el", "vuelvo el", "fino al", "rientro il", "rientrerò il", "até", "retorno em", "tot en met", "tot", "terug op", "till och med", "tillbaka", "åter", "til og med", "tilbage", "tilbake", "asti", "do dnia", "wracam", "до", "вернусь",
}

// awayUntil finds the day an absence ends, as a date that follows words like
// "until". A day without a year is the next one after the mail.
func awayUntil(text string, sent time.Time) (time.Time, bool) {
	if sent.IsZero() {
		return time.Time{}, false
	}
	low := strings.ToLower(clip(text, 4<<10))
	var best time.Time
	for _, word := range awayWords {
		for at := 0; ; {
			i := strings.Index(low[at:], word)
			if i < 0 {
				break
			}
			start := at + i
			at = start + len(word)
			if start > 0 && isLetter(low[start-1]) || at < len(low) && low[at] != ' ' && low[at] != ':' && low[at] != '\n' {
				continue
			}
			if t, ok := dayIn(clip(low[at:], 60), sent); ok && (best.IsZero() || t.After(best)) {
				best = t
			}
		}
	}
	return best, !best.IsZero()
}

// dayIn reads the date s begins with, within a year and a half after sent.
func dayIn(s string, sent time.Time) (time.Time, bool) {
	s, _, _ = strings.Cut(strings.TrimLeft(s, " :\n"), "\n")
	var d dateReader
	if n := d.iso(s); n > 0 {
		return inReach(time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC), sent)
	}
	words := 0
	for f := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ' ' || r == ',' || r == '(' || r == ')' }) {
		if strings.Contains(f, ":") {
			break
		}
		d.token(f)
		if words++; words > 6 || d.month != 0 && d.day != 0 && d.year != 0 || strings.HasSuffix(f, ".") && len(f) > 5 {
			break
		}
	}
	if d.year == 0 {
		d.year = sent.Year()
		t, ok := d.time()
		if ok && t.Before(sent.Add(-24*time.Hour)) {
			t = t.AddDate(1, 0, 0)
		}
		if !ok {
			return t, false
		}
		return inReach(t, sent)
	}
	t, ok := d.time()
	if !ok {
		return t, false
	}
	return inReach(t, sent)
}

func inReach(t, sent time.Time) (time.Time, bool) {
	return t, t.After(sent.Add(-48*time.Hour)) && t.Before(sent.Add(550*24*time.Hour))
}
