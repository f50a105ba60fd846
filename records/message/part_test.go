package message_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rapport/records/message"
)

// TestWritePart writes every attachment of every sample and compares it with
// what Parse says of it.
func TestWritePart(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := message.Parse(bytes.NewReader(raw), message.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range p.Attachments {
			var out bytes.Buffer
			if err := message.WritePart(&out, bytes.NewReader(raw), a.Part, message.Limits{}); err != nil {
				t.Errorf("%s: part %s: %v", file, a.Part, err)
			}
			sum := sha256.Sum256(out.Bytes())
			if got := hex.EncodeToString(sum[:]); int64(out.Len()) != a.Size || got != a.SHA256 {
				t.Errorf("%s: part %s of %s: %d bytes, want %d of digest %s", file, a.Part, a.Name, out.Len(), a.Size, a.SHA256)
			}
			seen++
		}
		var out bytes.Buffer
		if err := message.WritePart(&out, bytes.NewReader(raw), "99.99", message.Limits{}); err != nil || out.Len() > 0 {
			t.Errorf("%s: a part that is none: %d bytes, %v", file, out.Len(), err)
		}
	}
	if seen < 8 {
		t.Errorf("only %d attachments were tried", seen)
	}
}

func TestContentIDs(t *testing.T) {
	t.Parallel()
	raw := strings.ReplaceAll(`From: a@b.example
Content-Type: multipart/related; boundary=x

--x
Content-Type: text/html

<img src="cid:logo@b">
--x
Content-Type: image/png
Content-ID: <logo@b>
Content-Transfer-Encoding: base64

aGVsbG8=
--x--
`, "\n", "\r\n")
	p, err := message.Parse(strings.NewReader(raw), message.Limits{})
	if err != nil || p.ContentIDs["logo@b"] != "2" {
		t.Fatalf("ContentIDs = %v, %v; want logo@b to be part 2", p.ContentIDs, err)
	}
	gone := errors.New("gone")
	if err := message.WritePart(refusing{gone}, strings.NewReader(raw), "2", message.Limits{}); !errors.Is(err, gone) {
		t.Errorf("a reader who is gone: %v", err)
	}
}

type refusing struct{ err error }

func (r refusing) Write([]byte) (int, error) { return 0, r.err }
