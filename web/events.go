package web

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	happened "rapport/records/event"
	"rapport/store"
)

// News is what happens, in order, the last of it kept.
type News interface {
	// Behind returns the position behind the event of an id, "" being the last
	// one; known is false where it is not kept any more.
	Behind(id string) (position int, known bool)
	// Since returns the events from a position on, the position behind them,
	// whether they are all, and what is closed with the next one.
	Since(position int) (es []happened.Event, next int, whole bool, more <-chan struct{})
}

// The bounds of watching.
const (
	mostWatchers    = 256              // at once
	watchersOfOne   = 16               // of one user or token, or at the socket
	heartbeat       = 20 * time.Second // so that proxies keep the connection, and a vanished client is noticed
	watchingAtMost  = time.Hour        // then the client connects anew
	reconnectMillis = 3000
)

// watchers counts who watches.
type watchers struct {
	mu  sync.Mutex // guards what follows
	all int
	of  map[string]int
}

// enter makes room for one more, or says why there is none.
func (w *watchers) enter(who access.Principal) (leave func(), err error) {
	name := string(who.Kind) + " " + who.ID
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil {
		w.of = map[string]int{}
	}
	if w.all >= mostWatchers || w.of[name] >= watchersOfOne {
		return nil, &Problem{Status: http.StatusTooManyRequests, Code: codeForbidden,
			Detail: fmt.Sprintf("too many watch already; %d may at once, %d of one person", mostWatchers, watchersOfOne)}
	}
	w.all++
	w.of[name]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all--
		if w.of[name]--; w.of[name] == 0 {
			delete(w.of, name)
		}
	}, nil
}

const aboutEvents = "A stream of server-sent events, as they happen: `message.filed`, `contact.changed`, `organisation.changed`, `suggestion.made`, `followup.due`, `sale.changed`, `sale.overdue`. " +
	"Their data is a JSON object with ids, times and a path, never a word of a message, and only what whoever watches may see. " +
	"`Last-Event-ID` resumes; where what happened since is not known any more, an event `missed` says so: read again what you show. " +
	"The stream ends after an hour, or as soon as the session or token does; a client then connects anew."

func (s *Server) describeEvents(api huma.API) {
	describeDownload(s, api, operation{id: "watch-events", pattern: "GET /events", tag: "events", need: access.Read, long: true,
		summary: "Watch what happens", detail: aboutEvents}, "text/event-stream", s.watch)
}

type watchInput struct {
	LastEventID string `header:"Last-Event-ID" maxLength:"64" doc:"The id of the last event that came; browsers send it by themselves."`
	Since       string `query:"since" maxLength:"64" doc:"The same, for clients that cannot set the header."`
}

// Happened is an event as those who watch get it.
type Happened struct {
	happened.Event
	Path string `json:"path,omitempty" doc:"Where the API has what it is about."`
}

func (s *Server) watch(ctx context.Context, in *watchInput, w http.ResponseWriter, r *http.Request) error {
	if s.news == nil {
		return &Problem{Status: http.StatusServiceUnavailable, Code: codeReadOnly, Detail: "nobody tells what happens while no daemon runs; start `rapport run`"}
	}
	leave, err := s.watchers.enter(principal(ctx))
	if err != nil {
		return err
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, watchingAtMost)
	defer cancel()
	position, known := s.news.Behind(cmp.Or(in.LastEventID, in.Since))
	watch := &watching{s: s, r: r, ctx: ctx, out: w, control: http.NewResponseController(w)}
	watch.say("retry: %d\n: welcome\n\n", reconnectMillis)
	if !known {
		watch.missed()
	}
	watch.follow(position)
	return nil
}

// watching is one stream of events.
type watching struct {
	s       *Server
	r       *http.Request
	ctx     context.Context // of the request this serves
	out     http.ResponseWriter
	control *http.ResponseController
	err     error // of the first write that failed
}

func (w *watching) say(format string, args ...any) {
	if w.err != nil {
		return
	}
	extendDeadline(w.control)
	if _, w.err = fmt.Fprintf(w.out, format, args...); w.err == nil {
		w.err = w.control.Flush()
	}
}

func (w *watching) missed() { w.say("event: missed\ndata: {}\n\n") }

// follow sends what happens until the client or its right to watch is gone.
func (w *watching) follow(position int) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for w.err == nil {
		es, next, whole, more := w.s.news.Since(position)
		if position = next; !whole {
			w.missed()
		}
		if len(es) > 0 {
			if !w.still() || w.send(es) != nil {
				return
			}
			continue // what came meanwhile
		}
		select {
		case <-w.ctx.Done():
			return
		case <-more:
		case <-beat.C:
			if !w.still() {
				return
			}
			w.say(": still here\n\n")
		}
	}
}

// send passes on the events their reader may see.
func (w *watching) send(es []happened.Event) error {
	for _, e := range es {
		shown, ok, err := w.s.eventShown(w.ctx, e)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		raw, err := json.Marshal(Happened{Event: shown, Path: shown.Path()})
		if err != nil {
			return err
		}
		w.say("id: %s\nevent: %s\ndata: %s\n\n", shown.ID, shown.Type, raw)
	}
	return w.err
}

// still reports whether whoever watches may go on: a session that has ended
// gets nothing that happened after.
func (w *watching) still() bool {
	who := principal(w.ctx)
	if who.Kind == access.Local || w.s.identities == nil {
		return true
	}
	now, err := w.s.identities.Recheck(w.r)
	return err == nil && now.Kind == who.Kind && now.ID == who.ID && now.Role == who.Role &&
		now.Sees == who.Sees && now.Address == who.Address && now.May(access.Read) == nil
}

// eventShown returns an event where whoever asks may know of it.
func (s *Server) eventShown(ctx context.Context, e happened.Event) (happened.Event, bool, error) {
	shown := false
	err := s.view(ctx, func(tx store.Tx) (err error) {
		shown, err = EventShown(tx, e)
		return err
	})
	return e, shown, err
}

// EventShown reports whether a transaction shows what an event is about.
func EventShown(tx store.Tx, e happened.Event) (bool, error) {
	var err error
	switch {
	case e.Message != "":
		_, err = tx.Messages().Get(e.Message)
	case e.FollowUp != "":
		_, err = tx.FollowUps().Get(e.FollowUp)
	case e.Suggestion != "":
		_, err = tx.Suggestions().Get(e.Suggestion)
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Watch calls fn for everything that happens behind the event last, "" being
// the last one, until ctx ends, the daemon ends the stream, or fn returns an
// error. Where events were missed, fn is called with the zero Happened.
func (c *Client) Watch(ctx context.Context, last string, fn func(Happened) error) error {
	resp, err := c.do(ctx, http.MethodGet, "/events", url.Values{"since": nonEmpty(last)}, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxBody)
	for lines.Scan() {
		data, is := strings.CutPrefix(lines.Text(), "data: ")
		if !is {
			continue
		}
		var h Happened
		if err := json.Unmarshal([]byte(data), &h); err != nil {
			return fmt.Errorf("read an event: %w", err)
		}
		if err := fn(h); err != nil {
			return err
		}
	}
	return lines.Err()
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
