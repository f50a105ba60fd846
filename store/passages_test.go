package store_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rapport/store"
)

// written writes passages with what was found in brackets.
func written(passages [][]store.Fragment) string {
	var out []string
	for _, p := range passages {
		var b strings.Builder
		for _, f := range p {
			if f.Hit {
				b.WriteString("[" + f.Text + "]")
			} else {
				b.WriteString(f.Text)
			}
		}
		out = append(out, b.String())
	}
	return strings.Join(out, " | ")
}

func TestPassages(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("filler ", 40)
	for _, tt := range []struct{ query, text, want string }{
		{"müller", "An Muller und Müller.", "An [Muller] und [Müller]."},
		{`"green tea"`, "green tea, not green coffee", "[green tea], not green coffee"},
		{"jasm*", "Jasmine tea", "[Jasmine] tea"},
		{"jasm", "Jasmine tea", ""},
		{"-tea coffee", "tea and coffee", "tea and [coffee]"},
		{"from:carl", "carl wrote", ""},
		{"", "anything", ""},
		{"茶", "新茶です", "新[茶]です"},
		{"新茶", "新茶です", "[新茶]です"},
		{"চা", "ভালো চা আছে", "ভালো [চা] আছে"},
		{"example.org", "see www.example.org or example.org", "see www.example.org or [example.org]"},
		{"example", "see www.example.org", "see [www.example.org]"},
		{"tea (green OR black)", "black tea", "[black] [tea]"},
		{"x", "x " + long + "x", "[x] " + long[:89] + " | " + long[len(long)-90:] + "[x]"},
		{"<script>", "a <script> b", "a <[script]> b"},
	} {
		q, err := store.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		if got := written(q.Passages(tt.text)); got != tt.want {
			t.Errorf("Passages(%q) of %q = %q, want %q", tt.query, tt.text, got, tt.want)
		}
	}
}

// TestPassagesAreOfTheText: whatever is shown stands in the text so.
func TestPassagesAreOfTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab Äß茶চা.\u0301\u200b<&ﷺ"))).Draw(t, "text")
		q, err := store.ParseQuery(rapid.SampledFrom([]string{"a", "a* b", "茶", "চা OR ss", `"a b"`}).Draw(t, "query"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range q.Passages(text) {
			var b strings.Builder
			for _, f := range p {
				b.WriteString(f.Text)
			}
			if !strings.Contains(text, b.String()) {
				t.Errorf("passage %q is not in %q", b.String(), text)
			}
		}
	})
	if got := (store.Query{}).Passages(strings.Repeat("ä", 1<<20)); got != nil {
		t.Errorf("a query without words has passages: %v", got)
	}
}

// TestFilePassages shows what attachments are called and say, and of the
// subject what was asked of it.
func TestFilePassages(t *testing.T) {
	t.Parallel()
	f := store.Fields{
		Subject: "An offer", Attachments: []string{"offer.pdf", "Plan Süd.docx", "photo.jpg"},
		Files: []store.FileText{{Name: "offer.pdf", Text: "Twelve anvils, 4711 Euro"}, {Text: "an unnamed anvil"}},
	}
	for _, tt := range []struct{ query, subject, files string }{
		{"4711", "", "offer.pdf: Twelve anvils, [4711] Euro"},
		{"offer", "An [offer]", "[offer.pdf]: "},
		{"subject:offer", "An [offer]", ""},
		{"file:offer", "", "[offer.pdf]: "},
		{"file:sud", "", "Plan [Süd.docx]: "},
		{"anvil*", "", "offer.pdf: Twelve [anvils], 4711 Euro; : an unnamed [anvil]"},
		{"-anvil*", "", ""},
		{"from:offer", "", ""},
	} {
		q, err := store.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, p := range q.FilePassages(f) {
			files = append(files, written([][]store.Fragment{p.Name})+": "+written(p.Passages))
		}
		if got := strings.Join(files, "; "); got != tt.files {
			t.Errorf("FilePassages(%q) = %q, want %q", tt.query, got, tt.files)
		}
		if got := written(q.SubjectPassages(f.Subject)); got != tt.subject {
			t.Errorf("SubjectPassages(%q) = %q, want %q", tt.query, got, tt.subject)
		}
	}
}
