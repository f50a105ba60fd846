package app

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"rapport/records/message"
)

// maxName bounds a name taken from a header.
const maxName = 120

// companyForms end a company's name; what stands before such a word and a
// comma is no family name.
var companyForms = []string{
	"inc", "ltd", "llc", "llp", "plc", "corp", "co", "gmbh", "ag", "kg", "ug", "se", "sa", "sas", "sarl", "srl", "spa",
	"bv", "nv", "oy", "ab", "as", "aps", "kft", "sro", "pvt", "pty", "limited", "team", "dept",
}

// cleanName returns a display name as one would write it, "" where the header
// shows none worth keeping.
func cleanName(p message.Party) string {
	name := strings.Trim(strings.Join(strings.Fields(p.Name), " "), `"'<>`)
	if i := strings.Index(strings.ToLower(name), " via "); i > 0 {
		name = name[:i]
	}
	if name == "" || len(name) > maxName || strings.Contains(name, "@") || strings.EqualFold(name, string(p.Address)) ||
		!strings.ContainsFunc(name, unicode.IsLetter) {
		return ""
	}
	family, given, found := strings.Cut(name, ",")
	family, given = strings.TrimSpace(family), strings.TrimSpace(given)
	if !found || family == "" || given == "" || strings.Contains(given, ",") {
		return name
	}
	form := strings.ToLower(strings.Trim(given, ". "))
	if slices.Contains(companyForms, strings.ReplaceAll(form, ".", "")) {
		return name
	}
	if note := strings.IndexByte(given, '('); note > 0 { // Byron, Ada (Sales)
		given = strings.TrimSpace(given[:note])
	}
	return given + " " + family
}

// favourite returns the name with the most weight; a tie goes to the longer
// one, then by the alphabet, so that the order of reading does not matter.
func favourite(weights map[string]int) string {
	best := ""
	for name, w := range weights {
		switch {
		case best == "" || w > weights[best]:
			best = name
		case w < weights[best]:
		case utf8.RuneCountInString(name) > utf8.RuneCountInString(best),
			utf8.RuneCountInString(name) == utf8.RuneCountInString(best) && name < best:
			best = name
		}
	}
	return best
}
