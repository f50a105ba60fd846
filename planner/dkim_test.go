package planner

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

// keys are one of each kind.
func keys(t *testing.T) []Signature {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return []Signature{{"example.com", "r1", rsaKey}, {"example.com", "e1", crypto.Signer(ed25519.NewKeyFromSeed(make([]byte, 32)))}}
}

// verify has another library than the one that signed look at a mail, with
// the records as the DNS would give them.
func verify(t *testing.T, raw []byte, keys []Signature) (good int, bad error) {
	t.Helper()
	records := map[string]string{}
	for _, k := range keys {
		record, err := k.Record()
		if err != nil {
			t.Fatal(err)
		}
		records[k.Name()] = record
	}
	all, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if records[name] == "" {
			return nil, errors.New("no such record")
		}
		return []string{records[name]}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if v.Err != nil {
			bad = errors.Join(bad, v.Err)
		} else {
			good++
		}
	}
	return good, bad
}

func TestSign(t *testing.T) {
	raw, err := Compose(envelope(), rendered)
	if err != nil {
		t.Fatal(err)
	}
	keys := keys(t)
	out, err := Sign(raw, envelope().Date, keys...)
	if err != nil {
		t.Fatal(err)
	}
	if good, bad := verify(t, out, keys); good != 2 || bad != nil {
		t.Fatalf("%d signatures are good: %v\n%.2000s", good, bad, out)
	}
	if !bytes.HasSuffix(out, raw) {
		t.Error("signing changed the mail")
	}

	// What relays on the way may do: fold otherwise, change the case of names.
	refolded := regexp.MustCompile(`(?m)^(List-Unsubscribe|Subject|DKIM-Signature|To): (.*?) ?(\S+)\r$`).ReplaceAll(out, []byte("${1}:  ${2}\r\n\t ${3}\r"))
	refolded = bytes.Replace(refolded, []byte("\r\nMessage-ID:"), []byte("\r\nMESSAGE-Id:"), 1)
	if bytes.Equal(refolded, out) {
		t.Fatal("nothing was folded otherwise")
	}
	if good, bad := verify(t, refolded, keys); good != 2 || bad != nil {
		t.Errorf("folded otherwise, %d signatures are good: %v\n%.2000s", good, bad, refolded)
	}

	// What nobody may do.
	for name, change := range map[string]func(string) string{
		"way out": func(s string) string { return strings.Replace(s, "/u/rtoken", "/u/xtoken", 1) },
		"one click": func(s string) string {
			return strings.Replace(s, "\r\nList-Unsubscribe-Post:", "\r\nX-List-Unsubscribe-Post:", 1)
		},
		"second way out": func(s string) string { return "List-Unsubscribe: <https://evil.example/>\r\n" + s },
		"second author":  func(s string) string { return "From: eve@example.net\r\n" + s },
		"second subject": func(s string) string { return "Subject: other\r\n" + s },
		"text":           func(s string) string { return strings.Replace(s, "xxxx", "xxxy", 1) },
		"token":          func(s string) string { return strings.Replace(s, "X-Rapport-Id: r", "X-Rapport-Id: s", 1) },
	} {
		changed := change(string(out))
		if changed == string(out) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if good, _ := verify(t, []byte(changed), keys); good != 0 {
			t.Errorf("%s changed: %d signatures are good", name, good)
		}
	}
}

// TestSignAbsentFields has fields put in that a mail of no list does not have.
func TestSignAbsentFields(t *testing.T) {
	e := envelope()
	e.ListID, e.UnsubscribeURL, e.UnsubscribeMail, e.ReplyTo = "", "", "", ""
	raw, err := Compose(e, rendered)
	if err != nil {
		t.Fatal(err)
	}
	keys := keys(t)
	out, err := Sign(raw, time.Unix(1, 0), keys...)
	if err != nil {
		t.Fatal(err)
	}
	if good, bad := verify(t, out, keys); good != 2 || bad != nil {
		t.Fatalf("%d signatures are good: %v", good, bad)
	}
	for _, line := range []string{"Reply-To: eve@example.net", "List-Unsubscribe: <https://evil.example/>"} {
		if good, _ := verify(t, append([]byte(line+"\r\n"), out...), keys); good != 0 {
			t.Errorf("%s put in: %d signatures are good", line, good)
		}
	}
}
