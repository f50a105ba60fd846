package app

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A client that takes this long over the head of a request, over its body, or
// over taking a piece of the answer, is given up.
const (
	headWithin  = 5 * time.Second
	bodyWithin  = 30 * time.Second
	pieceWithin = time.Minute
)

// crowd is a listener that bounds how many are connected at once, so that no
// number of them takes the files that the mailboxes need. Where all places are
// taken, somebody new gets that of whoever has held one longest without asking
// anything; where all are being answered, the new one waits.
type crowd struct {
	net.Listener
	most int

	mu     sync.Mutex
	places map[net.Conn]*place
	freed  chan struct{} // holds a token when a place was freed or is no longer in use
	closed chan struct{}
	once   sync.Once
}

// place is one connection.
type place struct {
	since time.Time // it asks nothing
	busy  bool
}

func newCrowd(l net.Listener, most int) *crowd {
	return &crowd{Listener: l, most: most, places: map[net.Conn]*place{}, freed: make(chan struct{}, 1), closed: make(chan struct{})}
}

// Accept waits for a connection and a place for it.
func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for !c.enter(conn) {
		select {
		case <-c.freed:
		case <-c.closed:
			conn.Close()
			return nil, net.ErrClosed
		}
	}
	return conn, nil
}

// Close stops accepting.
func (c *crowd) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

// enter gives a connection a place and reports whether there is one.
func (c *crowd) enter(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.places) >= c.most {
		idlest := c.idlest()
		if idlest == nil {
			return false
		}
		delete(c.places, idlest)
		idlest.Close() // its server's goroutine ends with an error of reading
	}
	c.places[conn] = &place{since: time.Now()}
	return true
}

// idlest is who has asked nothing for the longest time; nil: nobody.
func (c *crowd) idlest() net.Conn {
	var found net.Conn
	for conn, p := range c.places {
		if !p.busy && (found == nil || p.since.Before(c.places[found].since)) {
			found = conn
		}
	}
	return found
}

// changed is the server's word on a connection (http.Server.ConnState).
func (c *crowd) changed(conn net.Conn, state http.ConnState) {
	if wrapped, ok := conn.(*tls.Conn); ok {
		conn = wrapped.NetConn()
	}
	c.mu.Lock()
	p := c.places[conn]
	switch {
	case p == nil: // its place was given away
	case state == http.StateActive:
		p.busy = true
	case state == http.StateClosed || state == http.StateHijacked:
		delete(c.places, conn)
	default:
		p.busy, p.since = false, time.Now()
	}
	c.mu.Unlock()
	if state != http.StateActive {
		select {
		case c.freed <- struct{}{}:
		default: // one token is enough: whoever takes it looks again
		}
	}
}

// brisk gives clients up that send the body of a request, or take the answer,
// slower than anybody does who means it. What works long without writing is
// not concerned.
func brisk(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := http.NewResponseController(w)
		if r.Body != nil && r.Body != http.NoBody {
			_ = line.SetReadDeadline(time.Now().Add(bodyWithin)) // a recorder in a test has none
			// The deadline would end the request itself once all is read.
			r.Body = &endingBody{r.Body, func() { _ = line.SetReadDeadline(time.Time{}) }}
		}
		next.ServeHTTP(&patientWriter{w, line}, r)
	})
}

// endingBody calls end once the body has ended.
type endingBody struct {
	io.ReadCloser
	end func()
}

func (b *endingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF { // after any other error the server reads on, and must not do so for long
		b.end()
	}
	return n, err
}

// patientWriter gives the client a while for every piece.
type patientWriter struct {
	http.ResponseWriter
	line *http.ResponseController
}

func (w *patientWriter) Write(p []byte) (int, error) {
	_ = w.line.SetWriteDeadline(time.Now().Add(pieceWithin))
	return w.ResponseWriter.Write(p)
}

// Unwrap lets controllers reach the connection.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
