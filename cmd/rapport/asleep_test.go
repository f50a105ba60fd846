package main

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// TestM13_StoppedProcess stops the daemon and lets it go on, as the sleep of a
// machine does; the server is started anew meanwhile, so that every connection
// is dead. The mail that came is filed within a minute.
func TestM13_StoppedProcess(t *testing.T) {
	t.Parallel()
	w := mailtest.NewWorld(mailtest.Options{Seed: 26, Messages: 30, Scale: 0.1})
	d := mailtest.StartDovecotWith(t, mailtest.DovecotOptions{Users: w.Accounts()})
	s := newSite(t, w, d)
	s.know(w)
	s.run("sync")
	client, process := s.daemonProcess(t)
	awaitWatching(t, client)
	user, who := w.Accounts()[0], w.Contacts[0].Addresses[0]
	for i := range stops {
		if err := process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		if err := d.Restart(); err != nil {
			t.Fatal(err)
		}
		raw := fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nSubject: asleep %d\r\nDate: %s\r\nMessage-ID: <asleep-%d@x.example>\r\n\r\nHello.\r\n",
			who, user.Name, i, time.Now().Format(time.RFC1123Z), i)
		if _, err := d.Deliver(user.Name, "INBOX", raw, time.Now()); err != nil {
			t.Fatal(err)
		}
		<-time.After(stopped)
		if err := process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		woke := time.Now()
		filed := awaitEntries(t, client, who, i+1)
		t.Logf("filed %v after waking", filed.Sub(woke).Round(time.Millisecond))
	}
	t.Attr("tries", strconv.Itoa(stops))
}
