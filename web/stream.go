package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/internal/rescue"
)

// An event is one line of a long operation's answer: any number of progress
// lines, then one result or error.
type event struct {
	Progress json.RawMessage `json:"progress,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *Problem        `json:"error,omitempty"`
}

// line is an [event] as the document describes it.
type line[P, R any] struct {
	Progress *P       `json:"progress,omitempty" doc:"How far it has come; any number of lines."`
	Result   *R       `json:"result,omitempty" doc:"The outcome: the last line of a success."`
	Error    *Problem `json:"error,omitempty" doc:"Why there is none: the last line of a failure."`
}

// Count is how far a counted operation has come.
type Count struct {
	Done  int `json:"done"`
	Total int `json:"total" doc:"0: unknown"`
}

// Done is the result of an operation that has none but its end.
type Done struct{}

// A run is a long operation under way; it reports its progress until its result.
type run[P, R any] func(context.Context, func(P)) (R, error)

// describeStream registers a long operation that answers with its events as
// JSON Lines. do looks at the input and returns what is to run, or why nothing
// is. A client that goes away cancels the operation.
func describeStream[I, P, R any](s *Server, api huma.API, op operation, do func(context.Context, *I) (run[P, R], error)) {
	op.long = true
	op.detail = strings.TrimSpace(op.detail + "\n\n" + aboutLines)
	s.announce(api, op, func(api huma.API) {
		answers := responses(api, op, "application/jsonl", schemaOf[line[P, R]](api, op.id+"Line"))
		register(s, api, op, answers, func(ctx context.Context, in *I, w http.ResponseWriter, _ *http.Request) error {
			work, err := do(ctx, in)
			if err != nil {
				return err
			}
			stream(ctx, w, work)
			return nil
		})
	})
}

const aboutLines = "The answer is a stream of JSON Lines, sent as things go on: any number with `progress`, then one with `result` or `error`. " +
	"An answer that ends without either was broken off. Whoever closes the connection cancels the operation."

// stream runs a long operation and answers with its events.
func stream[P, R any](ctx context.Context, w http.ResponseWriter, work run[P, R]) {
	out := &events{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "application/jsonl")
	w.WriteHeader(http.StatusOK)
	_ = out.control.Flush()
	ticker := newThrottle(progressEvery, out.progress)
	result, err := work(ctx, func(p P) { ticker.offer(p) })
	if err = errors.Join(err, ticker.close()); err != nil {
		out.write(event{Error: problem(err)})
		return
	}
	raw, err := json.Marshal(result)
	if err != nil {
		out.write(event{Error: problem(err)})
		return
	}
	out.write(event{Result: raw})
}

// counted adapts a stream of counts to the engines' progress functions.
func counted(progress func(Count)) func(done, total int) {
	return func(done, total int) { progress(Count{Done: done, Total: total}) }
}

// events writes lines to a client.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (e *events) progress(v any) {
	if raw, err := json.Marshal(v); err == nil {
		e.write(event{Progress: raw})
	}
}

// write sends one line. What a vanished client misses needs no report: its
// context ends the operation.
func (e *events) write(ev event) {
	extendDeadline(e.control)
	if json.NewEncoder(e.w).Encode(ev) == nil {
		_ = e.control.Flush()
	}
}

// throttle passes on the newest of many values, at most one per interval. Its
// goroutine is the only one that writes; close waits for it and passes on what
// is left.
type throttle struct {
	mu     sync.Mutex // guards latest
	latest any
	wake   chan struct{} // holds one token while latest waits
	done   chan struct{}
	ended  chan struct{}
	err    error // of its goroutine; read after ended
}

func newThrottle(every time.Duration, pass func(any)) *throttle {
	t := &throttle{wake: make(chan struct{}, 1), done: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		t.err = rescue.Do(func() error { t.run(every, pass); return nil })
	}()
	return t
}

func (t *throttle) run(every time.Duration, pass func(any)) {
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-t.done:
			if v := t.take(); v != nil {
				pass(v)
			}
			return
		case <-t.wake:
		}
		if v := t.take(); v != nil {
			pass(v)
		}
		timer.Reset(every)
		select {
		case <-t.done:
		case <-timer.C:
		}
	}
}

func (t *throttle) offer(v any) {
	t.mu.Lock()
	t.latest = v
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	case <-t.done:
	default: // a token waits already and stands for the newest value
	}
}

func (t *throttle) take() any {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.latest
	t.latest = nil
	return v
}

func (t *throttle) close() error {
	close(t.done)
	<-t.ended
	return t.err
}
