package main

import (
	"context"

	"rapport/internal/app"
	"rapport/internal/config"
)

// connect reaches the daemon, or opens the store for this one command.
func (s *session) connect(ctx context.Context, cfg *config.Config) (connection, error) {
	return app.Connect(ctx, cfg, app.ConnectOptions{Version: buildVersion(), Actor: s.actor()})
}

// daemon runs until it is stopped.
func (s *session) daemon(path string) error {
	return app.Run(s.ctx, path, app.RunOptions{Version: buildVersion(), Log: s.err})
}
