package contact

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// ReadCSV reads people and organisations from a file with a heading line: our
// own columns in any order, or Outlook's or Google's export. Columns it does
// not know become custom fields. It finds out delimiter and character set, and
// returns either every row or every error, at most a hundred.
//
// A row with a name or an email is a person; one with only an organisation or
// a domain is an organisation.
func ReadCSV(r io.Reader, o ImportOptions) ([]Row, []RowError) {
	text, err := readText(r, o.maxBytes())
	if err != nil {
		return nil, []RowError{{1, err.Error()}}
	}
	t := table{rows: rows{options: o}}
	t.read(text)
	return t.done()
}

// readText reads a whole file into UTF-8 with \n for line ends.
func readText(r io.Reader, most int64) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read the file: %w", err)
	case int64(len(raw)) > most:
		return "", fmt.Errorf("the file is larger than %d MB; split it", most>>20)
	}
	text := strings.ReplaceAll(decodeText(raw), "\r\n", "\n")
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n") // as classic Mac OS wrote
	}
	return text, nil
}

// decodeText reads UTF-8, UTF-16 with or without a mark, or else Windows-1252,
// which every byte sequence is.
func decodeText(raw []byte) string {
	switch {
	case bytes.HasPrefix(raw, []byte("\xEF\xBB\xBF")):
		raw = raw[3:]
	case bytes.HasPrefix(raw, []byte("\xFF\xFE")):
		return decodeUTF16(raw[2:], binary.LittleEndian)
	case bytes.HasPrefix(raw, []byte("\xFE\xFF")):
		return decodeUTF16(raw[2:], binary.BigEndian)
	case len(raw) >= 4 && raw[1] == 0 && raw[3] == 0 && raw[0] != 0:
		return decodeUTF16(raw, binary.LittleEndian)
	case len(raw) >= 4 && raw[0] == 0 && raw[2] == 0 && raw[1] != 0:
		return decodeUTF16(raw, binary.BigEndian)
	}
	if utf8.Valid(raw) {
		return string(raw)
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(raw)
	if err != nil {
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	return string(text)
}

func decodeUTF16(raw []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	return string(utf16.Decode(units))
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
	skipped := 0
	if first, rest, ok := strings.Cut(text, "\n"); ok && len(first) == len("sep=;") && strings.EqualFold(first[:4], "sep=") {
		text, skipped = rest, 1 // Excel's own note of the delimiter
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = delimiter(text), -1, true
	for !t.full() {
		cells, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			if t.columns == nil && len(t.errors) == 0 {
				t.fault(1, "the file is empty: its first line must name the columns, such as name,email,organisation")
			}
			return
		case errors.As(err, &bad):
			t.fault(bad.StartLine+skipped, "%s", misquoted(bad))
			if t.columns == nil {
				return // without headings every line would be wrong
			}
		case err != nil:
			t.fault(1, "read the file: %v", err)
			return
		case t.columns == nil:
			line, _ := r.FieldPos(0)
			if !t.header(line+skipped, cells) {
				return
			}
		default:
			line, _ := r.FieldPos(0)
			t.record(line+skipped, cells)
		}
	}
}

func misquoted(err *csv.ParseError) string {
	switch {
	case errors.Is(err.Err, csv.ErrBareQuote):
		return `a quote stands inside a cell that is not quoted; write "a ""quoted"" word" for it`
	case errors.Is(err.Err, csv.ErrQuote) && err.Line > err.StartLine:
		return fmt.Sprintf(`the quote that opens in this line is not closed properly (noticed in line %d); close it, and double quotes within`, err.Line)
	}
	return `a quote is not closed properly; close it, and double quotes within the cell`
}

// delimiter is the one of , ; and tab that stands most often outside quotes in
// the first line.
func delimiter(text string) rune {
	line, _, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n")
	count := make(map[rune]int)
	quoted := false
	for _, r := range line {
		if r == '"' {
			quoted = !quoted
		} else if !quoted {
			count[r]++
		}
	}
	return slices.MaxFunc([]rune{',', ';', '\t'}, func(a, b rune) int { return cmp.Compare(count[a], count[b]) })
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
			t.fault(line, "the column %q says the same as one before it; remove one", clip(title))
		case f == custom && title != "" && seen[key]:
			t.fault(line, "two columns are called %q; rename one", clip(title))
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
			return fmt.Sprintf(" (is %q meant as %s?)", clip(c.name), near)
		}
	}
	return ""
}

// record reads one line into a row.
func (t *table) record(line int, cells []string) {
	c := cellsOf{google: t.google}
	blank := true
	for i, cell := range cells {
		if cell = unescapeFormula(strings.TrimSpace(cell)); cell == "" {
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
