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
