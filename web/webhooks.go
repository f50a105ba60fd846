package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	happened "rapport/records/event"
	"rapport/records/hook"
	"rapport/records/phrase"
	"rapport/store"
)

// Webhooks are the addresses of other programs that are told what happens;
// internal/webhook implements it. Errors are the store's sentinels or plain
// sentences fit to show.
type Webhooks interface {
	// Add keeps a new webhook; secret is known here and now only.
	Add(ctx context.Context, by access.Principal, w hook.Webhook) (made hook.Webhook, secret string, err error)
	Change(ctx context.Context, by access.Principal, id string, c hook.Change) (hook.Webhook, error)
	Remove(ctx context.Context, by access.Principal, id string) error
	// Renew gives a webhook another secret; the former one signs beside it for a day.
	Renew(ctx context.Context, by access.Principal, id string) (w hook.Webhook, secret string, err error)
	// Try sends an event that says it is a trial, and returns how that went.
	Try(ctx context.Context, id string) (hook.Dispatch, error)
}

// Webhook is an address of another program that is told what happens, without
// its secret.
type Webhook struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	URL       string          `json:"url"`
	Events    []happened.Type `json:"events" doc:"what it is told of; empty: everything"`
	State     string          `json:"state" enum:"working,failing,paused,gone,given_up,ownerless" doc:"gone: its receiver said that it is no more; given_up: nothing was taken for three days; ownerless: whoever set it up may not any more"`
	Owner     string          `json:"owner,omitempty" doc:"address of the user whose view of the events it gets; absent: it gets everything"`
	Created   time.Time       `json:"created"`
	Succeeded time.Time       `json:"succeeded,omitzero" doc:"when the last event was taken"`
	Failing   time.Time       `json:"failing_since,omitzero" doc:"since when none has been"`
	Next      time.Time       `json:"next_attempt,omitzero" doc:"before then nothing is sent"`
	Trouble   string          `json:"trouble,omitempty" doc:"what went wrong last, in words"`
	Said      phrase.Phrase   `json:"trouble_phrase,omitzero" doc:"the same in parts, for other languages"`
	Waiting   int             `json:"waiting" doc:"events that are still to be sent"`
}

// NewWebhook says what a webhook is to be.
type NewWebhook struct {
	Name   string          `json:"name" minLength:"1" maxLength:"200"`
	URL    string          `json:"url" minLength:"1" maxLength:"2000" doc:"an address with https; with http only where the configuration allows it"`
	Events []happened.Type `json:"events,omitempty" maxItems:"20" enum:"message.filed,contact.changed,organisation.changed,suggestion.made,followup.due,sale.changed,sale.overdue" doc:"everything where it is not given"`
}

// WebhookMade is a webhook and what signs its events. The secret is shown here
// only.
type WebhookMade struct {
	Webhook Webhook `json:"webhook"`
	Secret  string  `json:"secret" doc:"what signs the events, in the form of Standard Webhooks"`
}

// WebhookChange changes what is given.
type WebhookChange struct {
	Name   *string          `json:"name,omitempty" minLength:"1" maxLength:"200"`
	URL    *string          `json:"url,omitempty" minLength:"1" maxLength:"2000"`
	Events *[]happened.Type `json:"events,omitempty" maxItems:"20" enum:"message.filed,contact.changed,organisation.changed,suggestion.made,followup.due,sale.changed,sale.overdue" doc:"empty: everything"`
	Paused *bool            `json:"paused,omitempty" doc:"true: nothing is sent, and nothing is kept for later; false: it goes on, also where it was given up"`
}

// Dispatch is one event on its way to one webhook.
type Dispatch struct {
	ID       string        `json:"id" doc:"what the receiver gets as Webhook-Id"`
	Event    string        `json:"event" doc:"id of the event"`
	Type     happened.Type `json:"type"`
	State    string        `json:"state" enum:"waiting,taken,given_up"`
	Created  time.Time     `json:"created"`
	Attempts int           `json:"attempts"`
	Next     time.Time     `json:"next_attempt,omitzero"`
	Ended    time.Time     `json:"ended,omitzero"`
	Status   int           `json:"status,omitempty" doc:"of the last answer; absent: there was none"`
	Trouble  string        `json:"trouble,omitempty" doc:"why the last attempt failed, in words"`
	Said     phrase.Phrase `json:"trouble_phrase,omitzero" doc:"the same in parts, for other languages"`
}

const aboutWebhooks = "What a webhook is sent is what those get who watch: ids, times and a path, never a word of a message, and only what its owner may see. " +
	"It is signed as Standard Webhooks 1.0 says: `Webhook-Id`, `Webhook-Timestamp`, `Webhook-Signature`. " +
	"An answer 2xx within 20 seconds takes it; anything else has it sent again, ever less often, for three days. " +
	"The same event may come twice, under the same `Webhook-Id`. An event `missed` says that there were others which are not told: read again what you keep."

func (s *Server) describeWebhooks(api huma.API) {
	const tag = "webhooks"
	describe(s, api, operation{id: "list-webhooks", pattern: "GET /webhooks", tag: tag, need: access.Manage,
		summary: "List the webhooks", detail: aboutWebhooks}, s.listWebhooks)
	describe(s, api, operation{id: "add-webhook", pattern: "POST /webhooks", tag: tag, secret: true, need: access.Manage,
		summary: "Have another program told what happens", detail: aboutWebhooks}, s.addWebhook)
	describe(s, api, operation{id: "show-webhook", pattern: "GET /webhooks/{who}", tag: tag, need: access.Manage,
		summary: "Show a webhook"}, s.showWebhook)
	describe(s, api, operation{id: "change-webhook", pattern: "PATCH /webhooks/{who}", tag: tag, need: access.Manage,
		summary: "Change a webhook, pause it or have it go on"}, s.changeWebhook)
	describe(s, api, operation{id: "remove-webhook", pattern: "DELETE /webhooks/{who}", tag: tag, need: access.Manage,
		summary: "Remove a webhook and what waits for it"}, s.removeWebhook)
	describe(s, api, operation{id: "renew-webhook-secret", pattern: "POST /webhooks/{who}/secret", tag: tag, secret: true, need: access.Manage,
		summary: "Give a webhook another secret", detail: "The former one signs beside it for a day."}, s.renewWebhookSecret)
	describe(s, api, operation{id: "test-webhook", pattern: "POST /webhooks/{who}/test", tag: tag, need: access.Manage,
		summary: "Send a webhook an event `webhook.test`, and say how that went"}, s.testWebhook)
	describe(s, api, operation{id: "list-dispatches", pattern: "GET /webhooks/{who}/dispatches", tag: tag, need: access.Manage,
		summary: "List what waits for a webhook and the last that ended, newest first"}, s.listDispatches)
}

// WebhookPath names a webhook in the path.
type WebhookPath struct {
	Who string `path:"who" doc:"id or name"`
}

// findWebhook finds a webhook by its id or name.
func findWebhook(tx store.Tx, who string) (hook.Webhook, error) {
	all, err := tx.Webhooks().List()
	if err != nil {
		return hook.Webhook{}, err
	}
	for _, same := range []func(hook.Webhook) bool{
		func(w hook.Webhook) bool { return w.ID == who },
		func(w hook.Webhook) bool { return foldName(w.Name) == foldName(who) },
	} {
		if n := slices.IndexFunc(all, same); n >= 0 {
			return all[n], nil
		}
	}
	return hook.Webhook{}, &Problem{Status: http.StatusNotFound, Code: codeNotFound, Detail: "no webhook " + oneLine(who)}
}

// webhookID returns the id of a webhook named by id or name.
func (s *Server) webhookID(ctx context.Context, who string) (id string, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		w, err := findWebhook(tx, who)
		id = w.ID
		return err
	})
	return id, err
}

// mostCounted is how far what waits is counted.
const mostCounted = 5000

// webhookView shows a webhook.
func (s *Server) webhookView(ctx context.Context, w hook.Webhook) (out Webhook, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		out, err = webhookIn(tx, w)
		return err
	})
	return out, err
}

func webhookIn(tx store.Tx, w hook.Webhook) (Webhook, error) {
	out := Webhook{ID: w.ID, Name: w.Name, URL: w.URL, Events: w.Types, Created: w.Created.UTC(), State: stateOf(w),
		Succeeded: w.Succeeded, Failing: w.Failing, Next: w.Held, Trouble: w.Trouble.String(), Said: w.Trouble}
	if out.Events == nil {
		out.Events = []happened.Type{}
	}
	if u, err := tx.Accounts().Get(w.Owner); w.Owner != "" && err == nil {
		out.Owner = string(u.Address)
	}
	n, err := tx.Dispatches().Waiting(w.ID, mostCounted)
	out.Waiting = n
	return out, err
}

func stateOf(w hook.Webhook) string {
	switch w.Disabled {
	case hook.Paused, hook.Gone:
		return string(w.Disabled)
	case hook.Failing:
		return "given_up"
	case hook.Ownerless:
		return "ownerless"
	}
	if !w.Failing.IsZero() {
		return "failing"
	}
	return "working"
}

func (s *Server) listWebhooks(ctx context.Context, _ *struct{}) (page Page[Webhook], err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		page.Items = []Webhook{}
		all, err := tx.Webhooks().List()
		if err != nil {
			return err
		}
		for _, w := range all {
			shown, err := webhookIn(tx, w)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, shown)
		}
		return nil
	})
	slices.SortStableFunc(page.Items, func(a, b Webhook) int { return cmp.Compare(foldName(a.Name), foldName(b.Name)) })
	return page, err
}

func (s *Server) addWebhook(ctx context.Context, in *struct{ Body NewWebhook }) (made WebhookMade, err error) {
	w, secret, err := s.webhooks.Add(ctx, principal(ctx), hook.Webhook{Name: in.Body.Name, URL: in.Body.URL, Types: in.Body.Events})
	if err != nil {
		return made, refused(err)
	}
	made.Secret = secret
	made.Webhook, err = s.webhookView(ctx, w)
	return made, err
}

func (s *Server) showWebhook(ctx context.Context, in *WebhookPath) (out Webhook, err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		w, err := findWebhook(tx, in.Who)
		if err == nil {
			out, err = webhookIn(tx, w)
		}
		return err
	})
	return out, err
}

func (s *Server) changeWebhook(ctx context.Context, in *struct {
	WebhookPath
	Body WebhookChange
}) (out Webhook, err error) {
	id, err := s.webhookID(ctx, in.Who)
	if err != nil {
		return out, err
	}
	w, err := s.webhooks.Change(ctx, principal(ctx), id, hook.Change{Name: in.Body.Name, URL: in.Body.URL, Types: in.Body.Events, Paused: in.Body.Paused})
	if err != nil {
		return out, refused(err)
	}
	return s.webhookView(ctx, w)
}

func (s *Server) removeWebhook(ctx context.Context, in *WebhookPath) (none struct{}, err error) {
	id, err := s.webhookID(ctx, in.Who)
	if err != nil {
		return none, err
	}
	return none, s.webhooks.Remove(ctx, principal(ctx), id)
}

func (s *Server) renewWebhookSecret(ctx context.Context, in *WebhookPath) (made WebhookMade, err error) {
	id, err := s.webhookID(ctx, in.Who)
	if err != nil {
		return made, err
	}
	w, secret, err := s.webhooks.Renew(ctx, principal(ctx), id)
	if err != nil {
		return made, err
	}
	made.Secret = secret
	made.Webhook, err = s.webhookView(ctx, w)
	return made, err
}

func (s *Server) testWebhook(ctx context.Context, in *WebhookPath) (out Dispatch, err error) {
	id, err := s.webhookID(ctx, in.Who)
	if err != nil {
		return out, err
	}
	d, err := s.webhooks.Try(ctx, id)
	return dispatchView(d), err
}

func (s *Server) listDispatches(ctx context.Context, in *struct {
	WebhookPath
	SliceInput
}) (page Page[Dispatch], err error) {
	err = s.view(ctx, func(tx store.Tx) error {
		page.Items = []Dispatch{}
		w, err := findWebhook(tx, in.Who)
		if err != nil {
			return err
		}
		found, err := tx.Dispatches().Of(w.ID, in.slice())
		for _, d := range found.Items {
			page.Items = append(page.Items, dispatchView(d))
		}
		page.Next = string(found.Next)
		return err
	})
	return page, err
}

func dispatchView(d hook.Dispatch) Dispatch {
	out := Dispatch{ID: d.ID, Event: d.Event.ID, Type: d.Event.Type, Created: d.Created.UTC(), Attempts: d.Attempts, Ended: d.Ended, Status: d.Status, Trouble: d.Trouble.String(), Said: d.Trouble}
	switch {
	case d.Waits():
		out.State, out.Next = "waiting", d.Due.UTC()
	case d.Taken:
		out.State = "taken"
	default:
		out.State = "given_up"
	}
	return out
}
