package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/intake"
	"rapport/records/message"
	"rapport/store"
)

const pinned = "mx.ours.example"

// vouching is a world whose two mailboxes believe each its own provider.
func vouching(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	boxes := []intake.Mailbox{{Name: "ada", Authserv: pinned}, {Name: "bob", Authserv: "mx.other.example"}}
	if err := w.Reconfigure(context.Background(), rules(), true, boxes); err != nil {
		t.Fatal(err)
	}
	return w
}

// people is everybody in the records, as text.
func (w *world) people() string {
	w.t.Helper()
	var out []byte
	err := w.store.View(context.Background(), func(tx store.Tx) error {
		cs, err := tx.Contacts().List(store.Filter{}, store.Slice{Limit: 1000})
		if err != nil {
			return err
		}
		os, err := tx.Organisations().List(store.Filter{}, store.Slice{Limit: 1000})
		if err != nil {
			return err
		}
		out, err = json.MarshalIndent([]any{cs.Items, os.Items}, "", " ")
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(out)
}

// TestS12_NamesMatchNobody: whoever puts a contact's name or address into a
// display name is filed under nobody, and nobody is made of it.
func TestS12_NamesMatchNobody(t *testing.T) {
	t.Parallel()
	w := vouching(t)
	c := w.person("Cleo", "cleo@client.example")
	w.company("Client", "client.example")
	before := w.people()
	spoofs := []string{
		`Cleo <eve@evil.example>`, `"cleo@client.example" <eve@evil.example>`, `cleo@client.example <eve@evil.example>`, `<cleo@client.example> <eve@evil.example>`,
		`"Cleo <cleo@client.example>" <eve@evil.example>`, `=?utf-8?q?cleo=40client.example?= <eve@evil.example>`, `=?utf-8?b?Y2xlb0BjbGllbnQuZXhhbXBsZQ==?= <eve@evil.example>`,
		`eve@evil.example (cleo@client.example)`, `"cleo@client.example, " <eve@evil.example>`, `cleo@client.example.evil.example`, "cleo@cl\u0456ent.example", `cleo@client.example\0@evil.example`,
		`"cleo@client.example"@evil.example`, `cleo%client.example@evil.example`, `@client.example:eve@evil.example`, `cleo`, `Cleo`, `""`,
	}
	for n, from := range spoofs {
		id := fmt.Sprintf("s%d", n)
		w.deliver("ada", "INBOX", mail(id, from, ada, "Spoof "+id))
		w.deliver("ada", "INBOX", mail("r"+id, "eve@evil.example", ada, "Reply-To "+id, "Reply-To: "+from))
	}
	w.sync()
	if got := w.of(c); len(got) != 0 {
		t.Errorf("on Cleo's timeline by name: %q", got)
	}
	if after := w.people(); after != before {
		t.Errorf("the records changed:\n%s\nwere\n%s", after, before)
	}
	t.Attr("tries", strconv.Itoa(2*len(spoofs)))
}

// TestS12_UnverifiedChangesNothing files mail of every kind whose sender the
// provider calls forged: it is shown as such, and neither the records nor what
// waits for a person are changed by it.
func TestS12_UnverifiedChangesNothing(t *testing.T) {
	t.Parallel()
	const failed = "Authentication-Results: " + pinned + "; dmarc=fail header.from=client.example\n"
	kinds := map[string]string{
		"a letter":     mail("k1", cleo, ada, "a letter"),
		"unsubscribe":  mail("k2", cleo, ada, "unsubscribe"),
		"an absence":   mail("k3", cleo, ada, "an absence", "Auto-Submitted: auto-replied"),
		"a new name":   mail("k4", "Cleo Newname <cleo@client.example>", ada, "a new name"),
		"a signature":  mail("k5", cleo, ada, "a signature") + "-- \nCleo Byron\nHead of everything\nTel. 1234\n",
		"an answer to": mail("k6", cleo, ada, "an answer to", "Reply-To: eve@evil.example"),
		"a forward":    mail("k7", cleo, ada, "a forward") + "\n---------- Forwarded message ---------\nFrom: Carl <carl@press.example>\nDate: 2 Mar 2026\nSubject: x\nTo: a@b.example\n\nx\n",
		"an invitation": strings.Replace(mail("k8", cleo, ada, "an invitation", "Content-Type: text/calendar; method=REQUEST"), "Text of an invitation.",
			"BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nDTSTART:20260302T100000Z\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR", 1),
		"an address": mail("k9", cleo, ada, "an address") + "My new address is cleo@new.example.\n",
	}
	w := vouching(t)
	c := w.person("Cleo", "cleo@client.example")
	before := w.people()
	for _, raw := range kinds {
		w.deliver("ada", "INBOX", failed+raw)
	}
	w.sync()
	if after := w.people(); after != before {
		t.Errorf("the records changed:\n%s\nwere\n%s", after, before)
	}
	if got := w.of(c); len(got) != len(kinds) {
		t.Errorf("%d mails on Cleo's timeline, want %d, each as unverified: %q", len(got), len(kinds), got)
	}
	for subject := range kinds {
		if ms := w.find(subject); len(ms) != 1 || ms[0].Trust != message.TrustFail {
			t.Errorf("%s: %+v, want one message, unverified", subject, ms)
		}
	}
	if got := w.suggested(); len(got) != 0 {
		t.Errorf("suggested because of forged mail: %q", got)
	}
	t.Attr("tries", strconv.Itoa(len(kinds)))
}

// TestS12_EachMailboxBelievesItsOwnProvider reads one mail in two mailboxes
// with different providers.
func TestS12_EachMailboxBelievesItsOwnProvider(t *testing.T) {
	t.Parallel()
	tries := 0
	for _, box := range []struct {
		name, to string
		want     map[string]message.Trust
	}{
		{"ada", ada, map[string]message.Trust{pinned: message.TrustPass, "mx.other.example": message.TrustNone, "mx.evil.example": message.TrustNone}},
		{"bob", bob, map[string]message.Trust{pinned: message.TrustNone, "mx.other.example": message.TrustPass, "mx.evil.example": message.TrustNone}},
	} {
		for provider, want := range box.want {
			w := vouching(t)
			w.person("Cleo", "cleo@client.example")
			w.deliver(box.name, "INBOX", "Authentication-Results: "+provider+"; dmarc=pass header.from=client.example\n"+mail("p", cleo, box.to, "Vouched"))
			w.sync()
			tries++
			if ms := w.find("Vouched"); len(ms) != 1 || ms[0].Trust != want {
				t.Errorf("%s reads the word of %s: %+v, want %s", box.name, provider, ms, want)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM54_OddBytesAreStored files a mail in every form its bytes may take and
// reads the same bytes back.
func TestM54_OddBytesAreStored(t *testing.T) {
	t.Parallel()
	usual := strings.ReplaceAll(mail("m", cleo, ada, "Odd"), "\n", "\r\n")
	forms := map[string]string{
		"LF": strings.ReplaceAll(usual, "\r\n", "\n"), "CR": strings.ReplaceAll(usual, "\r\n", "\r"), "CRCRLF": strings.ReplaceAll(usual, "\r\n", "\r\r\n"),
		"a mark": "\xef\xbb\xbf" + usual, "From_": "From cleo Mon Mar  2 09:00:00 2026\r\n" + usual, ">From_": ">From cleo Mon Mar  2 09:00:00 2026\r\n" + usual,
		"NULs": usual + "a\x00b\x00\r\n", "NULs behind": usual + strings.Repeat("\x00", 70_000), "bare CRs": usual + "a\rb\r\r\nc", "dots": usual + ".\r\n..\r\n",
		"every byte": usual + everyByte(), "uuencode": usual + "begin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n", "no line end": strings.TrimRight(usual, "\r\n"), "blank lines": "\r\n\r\n" + usual,
	}
	for form, raw := range forms {
		w := newWorld(t)
		w.knowEverybody([]byte(usual))
		w.fileExact(form, 1, []byte(raw))
	}
	t.Attr("tries", strconv.Itoa(len(forms)))
}

func everyByte() string {
	var b strings.Builder
	for range 5 {
		for c := range 256 {
			b.WriteByte(byte(c))
		}
	}
	return b.String()
}

// TestM57_NoDateStaysOnTop: a message dated into the future or not at all is
// filed where it arrived, so that what comes later stands above it.
func TestM57_NoDateStaysOnTop(t *testing.T) {
	t.Parallel()
	dates := []string{"", "Date: garbage\n", "Date: Fri, 01 Jan 9999 00:00:00 +0000\n", "Date: Tue, 02 Mar 2100 09:00:00 +0000\n", "Date: Mon, 02 Mar 2036 09:00:00 -2400\n", "Date: Fri, 02 Mar 1601 09:00:00 +0000\n", "Date: Wed, 31 Dec 2100 23:59:59 -1200\n"}
	for _, d := range dates {
		w := newWorld(t)
		c := w.person("Cleo", "cleo@client.example")
		odd := mail("o", cleo, ada, "Odd")
		i := strings.Index(odd, "Date:")
		odd = odd[:i] + d + odd[i+strings.Index(odd[i:], "\n")+1:]
		w.deliver("ada", "INBOX", odd)
		w.sync()
		ms := w.find("Odd")
		if len(ms) != 1 || ms[0].Time.After(w.now()) || ms[0].Time.Year() < 1970 {
			t.Errorf("%q: %+v, want one message no later than now", d, ms)
			continue
		}
		at := ms[0].Time.Add(2 * time.Hour).Format("Mon, 02 Jan 2006 15:04:05 -0700")
		w.deliver("ada", "INBOX", "Message-ID: <later@test>\nDate: "+at+"\nFrom: "+cleo+"\nTo: "+ada+"\nSubject: Later\n\nx\n")
		w.sync()
		if got := w.of(c); !slices.Equal(got, []string{"Odd", "Later"}) {
			t.Errorf("%q: timeline %q, the odd one at %v", d, got, ms[0].Time)
		}
	}
	t.Attr("tries", strconv.Itoa(len(dates)))
}

// found returns the subjects of what a search finds.
func (w *world) found(query string) (subjects []string) {
	w.t.Helper()
	q, err := store.ParseQuery(query)
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.store.View(context.Background(), func(tx store.Tx) error {
		page, err := tx.Entries().Search(q, store.Slice{})
		subjects = nil
		for _, e := range page.Items {
			subjects = append(subjects, e.Subject)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return subjects
}

// TestFilesAreFound: a mail is found by what its attached texts, tables and
// invitations say and are called, also by the history of somebody who is added
// later, and no more once its person is erased.
func TestFilesAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carl := w.person("Carl", "carl@client.example")
	with := func(id, from, subject string) string {
		return mail(id, from, ada, subject, "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b",
			"", "--b", "", "As agreed.", "--b", "Content-Type: text/csv; name=\"Preise Süd.csv\"", "Content-Disposition: attachment", "", "Amboss;4711", "--b",
			"Content-Type: text/calendar; method=REQUEST", "", "BEGIN:VCALENDAR", "BEGIN:VEVENT", "SUMMARY:Werksbesichtigung", "LOCATION:Halle 7", "END:VEVENT", "END:VCALENDAR", "--b--")
	}
	w.deliver("ada", "INBOX", with("m1", "carl@client.example", "Prices"))
	w.deliver("ada", "INBOX", with("m2", "dora@later.example", "Later"))
	w.sync()
	questions := []string{"amboss 4711", "file:sud", `file:"preise süd.csv"`, "werksbesichtigung", `"halle 7"`}
	check := func(want ...string) {
		t.Helper()
		for _, query := range questions {
			if got := w.found(query); !slices.Equal(got, want) {
				t.Errorf("%s finds %q, want %q", query, got, want)
			}
		}
	}
	check("Prices")
	w.person("Dora", "dora@later.example")
	w.sync()
	check("Prices", "Later")
	if _, err := w.Erase(context.Background(), "test", carl.ID); err != nil {
		t.Fatal(err)
	}
	check("Later")
}

// reader reads files as an office would, where it is told to.
type reader struct{ limit int64 }

func (r reader) Limit() int64 { return r.limit }

func (reader) Text(content []byte) (string, error) {
	switch text := string(content); text {
	case "broken":
		return "", errors.New("no office file")
	case "panics":
		panic("a bug of the reader")
	default:
		return "read: " + text, nil
	}
}

// TestDocumentsAreFound: what office and PDF files say is found where they are read, and
// only there; one that cannot be read keeps nothing from being filed.
func TestDocumentsAreFound(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int64][]string{1 << 20: {"Offer"}, 5: nil, 0: nil} {
		w := newWorld(t)
		w.readDocuments(reader{limit})
		w.person("Carl", "carl@client.example")
		raw := mail("m1", "carl@client.example", ada, "Offer", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "As agreed.")
		for _, file := range []string{"a.docx", "broken", "b.DOCX", "panics", "c.pdf", "zwölf Ambosse", "d.doc", "never read"} {
			if strings.Contains(file, ".") {
				raw += "--b\nContent-Type: application/octet-stream; name=" + file + "\nContent-Disposition: attachment\n\n"
			} else {
				raw += file + "\n"
			}
		}
		w.deliver("ada", "INBOX", raw+"--b--\n")
		w.sync()
		for _, query := range []string{"ambosse", `"read zwölf ambosse"`} {
			if got := w.found(query); !slices.Equal(got, want) {
				t.Errorf("up to %d bytes: %s finds %q, want %q", limit, query, got, want)
			}
		}
		for query, want := range map[string][]string{"agreed": {"Offer"}, "file:docx": {"Offer"}, "file:doc": {"Offer"}, "never": nil} {
			if got := w.found(query); !slices.Equal(got, want) {
				t.Errorf("up to %d bytes: %s finds %q, want %q", limit, query, got, want)
			}
		}
	}
}
