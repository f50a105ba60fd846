package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
)

// TestS18_ACrowdLeavesRoom has many more connect to the team's listener than
// there are places: some say nothing, some never end the head of a request,
// some send junk. Who asks something is answered at once all the while, and the
// process grows by what the places take only.
func TestS18_ACrowdLeavesRoom(t *testing.T) {
	w := newWorld(t, "ada")
	r := w.runs()
	most := askers(openFiles())
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	junk := make([]byte, 8<<10)
	rand.Read(junk)
	client := &http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	alone := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer alone.Close()
	asked, late := 0, 0
	var slowest time.Duration
	for i := range 2 * most {
		c, err := net.Dial("tcp", r.TCP)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		switch i % 3 {
		case 1:
			fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		case 2:
			_, _ = c.Write(junk) // the server may hang up before it has read all
		}
		if i%16 != 0 {
			continue
		}
		took, idle := answered(t, client, "http://"+r.TCP+"/healthz"), answered(t, client, alone.URL)
		asked++
		slowest = max(slowest, took)
		if took > 500*time.Millisecond+4*idle { // a machine that is busy is so for both
			late++
		}
		if i%32 == 0 {
			client.CloseIdleConnections() // so that somebody new has to come in as well
		}
	}
	runtime.ReadMemStats(&after)
	if late > max(1, asked/100) {
		t.Errorf("%d of %d answers took more than 500 ms, and four times as long as of a server without a crowd", late, asked)
	}
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 64<<20 {
		t.Errorf("%d connections take %d MB", 2*most, grown>>20)
	}
	if n := runtime.NumGoroutine(); n > 2*most {
		t.Errorf("%d goroutines for %d places", n, most)
	}
	t.Logf("%d connections, %d places: answers took %v at most", 2*most, most, slowest)
	t.Attr("tries", strconv.Itoa(2*most))
}

// answered asks a server and returns how long its answer took.
func answered(t *testing.T, client *http.Client, url string) time.Duration {
	t.Helper()
	began := time.Now()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s answers %s, %v", url, resp.Status, err)
	}
	return time.Since(began)
}

// TestCrowd gives the place of whoever asks nothing to who comes next, and has
// the next one wait while all are being answered.
func TestCrowd(t *testing.T) {
	t.Parallel()
	c := newCrowd(mailtest.NewPipeListener(), 2)
	conns := make([]net.Conn, 5)
	for i := range conns {
		var far net.Conn
		conns[i], far = net.Pipe()
		defer far.Close()
	}
	enters := func(i int, want bool) {
		t.Helper()
		if got := c.enter(conns[i]); got != want {
			t.Errorf("enter(%d) = %v, want %v", i, got, want)
		}
	}
	enters(0, true)
	enters(1, true)
	c.changed(conns[0], http.StateActive)
	enters(2, true)
	if _, err := conns[1].Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("who asked nothing kept a place: %v", err)
	}
	c.changed(conns[1], http.StateClosed) // which the server says a little later
	c.changed(conns[2], http.StateActive)
	enters(3, false)
	c.changed(conns[0], http.StateIdle)
	enters(3, true)
	c.changed(conns[2], http.StateClosed)
	enters(4, true)
	if len(c.places) != 2 {
		t.Errorf("%d places are taken, want 2", len(c.places))
	}
}

// TestS18_SlowClientsAreGivenUp has clients send the body of a request, and
// take an answer, a byte now and then: they are given up in bounded time, while
// an answer that is long in coming and one that is long are not.
func TestS18_SlowClientsAreGivenUp(t *testing.T) {
	t.Parallel()
	const large = 32 << 20
	handler := brisk(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		switch r.URL.Path {
		case "/later":
			select {
			case <-time.After(10 * time.Minute):
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
		case "/large":
			for range large / 4096 {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					panic(http.ErrAbortHandler)
				}
			}
		}
	}))
	for _, tt := range []struct {
		name, request string
		every         time.Duration // a byte of the body, or a piece of the answer
		want          string        // the answer's end: whole or cut
		within        time.Duration
	}{
		{"a slow body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", time.Second, "cut", 2 * bodyWithin},
		{"nothing is taken", "GET /large HTTP/1.1\r\nHost: x\r\n\r\n", time.Hour, "cut", 2 * time.Hour},
		{"little is taken", "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", pieceWithin / 2, "whole", 1 << 62},
		{"long in coming", "POST /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", 0, "whole", 1 << 62},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := mailtest.NewPipeListener()
				s := serve(l, handler, slog.New(slog.DiscardHandler))
				conn, err := l.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					if _, err := io.WriteString(conn, tt.request); err != nil {
						return
					}
					for tt.name == "a slow body" {
						time.Sleep(tt.every)
						if _, err := conn.Write([]byte("x")); err != nil {
							return
						}
					}
				})
				got := wholeAnswer(conn, tt.every)
				conn.Close()
				wg.Wait()
				if took := time.Since(began); (tt.want == "whole") != got || took > tt.within {
					t.Errorf("the answer was whole: %v, after %v; want it %s within %v", got, took, tt.want, tt.within)
				}
				if err := s.stop(context.Background()); err != nil {
					t.Error(err)
				}
			})
		})
	}
	t.Attr("tries", "4")
}

// wholeAnswer reads an answer in large pieces with a pause before each, and reports
// whether it was a whole one.
func wholeAnswer(conn net.Conn, every time.Duration) bool {
	var answer bytes.Buffer
	piece := make([]byte, 4<<20)
	for {
		time.Sleep(every)
		n, err := io.ReadAtLeast(conn, piece, len(piece))
		answer.Write(piece[:n])
		if err != nil {
			break
		}
	}
	head, _, _ := bytes.Cut(answer.Bytes(), []byte("\r\n"))
	return bytes.Equal(head, []byte("HTTP/1.1 200 OK")) && (bytes.HasSuffix(answer.Bytes(), []byte("\r\n0\r\n\r\n")) || bytes.Contains(answer.Bytes(), []byte("Content-Length: 0")))
}
