package pages

import (
	"net/http"
	"net/url"
	"slices"

	"rapport/records/access"
	"rapport/records/event"
	"rapport/web"
)

// webhookRoutes are the programs that are told what happens.
func (p *Pages) webhookRoutes() []route {
	return []route{
		{pattern: "GET /settings/webhooks", need: access.Manage, serve: webhooks},
		{pattern: "POST /settings/webhooks", need: access.Manage, serve: webhooksAdd},
		{pattern: "GET /settings/webhooks/{id}", need: access.Manage, serve: oneWebhook},
		{pattern: "POST /settings/webhooks/{id}", need: access.Manage, serve: webhookChange},
		{pattern: "POST /settings/webhooks/{id}/test", need: access.Manage, serve: webhookTest},
		{pattern: "POST /settings/webhooks/{id}/paused", need: access.Manage, serve: webhookPaused},
		{pattern: "POST /settings/webhooks/{id}/secret", need: access.Manage, serve: webhookSecret},
		{pattern: "POST /settings/webhooks/{id}/remove", need: access.Manage, serve: webhookRemove},
	}
}

// hookForm is what a webhook is told and where, as a form has it, with what
// was wrong with it.
type hookForm struct {
	Name, URL string
	Ticked    []event.Type // none: everything
	Wrong     *web.Problem // of the API; its detail is in English
	Nothing   bool         // no type was ticked
}

// Types are what a webhook can be told of.
func (hookForm) Types() []event.Type { return event.Types() }

// Ticks reports whether the webhook is told of a type.
func (f hookForm) Ticks(t event.Type) bool {
	return !f.Nothing && len(f.Ticked) == 0 || slices.Contains(f.Ticked, t)
}

// hookForm reads the form. All types ticked are none to the API, which is
// everything there will ever be; none ticked is a slip.
func (v *visit) hookForm() hookForm {
	f := hookForm{Name: v.form("name"), URL: v.form("url")} // reading one parses them all
	f.Ticked = web.EventTypes(v.r.PostForm["event"])
	f.Nothing = len(f.Ticked) == 0
	if len(f.Ticked) == len(event.Types()) {
		f.Ticked = f.Ticked[:0]
	}
	return f
}

// wrong reports whether an error is one that the writer of a form can mend,
// which the form then shows.
func (f *hookForm) wrong(err error) bool {
	p := known(err)
	switch p.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		f.Wrong = p
		return true
	}
	return false
}

// code is the status of the page that shows the form.
func (f hookForm) code() int {
	switch {
	case f.Nothing:
		return http.StatusBadRequest
	case f.Wrong != nil:
		return f.Wrong.Status
	}
	return http.StatusOK
}

// hookList is the page of all webhooks.
type hookList struct {
	Webhooks []web.Webhook
	Form     hookForm // of a new one
}

func webhooks(v *visit) error { return v.webhooks(hookForm{}) }

func (v *visit) webhooks(f hookForm) error {
	page, err := v.client().Webhooks(v.ctx())
	if err != nil {
		return err
	}
	return v.showAs(f.code(), "webhooks", "settings.webhooks", hookList{page.Items, f})
}

func webhooksAdd(v *visit) error {
	f := v.hookForm()
	if f.Nothing {
		return v.webhooks(f)
	}
	made, err := v.client().AddWebhook(v.ctx(), web.NewWebhook{Name: f.Name, URL: f.URL, Events: f.Ticked})
	switch {
	case f.wrong(err):
		return v.webhooks(f)
	case err != nil:
		return err
	}
	return v.webhook(made.Webhook.ID, made.Secret, nil)
}

// hookPage is the page of one webhook.
type hookPage struct {
	web.Webhook
	Log    []web.Dispatch // the newest
	Older  string
	Secret string // shown once, where it was just made
	Form   hookForm
}

// Works reports whether anything is sent.
func (h hookPage) Works() bool { return h.State == "working" || h.State == "failing" }

// hookLog is how many dispatches a webhook's page shows at a time.
const hookLog = 20

func oneWebhook(v *visit) error { return v.webhook(v.r.PathValue("id"), "", nil) }

// webhook shows a webhook; f is a form that was sent and is shown again.
func (v *visit) webhook(id, secret string, f *hookForm) error {
	w, err := v.client().Webhook(v.ctx(), id)
	if err != nil {
		return err
	}
	log, err := v.client().Dispatches(v.ctx(), id, web.Slice{Cursor: v.Query("cursor"), Limit: hookLog})
	if err != nil {
		return err
	}
	if f == nil {
		f = &hookForm{Name: w.Name, URL: w.URL, Ticked: w.Events}
	}
	older := ""
	if log.Next != "" { // not v.older: this may be the answer to a form
		older = address("/settings/webhooks/"+w.ID, url.Values{"cursor": {log.Next}})
	}
	return v.showAs(f.code(), "webhook", w.Name, hookPage{w, log.Items, older, secret, *f})
}

// webhookAt is the page of the webhook that a form is about.
func (v *visit) webhookAt() (id, page string) {
	id = v.r.PathValue("id")
	return id, "/settings/webhooks/" + id
}

func webhookChange(v *visit) error {
	id, page := v.webhookAt()
	f := v.hookForm()
	if f.Nothing {
		return v.webhook(id, "", &f)
	}
	_, err := v.client().ChangeWebhook(v.ctx(), id, web.WebhookChange{Name: &f.Name, URL: &f.URL, Events: &f.Ticked})
	switch {
	case f.wrong(err):
		return v.webhook(id, "", &f)
	case err != nil:
		return err
	}
	return v.done(page, "", "webhook.changed")
}

func webhookTest(v *visit) error {
	id, page := v.webhookAt()
	d, err := v.client().TestWebhook(v.ctx(), id)
	switch {
	case err != nil:
		return err
	case d.State != "taken":
		return v.notDone(page, "webhook.not_taken", "why", v.Tell(d.Said))
	}
	return v.done(page, "", "webhook.was_taken")
}

func webhookPaused(v *visit) error {
	id, page := v.webhookAt()
	paused := v.form("paused") != ""
	if _, err := v.client().ChangeWebhook(v.ctx(), id, web.WebhookChange{Paused: &paused}); err != nil {
		return v.refusedHere(page, err)
	}
	if paused {
		return v.done(page, "", "webhook.is_paused")
	}
	return v.done(page, "", "webhook.goes_on")
}

func webhookSecret(v *visit) error {
	id, _ := v.webhookAt()
	made, err := v.client().RenewWebhookSecret(v.ctx(), id)
	if err != nil {
		return err
	}
	return v.webhook(id, made.Secret, nil)
}

func webhookRemove(v *visit) error {
	id, page := v.webhookAt()
	if v.form("sure") == "" {
		return v.notDone(page, "access.sure")
	}
	if err := v.client().RemoveWebhook(v.ctx(), id); err != nil {
		return err
	}
	return v.done("/settings/webhooks", "", "webhook.removed")
}
