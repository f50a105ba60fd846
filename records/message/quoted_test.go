package message

import (
	"strings"
	"testing"
)

// TestQuotedOriginal finds which mail a report is about that quotes its header
// in the text, as servers do that know no RFC 3464.
func TestQuotedOriginal(t *testing.T) {
	const said = "From: MAILER-DAEMON@mx.example\nTo: news@example.com\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.\n" +
		"I'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n" +
		"<x@press.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <news@example.com>\n"
	for original, want := range map[string]Original{
		"Received: (qmail 1 invoked by uid 0); 29 Apr 2010 07:55:23 -0000\nMessage-ID: <d.abc@example.com>\nX-Rapport-Id: rabc234\nSubject: Spring\n\nDear all\n": {"d.abc@example.com", "rabc234"},
		"> Message-Id:\n>  <d.abc@example.com>\n> Subject: Spring\n":             {},
		"> Message-Id: <first@example.com>\n> Message-Id: <d.abc@example.com>\n": {MessageID: "d.abc@example.com"},
		"Subject: Spring\n": {},
	} {
		p, _ := Parse(strings.NewReader(said+original), Limits{})
		v := Classify(p)
		var got Original
		if v.Original != nil {
			got = *v.Original
		}
		if v.Kind != Bounce || got != want {
			t.Errorf("%q: a %s about %+v, want %+v", original, v.Kind, got, want)
		}
	}
}
