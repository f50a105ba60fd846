package browser

import (
	"errors"
	"net"
	"net/http"
	"sync"
)

// gate is where everything goes that a page asks of others than its origin.
type gate struct {
	mu   sync.Mutex
	seen []string
}

// newGate serves a gate until the test ends, and returns its address.
func newGate(t T) (*gate, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for the gate: %v", err)
	}
	g := &gate{}
	server := &http.Server{Handler: g}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		err := server.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		if err != nil {
			t.Errorf("close the gate: %v", err)
		}
	})
	return g, l.Addr().String()
}

// ServeHTTP counts one request that left and answers it with nothing: a
// tunnel is refused, whatever else gets an empty answer.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.seen = append(g.seen, r.Method+" "+r.RequestURI)
	g.mu.Unlock()
	if r.Method == http.MethodConnect {
		w.WriteHeader(http.StatusForbidden)
	}
}

// take returns what left since it was last asked.
func (g *gate) take() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	seen := g.seen
	g.seen = nil
	return seen
}
