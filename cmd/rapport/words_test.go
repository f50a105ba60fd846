package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"rapport/records/message"
)

// TestWords finds a word for people for every code a judgement can bear.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, r := range []message.Reason{
		message.NoMatch, message.BeforeSince, message.Internal, message.Excluded, message.IsPrivate,
		message.Erased, message.Withdrawn, message.Draft, message.NotOurs,
	} {
		if got := why(r); got == string(r) && strings.Contains(got, "_") || got == "" {
			t.Errorf("why(%q) = %q; want words", r, got)
		}
	}
	for _, tt := range []struct {
		in   message.Decision
		want string
	}{
		{message.Decision{}, ""},
		{message.Decision{Action: message.Log}, "filed"},
		{message.Decision{Action: message.Skip, Reason: message.NoMatch}, "skipped: with nobody known"},
		{message.Decision{Action: message.Skip, Reason: "of a later version"}, "skipped: of a later version"},
	} {
		if got := judged(tt.in); got != tt.want {
			t.Errorf("judged(%+v) = %q; want %q", tt.in, got, tt.want)
		}
	}
}

// TestErasureIsToldWhole holds what people read before they erase somebody to
// what happens: shared mail stays whole.
func TestErasureIsToldWhole(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	help, _ := helpOf("rapport contact erase")
	for where, text := range map[string]string{"README.md": string(readme), "the help": help} {
		text = strings.Join(strings.Fields(text), " ")
		if want := "that also concerns another contact stays on that contact's timeline as it is"; !strings.Contains(text, want) {
			t.Errorf("%s of an erasure does not say %q", where, want)
		}
	}
}

// TestDeclined says no to a question and wants that to be no fault of usage.
func TestDeclined(t *testing.T) {
	t.Parallel()
	var errs strings.Builder
	s := &session{ctx: t.Context(), in: strings.NewReader("n\n"), out: io.Discard, err: &errs, notes: screen{terminal: true}}
	if code := s.report(s.confirm(false, "Erase?")); code != exitFailed || !strings.HasSuffix(errs.String(), "nothing done\n") {
		t.Errorf("code %d, %q; want 1 and that nothing is done", code, errs.String())
	}
	s.notes.terminal = false
	if code := s.report(s.confirm(false, "Erase?")); code != exitUsage {
		t.Errorf("code %d where nobody can be asked, want 2", code)
	}
}
