package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rapport/records/message"
)

// tables compares how single header fields are read with the tables of
// stalwart-mail-parser.
func tables(r *Report) error {
	for _, t := range []struct {
		name  string
		limit float64
		check func(r *Report, f *Figure, c headerCase)
	}{
		{"date", 100, checkDate},
		{"id", 100, checkID},
		{"address", 100 * 58.0 / 60, checkAddresses},
		{"content_type", 95, checkType},
		{"received", 95, checkReceived},
		{"list", 95, checkList},
		{"unstructured", 95, checkSubject},
	} {
		raw, err := os.ReadFile(filepath.Join(r.Corpora, "mime/stalwart-mail-parser", t.name+".json"))
		if err != nil {
			return fmt.Errorf("read the table: %w", err)
		}
		var cases []headerCase
		if err := json.Unmarshal(raw, &cases); err != nil {
			return fmt.Errorf("read the table %s: %w", t.name, err)
		}
		f := r.Figure("header."+strings.ReplaceAll(t.name, "_", "-"), t.limit)
		for i, c := range cases {
			c.item = fmt.Sprintf("%s#%d", t.name, i+1)
			t.check(r, f, c)
		}
	}
	return nil
}

// headerCase is one field's value with what it is to be read as.
type headerCase struct {
	item     string
	Header   string
	Expected json.RawMessage
}

// head reads a field whose value is the case's.
func (c headerCase) head(field string) message.Head {
	return message.ParseHead([]byte(field + ":" + strings.TrimRight(c.Header, "\r\n") + "\r\n\r\n"))
}

// moment is a date as the tables write it.
type moment struct {
	Year, Month, Day, Hour, Minute, Second int
	Before                                 bool `json:"tz_before_gmt"`
	TzHour                                 int  `json:"tz_hour"`
	TzMinute                               int  `json:"tz_minute"`
}

// time returns the moment; ok is false for one no mail can bear.
func (m moment) time() (t time.Time, ok bool) {
	offset := m.TzHour*3600 + m.TzMinute*60
	if m.Before {
		offset = -offset
	}
	t = time.Date(m.Year, time.Month(m.Month), m.Day, m.Hour, m.Minute, m.Second, 0, time.FixedZone("", offset)).UTC()
	return t, t.Year() >= 1970 && t.Year() <= 2100
}

// agrees reports whether a date is read as the table says; a date no mail can
// bear is read as none.
func (m *moment) agrees(got time.Time) bool {
	if m == nil {
		return got.IsZero()
	}
	want, ok := m.time()
	if !ok {
		return got.IsZero()
	}
	return got.Equal(want)
}

func checkDate(_ *Report, f *Figure, c headerCase) {
	var want *moment
	json.Unmarshal(c.Expected, &want)
	got := c.head("Date").Date
	f.Count(want.agrees(got), c.item, "%q: got %v, want %s", c.Header, got, squeezed(c.Expected))
}

func checkReceived(_ *Report, f *Figure, c headerCase) {
	var want struct{ Date *moment }
	json.Unmarshal(c.Expected, &want)
	got := c.head("Received").Relayed
	f.Count(want.Date.agrees(got), c.item, "%q: got %v, want %+v", c.Header, got, want.Date)
}

func checkID(_ *Report, f *Figure, c headerCase) {
	var want []string
	json.Unmarshal(c.Expected, &want)
	got := c.head("References").References
	f.Count(strings.Join(got, "|") == strings.Join(want, "|"), c.item, "%q: got %q, want %q", c.Header, got, want)
}

func checkList(_ *Report, f *Figure, c headerCase) {
	var want []string
	json.Unmarshal(c.Expected, &want)
	got := c.head("Subject").Subject // which keeps the commas
	f.Count(strings.ReplaceAll(strings.Trim(got, ", "), " ,", ",") == strings.Join(want, ", "), c.item, "%q: got %q, want %q", c.Header, got, want)
}

func checkSubject(_ *Report, f *Figure, c headerCase) {
	var want string
	json.Unmarshal(c.Expected, &want)
	got := c.head("Subject").Subject
	f.Count(got == strings.Join(strings.Fields(want), " "), c.item, "%q: got %q, want %q", c.Header, got, want)
}

// tableAddresses are addresses as stalwart writes them.
type tableAddresses struct {
	List  []tableAddress
	Group []struct{ Addresses []tableAddress }
}

type tableAddress struct{ Name, Address *string }

// all returns what the list holds, groups taken apart.
func (t tableAddresses) all() []string {
	list := t.List
	for _, g := range t.Group {
		list = append(list, g.Addresses...)
	}
	var out []string
	for _, a := range list {
		if a.Address == nil || !strings.Contains(*a.Address, "@") {
			continue // names and words, which match nobody
		}
		name := ""
		if a.Name != nil {
			name = *a.Name
		}
		// What a link asks for beside its address is no part of it, nor are blanks.
		address, _, _ := strings.Cut(strings.TrimPrefix(*a.Address, "mailto:"), "?")
		out = append(out, shownAs(name, strings.ReplaceAll(address, " ", "")))
	}
	return out
}

// shownAs writes a name without the comments beside it, and an address.
func shownAs(name, address string) string {
	for {
		i, j := strings.IndexByte(name, '('), strings.LastIndexByte(name, ')')
		if i < 0 || j < i || strings.TrimSpace(name[:i]+name[j+1:]) == "" {
			return strings.TrimSpace(strings.Join(strings.Fields(strings.Trim(name, "() ")), " ") + " " + strings.ToLower(address))
		}
		name = name[:i] + " " + name[j+1:]
	}
}

func partyNames(list []message.Party) []string {
	var out []string
	for _, p := range list {
		if p.Address != "" {
			out = append(out, shownAs(p.Name, string(p.Address)))
		}
	}
	return out
}

func checkAddresses(_ *Report, f *Figure, c headerCase) {
	var want tableAddresses
	json.Unmarshal(c.Expected, &want)
	got := partyNames(c.head("To").To)
	f.Count(strings.Join(got, "|") == strings.Join(want.all(), "|"), c.item, "%q:\n got %q\nwant %q", c.Header, got, want.all())
}

func checkType(_ *Report, f *Figure, c headerCase) {
	var want *struct {
		Type       string          `json:"c_type"`
		Subtype    string          `json:"c_subtype"`
		Attributes json.RawMessage `json:"attributes"`
	}
	json.Unmarshal(c.Expected, &want)
	p, _ := message.Parse(strings.NewReader("Content-Type:"+strings.TrimRight(c.Header, "\r\n")+"\r\n\r\nx\r\n"), message.Limits{})
	got := p.Parts[0]
	if want == nil {
		f.Count(got.Type == "text/plain", c.item, "%q: got %q, want none", c.Header, got.Type)
		return
	}
	name := strings.ToLower(want.Type)
	if want.Subtype != "" {
		name += "/" + strings.ToLower(want.Subtype)
	}
	if !strings.Contains(name, "/") {
		name = got.Type // no media type, so that a part of it has the default's
	}
	ok := got.Type == name
	for key, value := range attributes(want.Attributes) {
		found := strings.HasSuffix(key, "-language") // of which we have no use
		value = strings.Join(strings.Fields(value), " ")
		for _, p := range got.Params {
			found = found || p.Name == key && p.Value == value
		}
		ok = ok && found
	}
	f.Count(ok, c.item, "%q: got %q %q, want %q %s", c.Header, got.Type, got.Params, name, squeezed(want.Attributes))
}

// attributes reads the parameters of a type, which the tables write in three
// forms.
func attributes(raw json.RawMessage) map[string]string {
	out := map[string]string{}
	var named []struct{ Name, Value string }
	var pairs [][2]string
	switch {
	case json.Unmarshal(raw, &pairs) == nil:
		for _, p := range pairs {
			out[strings.ToLower(p[0])] = p[1]
		}
	case json.Unmarshal(raw, &named) == nil:
		for _, p := range named {
			out[strings.ToLower(p.Name)] = p.Value
		}
	default:
		json.Unmarshal(raw, &out)
	}
	return out
}

// squeezed writes JSON in one line.
func squeezed(raw json.RawMessage) string { return strings.Join(strings.Fields(string(raw)), " ") }
