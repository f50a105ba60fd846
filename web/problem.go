package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rapport/records/phrase"
	"rapport/store"
)

// The codes of problems, by which a client tells them apart.
const (
	codeNotFound     = "not_found"
	codeExists       = "exists"
	codeConflict     = "conflict"
	codeReadOnly     = "read_only"
	codeNewer        = "newer"
	codeFull         = "full"
	codeAmbiguous    = "ambiguous"
	codeInvalid      = "invalid"
	codeRefused      = "refused"
	codeForbidden    = "forbidden"
	codeUnauthorized = "unauthorized"
	codeChanged      = "changed"
	codeMethod       = "method_not_allowed"
	codeTooMany      = "too_many_requests"
	codeKeyReused    = "key_reused"
	codeTimeout      = "timeout"
	codeCanceled     = "canceled"
	codeCursor       = "cursor"
	codeInternal     = "internal"
)

// Problem is an error of the API as RFC 9457 writes it; the [Client] returns
// it, and errors.Is finds the store's sentinels in it.
type Problem struct {
	Type       string        `json:"type"`
	Title      string        `json:"title"`
	Status     int           `json:"status"`
	Code       string        `json:"code"`
	Detail     string        `json:"detail,omitempty"`     // in English
	Said       phrase.Phrase `json:"said,omitzero"`        // the same in parts, for other languages
	Candidates []Candidate   `json:"candidates,omitempty"` // of an ambiguous name

	retry time.Duration // after which to try again; 0: none is promised
}

// Candidate is one of those an ambiguous name may mean.
type Candidate struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // contact | organisation | member
	Name string `json:"name"`
	Hint string `json:"hint,omitempty"` // an address or domain
}

// Error returns the detail, with the candidates where there are some.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Detail)
	if p.Detail == "" {
		b.WriteString(strings.ToLower(p.Title))
	}
	for i, c := range p.Candidates {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s (%s %s", c.Name, c.Kind, c.ID)
		if c.Hint != "" {
			b.WriteString(", " + c.Hint)
		}
		b.WriteString(")")
	}
	return b.String()
}

// sentinels pairs the store's errors with their codes and status.
var sentinels = []struct {
	err    error
	code   string
	status int
}{
	{store.ErrNotFound, codeNotFound, http.StatusNotFound},
	{store.ErrExists, codeExists, http.StatusConflict},
	{store.ErrConflict, codeConflict, http.StatusConflict},
	{store.ErrCursor, codeCursor, http.StatusBadRequest},
	{store.ErrFull, codeFull, http.StatusServiceUnavailable},
	{store.ErrReadOnly, codeReadOnly, http.StatusServiceUnavailable},
	{store.ErrNewer, codeNewer, http.StatusServiceUnavailable},
	{context.DeadlineExceeded, codeTimeout, http.StatusGatewayTimeout},
	{context.Canceled, codeCanceled, statusClientGone},
}

// statusClientGone is what proxies log where nobody waits for the answer.
const statusClientGone = 499

// Is reports whether target is the sentinel the problem stands for.
func (p *Problem) Is(target error) bool {
	for _, s := range sentinels {
		if s.code == p.Code && s.err == target {
			return true
		}
	}
	return false
}

// problem makes a Problem of any error.
func problem(err error) *Problem {
	var p *Problem
	if !errors.As(err, &p) {
		p = &Problem{Status: http.StatusInternalServerError, Code: codeInternal}
		if store.Full(err) { // also of a file outside the store
			err = fmt.Errorf("%w: %w", err, store.ErrFull)
		}
		for _, s := range sentinels {
			if errors.Is(err, s.err) {
				p.Status, p.Code = s.status, s.code
				break
			}
		}
		p.Detail = oneLine(err.Error())
	}
	out := *p
	out.Type = "about:blank"
	if out.Title = http.StatusText(out.Status); out.Title == "" {
		out.Title = "Client closed request"
	}
	return &out
}

// invalid says that a request cannot be understood.
func invalid(form phrase.Form, args ...any) *Problem {
	return told(http.StatusBadRequest, codeInvalid, form, args...)
}

// told is a problem in the words of a phrase; args are as those of
// [phrase.New].
func told(status int, code string, form phrase.Form, args ...any) *Problem {
	said := phrase.New(form, args...).Map(oneLine)
	return &Problem{Status: status, Code: code, Detail: said.String(), Said: said}
}

// Invalid marks an error of what sits behind this package as one of what was
// typed: it cannot be understood.
func Invalid(err error) error {
	return &Problem{Status: http.StatusBadRequest, Code: codeInvalid, Detail: oneLine(err.Error()), Said: phrase.Of(err).Map(oneLine).Translated()}
}

// refused marks the error of a change a person asked for: a plain sentence is
// theirs to read, and no fault of the server.
func refused(err error) error {
	if err == nil {
		return nil
	}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			return err
		}
	}
	var p *Problem
	if errors.As(err, &p) {
		return err
	}
	return &Problem{Status: http.StatusUnprocessableEntity, Code: codeRefused, Detail: oneLine(err.Error()), Said: phrase.Of(err).Map(oneLine).Translated()}
}

// GetStatus and ContentType make a Problem an error that huma answers with.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is RFC 9457's.
func (*Problem) ContentType(string) string { return "application/problem+json" }

// noted makes a Problem of an error and logs it where it is the server's fault.
func (s *Server) noted(ctx context.Context, pattern string, err error) *Problem {
	p := problem(err)
	if p.Status >= 500 && p.Status != http.StatusServiceUnavailable {
		s.log.ErrorContext(ctx, "request not answered", "operation", pattern, "status", p.Status, "err", err)
	}
	return p
}

// fail answers with a problem.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := s.noted(r.Context(), r.Pattern, err)
	if p.Status == http.StatusServiceUnavailable {
		p.retry = max(p.retry, 30*time.Second)
	}
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retry.Seconds()))))
	}
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="rapport"`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // whoever is gone does not read it
}

func cutPattern(p string) (method, path string, ok bool) { return strings.Cut(p, " ") }

// oneLine makes text safe to stand in a header, a log or an error: control
// characters become spaces, and it ends after 1,000 bytes.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
	if len(s) > 1000 {
		s = strings.ToValidUTF8(s[:1000], "") + "…"
	}
	return s
}
