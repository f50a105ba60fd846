package contact

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// formula are the characters at which a spreadsheet begins to compute.
const formula = "=+-@\t\r"

// escapeFormula makes a cell text that no spreadsheet computes. Plain numbers
// stay what they are.
func escapeFormula(s string) string {
	if bare := strings.TrimLeft(s, "'"); bare == "" || !strings.ContainsRune(formula, rune(bare[0])) || number(s) {
		return s
	}
	return "'" + s
}

// UnescapeFormula takes away the quote that keeps a spreadsheet from reading a
// cell as a formula, where there is one.
func UnescapeFormula(s string) string {
	if bare := strings.TrimLeft(s, "'"); bare == "" || bare == s || !strings.ContainsRune(formula, rune(bare[0])) {
		return s
	}
	return s[1:]
}

// number reports whether s is digits with at most a minus before and one
// point within. A plus makes a telephone number, which is text.
func number(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	whole, part, point := strings.Cut(digits, ".")
	return onlyDigits(whole) && (!point || onlyDigits(part))
}

func onlyDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// columnsOut are the columns WriteCSV writes, before the custom ones.
var columnsOut = []string{
	"name", "email", "organisation", "domain", "kind", "stage", "role", "title", "decision role", "phone",
	"language", "timezone", "owner", "tags", "consent", "pinned note", "note",
}

// WriteCSV writes rows as [ReadCSV] reads them: every cell quoted, none a
// formula, UTF-8, one line of headings. Reading them again gives the same rows
// but for what a table has no place for: ids, times, further affiliations and
// the basis of a consent.
func WriteCSV(w io.Writer, list []Row) error {
	extra := customColumns(list)
	out := bufio.NewWriter(w)
	writeCells(out, slices.Concat(columnsOut, headings(extra)))
	for _, r := range list {
		writeCells(out, r.cells(extra))
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func writeCells(w *bufio.Writer, cells []string) {
	for i, c := range cells {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteByte('"')
		w.WriteString(strings.ReplaceAll(escapeFormula(c), `"`, `""`))
		w.WriteByte('"')
	}
	w.WriteString("\r\n")
}

// customColumns returns the names of all custom fields.
func customColumns(list []Row) []string {
	all := make(map[string]string)
	for _, r := range list {
		for k := range *r.subject().custom {
			all[k] = k
		}
	}
	return sortedKeys(all)
}

// headings names custom columns so that they are read as such, whatever they
// are called.
func headings(extra []string) []string {
	out := make([]string, len(extra))
	for i, k := range extra {
		out[i] = "custom." + k
	}
	return out
}

func (r Row) cells(extra []string) []string {
	who, own := Contact{}, r.subject()
	if r.Contact != nil {
		who = *r.Contact
	}
	firm := Organisation{}
	if r.Organisation != nil {
		firm = *r.Organisation
	}
	if r.Contact == nil && firm.Name == "" && len(firm.Domains) > 0 {
		firm.Name = firm.Domains[0].Name
	}
	out := []string{
		who.Name, join(who.Addresses), firm.Name, join(firm.Domains), string(*own.kind), string(*own.stage), *own.role, r.Title, r.DecisionRole,
		join(*own.phones), *own.language, *own.timeZone, string(*own.owner), join(*own.tags), join(who.Consents), *own.note, r.Note,
	}
	for _, k := range extra {
		out = append(out, (*own.custom)[k])
	}
	return out
}

func join[T any](list []T) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = fmt.Sprint(x)
	}
	return strings.Join(parts, "; ")
}

// String writes a domain as import files have it: an exclamation mark says
// that it is shared.
func (d Domain) String() string {
	if d.Shared {
		return d.Name + "!"
	}
	return d.Name
}

// String writes a consent as import files have it: newsletter=given@TIME.
func (c Consent) String() string {
	s := c.Purpose + "=" + c.State
	if !c.At.IsZero() {
		s += "@" + c.At.UTC().Format(time.RFC3339Nano)
	}
	return s
}
