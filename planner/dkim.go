package planner

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Signature is a key that mail of a domain is signed with (DKIM, RFC 6376), RSA
// or Ed25519 (RFC 8463). Only who sends through a relay of their own needs one:
// Microsoft 365 and Gmail sign themselves. It may be used concurrently.
type Signature struct {
	Domain   string // whose mail it is: that of From, or one above
	Selector string // the record is SELECTOR._domainkey.DOMAIN
	Key      crypto.Signer
}

// signed are the fields a signature covers, there or not: nobody can add one on
// the way. RFC 8058 section 3.1 asks for the two of List-Unsubscribe.
var signed = []string{
	"From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Language",
	fieldListID, fieldUnsub, fieldUnsubPost, fieldFeedback, fieldToken, fieldAuto,
}

// oversigned are the fields that stand there once and may be made two of, of
// which people would see the wrong one.
var oversigned = []string{"From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", fieldListID, fieldUnsub, fieldUnsubPost}

// Sign puts a DKIM-Signature above a composed mail for each key. Whoever
// verifies takes the one they know: with RSA and Ed25519 side by side everybody
// does. The time of the signature is given, so that the same mail signed again
// with Ed25519 is the same.
func Sign(composed []byte, now time.Time, keys ...Signature) ([]byte, error) {
	head, body, found := bytes.Cut(composed, []byte("\r\n\r\n"))
	if !found {
		return nil, fmt.Errorf("sign mail: there is no empty line below its header")
	}
	head = append(slices.Clone(head), "\r\n"...)
	var out []byte
	for _, k := range keys {
		s := mail.NewDKIMSigner(k.Domain, k.Selector, k.Key) // one for each mail: it keeps notes
		s.NowFunc = func() time.Time { return now }
		s.SignHeaders(signed...)
		s.OversignHeaders(oversigned...)
		line, err := s.Sign(head, body)
		if err != nil {
			return nil, fmt.Errorf("sign mail for %s with the key %s: %w", k.Domain, k.Selector, err)
		}
		out = append(out, refold(line)...)
	}
	return checkBytes(append(out, composed...))
}

// refold folds a signature where its value has a space, and in what follows b=,
// which is not signed. The library (0.8.1) breaks long tags in the middle, and
// the space that the fold becomes is not in what it signed.
func refold(line string) string {
	value := strings.ReplaceAll(strings.TrimSuffix(line, "\r\n"), "\r\n ", "")
	at := strings.LastIndex(value, "; b=") + len("; b=")
	tags, sum := value[:at], value[at:]
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(tags, "; ", ";\r\n "))
	for len(sum) > 0 {
		n := min(len(sum), 72)
		b.WriteString(sum[:n])
		if sum = sum[n:]; sum != "" {
			b.WriteString("\r\n ")
		}
	}
	b.WriteString("\r\n")
	return b.String()
}

// Name is where the record of the key belongs in the DNS.
func (s Signature) Name() string { return s.Selector + "._domainkey." + s.Domain }

// Record is the TXT record that lets others verify (RFC 6376 section 3.6.1; for
// Ed25519 RFC 8463 section 4).
func (s Signature) Record() (string, error) {
	switch public := s.Key.Public().(type) {
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return "", fmt.Errorf("record of the key %s: %w", s.Selector, err)
		}
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	default:
		return "", fmt.Errorf("record of the key %s: %T is neither RSA nor Ed25519", s.Selector, public)
	}
}
