package contact

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
)

// ReadJSONLines reads what [WriteJSONLines] wrote, one object a line: a row
// with contact and organisation, or a contact or an organisation alone. An
// unknown field is an error that names the nearest known one. Ids and places
// by id belong to the store they come from and are read over; the row's
// organisation stands for them.
func ReadJSONLines(r io.Reader, o ImportOptions) ([]Row, []RowError) {
	text, err := ReadText(r, o.maxBytes())
	if err != nil {
		return nil, []RowError{{1, err.Error()}}
	}
	out := rows{options: o}
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		if strings.TrimSpace(line) == "" {
			continue
		}
		if out.full() {
			break
		}
		row, err := readJSONLine(line)
		if err != nil {
			out.fault(number, "%v", err)
			continue
		}
		row.Line = number
		out.add(row)
	}
	if number <= 1 && len(out.list) == 0 && len(out.errors) == 0 {
		out.fault(1, "the file is empty: it must hold one JSON object a line")
	}
	return out.done()
}

func readJSONLine(line string) (Row, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		return Row{}, explainJSON(err, jsonFields)
	}
	var row Row
	_, aContact := fields["addresses"]
	_, isFirm := fields["domains"]
	_, named := fields["name"]
	switch {
	case fields["contact"] != nil || fields["organisation"] != nil:
		if err := strictly(line, &row); err != nil {
			return Row{}, err
		}
	case isFirm && !aContact:
		row.Organisation = new(Organisation)
		if err := strictly(line, row.Organisation); err != nil {
			return Row{}, err
		}
	case aContact || named:
		row.Contact = new(Contact)
		if err := strictly(line, row.Contact); err != nil {
			return Row{}, err
		}
	default:
		if err := strictly(line, &row); err != nil {
			return Row{}, err
		}
	}
	if row.Contact == nil && row.Organisation == nil {
		return Row{}, errors.New("the object holds neither a contact nor an organisation")
	}
	row.detach()
	return row, nil
}

// detach takes away what only the store that wrote the row can know.
func (r *Row) detach() {
	if c := r.Contact; c != nil {
		c.ID, c.MergedInto, c.Affiliations, c.Created, c.Updated = "", "", nil, time.Time{}, time.Time{}
	}
	if o := r.Organisation; o != nil {
		o.ID, o.MergedInto, o.Created, o.Updated = "", "", time.Time{}, time.Time{}
	}
}

func strictly(line string, into any) error { return ReadObject(line, into, jsonFields) }

// ReadObject reads a JSON object strictly; its errors say in words what is wrong
// with it, and which of the fields an unknown one may stand for.
func ReadObject(line string, into any, fields func() []string) error {
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return explainJSON(err, fields)
	}
	return nil
}

// explainJSON says what is wrong in words and with the fix.
func explainJSON(err error, fields func() []string) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("the line is no JSON object: %v at character %d", err, syntax.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the line is no JSON object: it ends too early")
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("the line is a JSON %s, not an object", kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("the field %s is a %s: %s", kind.Field, kind.Value, wanted(kind.Type))
	}
	if _, after, ok := strings.Cut(err.Error(), "unknown field "); ok {
		field := strings.Trim(after, `"`)
		return fmt.Errorf("the field %q is unknown%s", Clip(field), guess(field, fields()))
	}
	return fmt.Errorf("the line cannot be read: %w", err)
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "write a list, [\"…\"]"
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "write an object, {\"…\": \"…\"}"
	case reflect.Bool:
		return "write true or false"
	}
	return "write a text, \"…\""
}

// jsonFields returns the names of all fields a line may hold.
func jsonFields() []string {
	return FieldsOf(Row{}, Contact{}, Organisation{}, Affiliation{}, Domain{}, Consent{})
}

// FieldsOf returns the names that JSON has for the fields of structs.
func FieldsOf(structs ...any) []string {
	var out []string
	for _, v := range structs {
		t := reflect.TypeOf(v)
		for i := range t.NumField() {
			if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
				out = append(out, name)
			}
		}
	}
	return out
}

// WriteJSONLines writes rows as [ReadJSONLines] reads them, with everything
// the records hold.
func WriteJSONLines(w io.Writer, list []Row) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, r := range list {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("write JSON Lines: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write JSON Lines: %w", err)
	}
	return nil
}
