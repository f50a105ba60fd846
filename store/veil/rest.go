package veil

import (
	"strings"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

type reviews struct{ v *Tx }

// show returns a review of a message that is seen.
func (c reviews) show(r store.Review) (store.Review, bool, error) {
	s, err := c.v.sight(r.Message)
	if err != nil || !s.Tier.Shows(access.Metadata) {
		return store.Review{}, false, err
	}
	if !s.Tier.Shows(access.Full) {
		r.Candidates = withoutInner(r.Candidates)
	}
	return r, true, nil
}

func (c reviews) Get(id message.ID) (store.Review, error) {
	r, err := c.v.tx.Reviews().Get(id)
	if err == nil {
		var ok bool
		if r, ok, err = c.show(r); ok {
			return r, nil
		}
	}
	if noNotFound(err) != nil {
		return store.Review{}, err
	}
	return store.Review{}, absent("review", string(id))
}

func (c reviews) List(s store.Slice) (store.Page[store.Review], error) {
	return shown(s, c.v.tx.Reviews().List, c.show)
}

func (reviews) Put(store.Review) error  { return readOnly("review") }
func (reviews) Delete(message.ID) error { return readOnly("review") }

// suggestions are counted over everybody's mail.
type suggestions struct{ v *Tx }

func (c suggestions) Get(a contact.Address) (store.Suggestion, error) {
	if c.v.noMail() {
		return store.Suggestion{}, absent("suggestion", string(a))
	}
	return c.v.tx.Suggestions().Get(a)
}

func (c suggestions) List(s store.Slice) (store.Page[store.Suggestion], error) {
	if c.v.noMail() {
		return store.Page[store.Suggestion]{}, nil
	}
	return c.v.tx.Suggestions().List(s)
}

func (suggestions) Put(store.Suggestion) error    { return readOnly("suggestion") }
func (suggestions) Delete(contact.Address) error  { return readOnly("suggestion") }
func (suggestions) Expire(time.Time) (int, error) { return 0, readOnly("suggestion") }

type decisions struct{ v *Tx }

// show passes on decisions about messages that are seen.
func (c decisions) show(d store.Decision) (store.Decision, bool, error) {
	ok, err := c.v.shows(d.Message)
	return d, ok, err
}

func (c decisions) several(ds []store.Decision, err error) ([]store.Decision, error) {
	if err != nil {
		return nil, err
	}
	var out []store.Decision
	for _, d := range ds {
		d, ok, err := c.show(d)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, d)
		}
	}
	return out, nil
}

func (c decisions) Get(id string) (store.Decision, error) {
	d, err := c.v.tx.Decisions().Get(id)
	if err == nil {
		var ok bool
		if d, ok, err = c.show(d); ok {
			return d, nil
		}
	}
	if noNotFound(err) != nil {
		return store.Decision{}, err
	}
	return store.Decision{}, absent("decision", id)
}

func (c decisions) ByIdentity(key message.Sum) ([]store.Decision, error) {
	return c.several(c.v.tx.Decisions().ByIdentity(key))
}

func (c decisions) ByMessageID(id string) ([]store.Decision, error) {
	return c.several(c.v.tx.Decisions().ByMessageID(id))
}

func (c decisions) List(s store.Slice) (store.Page[store.Decision], error) {
	return shown(s, c.v.tx.Decisions().List, c.show)
}

func (decisions) Put(store.Decision) error { return readOnly("decision") }
func (decisions) Delete(string) error      { return readOnly("decision") }

type audit struct{ v *Tx }

// show passes on the lines about messages that are seen, and those somebody
// wrote by what they did; an administrator sees every line, which holds no
// word of a message. What undoes a change stays in the store: only that there
// is something is told.
func (c audit) show(r store.AuditRecord) (store.AuditRecord, bool, error) {
	for _, kept := range []*[]byte{&r.Before, &r.After} {
		if len(*kept) > 0 {
			*kept = []byte("null")
		}
	}
	who := c.v.eyes.Who
	if who.Role == access.Administrator || who.Name != "" && r.Actor == who.Name {
		return r, true, nil
	}
	ok, err := c.concerns(r)
	return r, ok, err
}

// concerns reports whether a line is about something that is seen.
func (c audit) concerns(r store.AuditRecord) (bool, error) {
	switch kind, _, _ := strings.Cut(r.Action, "."); kind {
	case "suggestion":
		return !c.v.noMail(), nil
	case "user", "session", "token", "passkey", "webhook", "calendar": // how others sign in
		return false, nil
	}
	ok, err := c.v.shows(message.ID(r.Object))
	if err != nil || ok {
		return ok, err
	}
	page, err := c.v.Messages().Thread(message.ThreadID(r.Object), store.Slice{Limit: 1})
	if noNotFound(err) != nil || len(page.Items) > 0 {
		return err == nil, noNotFound(err)
	}
	if strings.HasPrefix(r.Action, "message.") {
		return false, nil // of a message that is not seen, or gone
	}
	if r.Action != store.ActionUndo {
		return true, nil
	}
	undone, err := c.v.tx.Audit().Get(r.Detail)
	return err == nil && !strings.HasPrefix(undone.Action, "message."), noNotFound(err)
}

func (c audit) Get(id string) (store.AuditRecord, error) {
	r, err := c.v.tx.Audit().Get(id)
	if err == nil {
		var ok bool
		if r, ok, err = c.show(r); ok {
			return r, nil
		}
	}
	if noNotFound(err) != nil {
		return store.AuditRecord{}, err
	}
	return store.AuditRecord{}, absent("audit line", id)
}

func (c audit) List(object string, s store.Slice) (store.Page[store.AuditRecord], error) {
	return shown(s, func(s store.Slice) (store.Page[store.AuditRecord], error) {
		return c.v.tx.Audit().List(object, s)
	}, c.show)
}

func (audit) Add(store.AuditRecord) error      { return readOnly("audit line") }
func (audit) Redact(string) error              { return readOnly("audit line") }
func (audit) Trim(time.Time, int) (int, error) { return 0, readOnly("audit line") }
