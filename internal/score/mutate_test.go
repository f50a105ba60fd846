package main

import (
	"strings"
	"testing"

	"rapport/records/message"
)

func TestMutated(t *testing.T) {
	raw := "From: MAILER-DAEMON@mail.example.org\nTo: ada@example.com\nSubject: failure notice\nContent-Type: multipart/mixed; boundary=\"abcdefg\"\n\n--abcdefg\nContent-Type: text/plain\n\nThis could not be delivered:\n\n<grace@example.net>: 550 5.1.1 user unknown\n\n--abcdefg--\n"
	for _, name := range []string{"a", "b", "c", "d"} {
		got := string(mutated(name, []byte(raw)))
		for _, gone := range []string{"grace@", "example.net", "abcdefg", "could not be delivered"} {
			if strings.Contains(got, gone) {
				t.Errorf("%s: %q is still there:\n%s", name, gone, got)
			}
		}
		if !strings.Contains(got, "MAILER-DAEMON@") {
			t.Errorf("%s: the machine has lost its name:\n%s", name, got)
		}
		v := verdict([]byte(got))
		if v.Kind != message.Bounce || len(v.Bounces) != 1 || !v.Bounces[0].Hard {
			t.Errorf("%s: is read as %+v:\n%s", name, v, got)
		}
	}
}
