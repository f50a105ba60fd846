package phrase_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"rapport/records/phrase"
)

func TestPhrasesAreEnglish(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		of   phrase.Phrase
		want string
	}{
		{phrase.Phrase{}, ""},
		{phrase.New("it is a draft"), "it is a draft"},
		{phrase.New("{who} is {name}", "who", "cleo@press.example", "name", "Cleo"), "cleo@press.example is Cleo"},
		{phrase.New("{n|day|days} ago", "n", 1), "1 day ago"},
		{phrase.New("{n|day|days} ago", "n", 0), "0 days ago"},
		{phrase.New("{n|day|days} ago", "n", 12), "12 days ago"},
		{phrase.New("a {what}", "what", phrase.Form("report")), "a report"},
		{phrase.New("found {all}", "all", []phrase.Phrase{phrase.New("one"), phrase.Verbatim("two")}), "found one; two"},
		{phrase.List(phrase.New("one"), phrase.New("two")), "one; two"},
		{phrase.List(phrase.New("one")), "one"},
		{phrase.New("said: {it}", "it", phrase.Verbatim("a {who} b")), "said: a {who} b"},
		{phrase.New("{who} and {who}", "who", "{who}"), "{who} and {who}"},
		{phrase.New("a {hole} nobody fills", "who", "x"), "a {hole} nobody fills"},
		{phrase.New("an open { brace", "who", "x"), "an open { brace"},
		{phrase.New("why: {why}", "why", fmt.Errorf("read: %w", io.EOF)), "why: read: EOF"},
	} {
		if got := tt.of.String(); got != tt.want {
			t.Errorf("%v = %q, want %q", tt.of, got, tt.want)
		}
		raw, err := json.Marshal(tt.of)
		var back phrase.Phrase
		if err == nil {
			err = json.Unmarshal(raw, &back)
		}
		if err != nil || back.String() != tt.want {
			t.Errorf("%s reads as %q, %v; want %q", raw, back, err, tt.want)
		}
	}
}

func TestPhrasesAreFilledInOtherLanguages(t *testing.T) {
	t.Parallel()
	p := phrase.New("{n|mail|mails} of {who}: {why}", "n", 3, "who", phrase.Form("nobody"), "why", phrase.New("lost"))
	german := map[phrase.Form]string{"nobody": "niemandem", "lost": "verloren"}
	say := func(p phrase.Phrase) string { return german[p.Form] }
	got := p.Fill("{why}: {n} Mails von {who}", func(n int) string { return strings.Repeat("I", n) }, func(f phrase.Form) string { return german[f] }, say)
	if want := "verloren: III Mails von niemandem"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if n, ok := p.Count(); n != 3 || !ok {
		t.Errorf("counts %d, %t", n, ok)
	}
}

func TestErrorsSayPhrases(t *testing.T) {
	t.Parallel()
	own := phrase.Errorf("{host} does not answer: {why}", "host", "mail.example", "why", io.EOF)
	if own.Error() != "mail.example does not answer: EOF" || !errors.Is(own, io.EOF) {
		t.Errorf("%v", own)
	}
	for _, tt := range []struct {
		err  error
		form phrase.Form
		want string
	}{
		{nil, "", ""},
		{io.EOF, "", "EOF"},
		{own, "{host} does not answer: {why}", "mail.example does not answer: EOF"},
		{fmt.Errorf("mailbox ada: %w", own), "{host} does not answer: {why}", "mail.example does not answer: EOF"},
		{errors.Join(io.EOF, own), "{host} does not answer: {why}", "mail.example does not answer: EOF"},
		{fmt.Errorf("mailbox ada: %w", io.EOF), "", "mailbox ada: EOF"},
	} {
		if p := phrase.Of(tt.err); p.Form != tt.form || p.String() != tt.want || p.Empty() != (tt.err == nil) {
			t.Errorf("%v says %q (%q), want %q (%q)", tt.err, p, p.Form, tt.want, tt.form)
		}
	}
}
