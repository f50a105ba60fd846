package auth

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"rapport/internal/seal"
	"rapport/records/access"
)

// The parameters every authenticator app knows (RFC 6238).
const (
	totpStep = 30 * time.Second
	totpSize = 20 // bytes of the secret
)

var totpCoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// newTOTP returns a random secret as apps take it.
func newTOTP() string {
	raw := make([]byte, totpSize)
	rand.Read(raw)
	return totpCoding.EncodeToString(raw)
}

// totpOf returns the secret that belongs to a one-time link, so that showing
// the page writes nothing.
func (s *Service) totpOf(link string) string {
	raw, err := hkdf.Key(sha256.New, seal.Derive(s.key, "authenticators of links", 32), []byte(link), "totp", totpSize)
	if err != nil {
		panic(err) // only of sizes beyond the digest's reach
	}
	return totpCoding.EncodeToString(raw)
}

// enrolment shows a secret to an app: as a picture, an address and text.
func (s *Service) enrolment(secret, account string) (access.Enrolment, error) {
	label := "Rapport"
	if team := s.settings.Load().Team; team != "" {
		label += " " + strings.ReplaceAll(team, ":", " ")
	}
	q := url.Values{"secret": {secret}, "issuer": {label}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	uri := "otpauth://totp/" + url.PathEscape(label) + ":" + url.PathEscape(account) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
	code, err := qr.Encode(uri, qr.M, qr.Auto)
	if err != nil {
		return access.Enrolment{}, fmt.Errorf("draw the code of an authenticator: %w", err)
	}
	return access.Enrolment{Secret: secret, URI: uri, Drawing: drawing(code)}, nil
}

// drawing makes an SVG path of a QR code: one square a module, with the quiet
// zone of four around them, in a box of its size.
func drawing(code barcode.Barcode) access.Drawing {
	const quiet = 4
	size := code.Bounds().Dx()
	var path bytes.Buffer
	for y := range size {
		for x := 0; x < size; x++ {
			run := 0
			for x+run < size && dark(code, x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return access.Drawing{Size: size + 2*quiet, Path: path.String()}
}

func dark(code barcode.Barcode, x, y int) bool {
	r, _, _, _ := code.At(x, y).RGBA()
	return r == 0
}

// stepOf returns the time step of which code is the code, of the present one
// and its neighbours, and later than last: a code works once.
func stepOf(secret, code string, now time.Time, last int64) (step int64, ok bool) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
	present := now.Unix() / int64(totpStep/time.Second)
	for _, at := range []int64{present, present - 1, present + 1} {
		want, err := totp.GenerateCodeCustom(secret, time.Unix(at*30, 0), totp.ValidateOpts{
			Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && at > last {
			step, ok = at, true
		}
	}
	return step, ok
}

// useCode uses up a code of the user's app, or one of the recovery codes.
func (s *Service) useCode(u *access.Account, code string) (bool, error) {
	c := &u.Credentials
	if len(c.TOTP) == 0 {
		return false, nil
	}
	secret, err := s.sealed.Open(c.TOTP, u.ID)
	if err != nil {
		return false, fmt.Errorf("check the code of %s: %w", u.Address, err)
	}
	if step, ok := stepOf(string(secret), code, s.now(), c.TOTPStep); ok {
		c.TOTPStep = step
		return true, nil
	}
	digest := digestOf(recoveryForm(code))
	for i, kept := range c.Recovery {
		if sameDigest(digest, kept) {
			c.Recovery = append(c.Recovery[:i:i], c.Recovery[i+1:]...)
			return true, nil
		}
	}
	return false, nil
}

var errCode = errors.New("the code does not fit the secret: is the clock of the phone right? Enter the code the app shows now")

// enrol gives a user the secret of an app, once a code shows that the app has it.
func (s *Service) enrol(u *access.Account, secret, code string) error {
	raw, err := totpCoding.DecodeString(strings.ToUpper(strings.ReplaceAll(secret, " ", "")))
	if err != nil || len(raw) != totpSize {
		return errors.New("this is no secret of an authenticator; reload the page")
	}
	plain := totpCoding.EncodeToString(raw)
	step, ok := stepOf(plain, code, s.now(), 0)
	if !ok {
		return errCode
	}
	u.Credentials.TOTP, u.Credentials.TOTPStep = s.sealed.Seal([]byte(plain), u.ID), step
	return nil
}

// Recovery codes are 80 random bits each, in four groups.
const recoveryCodes = 10

func newRecovery() (codes []string, digests [][]byte) {
	for range recoveryCodes {
		raw := make([]byte, 10)
		rand.Read(raw)
		text := strings.ToLower(totpCoding.EncodeToString(raw))
		codes = append(codes, text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:])
		digests = append(digests, digestOf(text))
	}
	return codes, digests
}

// recoveryForm is a recovery code as its digest was made.
func recoveryForm(code string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(code))
}
