package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rapport/records/event"
)

// The headers of what is sent (Standard Webhooks, version 1).
const (
	HeaderID        = "Webhook-Id"
	HeaderTime      = "Webhook-Timestamp" // seconds since 1970 of the attempt
	HeaderSignature = "Webhook-Signature"
)

// secretPrefix is how people and scanners of source code know a secret.
const secretPrefix = "whsec_"

// SecretSize is how many random bytes sign.
const SecretSize = 32

// SecretText is a secret as people hand it on.
func SecretText(secret []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// Sign makes the value of [HeaderSignature]: HMAC-SHA-256 over id, seconds and
// body with each of the secrets. A receiver takes any that fits.
func Sign(id string, at time.Time, body []byte, secrets ...[]byte) string {
	var all []string
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s.%s.", id, Seconds(at))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// Seconds is a time as [HeaderTime] says it.
func Seconds(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// Body is what a webhook is sent of an event: what those get who watch.
func Body(e event.Event) ([]byte, error) {
	body, err := json.Marshal(struct {
		event.Event
		Path string `json:"path,omitempty"`
	}{e, e.Path()})
	if err != nil {
		return nil, fmt.Errorf("write event %s: %w", e.ID, err)
	}
	return body, nil
}
