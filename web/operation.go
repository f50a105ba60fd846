package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"rapport/records/access"
)

// operation is one line of the table of everything the API offers: what the
// document says of it and what it takes to be allowed.
type operation struct {
	id      string // the name generated clients give it, e.g. list-contacts
	pattern string // method and path below /api/v1
	summary string
	detail  string // CommonMark, may be empty
	tag     string // the group it is listed in
	need    access.Need
	long    bool // may take minutes: it is bounded by the client's patience only
}

// bodied is an answer that is nothing but its body.
type bodied[T any] struct{ Body T }

// describe registers an operation whose input is an I, with fields for path,
// query, header and Body as huma reads them, and whose answer is a T as JSON.
func describe[I, T any](s *Server, api huma.API, op operation, do func(context.Context, *I) (T, error)) {
	method, path, _ := cutPattern(op.pattern)
	s.patterns = append(s.patterns, op.pattern)
	huma.Register(api, huma.Operation{
		OperationID: op.id, Method: method, Path: "/api/v1" + path,
		Summary: op.summary, Description: op.detail, Tags: []string{op.tag},
		MaxBodyBytes: maxBody,
		Middlewares:  huma.Middlewares{s.admit(op)},
	}, func(ctx context.Context, in *I) (*bodied[T], error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, s.noted(ctx, op.pattern, err)
		}
		return &bodied[T]{out}, nil
	})
}

// admit bounds an operation and lets only those in who may ask for it.
func (s *Server) admit(op operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		if err := errors.Join(bounded(r), forbidden(principal(ctx.Context()).May(op.need))); err != nil {
			s.fail(w, r, err)
			return
		}
		if !op.long {
			short, cancel := context.WithTimeout(ctx.Context(), shortTime)
			defer cancel()
			ctx = huma.WithContext(ctx, short)
		}
		next(ctx)
	}
}

// bounded refuses a request whose address is out of all proportion.
func bounded(r *http.Request) error {
	if len(r.URL.RawQuery) > 4*maxParameter || len(r.URL.Path) > maxParameter {
		return invalid("the address of the request is too long")
	}
	return nil
}

// huma's own refusals, of input that does not fit the document, are problems
// like any other.
func init() {
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		p := &Problem{Status: status, Code: codeInvalid, Detail: oneLine(detail)}
		if status == http.StatusUnprocessableEntity {
			p.Status = http.StatusBadRequest // 422 is for what was understood and refused
		}
		if len(errs) > 0 {
			p.Detail = oneLine(errors.Join(errs...).Error())
		}
		return problem(p)
	}
}

// forbidden is the answer to who may not; nil where err is.
func forbidden(err error) error {
	if err == nil {
		return nil
	}
	return &Problem{Status: http.StatusForbidden, Code: codeForbidden, Detail: oneLine(err.Error())}
}
