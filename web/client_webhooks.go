package web

import (
	"context"
	"net/http"

	happened "rapport/records/event"
)

// EventTypes are types of events in the words people type.
func EventTypes(names []string) []happened.Type {
	out := []happened.Type{}
	for _, n := range names {
		out = append(out, happened.Type(n))
	}
	return out
}

// Webhooks lists the webhooks.
func (c *Client) Webhooks(ctx context.Context) (Page[Webhook], error) {
	return call[Page[Webhook]](ctx, c, http.MethodGet, "/webhooks", nil, nil)
}

// AddWebhook has another program told what happens.
func (c *Client) AddWebhook(ctx context.Context, in NewWebhook) (WebhookMade, error) {
	return call[WebhookMade](ctx, c, http.MethodPost, "/webhooks", nil, in)
}

// Webhook shows a webhook, named by id or name.
func (c *Client) Webhook(ctx context.Context, who string) (Webhook, error) {
	return call[Webhook](ctx, c, http.MethodGet, at("/webhooks/%s", who), nil, nil)
}

// ChangeWebhook changes a webhook, named by id or name.
func (c *Client) ChangeWebhook(ctx context.Context, who string, change WebhookChange) (Webhook, error) {
	return call[Webhook](ctx, c, http.MethodPatch, at("/webhooks/%s", who), nil, change)
}

// RemoveWebhook removes a webhook, named by id or name.
func (c *Client) RemoveWebhook(ctx context.Context, who string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("/webhooks/%s", who), nil, nil)
	return err
}

// RenewWebhookSecret gives a webhook another secret.
func (c *Client) RenewWebhookSecret(ctx context.Context, who string) (WebhookMade, error) {
	return call[WebhookMade](ctx, c, http.MethodPost, at("/webhooks/%s/secret", who), nil, nil)
}

// TestWebhook sends a webhook a trial and says how that went.
func (c *Client) TestWebhook(ctx context.Context, who string) (Dispatch, error) {
	return call[Dispatch](ctx, c, http.MethodPost, at("/webhooks/%s/test", who), nil, nil)
}

// Dispatches lists what waits for a webhook and the last that ended.
func (c *Client) Dispatches(ctx context.Context, who string, s Slice) (Page[Dispatch], error) {
	return call[Page[Dispatch]](ctx, c, http.MethodGet, at("/webhooks/%s/dispatches", who), s.query(), nil)
}
