package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"rapport/records/access"
	"rapport/store"
)

// keptFor is how long an answer is kept for who repeats its request.
const keptFor = 24 * time.Hour

// once carries a request with a key out where it was not yet, and answers as
// then where it was. That a request was begun is written down before it is
// carried out: whatever ends this process in between, it is not carried out
// twice. A request that changed nothing leaves its key unused.
func (s *Server) once(op operation, ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	r = r.WithContext(ctx.Context())
	key := r.Header.Get(keyHeader)
	if len(key) > maxKey || strings.Trim(key, keyCharacters) != "" {
		s.fail(w, r, invalid("a {header} is 1 to {n} characters of ASCII without spaces", "header", keyHeader, "n", maxKey))
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1)) // one too many is refused later, as ever
	if err != nil {
		s.fail(w, r, invalid("read the body: {why}", "why", err.Error()))
		return
	}
	who := principal(r.Context())
	mine := store.Answer{
		Key:     digest(fmt.Appendf(nil, "%s %s %s", who.Kind, who.ID, key)),
		Request: digest(fmt.Appendf(nil, "%s %s %s", op.pattern, r.URL.RequestURI(), body)),
		At:      s.now(),
	}
	if !s.underWay.begin(mine.Key) {
		s.fail(w, r, &Problem{Status: http.StatusConflict, Code: codeConflict, retry: time.Second,
			Detail: "the same request is being carried out at this moment"})
		return
	}
	defer s.underWay.end(mine.Key)
	kept, err := s.reserve(r.Context(), mine)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case kept.Status != 0:
		w.Header().Set("Content-Type", kept.Kind)
		w.Header().Set("Idempotent-Replayed", "true")
		w.WriteHeader(kept.Status)
		_, _ = w.Write(kept.Body) // whoever is gone does not read it
	default:
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Del("Accept-Encoding") // it is kept as it is
		answer := &recorded{header: w.Header(), status: http.StatusOK}
		next(humago.NewContext(ctx.Operation(), r, answer))
		if err := s.keep(r.Context(), mine, answer); err != nil {
			s.log.ErrorContext(r.Context(), "answer not kept: who repeats the request is told so", "operation", op.pattern, "err", err)
		}
		w.WriteHeader(answer.status)
		_, _ = w.Write(answer.body.Bytes())
	}
}

// keyCharacters are those a key may be made of.
var keyCharacters = func() string {
	var all []byte
	for c := byte('!'); c <= '~'; c++ {
		all = append(all, c)
	}
	return string(all)
}()

// reserve returns what a key was answered, or writes down that its request is
// begun. A key that stands for something else, or for what nobody knows the
// end of, is refused.
func (s *Server) reserve(ctx context.Context, mine store.Answer) (kept store.Answer, err error) {
	err = s.store.Update(ctx, func(tx store.Tx) error {
		kept = store.Answer{}
		found, err := tx.Answers().Get(mine.Key)
		switch {
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		case err != nil || found.At.Before(mine.At.Add(-keptFor)):
			if _, err := tx.Answers().Expire(mine.At.Add(-keptFor)); err != nil {
				return err
			}
			return tx.Answers().Put(mine)
		case found.Request != mine.Request:
			return &Problem{Status: http.StatusUnprocessableEntity, Code: codeKeyReused,
				Detail: "this " + keyHeader + " was used for another request: take a new one"}
		case found.Status == 0:
			return &Problem{Status: http.StatusConflict, Code: codeConflict,
				Detail: "this request was begun before and its end is not known, as the program was ended in between: look whether it was carried out, then take a new " + keyHeader}
		}
		kept = found
		return nil
	})
	return kept, err
}

// keep writes an answer down, or gives the key back where nothing was done.
func (s *Server) keep(ctx context.Context, mine store.Answer, answer *recorded) error {
	return s.store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		if answer.status/100 != 2 {
			return tx.Answers().Delete(mine.Key)
		}
		mine.Status, mine.Kind, mine.Body = answer.status, answer.header.Get("Content-Type"), answer.body.Bytes()
		return tx.Answers().Put(mine)
	})
}

// forgetAnswers drops all that is kept: it may be about somebody erased.
func (s *Server) forgetAnswers(ctx context.Context) error {
	return s.store.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Answers().Expire(s.now().Add(keptFor))
		return err
	})
}

// recorded is an answer that is kept before it is sent.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(p []byte) (int, error) { return r.body.Write(p) }

// underWay are the keys of requests that are being carried out. Its methods
// may be called concurrently.
type underWay struct {
	mu   sync.Mutex // guards keys
	keys map[string]bool
}

// begin reports whether nobody carries the key's request out already.
func (u *underWay) begin(key string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.keys[key] {
		return false
	}
	if u.keys == nil {
		u.keys = map[string]bool{}
	}
	u.keys[key] = true
	return true
}

func (u *underWay) end(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.keys, key)
}

// The pace of programs: each token may ask this often, and this much at once.
const (
	pace  = 20 // requests a second
	burst = 200
	paced = 1000 // tokens of which the pace is remembered
)

// paces hold programs to a pace. Its methods may be called concurrently.
type paces struct {
	mu  sync.Mutex // guards of
	of  map[string]allowance
	now func() time.Time
}

// allowance is what was left to a token at a time.
type allowance struct {
	left float64
	at   time.Time
}

// wait is 0 where who asks may go on, and else how long that takes.
func (p *paces) wait(who access.Principal) time.Duration {
	if who.Kind != access.Token {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	a, known := p.of[who.ID]
	if !known {
		if p.of == nil || len(p.of) >= paced {
			p.of = map[string]allowance{}
		}
		a = allowance{left: burst, at: now}
	}
	a.left = min(burst, a.left+max(0, now.Sub(a.at).Seconds())*pace)
	a.at = now
	var wait time.Duration
	if a.left < 1 {
		wait = time.Duration((1 - a.left) / pace * float64(time.Second))
	} else {
		a.left--
	}
	p.of[who.ID] = a
	return wait
}
