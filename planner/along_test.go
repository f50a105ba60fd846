package planner

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"strings"
	"testing"

	gomessage "github.com/emersion/go-message"

	"rapport/records/campaign"
)

// withFiles is a mail with a picture and an attachment.
func withFiles(t *testing.T, name string) campaign.Rendered {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	picture, err := campaign.NewFile("p.png", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	r := rendered
	r.HTML = `<!DOCTYPE html><img src="cid:` + picture.ContentID + `" alt="x">`
	r.Pictures, r.Files = []campaign.File{picture}, []campaign.File{{Name: name, Type: "application/pdf", Data: []byte("%PDF-1.7 " + strings.Repeat("x", 3000))}}
	return r
}

// leaf is a part of a mail that holds no others.
type leaf struct {
	kind, name, id, disposition string
	data                        []byte
}

// leaves reads a mail with another library than the one that writes it.
func leaves(t *testing.T, raw []byte) (head gomessage.Header, out []leaf) {
	t.Helper()
	m, err := gomessage.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	err = m.Walk(func(_ []int, e *gomessage.Entity, err error) error {
		if err != nil {
			return err
		}
		kind, params, err := e.Header.ContentType()
		if err != nil || strings.HasPrefix(kind, "multipart/") {
			return err
		}
		l := leaf{kind: kind, name: params["name"], id: e.Header.Get("Content-Id")}
		if e.Header.Has("Content-Disposition") {
			var p map[string]string
			if l.disposition, p, err = e.Header.ContentDisposition(); err != nil {
				return err
			}
			if p["filename"] != l.name {
				return fmt.Errorf("two names: %q and %q", l.name, p["filename"])
			}
		}
		l.data, err = io.ReadAll(e.Body)
		out = append(out, l)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.Header, out
}

// TestAlong has pictures and attachments arrive as they are, under their names,
// in a mail that two signatures cover.
func TestAlong(t *testing.T) {
	r := withFiles(t, "Preise für Köln.pdf")
	raw, err := Compose(envelope(), r)
	if err != nil {
		t.Fatal(err)
	}
	head, got := leaves(t, raw)
	if kind, _, err := head.ContentType(); err != nil || kind != "multipart/mixed" || len(got) != 4 {
		t.Fatalf("%s with %d parts, %v", kind, len(got), err)
	}
	for i, want := range []leaf{
		{kind: "text/plain", data: []byte(strings.ReplaceAll(r.Text, "\n", "\r\n"))}, {kind: "text/html", data: []byte(r.HTML)},
		{kind: "image/png", name: "p.png", id: "<" + r.Pictures[0].ContentID + ">", disposition: "inline", data: r.Pictures[0].Data},
		{kind: "application/pdf", name: "Preise für Köln.pdf", disposition: "attachment", data: r.Files[0].Data},
	} {
		data := bytes.TrimRight(got[i].data, "\r\n")
		if got[i].kind != want.kind || got[i].name != want.name || got[i].id != want.id || got[i].disposition != want.disposition || !bytes.Equal(data, bytes.TrimRight(want.data, "\r\n")) {
			t.Errorf("part %d: %.200q\nwant %.200q", i, fmt.Sprint(got[i]), fmt.Sprint(want))
		}
	}
	keys := keys(t)
	signed, err := Sign(raw, envelope().Date, keys...)
	if err != nil {
		t.Fatal(err)
	}
	if good, bad := verify(t, signed, keys); good != 2 || bad != nil {
		t.Errorf("%d signatures are good: %v", good, bad)
	}
}

// TestFileNames puts each payload into the name of a file: the mail keeps its
// header and its parts.
func TestFileNames(t *testing.T) {
	clean, err := Compose(envelope(), withFiles(t, "x.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := gomessage.Read(bytes.NewReader(clean))
	if err != nil {
		t.Fatal(err)
	}
	want := m.Header.Len()
	taken := 0
	for _, payload := range payloads {
		if _, err := campaign.NewFile(payload+".pdf", []byte("x")); err == nil {
			taken++
		}
		raw, err := Compose(envelope(), withFiles(t, payload+".pdf")) // as if nothing had looked at the name
		if err != nil {
			continue
		}
		head, got := leaves(t, raw)
		if head.Len() != want || len(got) != 4 || strings.Contains(string(raw), "\nBcc:") || head.Has("Bcc") {
			t.Errorf("%q: %d fields, %d parts", payload, head.Len(), len(got))
		}
	}
	if taken == 0 || taken == len(payloads) {
		t.Errorf("%d of %d names are taken", taken, len(payloads))
	}
}

// TestChecklist holds the header of a mail as it is sent against the list of
// what receivers ask for, each field once, read by another library.
func TestChecklist(t *testing.T) {
	keys := keys(t)
	raw, err := Compose(envelope(), withFiles(t, "x.pdf"))
	if err == nil {
		raw, err = Sign(raw, envelope().Date, keys...)
	}
	if err != nil {
		t.Fatal(err)
	}
	head, got := leaves(t, raw)
	count := map[string]int{}
	for f := head.Fields(); f.Next(); {
		count[strings.ToLower(f.Key())]++
	}
	for _, name := range []string{"From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "List-ID", "List-Unsubscribe", "List-Unsubscribe-Post",
		"Precedence", "Auto-Submitted", "X-Auto-Response-Suppress", "Feedback-ID", "X-Rapport-Id", "Content-Language", "Content-Type"} {
		if count[strings.ToLower(name)] != 1 {
			err = errors.Join(err, fmt.Errorf("%s stands there %d times", name, count[strings.ToLower(name)]))
		}
	}
	if count["cc"]+count["bcc"]+count["sender"]+count["return-path"] > 0 || count["dkim-signature"] != 2 {
		err = errors.Join(err, fmt.Errorf("other fields: %v", count))
	}
	covered := strings.ToLower(strings.Join(strings.Fields(head.Get("DKIM-Signature")), ""))
	for _, name := range []string{"list-unsubscribe", "list-unsubscribe-post", "list-id", "from", "subject", "feedback-id"} {
		if !strings.Contains(covered, ":"+name+":") && !strings.Contains(covered, "h="+name+":") && !strings.Contains(covered, ":"+name+";") {
			err = errors.Join(err, fmt.Errorf("no signature covers %s: %s", name, covered))
		}
	}
	if way := head.Get("List-Unsubscribe"); !strings.HasPrefix(way, "<https://") || !strings.Contains(way, ", <mailto:") {
		err = errors.Join(err, fmt.Errorf("List-Unsubscribe: %s", way))
	}
	if len(got) < 2 || got[0].kind != "text/plain" || got[1].kind != "text/html" {
		err = errors.Join(err, errors.New("the text does not come before the HTML"))
	}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 998 || bytes.ContainsAny(line, "\r\n") {
			err = errors.Join(err, fmt.Errorf("a line of %d bytes", len(line)))
		}
	}
	if err != nil {
		t.Error(err)
	}
}
