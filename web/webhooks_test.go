package web

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"rapport/internal/webhook"
	"rapport/records/access"
	happened "rapport/records/event"
	"rapport/records/hook"
	"rapport/store"
)

// tellers keep webhooks and send to nowhere: all that is allowed is outside,
// and a test names nothing there.
func tellers(st store.Store) *webhook.Service {
	return webhook.New(webhook.Options{Store: st, Key: make([]byte, 32), Now: func() time.Time { return noon },
		Shown: func(tx store.Tx, _ string, e happened.Event) (bool, error) { return EventShown(tx, e) }})
}

// callWebhooks are the client's calls about webhooks. The host of their
// addresses is this one, which is refused before anything is sent.
func callWebhooks(w *world, calls map[string]func() (any, error)) {
	ctx, c := context.Background(), w.client
	add := func(name string) (WebhookMade, error) {
		return c.AddWebhook(ctx, NewWebhook{Name: name, URL: "https://127.0.0.1:1/in", Events: []happened.Type{happened.FollowUpDue}})
	}
	calls["POST /webhooks"] = func() (any, error) { return add("chat") }
	calls["GET /webhooks"] = func() (any, error) { return c.Webhooks(ctx) }
	calls["GET /webhooks/{who}"] = func() (any, error) { return c.Webhook(ctx, "Chat") }
	calls["PATCH /webhooks/{who}"] = func() (any, error) { return c.ChangeWebhook(ctx, "chat", WebhookChange{Paused: new(true)}) }
	calls["POST /webhooks/{who}/secret"] = func() (any, error) { return c.RenewWebhookSecret(ctx, "chat") }
	calls["POST /webhooks/{who}/test"] = func() (any, error) { return c.TestWebhook(ctx, "chat") }
	calls["GET /webhooks/{who}/dispatches"] = func() (any, error) { return c.Dispatches(ctx, "chat", Slice{}) }
	calls["DELETE /webhooks/{who}"] = func() (any, error) {
		made, err := add("passing")
		return nil, errors.Join(err, c.RemoveWebhook(ctx, made.Webhook.ID))
	}
}

// TestWebhooks sets one up, looks at it, tries it, changes it and removes it.
func TestWebhooks(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.client
	made, err := c.AddWebhook(ctx, NewWebhook{Name: "  The  chat ", URL: "https://127.0.0.1:1/in?key=x"})
	if err != nil || made.Webhook.Name != "The chat" || made.Webhook.State != "working" || !strings.HasPrefix(made.Secret, "whsec_") || len(made.Webhook.Events) != 0 {
		t.Fatalf("AddWebhook = %+v, %v", made, err)
	}
	d, err := c.TestWebhook(ctx, "the chat")
	if err != nil || d.State != "given_up" || d.Type != happened.WebhookTest || !strings.Contains(d.Trouble, "127.0.0.1 is refused") || !strings.Contains(d.Trouble, "webhooks.allow") {
		t.Errorf("TestWebhook = %+v, %v", d, err)
	}
	page, err := c.Dispatches(ctx, made.Webhook.ID, Slice{})
	if err != nil || len(page.Items) != 1 || !reflect.DeepEqual(page.Items[0], d) {
		t.Errorf("Dispatches = %+v, %v", page, err)
	}
	paused, err := c.ChangeWebhook(ctx, "the chat", WebhookChange{Paused: new(true), Events: &[]happened.Type{happened.MessageFiled}})
	if err != nil || paused.State != "paused" || len(paused.Events) != 1 {
		t.Errorf("pausing: %+v, %v", paused, err)
	}
	if on, err := c.ChangeWebhook(ctx, "the chat", WebhookChange{Paused: new(false)}); err != nil || on.State != "working" || on.Waiting != 1 {
		t.Errorf("going on: %+v, %v; want one event that says something was missed", on, err)
	}
	again, err := c.RenewWebhookSecret(ctx, "the chat")
	if err != nil || again.Secret == made.Secret {
		t.Errorf("RenewWebhookSecret = %+v, %v", again, err)
	}
	for _, in := range []NewWebhook{{Name: "the chat", URL: "ftp://a.example"}, {Name: "The chat", URL: "https://a.example"}, {Name: " ", URL: "https://a.example"},
		{Name: "x", URL: "https://ada:pw@a.example"}, {Name: "x", URL: "https://a.example", Events: []happened.Type{"webhook.test"}}} {
		var p *Problem
		if made, err := c.AddWebhook(ctx, in); !errors.As(err, &p) || p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusBadRequest {
			t.Errorf("AddWebhook(%+v) = %+v, %v", in, made, err)
		}
	}
	if err := c.RemoveWebhook(ctx, "the chat"); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{"show": second(c.Webhook(ctx, "the chat")), "try": second(c.TestWebhook(ctx, "the chat")), "remove": c.RemoveWebhook(ctx, made.Webhook.ID)} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s one that is gone: %v", what, err)
		}
	}
}

// TestWebhookStates shows each state as what it is, and the owner by address.
func TestWebhookStates(t *testing.T) {
	w := newWorld(t)
	w.put(access.Account{ID: "01ADA", Name: "Ada", Address: "ada@example.com", Role: access.Administrator, Created: noon})
	for want, v := range map[string]hook.Webhook{
		"working": {}, "failing": {Failing: noon}, "paused": {Disabled: hook.Paused}, "gone": {Disabled: hook.Gone, Failing: noon},
		"given_up": {Disabled: hook.Failing}, "ownerless": {Disabled: hook.Ownerless},
	} {
		v.ID, v.Name, v.Owner = "id "+want, want, "01ADA"
		if err := w.store.Update(t.Context(), func(tx store.Tx) error { return tx.Webhooks().Put(v) }); err != nil {
			t.Fatal(err)
		}
		got, err := w.client.Webhook(t.Context(), want)
		if err != nil || got.State != want || got.Owner != "ada@example.com" {
			t.Errorf("%s is shown as %+v, %v", want, got, err)
		}
	}
}
