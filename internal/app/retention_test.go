package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/store"
)

// TestRetentionTakenOut keeps mail for a month, and then all of it: what was
// not filed for its age is filed by the first night and the next sync.
func TestRetentionTakenOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.arrives("ada", "carl@press.example", "letter")
	run := func(do func(ctx context.Context, d *daemonRun) error) (filed int) {
		t.Helper()
		w.configure()
		s, stop := w.built(RunOptions{Now: func() time.Time { return time.Now().AddDate(0, 0, 40) }})
		defer stop()
		err := do(t.Context(), &daemonRun{system: s})
		_, syncErr := s.Sync(t.Context(), nil, nil)
		viewErr := s.store.View(t.Context(), func(tx store.Tx) (err error) {
			filed, err = tx.Messages().Count()
			return err
		})
		if err := errors.Join(err, syncErr, viewErr); err != nil {
			t.Fatal(err)
		}
		return filed
	}
	w.extra = "retention: {personal: 30d}\n"
	filed := run(func(ctx context.Context, d *daemonRun) error {
		_, err := d.intake.AddContact(ctx, "test", contact.Contact{Name: "Carl", Addresses: []contact.Address{"carl@press.example"}, Kind: contact.Customer})
		return errors.Join(err, d.retainNightly(ctx))
	})
	if filed != 0 {
		t.Fatalf("%d letters filed that are too old", filed)
	}
	w.extra = ""
	if filed := run(func(ctx context.Context, d *daemonRun) error { return d.retainNightly(ctx) }); filed != 1 {
		t.Errorf("%d letters filed once all is kept, want 1", filed)
	}
}
