package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rapport/internal/outside"
	"rapport/records/hook"
	"rapport/records/phrase"
)

// The bounds of one attempt.
const (
	attemptTime  = 20 * time.Second
	connectTime  = 10 * time.Second
	answerHeader = 16 << 10
	answerBody   = 4 << 10 // read, so that the connection can be used again, and thrown away
	maxTrouble   = 300     // bytes of what went wrong
)

// sender makes attempts. Redirects are not followed and no proxy is asked: the
// address that is connected to is the one that was judged.
type sender struct {
	secure, clear http.Client // over TLS, and not
	agent         string
}

func newSender(c Settings, agent string) *sender {
	secure := &outside.Dialer{Timeout: connectTime, Allowed: c.Allowed}
	inClear := &outside.Dialer{Timeout: connectTime, Allowed: c.Allowed, Outer: func(a netip.Addr) error {
		return &outside.Refusal{Address: a, Why: "outside, and http:// would send in the clear; use https://"}
	}}
	return &sender{secure: client(secure, c), clear: client(inClear, c), agent: agent}
}

func client(d *outside.Dialer, c Settings) http.Client {
	return http.Client{
		Timeout:       attemptTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         d.DialContext,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots},
			TLSHandshakeTimeout: connectTime, IdleConnTimeout: 30 * time.Second, MaxIdleConnsPerHost: 1, MaxConnsPerHost: 4,
			MaxResponseHeaderBytes: answerHeader, DisableCompression: true, ForceAttemptHTTP2: true,
		},
	}
}

func (s *sender) close() {
	s.secure.CloseIdleConnections()
	s.clear.CloseIdleConnections()
}

// attempt sends a dispatch once. An error means that it was not even tried.
func (s *Service) attempt(ctx context.Context, w hook.Webhook, d hook.Dispatch) (hook.Outcome, error) {
	now := s.o.Now()
	body, err := hook.Body(d.Event)
	if err != nil {
		return hook.Outcome{}, err
	}
	secrets, err := s.secretsOf(w, now)
	if err != nil {
		return hook.Outcome{Trouble: phrase.Of(err)}, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return hook.Outcome{Trouble: phrase.New("the address cannot be used")}, nil
	}
	out := s.sender.Load()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", out.agent)
	req.Header.Set(hook.HeaderID, d.ID)
	req.Header.Set(hook.HeaderTime, hook.Seconds(now))
	req.Header.Set(hook.HeaderSignature, hook.Sign(d.ID, now, body, secrets...))
	return out.send(req, now)
}

// secretsOf returns what signs: the secret, and for a day the former one.
func (s *Service) secretsOf(w hook.Webhook, now time.Time) ([][]byte, error) {
	secret, err := s.sealed.Open(w.Secret, w.ID)
	if err != nil {
		return nil, phrase.Errorf("its secret cannot be read: {cause}; give it a new one", "cause", err)
	}
	secrets := [][]byte{secret}
	if len(w.Former) > 0 && now.Before(w.FormerUntil) {
		if former, err := s.sealed.Open(w.Former, w.ID); err == nil {
			secrets = append(secrets, former)
		}
	}
	return secrets, nil
}

// send makes a request and tells how that went. Where the context ended, it
// returns its error: the receiver has no part in that.
func (s *sender) send(req *http.Request, now time.Time) (hook.Outcome, error) {
	c := &s.secure
	if req.URL.Scheme != "https" {
		c = &s.clear
	}
	resp, err := c.Do(req)
	if ctxErr := req.Context().Err(); ctxErr != nil {
		if err == nil {
			resp.Body.Close()
		}
		return hook.Outcome{}, ctxErr
	}
	if err != nil {
		return hook.Outcome{Trouble: troubleOf(err)}, nil
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, answerBody) // the status is the answer
	return hook.Outcome{Status: resp.StatusCode, After: retryAfter(resp.Header.Get("Retry-After"), now)}, nil
}

// retryAfter reads how long a receiver asks to be left alone (RFC 9110,
// section 10.2.3); 0 where it says nothing that can be read.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return time.Duration(min(n, 7*24*3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// troubleOf says in words why there was no answer. The address is left out: it
// may be known to its receiver alone.
func troubleOf(err error) phrase.Phrase {
	var refusal *outside.Refusal
	if errors.As(err, &refusal) {
		return phrase.New("{refusal}; webhooks.allow lists what of the own network may be sent to", "refusal", refusal)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return phrase.New("the name of its host cannot be resolved")
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return phrase.New("no answer in time")
	}
	var in *url.Error
	if errors.As(err, &in) {
		err = in.Err
	}
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(err.Error(), "?"))
	if len(text) > maxTrouble {
		text = strings.ToValidUTF8(text[:maxTrouble], "") + "…"
	}
	return phrase.Verbatim(text)
}
