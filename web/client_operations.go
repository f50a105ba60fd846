package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// Version says what answers.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return call[Version](ctx, c, http.MethodGet, "/version", nil, nil)
}

// Document reads what the API says of itself, as OpenAPI 3.1.
func (c *Client) Document(ctx context.Context) (json.RawMessage, error) {
	return call[json.RawMessage](ctx, c, http.MethodGet, "/openapi.json", nil, nil)
}

// DocumentPage writes the same as a page to w.
func (c *Client) DocumentPage(ctx context.Context, w io.Writer) error {
	return c.download(ctx, "/docs", w)
}

// Status says what the daemon does.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, http.MethodGet, "/status", nil, nil)
}

// Sync makes one complete pass over every mailbox, or the named ones.
func (c *Client) Sync(ctx context.Context, mailboxes []string, progress func(Status)) (Status, error) {
	return follow[Status, Status](ctx, c, "/sync", syncRequest{Mailboxes: mailboxes}, progress)
}

// Preview says what a sync would do.
func (c *Client) Preview(ctx context.Context) (Preview, error) {
	return follow[Count, Preview](ctx, c, "/preview", nil, nil)
}

// Reconcile proves every folder against its server.
func (c *Client) Reconcile(ctx context.Context) ([]Reconciled, error) {
	return follow[Count, []Reconciled](ctx, c, "/reconcile", nil, nil)
}

// Rematch judges every stored message again.
func (c *Client) Rematch(ctx context.Context, progress func(Count)) (RematchResult, error) {
	return follow[Count, RematchResult](ctx, c, "/rematch", nil, progress)
}

// Discover proposes people from the mailboxes' headers.
func (c *Client) Discover(ctx context.Context, in Discover, progress func(Count)) (Discovery, error) {
	return follow[Count, Discovery](ctx, c, "/discover", in, progress)
}

// Doctor tries everything that is configured.
func (c *Client) Doctor(ctx context.Context) ([]Finding, error) {
	return follow[Count, []Finding](ctx, c, "/doctor", nil, nil)
}

// Plan says what another configuration file would change of what is filed.
func (c *Client) Plan(ctx context.Context, file string) (RematchResult, error) {
	return follow[Count, RematchResult](ctx, c, "/config/plan", planRequest{File: file}, nil)
}

// Reload reads the configuration again.
func (c *Client) Reload(ctx context.Context) error {
	_, err := call[Version](ctx, c, http.MethodPost, "/reload", nil, nil)
	return err
}

// CheckStore looks for faults in the store.
func (c *Client) CheckStore(ctx context.Context) (StoreFaults, error) {
	return follow[Count, StoreFaults](ctx, c, "/store/check", nil, nil)
}

// Backup writes a consistent copy of the store to w. Where it returns an
// error, what was written is not a copy.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	return c.download(ctx, "/store/backup", w)
}

// Reindex rebuilds everything derived in the store.
func (c *Client) Reindex(ctx context.Context, progress func(Count)) error {
	_, err := follow[Count, Done](ctx, c, "/store/reindex", nil, progress)
	return err
}

// ReindexSearch rebuilds the search index, while everything else goes on.
func (c *Client) ReindexSearch(ctx context.Context, progress func(Count)) error {
	_, err := follow[Count, Done](ctx, c, "/store/reindex/search", nil, progress)
	return err
}

// Compact makes the store as small as it can be.
func (c *Client) Compact(ctx context.Context) (Compaction, error) {
	return follow[Count, Compaction](ctx, c, "/store/compact", nil, nil)
}

// Export writes everything to w, as a tar archive.
func (c *Client) Export(ctx context.Context, w io.Writer) error {
	return c.download(ctx, "/export", w)
}
