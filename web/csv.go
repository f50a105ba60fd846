package web

import (
	"bufio"
	"io"
	"maps"
	"slices"
	"strings"

	"rapport/records/contact"
)

// The columns of exported files are those an import recognises.
var (
	contactColumns      = []string{"name", "email", "organisation", "domain", "kind", "stage", "role", "title", "phone", "language", "timezone", "owner", "tags", "note", "custom"}
	organisationColumns = []string{"organisation", "domain", "kind", "stage", "role", "phone", "language", "timezone", "owner", "tags", "note", "custom"}
)

func contactRow(c contact.Contact, names map[contact.OrganisationID]string) []string {
	organisation, title := "", ""
	if len(c.Affiliations) > 0 {
		organisation, title = names[c.Affiliations[0].Organisation], c.Affiliations[0].Title
	}
	return []string{
		c.Name, joined(c.Addresses), organisation, "", string(c.Kind), string(c.Stage), c.Role, title, strings.Join(c.Phones, ";"),
		c.Language, c.TimeZone, string(c.Owner), strings.Join(c.Tags, ";"), c.Note, customText(c.Custom),
	}
}

func organisationRow(o contact.Organisation) []string {
	var ds []string
	for _, d := range o.Domains {
		ds = append(ds, d.Name)
	}
	return []string{
		o.Name, strings.Join(ds, ";"), string(o.Kind), string(o.Stage), o.Role, strings.Join(o.Phones, ";"),
		o.Language, o.TimeZone, string(o.Owner), strings.Join(o.Tags, ";"), o.Note, customText(o.Custom),
	}
}

func joined(as []contact.Address) string {
	out := make([]string, len(as))
	for i, a := range as {
		out[i] = string(a)
	}
	return strings.Join(out, ";")
}

func customText(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return strings.Join(out, ";")
}

// writeCSV writes RFC 4180 with every cell quoted and made harmless to
// spreadsheets.
func writeCSV(w io.Writer, header []string, rows [][]string) error {
	b := bufio.NewWriter(w)
	writeRow(b, header)
	for _, row := range rows {
		writeRow(b, row)
	}
	return b.Flush()
}

func writeRow(b *bufio.Writer, cells []string) {
	for i, c := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(strings.ReplaceAll(harmless(c), `"`, `""`))
		b.WriteByte('"')
	}
	b.WriteString("\r\n")
}

// harmless puts a ' before what a spreadsheet would take for a formula. Plain
// numbers and telephone numbers stay as they are.
func harmless(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if (s[0] == '+' || s[0] == '-') && len(s) > 1 && strings.Trim(s[1:], "0123456789. ") == "" {
		return s
	}
	return "'" + s
}
