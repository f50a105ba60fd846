package web

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/records/sale"
	"rapport/records/survey"
	"rapport/store"
)

// TestExportHoldsOutreach has two people in everything that campaigns and sales
// keep: an export of everything holds both, that of one nothing of the other.
func TestExportHoldsOutreach(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	one, other := contact.ID(store.NewID(now)), contact.ID(store.NewID(now.Add(1)))
	err := w.store.Update(t.Context(), func(tx store.Tx) error {
		run := campaign.Run{ID: campaign.RunID(store.NewID(now)), Campaign: "spring", State: campaign.Running, Created: now, Changed: now}
		if err := tx.Runs().Put(run); err != nil {
			return err
		}
		for n, id := range []contact.ID{one, other} {
			a := contact.Address([]string{"uma@out.example", "vic@out.example"}[n])
			if err := tx.Contacts().Put(contact.Contact{ID: id, Name: string(a.Local()), Addresses: []contact.Address{a}, Created: now, Updated: now}); err != nil {
				return err
			}
			d := outbox.ID(store.NewID(now))
			if err := tx.Outbox().Add(outbox.Delivery{ID: d, Run: run.ID, Contact: id, Address: a, State: outbox.Frozen, Changed: now}); err != nil {
				return err
			}
			if err := tx.Sales().Put(sale.Sale{ID: sale.ID(store.NewID(now)), Number: "R-" + string(a), Direction: sale.Sold, Contact: id, Date: "2026-03-01", Currency: "EUR", Status: sale.Open}); err != nil {
				return err
			}
			if err := tx.Surveys().Put(survey.Answer{ID: string(d), Campaign: "spring", Contact: id, Comment: "answer of " + string(a), At: now}); err != nil {
				return err
			}
			if err := tx.Suppressions().Put(store.Suppression{Digest: store.Digest{byte(n + 1)}, Why: "objection", At: now, Address: string(a)}); err != nil {
				return err
			}
			if err := tx.SignUps().Put(store.SignUp{Digest: store.Digest{byte(n + 1)}, Address: a, Purposes: []string{"newsletter"}, Asked: now}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	files := func(write func(io.Writer) error) map[string]string {
		t.Helper()
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for r := tar.NewReader(&b); ; {
			h, err := r.Next()
			if err == io.EOF {
				return out
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			out[h.Name] = string(text)
		}
	}
	all := files(func(b io.Writer) error { return w.client.Export(t.Context(), b) })
	for _, name := range []string{"sales.jsonl", "deliveries.jsonl", "answers.jsonl", "suppressions.jsonl", "sign-ups.jsonl"} {
		if !strings.Contains(all[name], "uma@out.example") || !strings.Contains(all[name], "vic@out.example") {
			t.Errorf("%s of everybody: %s", name, all[name])
		}
	}
	if !strings.Contains(all["runs.jsonl"], "spring") {
		t.Errorf("the runs: %s", all["runs.jsonl"])
	}
	hers := files(func(b io.Writer) error { return w.client.ExportContact(t.Context(), string(one), b) })
	for _, name := range []string{"sales.jsonl", "deliveries.jsonl", "answers.jsonl"} {
		if !strings.Contains(hers[name], "uma@out.example") || strings.Contains(hers[name], "vic@out.example") {
			t.Errorf("%s of one: %s", name, hers[name])
		}
	}
}
