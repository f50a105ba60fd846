package intake_test

import (
	"context"
	"strings"
	"testing"

	"rapport/intake"
	"rapport/records/message"
)

// TestTrustBelongsToItsText: a forged variant of a message is not vouched for
// by the genuine one, whichever is read first and whichever text is shown.
func TestTrustBelongsToItsText(t *testing.T) {
	t.Parallel()
	genuine := "Authentication-Results: mx.ours.example; dmarc=pass header.from=client.example\n" + mail("c1", cleo, ada, "Invoice")
	boxes := []intake.Mailbox{{Name: "ada", Authserv: "mx.ours.example"}, {Name: "bob", Authserv: "mx.ours.example"}}
	for _, words := range []string{"Pay here", "Pay there", "Pay me", "Pay him", "Pay her", "Pay them"} {
		forged := "Authentication-Results: mx.ours.example; dmarc=fail header.from=client.example\n" +
			strings.Replace(mail("c1", cleo, ada, "Invoice"), "Text of Invoice.", words+", says somebody else.", 1)
		for _, first := range []string{genuine, forged} {
			second := map[string]string{genuine: forged, forged: genuine}[first]
			w := newWorld(t)
			if err := w.Reconfigure(context.Background(), rules(), true, boxes); err != nil {
				t.Fatal(err)
			}
			w.person("Cleo", "cleo@client.example")
			w.deliver("ada", "INBOX", first)
			w.sync()
			w.deliver("bob", "INBOX", second)
			w.sync()
			ms := w.find("Invoice")
			if len(ms) != 1 || len(ms[0].Variants) != 1 {
				t.Fatalf("want one message with a variant, got %+v", ms)
			}
			want := message.TrustPass
			if strings.Contains(ms[0].Snippet, words) {
				want = message.TrustFail
			}
			if ms[0].Trust != want {
				t.Errorf("%q is shown and trusted as %s; want %s", ms[0].Snippet, ms[0].Trust, want)
			}
		}
	}
}
