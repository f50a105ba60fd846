package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client speaks to a [Server], one method per operation. Its methods may be
// called concurrently; errors of the API are a [*Problem].
type Client struct {
	base  string
	http  *http.Client
	actor string
}

// NewClient returns a Client of the API at base, e.g. http://127.0.0.1:8025.
// dial replaces how it connects, for a unix socket; nil dials base's host.
// actor says whom it works for in the audit trail.
func NewClient(base, actor string, dial func(context.Context) (net.Conn, error)) *Client {
	transport := &http.Transport{
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true,
	}
	if dial != nil {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	}
	return &Client{base: strings.TrimSuffix(base, "/"), http: &http.Client{Transport: transport}, actor: actor}
}

// NewSocketClient returns a Client of the API on a unix socket.
func NewSocketClient(path, actor string) *Client {
	return NewClient("http://rapport", actor, func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	})
}

// conditions are what a caller says of its calls beside their arguments.
type conditions struct{ revision, key string }

type conditionsKey struct{}

// IfRevision has calls of the [Client] change or erase a record only where it
// is still at a revision, as Contact and Organisation tell it: somebody else's
// change in between is a [*Problem] of status 412, and nothing is done.
func IfRevision(ctx context.Context, revision string) context.Context {
	said, _ := ctx.Value(conditionsKey{}).(conditions)
	said.revision = revision
	return context.WithValue(ctx, conditionsKey{}, said)
}

// Once has a call of the [Client] that creates or decides something be carried
// out once, however often it is made with the same key within a day: every
// call is answered as the first. A key is 1 to 200 characters of ASCII without
// spaces, new for everything that is asked.
func Once(ctx context.Context, key string) context.Context {
	said, _ := ctx.Value(conditionsKey{}).(conditions)
	said.key = key
	return context.WithValue(ctx, conditionsKey{}, said)
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// do sends a request and returns its answer where that is a success. The body
// must be closed.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, contentType string, body io.Reader) (*http.Response, error) {
	target := c.base + "/api/v1" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.actor != "" {
		req.Header.Set(actorHeader, oneLine(c.actor))
	}
	req.Header.Set("TE", "trailers")
	said, _ := ctx.Value(conditionsKey{}).(conditions)
	switch {
	case method == http.MethodPost && said.key != "":
		req.Header.Set(keyHeader, said.key)
	case (method == http.MethodPatch || method == http.MethodDelete) && said.revision != "":
		req.Header.Set("If-Match", `"`+said.revision+`"`)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the made-up URL of a socket says nothing
		}
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	p := &Problem{Status: resp.StatusCode, Code: codeInternal, Title: resp.Status}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(p); err != nil {
		p.Detail = "the daemon answered " + resp.Status
	}
	return nil, p
}

// call sends in as JSON, where it is not nil, and reads the answer into a T.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values, in any) (out T, err error) {
	resp, err := c.send(ctx, method, path, query, in)
	if err != nil {
		return out, err
	}
	return read[T](resp)
}

// read reads a JSON answer and closes it.
func read[T any](resp *http.Response) (out T, err error) {
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return out, nil
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values, in any) (*http.Response, error) {
	if in == nil {
		return c.do(ctx, method, path, query, "", nil)
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	return c.do(ctx, method, path, query, "application/json", bytes.NewReader(raw))
}

// follow starts a long operation and hands its progress on until the result.
// progress may be nil.
func follow[P, R any](ctx context.Context, c *Client, path string, in any, progress func(P)) (out R, err error) {
	resp, err := c.send(ctx, http.MethodPost, path, nil, in)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	events := json.NewDecoder(resp.Body)
	for {
		var ev event
		if err := events.Decode(&ev); err != nil {
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			return out, fmt.Errorf("the daemon stopped before it was done: %w", noEnd(err))
		}
		switch {
		case ev.Error != nil:
			return out, ev.Error
		case ev.Result != nil:
			return out, json.Unmarshal(ev.Result, &out)
		case ev.Progress != nil && progress != nil:
			var p P
			if err := json.Unmarshal(ev.Progress, &p); err != nil {
				return out, fmt.Errorf("read the daemon's progress: %w", err)
			}
			progress(p)
		}
	}
}

// noEnd calls the end of a stream what it is here: too early.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// download copies a binary answer to w.
func (c *Client) download(ctx context.Context, path string, w io.Writer) error {
	resp, err := c.do(ctx, http.MethodGet, path, nil, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	return whole(resp)
}

func (s Slice) query() url.Values {
	q := url.Values{}
	if s.Cursor != "" {
		q.Set("cursor", s.Cursor)
	}
	if s.Limit > 0 {
		q.Set("limit", strconv.Itoa(s.Limit))
	}
	return q
}

func (f Filter) query(s Slice) url.Values {
	q := s.query()
	for name, value := range map[string]string{
		"kind": f.Kind, "stage": f.Stage, "role": f.Role, "owner": f.Owner, "tag": f.Tag, "text": f.Text,
		"waiting": f.Waiting, "quiet_since": f.QuietSince, "sort": f.Sort,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// at puts a name into a path.
func at(format string, names ...string) string {
	args := make([]any, len(names))
	for i, n := range names {
		args[i] = url.PathEscape(n)
	}
	return fmt.Sprintf(format, args...)
}
