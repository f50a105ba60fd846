package contact

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadCSV reads people and organisations from a file with a heading line: our
// own columns in any order, or Outlook's or Google's export. Columns it does
// not know become custom fields. It finds out delimiter and character set, and
// returns either every row or every error, at most a hundred.
//
// A row with a name or an email is a person; one with only an organisation or
// a domain is an organisation.
func ReadCSV(r io.Reader, o ImportOptions) ([]Row, []RowError) {
	text, err := ReadText(r, o.maxBytes())
	if err != nil {
		return nil, []RowError{{1, err.Error()}}
	}
	t := table{rows: rows{options: o}}
	t.read(text)
	return t.done()
}

// table reads the records of one CSV file.
type table struct {
	rows
	columns []column
	google  bool
}

type column struct {
	field field
	name  string // as the file has it
}

func (t *table) read(text string) {
	EachRecord(text, func(line int, cells []string) bool {
		if t.columns == nil {
			return t.header(line, cells)
		}
		t.record(line, cells)
		return !t.full()
	}, func(line int, what string) bool {
		t.fault(line, "%s", what)
		return t.columns != nil && !t.full() // without headings every line would be wrong
	})
	if t.columns == nil && len(t.errors) == 0 {
		t.fault(1, "the file is empty: its first line must name the columns, such as name,email,organisation")
	}
}

// header reads the heading line and reports whether people can be read by it.
func (t *table) header(line int, cells []string) bool {
	headings := make([]string, len(cells))
	for i, c := range cells {
		headings[i] = heading(c)
	}
	known, google := layout(headings)
	t.google = google
	seen := make(map[string]bool)
	used := make(map[field]bool)
	for i, c := range cells {
		f, ok := known[headings[i]]
		title := strings.TrimSpace(strings.TrimPrefix(c, "\uFEFF"))
		if rest, mine := cutPrefixFold(title, "custom."); mine {
			f, ok, title = custom, true, rest
		}
		if !ok {
			f = custom
		}
		key := fmt.Sprint(f, title)
		switch {
		case f != custom && !several[f] && used[f]:
			t.fault(line, "the column %q says the same as one before it; remove one", Clip(title))
		case f == custom && title != "" && seen[key]:
			t.fault(line, "two columns are called %q; rename one", Clip(title))
		}
		seen[key], used[f] = true, true
		t.columns = append(t.columns, column{f, title})
	}
	if !slices.ContainsFunc([]field{name, firstName, lastName, email, organisation, domain}, func(f field) bool { return used[f] }) {
		t.fault(line, "no column is called name, email, organisation or domain: the first line must name the columns%s", t.nearColumn())
		return false
	}
	return true
}

func (t *table) nearColumn() string {
	for _, c := range t.columns {
		if near := nearest(heading(c.name), []string{"name", "email", "organisation", "domain"}); near != "" {
			return fmt.Sprintf(" (is %q meant as %s?)", Clip(c.name), near)
		}
	}
	return ""
}

// record reads one line into a row.
func (t *table) record(line int, cells []string) {
	c := cellsOf{google: t.google}
	blank := true
	for i, cell := range cells {
		if cell = UnescapeFormula(strings.TrimSpace(cell)); cell == "" {
			continue
		}
		blank = false
		switch {
		case i >= len(t.columns):
			t.fault(line, "there are %d cells but only %d columns: quote cells that hold the delimiter", len(cells), len(t.columns))
			return
		case t.columns[i].field == custom && t.columns[i].name == "":
			t.fault(line, "cell %d has no heading: name its column in the first line", i+1)
		default:
			c.put(t.columns[i], cell)
		}
	}
	if blank {
		return
	}
	row, faults := c.row(line)
	for _, f := range faults {
		t.fault(line, "%s", f)
	}
	if len(faults) == 0 {
		t.add(row)
	}
}
