package store

import (
	"strings"
	"testing"
)

func TestWeight(t *testing.T) {
	t.Parallel()
	entry := func(subject, text string) Fields { return Fields{Subject: subject, Text: text} }
	padding := strings.Repeat("something else stands here ", 60)
	for name, tt := range map[string]struct {
		query        string
		better, less Fields
	}{
		"in the subject":    {"anvil", entry("anvil", "as said"), entry("offer", "an anvil as said")},
		"more often":        {"anvil", entry("", "anvil and anvil and crane"), entry("", "anvil and stone and crane")},
		"in a short text":   {"anvil", entry("", "the anvil"), entry("", "the anvil "+padding)},
		"each of the words": {"anvil OR crane", entry("", "anvil crane"), entry("", "anvil anvil")},
		"a phrase":          {`"green anvil"`, entry("", "a green anvil"), entry("", "green, as the anvil")},
		"Bengali":           {"নেহাই", entry("নেহাই", ""), entry("", "একটা নেহাই")},
		"Chinese":           {"铁砧", entry("大铁砧", "十二"), entry("", "我们需要十二个大铁砧")},
		"in a file":         {"anvil", Fields{Text: "see there", Files: []FileText{{"plan.pdf", "one anvil"}}}, Fields{Text: "see there " + padding, Files: []FileText{{"plan.pdf", "one anvil"}}}},
		"a file's name":     {"file:anvil", Fields{Subject: "anvil", Attachments: []string{"anvil.pdf"}}, Fields{Attachments: []string{"anvil.pdf"}}},
		"not in a file":     {"anvil", entry("", "anvil anvil anvil"), Fields{Text: "anvil crane crane", Files: []FileText{{"", "anvil anvil anvil anvil"}}}},
		"a beginning":       {"anv*", entry("", "anvil anvils"), entry("", "anvil stones")},
	} {
		q, err := ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		b, l := q.Weight(tt.better), q.Weight(tt.less)
		if b <= l || b <= 0 {
			t.Errorf("%s: %v, want more than %v", name, b, l)
		}
	}
	for _, query := range []string{"from:ada", "has:attachment", "-anvil", ""} {
		if q, err := ParseQuery(query); err != nil || q.Weight(entry("anvil", "anvil")) != 0 {
			t.Errorf("%q weighs something (%v)", query, err)
		}
	}
}
