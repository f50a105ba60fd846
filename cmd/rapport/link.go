package main

import (
	"context"
	"errors"

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

// running reaches a daemon that runs on though its configuration has faults by
// now; nil: there is none. The faults are shown as warnings.
func (s *session) running(fault error) connection {
	var faults config.Faults
	if !errors.As(fault, &faults) {
		return nil
	}
	path, err := s.configPath()
	if err != nil {
		return nil
	}
	dir, ok := config.DataDir(path)
	if !ok {
		return nil
	}
	conn := app.Reach(s.ctx, dir, app.ConnectOptions{Version: buildVersion(), Actor: s.actor()})
	if conn == nil {
		return nil
	}
	for _, f := range faults {
		s.note("warning: %s", f.String())
	}
	s.note("warning: the daemon runs on with the configuration it read before")
	return linked{conn}
}

// daemon runs until it is stopped.
func (s *session) daemon(path string) error {
	return app.Run(s.ctx, path, app.RunOptions{Version: buildVersion(), Log: s.err})
}
