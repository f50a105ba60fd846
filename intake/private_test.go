package intake_test

import (
	"strings"
	"testing"
)

// TestPrivateWithoutAMessageID: mail that bears no Message-ID leaves the
// timelines too when its owner moves it into a Private folder.
func TestPrivateWithoutAMessageID(t *testing.T) {
	t.Parallel()
	for _, privateFirst := range []bool{false, true} {
		w := newWorld(t)
		c := w.person("Cleo", "cleo@client.example")
		raw := strings.Replace(mail("", cleo, ada, "No id"), "Message-ID: <@test>\n", "", 1)
		w.deliver("ada", "INBOX", raw)
		if !privateFirst {
			w.sync()
		}
		w.deliver("ada", "Private", raw)
		w.pass(w.folder("ada", "Private"))
		w.sync()
		if got := w.of(c); len(got) != 0 {
			t.Errorf("private folder first %v: the timeline shows %q", privateFirst, got)
		}
		if n := w.count(); n != 0 {
			t.Errorf("private folder first %v: %d messages are stored", privateFirst, n)
		}
	}
}

// TestPrivateMovedOutStaysPrivate: what a Private folder kept out does not
// come back with a move, in whichever mailbox it appears.
func TestPrivateMovedOutStaysPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.person("Cleo", "cleo@client.example")
	raw := mail("q1", cleo, ada+", "+bob, "Once private")
	uid := w.deliver("ada", "Private", raw)
	w.sync()
	delete(w.folder("ada", "Private").mails, uid)
	w.deliver("ada", "INBOX", raw)
	w.deliver("bob", "INBOX", raw)
	w.sync()
	if got, n := w.of(c), w.count(); len(got) != 0 || n != 0 {
		t.Errorf("after it was moved out the timeline shows %q, and %d messages are stored; want none", got, n)
	}
}
