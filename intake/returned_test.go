package intake_test

import (
	"testing"

	"rapport/intake"
	"rapport/records/message"
	"rapport/store"
)

// Whoever waits for answers hears what was newly written, without what is
// quoted, and only from the copy whose body was read.
func TestReturnedHearsWhatWasWritten(t *testing.T) {
	w := newWorld(t)
	var heard []string
	w.opts.Returned = func(_ store.Tx, _ message.Folder, _ message.Head, m *message.Message) error {
		if m != nil {
			heard = append(heard, m.Reply)
		}
		return nil
	}
	var err error
	if w.Intake, err = intake.New(w.opts); err != nil {
		t.Fatal(err)
	}
	raw := mail("s1", cleo, ada, "Re: How did we do?") + "\n9\n\nOn Mon, 2 Mar 2026 at 09:15, Ada <ada@example.com> wrote:\n> 0 1 2 3 4 5 6 7 8 9 10\n"
	w.person("Cleo", "cleo@client.example")
	for _, box := range []string{"ada", "bob"} {
		w.deliver(box, "INBOX", raw)
	}
	w.sync()
	if len(heard) == 0 {
		t.Fatal("nothing was heard")
	}
	for _, text := range heard {
		if len(text) == 0 || text[len(text)-1] != '9' {
			t.Errorf("heard %q, want what ends in 9 and nothing quoted", text)
		}
	}
}
