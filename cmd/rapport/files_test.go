package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/web"
)

// TestFilesOfOlderMail files a mail with a PDF file while such files are not
// read, has them read, and finds the mail by what the file says: on the command
// line, and by a reload of the running daemon as by a start.
func TestFilesOfOlderMail(t *testing.T) {
	t.Parallel()
	w := mailtest.NewWorld(mailtest.Options{Seed: 59, Messages: 30, Scale: 0.01})
	imap, err := mailtest.NewIMAP(nil, w.Accounts()...)
	if err != nil {
		t.Fatal(err)
	}
	defer imap.Close()
	s := siteOn(t, w, mailtest.Server{Addr: imap.Addr, TLS: "none"})
	s.know(w)
	sends := func(n int, says string) {
		file := base64.StdEncoding.EncodeToString(mailtest.PDF("Offer\n" + says))
		raw := fmt.Sprintf("From: <%s>\r\nTo: <%s>\r\nSubject: our offer\r\nMessage-ID: <offer.%d@mail.example>\r\nDate: %s\r\nMIME-Version: 1.0\r\n"+
			"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease find it attached.\r\n--b\r\nContent-Type: application/pdf; name=offer.pdf\r\n"+
			"Content-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n", w.Contacts[0].Addresses[0], w.Members[0].Addresses[0], n, w.Since.AddDate(0, 1, n).Format(time.RFC1123Z), file)
		s.must(imap.Append(w.Accounts()[0].Name, "INBOX", []byte(raw), w.Since.AddDate(0, 1, n)))
	}
	sends(1, "Twelve quillwork chairs at 400 each")
	s.run("sync")
	if got := s.run("search", "quillwork", "--json"); got != "" {
		t.Fatalf("found though files are not read: %s", got)
	}
	was, err := os.ReadFile(s.config)
	s.must(err)
	reads := func(yes bool) {
		s.must(os.WriteFile(s.config, fmt.Appendf(nil, "%s\nsearch: {documents: %v}\n", was, yes), 0o600))
	}
	d := s.starts()
	d.answers()
	d.inSync()
	found := func(word string) bool {
		page, err := d.client.Search(t.Context(), word, web.Slice{})
		if err != nil || len(page.Items) == 0 {
			return false
		}
		files := page.Items[0].FilePassages
		if len(files) != 1 || len(files[0].Name) == 0 || len(files[0].Passages) == 0 {
			t.Errorf("the passage of the file: %+v", page.Items[0])
		}
		return true
	}
	reload := func(yes bool) {
		reads(yes)
		s.run("reload")
	}
	reload(true)
	d.until("the file is found after a reload", func(context.Context) bool { return found("quillwork") })
	if got := s.run("search", "chairs"); !strings.Contains(got, "offer.pdf") || !strings.Contains(got, "quillwork") {
		t.Errorf("the command shows no passage of the file:\n%s", got)
	}

	reload(false)
	sends(2, "Thirty marlwood tables")
	d.until("the second comes", func(ctx context.Context) bool {
		page, err := d.client.Search(ctx, "subject:offer", web.Slice{})
		return err == nil && len(page.Items) == 2
	})
	if found("marlwood") {
		t.Error("found though files are not read any more")
	}
	reads(true)
	d.stop()
	d = s.starts()
	d.answers()
	d.until("the file is found after a start", func(context.Context) bool { return found("marlwood") })
	d.until("nothing is left to read", func(ctx context.Context) bool {
		up, err := d.client.Upkeep(ctx)
		return err == nil && up.Files == nil
	})
}
