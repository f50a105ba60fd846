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

// ReadText reads a whole file of at most so many bytes into UTF-8 with \n for
// line ends: from UTF-8, UTF-16, or else Windows-1252.
func ReadText(r io.Reader, most int64) (string, error) {
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

// EachRecord reads separated values and calls record with each line that says
// anything and where it begins, from 1; fault with what is wrong with one. The
// delimiter is found out. It ends where either returns false. The cells are only
// valid until record returns.
func EachRecord(text string, record func(line int, cells []string) bool, fault func(line int, what string) bool) {
	skipped := 0
	if first, rest, ok := strings.Cut(text, "\n"); ok && len(first) == len("sep=;") && strings.EqualFold(first[:4], "sep=") {
		text, skipped = rest, 1 // Excel's own note of the delimiter
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = delimiter(text), -1, true
	for {
		cells, err := r.Read()
		var bad *csv.ParseError
		more := false
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.As(err, &bad):
			more = fault(bad.StartLine+skipped, misquoted(bad))
		case err != nil:
			fault(1, "read the file: "+err.Error())
			return
		default:
			line, _ := r.FieldPos(0)
			more = record(line+skipped, cells)
		}
		if !more {
			return
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
