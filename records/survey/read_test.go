package survey

import (
	"strconv"
	"strings"
	"testing"

	"rapport/records/message"
)

// received reads a reply as the mailboxes show it: with header and encoding.
func received(t *testing.T, r reply) (message.Verdict, string) {
	t.Helper()
	raw := "From: Tom Tester <tom@customer.example>\r\nTo: team@example.com\r\nSubject: Re: How likely are you to recommend us?\r\n" +
		"Date: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <a@customer.example>\r\nIn-Reply-To: <b@example.com>\r\n" + r.head +
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + r.body
	p, err := message.Parse(strings.NewReader(raw), message.Limits{})
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return message.Classify(p), p.Reply
}

func TestReplies(t *testing.T) {
	if len(replies) < 150 {
		t.Fatalf("there are %d replies, want 150", len(replies))
	}
	right, wrong := 0, 0
	for _, r := range replies {
		v, text := received(t, r)
		got, why := nothing, "automatic"
		if !v.Auto {
			read := Read(Question{ID: "q", Kind: r.kind}, text)
			if got, why = review, string(read.Why); read.Sure {
				got = read.Score
			}
		}
		switch {
		case got == r.want:
			right++
		case got >= 0:
			wrong++
			t.Errorf("%s %q: read as %d, a person reads %s", r.kind, r.body, got, shown(r.want))
		default:
			t.Logf("%s %q: %s (%s), a person reads %s", r.kind, r.body, shown(got), why, shown(r.want))
		}
	}
	t.Logf("%d of %d read as a person would, %d wrong", right, len(replies), wrong)
	if right*100 < 97*len(replies) {
		t.Errorf("%d of %d read as a person would, want 97 %%", right, len(replies))
	}
	t.Attr("tries", strconv.Itoa(len(replies)))
}

func TestReadBegun(t *testing.T) {
	q := Question{ID: "q", Kind: NPS}
	for _, tt := range []struct {
		subject, text string
		want          int
	}{
		{"9 ", "", 9}, {" 9 ", "Great, thanks!", 9}, {"9", "Tom Tester\n030 1234567\n10, Downing Street", 9}, {"9", "9", 9}, {"9", "7", review},
		{"9", "Sorry, I meant 3.", review}, {"", "8", 8}, {"my order", "8", 8}, {"11", "", review}, {"my order", "what is it?", review},
	} {
		got := review
		if r := ReadBegun(q, tt.subject, tt.text); r.Sure {
			got = r.Score
		}
		if got != tt.want {
			t.Errorf("ReadBegun(%q, %q) = %s, want %s", tt.subject, tt.text, shown(got), shown(tt.want))
		}
	}
}

func shown(want int) string {
	switch want {
	case review:
		return "review"
	case nothing:
		return "nothing"
	}
	return strconv.Itoa(want)
}
