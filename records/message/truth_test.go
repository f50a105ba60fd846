package message

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// truth reads one of the header tables of the corpora.
func truth(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(corpora(t), "mime/stalwart-mail-parser", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func TestDatesOfTheCorpora(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Header   string
		Expected *struct {
			Year, Month, Day, Hour, Minute, Second int
			Before                                 bool `json:"tz_before_gmt"`
			TzHour                                 int  `json:"tz_hour"`
			TzMinute                               int  `json:"tz_minute"`
		}
	}
	truth(t, "date.json", &cases)
	good, all := 0, 0
	for _, c := range cases {
		if c.Expected == nil || c.Expected.Year < 1970 {
			continue
		}
		all++
		e := c.Expected
		off := e.TzHour*3600 + e.TzMinute*60
		if e.Before {
			off = -off
		}
		want := time.Date(e.Year, time.Month(e.Month), e.Day, e.Hour, e.Minute, e.Second, 0, time.FixedZone("", off)).UTC()
		got, ok := parseDate(unfold([]byte(c.Header)))
		if ok && got.Equal(want) {
			good++
		} else {
			t.Logf("parseDate(%q) = %v, want %v", c.Header, got, want)
		}
	}
	atLeast(t, good, all, 90)
}

func TestAddressesOfTheCorpora(t *testing.T) {
	t.Parallel()
	type address struct{ Name, Address *string }
	var cases []struct {
		Header   string
		Expected struct {
			List  []address
			Group []struct {
				Name      *string
				Addresses []address
			}
		}
	}
	truth(t, "address.json", &cases)
	good, all := 0, 0
	for _, c := range cases {
		if strings.Contains(c.Header, "mailto:") || strings.Contains(c.Header, "\ninvalid") {
			continue // of List fields, and two fields in one
		}
		want := c.Expected.List
		for _, g := range c.Expected.Group {
			want = append(want, g.Addresses...)
		}
		var w, g []string
		for _, a := range want {
			if a.Address == nil || !strings.Contains(*a.Address, "@") {
				continue
			}
			s := strings.ToLower(*a.Address)
			if a.Name != nil {
				s = squeeze(*a.Name) + " " + s
			}
			w = append(w, s)
		}
		for _, p := range parseParties(unfold([]byte(c.Header)), "") {
			if p.Address != "" {
				g = append(g, strings.TrimSpace(p.Name+" "+string(p.Address)))
			}
		}
		all++
		if strings.Join(g, "|") == strings.Join(w, "|") {
			good++
		} else {
			t.Logf("%q:\n got %q\nwant %q", c.Header, g, w)
		}
	}
	atLeast(t, good, all, 80)
}

func TestSubjectsOfTheCorpora(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Header   string
		Expected string
	}
	truth(t, "unstructured.json", &cases)
	good := 0
	for _, c := range cases {
		if got, want := headerText(unfold([]byte(c.Header)), ""), squeeze(c.Expected); got == want {
			good++
		} else {
			t.Logf("%q: got %q, want %q", c.Header, got, want)
		}
	}
	atLeast(t, good, len(cases), 80)
}

func TestMediaTypesOfTheCorpora(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Header   string
		Expected *struct {
			Type       string `json:"c_type"`
			Subtype    string `json:"c_subtype"`
			Attributes json.RawMessage
		}
	}
	truth(t, "content_type.json", &cases)
	good := 0
	for _, c := range cases {
		if c.Expected == nil {
			good++
			continue
		}
		got := parseMediaType(unfold([]byte(c.Header)), "")
		want := c.Expected.Type
		if c.Expected.Subtype != "" {
			want += "/" + c.Expected.Subtype
		}
		if !strings.EqualFold(got.value, want) {
			t.Logf("%q: got %q, want %q", c.Header, got.value, want)
			continue
		}
		var attrs []struct{ Name, Value string }
		var m map[string]string
		if json.Unmarshal(c.Expected.Attributes, &attrs) != nil {
			json.Unmarshal(c.Expected.Attributes, &m)
			for k, v := range m {
				attrs = append(attrs, struct{ Name, Value string }{k, v})
			}
		}
		ok := true
		for _, a := range attrs {
			if v := got.get(strings.ToLower(a.Name)); v != a.Value {
				t.Logf("%q: %s = %q, want %q", c.Header, a.Name, v, a.Value)
				ok = false
			}
		}
		if ok {
			good++
		}
	}
	atLeast(t, good, len(cases), 90)
}

// atLeast fails where fewer than a share of the cases agree with the table;
// the rest are matters of taste, such as comments in names, and are logged.
func atLeast(t *testing.T, good, all, percent int) {
	t.Helper()
	t.Logf("%d of %d agree", good, all)
	if good*100 < all*percent {
		t.Errorf("%d of %d agree, want %d %%", good, all, percent)
	}
}
