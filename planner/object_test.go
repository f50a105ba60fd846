package planner

import (
	"testing"

	"rapport/records/campaign"
	"rapport/records/outbox"
)

// TestObjectionToWhatWaits has the recipient of a mail that was put off object
// to it: it does not leave any more.
func TestObjectionToWhatWaits(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	o.launch()
	d := o.deliveries(outbox.Frozen)[0]
	for range 2 {
		if err := o.Object(t.Context(), d.ID, true, "page"); err != nil {
			t.Fatal(err)
		}
	}
	got := o.deliveries(outbox.Suppressed)
	if len(got) != 1 || got[0].Why != campaign.Stopped || got[0].Evidence.Unsubscribed.IsZero() {
		t.Fatalf("suppressed: %+v", got)
	}
	stops, _, _, err := o.Why(t.Context(), "carl@press.example")
	if err != nil || len(stops) != 1 || stops[0].Scope != "" || stops[0].By != "page" {
		t.Errorf("suppressions: %+v, %v", stops, err)
	}
	if err := o.Object(t.Context(), "01ARZ3NDEKTSV4RRFFQ69G5FAV", false, "page"); err != nil {
		t.Errorf("of a delivery nobody knows: %v", err)
	}
	o.status()
}
