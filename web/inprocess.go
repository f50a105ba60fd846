package web

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"rapport/internal/rescue"
)

// NewHandlerClient returns a Client of an API in this process. Each call is
// made on behalf of whoever its context names with [WithPrincipal], so that
// what the API refuses is refused to whatever is built on this client.
func NewHandlerClient(api http.Handler) *Client {
	return &Client{base: "http://rapport", http: &http.Client{Transport: handlerTransport{api}}}
}

// handlerTransport answers requests with a handler; bodies stream.
type handlerTransport struct{ handler http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	read, write := io.Pipe()
	w := &pipedAnswer{header: http.Header{}, body: write, begun: make(chan struct{})}
	served := r.Clone(r.Context())
	if served.Body == nil {
		served.Body = http.NoBody
	}
	trailer := http.Header{}
	done := make(chan error, 1)
	go func() {
		defer close(done)
		done <- rescue.Do(func() error { return t.serve(w, served, trailer) })
	}()
	select {
	case <-w.begun:
	case <-r.Context().Done():
		_ = read.CloseWithError(r.Context().Err())
		<-done
		return nil, r.Context().Err()
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Trailer: trailer, Body: &pipedBody{read, done}, ContentLength: -1, Request: r,
	}, nil
}

// serve has the handler answer, and fills the trailer, which the client reads
// behind the end of the body.
func (t handlerTransport) serve(w *pipedAnswer, r *http.Request, trailer http.Header) error {
	err := rescue.Do(func() error { t.handler.ServeHTTP(w, r); return nil })
	w.WriteHeader(http.StatusOK) // where nothing was said
	for name, values := range w.header {
		if rest, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			trailer[rest] = values
		}
	}
	return errors.Join(err, w.body.CloseWithError(err), r.Body.Close())
}

// pipedAnswer is the handler's end of an answer.
type pipedAnswer struct {
	header, sent http.Header
	body         *io.PipeWriter
	status       int
	begun        chan struct{} // closed with the header
}

func (w *pipedAnswer) Header() http.Header { return w.header }

func (w *pipedAnswer) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status, w.sent = status, w.header.Clone()
	close(w.begun)
}

func (w *pipedAnswer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// FlushError and SetWriteDeadline are what streams ask of a connection; a pipe
// holds nothing back and has no deadline but its request's.
func (*pipedAnswer) FlushError() error { return nil }

// SetWriteDeadline does nothing; see FlushError.
func (*pipedAnswer) SetWriteDeadline(time.Time) error { return nil }

// pipedBody is the client's end: closing it early ends the handler.
type pipedBody struct {
	*io.PipeReader
	done <-chan error
}

func (b *pipedBody) Close() error {
	_ = b.PipeReader.Close()
	<-b.done
	return nil
}
