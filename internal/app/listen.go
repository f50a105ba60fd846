package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rapport/internal/rescue"
)

// server serves one listener until it is stopped.
type server struct {
	http   *http.Server
	cancel context.CancelFunc
	done   chan error
}

// serve starts a server; the requests' contexts end when it is stopped.
func serve(l net.Listener, h http.Handler, log *slog.Logger) *server {
	return serveTLS(l, nil, h, log)
}

// serveTLS is serve over TLS where secure is not nil.
func serveTLS(l net.Listener, secure *tls.Config, h http.Handler, log *slog.Logger) *server {
	ctx, cancel := context.WithCancel(context.Background())
	if secure != nil { // within the crowd, which knows connections as the server does
		l = tls.NewListener(l, secure)
	}
	places := newCrowd(l, askers(openFiles()))
	s := &server{
		http: &http.Server{
			Handler:           h,
			ConnState:         places.changed,
			ReadHeaderTimeout: headWithin,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			BaseContext:       func(net.Listener) context.Context { return ctx },
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
		cancel: cancel,
		done:   make(chan error, 1),
	}
	go func() {
		s.done <- rescue.Do(func() error {
			if err := s.http.Serve(places); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}()
	return s
}

// drain takes no more requests and waits for those under way.
func (s *server) drain(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = s.http.Shutdown(ctx) // what is left then is stop's
}

// stop ends what is under way: short requests get a moment to finish, long
// ones are cancelled and may say so to their clients.
func (s *server) stop(ctx context.Context) error {
	moment := time.AfterFunc(time.Second, s.cancel)
	defer moment.Stop()
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := s.http.Shutdown(short)
	s.cancel()
	if err != nil {
		err = s.http.Close()
	}
	return errors.Join(err, <-s.done)
}

// site is everything the team's listener serves: the API, the pages, and what
// probes ask, which takes no sign-in and shows no records.
func (s *system) site() http.Handler {
	mux := http.NewServeMux()
	health := healthHandler(s.alive, s.metrics.registry, s.log)
	mux.Handle("/healthz", health)
	mux.Handle("/metrics", health)
	mux.Handle("/api/", s.auth.Front(s.handler))
	mux.Handle("/auth/", s.auth.Front(s.auth.Handler()))
	mux.Handle("/feed/", s.auth.Front(s.feed))
	mux.Handle("/", s.auth.Front(s.identified(http.HandlerFunc(s.page))))
	return brisk(mux)
}

// healthHandler answers /healthz and /metrics.
func healthHandler(alive func(context.Context) error, gather prometheus.Gatherer, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := alive(ctx); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, oneLine(err.Error()))
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(gather, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	}))
	return mux
}
