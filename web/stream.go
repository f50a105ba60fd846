package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"rapport/internal/rescue"
)

// An event is one line of a long operation's answer: any number of progress
// lines, then one result or error.
type event struct {
	Progress json.RawMessage `json:"progress,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *Problem        `json:"error,omitempty"`
}

// Count is how far a counted operation has come.
type Count struct {
	Done  int `json:"done"`
	Total int `json:"total"` // 0: unknown
}

// stream runs a long operation and answers with its events as JSON Lines. A
// client that goes away cancels the operation.
func stream[P, R any](w http.ResponseWriter, r *http.Request, run func(context.Context, func(P)) (R, error)) error {
	out := &events{w: w, control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "application/jsonl")
	w.WriteHeader(http.StatusOK)
	_ = out.control.Flush()
	ticker := newThrottle(progressEvery, out.progress)
	result, err := run(r.Context(), func(p P) { ticker.offer(p) })
	if err = errors.Join(err, ticker.close()); err != nil {
		out.write(event{Error: problem(err)})
		return nil
	}
	raw, err := json.Marshal(result)
	if err != nil {
		out.write(event{Error: problem(err)})
		return nil
	}
	out.write(event{Result: raw})
	return nil
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
