package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

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
	secret  bool // its answer holds a secret, so it is kept nowhere
	once    bool // a key makes it safe to repeat; describe says so
}

// describe registers an operation whose input is an I, with fields for path,
// query, header and Body as huma reads them, and whose answer is a T as JSON.
func describe[I, T any](s *Server, api huma.API, op operation, do func(context.Context, *I) (T, error)) {
	mustBeRead(op, reflect.TypeFor[I]())
	op.once = strings.HasPrefix(op.pattern, http.MethodPost+" ") && op.need != access.Anyone && !op.secret
	s.announce(api, op, func(api huma.API) {
		answers := responses(api, op, "application/json", schemaOf[T](api, op.id+"Answer"))
		if strings.HasPrefix(op.pattern, http.MethodGet+" ") {
			answers["200"].Headers = map[string]*huma.Header{"ETag": tagHeader}
			if reflect.TypeFor[T]().Implements(reflect.TypeFor[continued]()) {
				answers["200"].Headers["Link"] = linkHeader
			}
			answers["304"] = &huma.Response{Description: "Nothing changed since the tag that was sent.", Headers: map[string]*huma.Header{"ETag": tagHeader}}
		}
		register(s, api, op, answers, func(ctx context.Context, in *I, w http.ResponseWriter, r *http.Request) error {
			out, err := do(ctx, in)
			if err != nil {
				return err
			}
			return answer(w, r, out)
		})
	})
}

// describeDownload registers an operation that answers with bytes of a media
// type. do must not have written anything where it returns an error; a HEAD
// request wants the header alone.
func describeDownload[I any](s *Server, api huma.API, op operation, mediaType string, do func(context.Context, *I, http.ResponseWriter, *http.Request) error) {
	s.announce(api, op, func(api huma.API) {
		answers := responses(api, op, mediaType, &huma.Schema{Type: huma.TypeString, Format: "binary"})
		register(s, api, op, answers, do)
	})
}

// describeUpload registers an operation whose body is a file, read as it
// arrives, and whose answer is a T as JSON.
func describeUpload[I, T any](s *Server, api huma.API, op operation, do func(context.Context, *I, io.Reader) (T, error)) {
	s.announce(api, op, func(api huma.API) {
		answers := responses(api, op, "application/json", schemaOf[T](api, op.id+"Answer"))
		register(s, api, op, answers, func(ctx context.Context, in *I, w http.ResponseWriter, r *http.Request) error {
			out, err := do(ctx, in, http.MaxBytesReader(w, r.Body, maxImport))
			if err != nil {
				return err
			}
			return answer(w, r, out)
		})
		_, path, _ := cutPattern(op.pattern)
		api.OpenAPI().Paths["/api/v1"+path].Post.RequestBody = &huma.RequestBody{
			Required: true, Description: "The file.",
			Content: map[string]*huma.MediaType{octets: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}
	})
}

// announce adds an operation to those there are. To api, of which the document is
// made, it is described when the document is asked for; to one of its own,
// which answers it, at the first request: most commands ask for two of more
// than a hundred, and would wait longer for all the schemas than for an answer.
func (s *Server) announce(api huma.API, op operation, describe func(huma.API)) {
	method, path, _ := cutPattern(op.pattern)
	s.operations = append(s.operations, op)
	s.described = append(s.described, func() { describe(api) })
	own := sync.OnceValue(func() http.Handler {
		s.describing.Lock()
		defer s.describing.Unlock()
		mux := http.NewServeMux()
		describe(humago.New(mux, s.document()))
		return mux
	})
	s.mux.HandleFunc(method+" /api/v1"+path, func(w http.ResponseWriter, r *http.Request) { own().ServeHTTP(w, r) })
}

// register is what all kinds of operations have in common.
func register[I any](s *Server, api huma.API, op operation, answers map[string]*huma.Response, do func(context.Context, *I, http.ResponseWriter, *http.Request) error) {
	method, path, _ := cutPattern(op.pattern)
	described := huma.Operation{
		OperationID: op.id, Method: method, Path: "/api/v1" + path,
		Summary: op.summary, Description: op.detail, Tags: []string{op.tag}, Responses: answers,
		MaxBodyBytes: maxBody, BodyReadTimeout: shortTime,
		Middlewares: huma.Middlewares{s.admit(op)}, Extensions: map[string]any{"x-need": op.need.String()},
	}
	if op.once {
		described.Parameters = append(described.Parameters, keyParameter)
	}
	if answers["304"] != nil {
		described.Parameters = append(described.Parameters, haveParameter)
	}
	if op.need == access.Anyone {
		described.Security = []map[string][]string{{}}
	}
	huma.Register(api, described, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			r, w := humago.Unwrap(hc)
			r = r.WithContext(ctx)
			if op.long { // the time a body may take to arrive is none of the operation's
				_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a pipe has none
			}
			if err := do(ctx, in, w, r); err != nil {
				s.fail(w, r, err)
			}
		}}, nil
	})
}

// admit bounds an operation and lets only those in who may ask for it.
func (s *Server) admit(op operation) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if err := errors.Join(bounded(r), forbidden(principal(ctx.Context()), op.need), s.tooMany(principal(ctx.Context()))); err != nil {
			s.fail(w, r, err)
			return
		}
		if !op.long {
			short, cancel := context.WithTimeout(ctx.Context(), shortTime)
			defer cancel()
			ctx = huma.WithContext(ctx, short)
		}
		if op.once && r.Header.Get(keyHeader) != "" {
			s.once(op, ctx, next)
			return
		}
		next(ctx)
	}
}

// tooMany is the answer to a program that asks too often; nil where it does not.
func (s *Server) tooMany(who access.Principal) error {
	if wait := s.paces.wait(who); wait > 0 {
		return &Problem{Status: http.StatusTooManyRequests, Code: codeTooMany, retry: wait,
			Detail: fmt.Sprintf("more than %d requests a second of one token: wait a moment", pace)}
	}
	return nil
}

// bounded refuses a request whose address is out of all proportion.
func bounded(r *http.Request) error {
	if len(r.URL.RawQuery) > 4*maxParameter || len(r.URL.Path) > maxParameter {
		return invalid("the address of the request is too long")
	}
	return nil
}

// forbidden is the answer to who may not; nil where they may. Who is nobody
// yet may come back with credentials.
func forbidden(who access.Principal, need access.Need) error {
	err := who.May(need)
	switch {
	case err == nil:
		return nil
	case who.Kind == access.Nobody:
		return &Problem{Status: http.StatusUnauthorized, Code: codeUnauthorized, Detail: "sign in, or send a token as Authorization: Bearer"}
	}
	return &Problem{Status: http.StatusForbidden, Code: codeForbidden, Detail: oneLine(err.Error())}
}

// huma's own refusals, of input that does not fit the document, are problems
// like any other.
func init() {
	huma.DefaultArrayNullable = false // lists are never null
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		p := &Problem{Status: status, Code: codeInvalid, Detail: oneLine(detail)}
		switch status {
		case http.StatusUnprocessableEntity, // 422 is for what was understood and refused
			http.StatusInternalServerError: // all that is left of huma's own is a body broken off
			p.Status = http.StatusBadRequest
		}
		if len(errs) > 0 {
			p.Detail = oneLine(errors.Join(errs...).Error())
		}
		return problem(p)
	}
}

// mustBeRead panics where an input embeds a struct of an unexported type, of
// which no field would ever be filled: a mistake that any test finds.
func mustBeRead(op operation, t reflect.Type) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous && !f.IsExported() {
			panic("web: the input of " + op.pattern + " embeds " + f.Name + ", which is not exported and so not read")
		}
	}
}
