package main

import (
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
