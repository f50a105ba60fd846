package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"rapport/internal/app"
	"rapport/internal/rescue"
	"rapport/web"
)

// receiver is another program of the company that is told what happens: it
// takes all it is sent.
type receiver struct {
	server http.Server
	url    string
	ended  chan error
}

func receive() (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{url: "http://" + l.Addr().String() + "/rapport", ended: make(chan error, 1)}
	r.server.ReadTimeout = 10 * time.Second
	r.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, q.Body, 64<<10)) // whatever it is, it is taken
		w.WriteHeader(http.StatusNoContent)
	})
	go func() { r.ended <- rescue.Do(func() error { return r.server.Serve(l) }) }()
	return r, nil
}

func (r *receiver) close() error {
	err := r.server.Close()
	if ended := <-r.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// hook has the receiver told what happens from now on, and tries that.
func (d *demo) hook(ctx context.Context, conn *app.Conn) error {
	made, err := conn.Client.AddWebhook(ctx, web.NewWebhook{Name: "Bookkeeping", URL: d.told.url})
	if err == nil {
		_, err = conn.Client.TestWebhook(ctx, made.Webhook.ID)
	}
	if err != nil {
		return fmt.Errorf("set up the sample webhook: %w", err)
	}
	return nil
}
