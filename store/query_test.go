package store_test

import (
	"strings"
	"testing"

	"rapport/store"
)

// TestColons tells a mistyped operator from text with a colon.
func TestColons(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"10:30", "https://example.com/x", "mailto:ada@example.com", "Re:Offer", "AW: Angebot", "note:", "a:b", `"foo:bar"`,
		"C:\\temp", "x1:y", "foo:(", "foo:-", "a-b:c", "From:carl", "ratio:/", "urn:isbn:1",
	} {
		q, err := store.ParseQuery(text)
		if text == "foo:(" {
			continue // an open parenthesis, whatever stands before it
		}
		if err != nil {
			t.Errorf("ParseQuery(%q) = %v; want text", text, err)
			continue
		}
		if again, err := store.ParseQuery(q.String()); err != nil || again.String() != q.String() {
			t.Errorf("%q writes itself as %q, which reads as %q, %v", text, q, again, err)
		}
	}
	for text, says := range map[string]string{
		"form:carl": "is it from:?", "befor:2026": "is it before:?", "-wiht:carl": "is it with:?", "filename:offer": "there is no operator filename:", "topic:x": "subject:, file:",
		`foo:"some words"`: "there is no operator foo:", "(x OR foo:bar)": "there is no operator foo:",
	} {
		if _, err := store.ParseQuery(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("ParseQuery(%q) = %v; want it to say %q", text, err, says)
		}
	}
}
