package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
)

// Configuration is what is in force of the configuration file. It holds no
// secret.
type Configuration struct {
	File     string    `json:"file"`
	Warnings []string  `json:"warnings"` // each with its place and hint
	Settings []Setting `json:"settings"`
}

// Setting is one key of the configuration.
type Setting struct {
	Path   string `json:"path"`           // e.g. mailboxes[0].host
	Value  string `json:"value"`          // empty: none, or hidden
	Doc    string `json:"doc"`            // what the key is for
	Line   int    `json:"line,omitempty"` // in the file; absent: not there, the default holds
	Hidden bool   `json:"hidden"`         // there is a value, which may be a secret
}

func (s *Server) describeConfiguration(api huma.API) {
	describe(s, api, operation{id: "show-configuration", pattern: "GET /config", tag: "daemon", need: access.Manage,
		summary: "Show the configuration in force, with the lines of the file and without secrets"}, s.configuration)
}

func (s *Server) configuration(ctx context.Context, _ *struct{}) (Configuration, error) {
	c, err := s.daemon.Configuration(ctx)
	c.Warnings, c.Settings = list(c.Warnings), list(c.Settings)
	return c, err
}

// Configuration shows the configuration in force.
func (c *Client) Configuration(ctx context.Context) (Configuration, error) {
	return call[Configuration](ctx, c, http.MethodGet, "/config", nil, nil)
}
