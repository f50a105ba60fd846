package main

import (
	"context"

	"rapport/internal/app"
	"rapport/internal/config"
	"rapport/web"
)

// linked is app's connection as the commands see one.
type linked struct{ conn *app.Conn }

func (l linked) Client() *web.Client { return l.conn.Client }
func (l linked) Daemon() bool        { return l.conn.Daemon }
func (l linked) Close() error        { return l.conn.Close() }

// connect reaches the daemon, or opens the store for this one command.
func (s *session) connect(ctx context.Context, cfg *config.Config) (connection, error) {
	conn, err := app.Connect(ctx, cfg, app.ConnectOptions{Version: buildVersion(), Actor: s.actor()})
	if err != nil {
		return nil, err
	}
	return linked{conn}, nil
}

// daemon runs until it is stopped.
func (s *session) daemon(path string) error {
	return app.Run(s.ctx, path, app.RunOptions{Version: buildVersion(), Log: s.err})
}
