package matcher_test

import (
	"testing"

	"rapport/matcher"
)

// BenchmarkJudge is an ordinary message between one of us and a contact, with
// two others in copy.
func BenchmarkJudge(b *testing.B) {
	m, dir := matcher.New(rules()), town()
	h := head(b, "from: Ada <ada@acme.example>", "to: me@example.com", "cc: x@stranger.example, new@beta.example")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Judge(dir, h, matcher.Known{}); err != nil {
			b.Fatal(err)
		}
	}
}
