package app

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"rapport/records/message"
	"rapport/store"
	"rapport/store/boltstore"
)

// TestM29_AskedForAgainAtNight has a message in quarantine that the server
// gives by now: the night's housekeeping has it filed, and so has somebody who
// reconciles by hand.
func TestM29_AskedForAgainAtNight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.arrives("ada", "Carla <carla@acme.example>", "in order")
	r := w.runs()
	knows(t, r.client, "Carla", "carla@acme.example")
	r.has("carla@acme.example", "in order")
	r.end()
	for _, byNight := range []bool{true, false} {
		w.quarantineAll(byNight)
		r = w.runs()
		if !byNight {
			if st, err := r.client.Status(t.Context()); err != nil || st.Totals.Quarantined != 1 || !st.Totals.InSync {
				t.Errorf("Status = %+v, %v; want one quarantined and in sync", st.Totals, err)
			}
			found, err := r.client.Reconcile(t.Context())
			if err != nil || len(found) == 0 || !found[0].Agrees || found[0].Folder.Stored != 1 || found[0].Folder.Quarantined != 0 {
				t.Errorf("Reconcile = %+v, %v; want it stored and agreed on", found, err)
			}
		}
		eventually(t, "what is quarantined comes", func() error {
			st, err := r.client.Status(t.Context())
			if err == nil && (st.Totals.Stored != 1 || st.Totals.Quarantined != 0 || !st.Totals.InSync) {
				err = fmt.Errorf("status %+v", st.Totals)
			}
			return err
		})
		r.end()
	}
}

// quarantineAll puts every stored copy into quarantine, as it stands in the
// store of a daemon that is at rest. due says that the night's reconciling is.
func (w *world) quarantineAll(due bool) {
	w.t.Helper()
	s, err := boltstore.Open(w.dataDir(), boltstore.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	times := map[string]time.Time{}
	if due {
		times["reconcile"] = time.Now().Add(-time.Minute)
	}
	raw, err := json.Marshal(times)
	if err != nil {
		w.t.Fatal(err)
	}
	err = s.Update(w.t.Context(), func(tx store.Tx) error {
		all, err := tx.Folders().List("")
		if err != nil {
			return err
		}
		for _, f := range all {
			if err := quarantine(tx, f); err != nil {
				return err
			}
		}
		return tx.State().Put(stateDue, raw)
	})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func quarantine(tx store.Tx, f message.Folder) error {
	p, err := tx.Folders().Progress(f)
	if err != nil {
		return err
	}
	if err := tx.Folders().Settle(f, store.Settlement{UIDs: p.Stored, Quarantined: "for this test"}); err != nil {
		return err
	}
	all, err := tx.Folders().Status(f.Mailbox)
	if err != nil {
		return err
	}
	for _, st := range all {
		if st.Name != f.Name {
			continue
		}
		st.Quarantined, st.Stored = st.Stored, 0
		if err := tx.Folders().SetStatus(f.Mailbox, st); err != nil {
			return err
		}
	}
	return nil
}
