package planner

import (
	"fmt"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/records/timeline"
	"rapport/store"
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
	stops, _, _, err := o.Why(t.Context(), "carl@press.example", true)
	if err != nil || len(stops) != 1 || stops[0].Scope != "" || stops[0].By != "page" {
		t.Errorf("suppressions: %+v, %v", stops, err)
	}
	if err := o.Object(t.Context(), "01ARZ3NDEKTSV4RRFFQ69G5FAV", false, "page"); err != nil {
		t.Errorf("of a delivery nobody knows: %v", err)
	}
	o.status()
}

// TestAnswerInTheSameSecond has somebody answer in the second in which the mail
// was sent: their mail knows seconds only, and yet stands after it.
func TestAnswerInTheSameSecond(t *testing.T) {
	for range 20 {
		o := newOffice(t, customer("Carl", "carl@press.example"))
		o.now = o.now.Truncate(time.Second).Add(700 * time.Millisecond)
		o.launch()
		d := o.carry(o.deliveries(outbox.Frozen)[0], false)
		answered := d.Dotted.Truncate(time.Second)
		o.update(func(tx store.Tx) error {
			return tx.Entries().Put(timeline.Entry{ID: timeline.ID(store.NewID(answered)), Time: answered, Kind: timeline.Message, Message: "m", Thread: "t",
				Direction: message.In, Contacts: []contact.ID{d.Contact}}, nil)
		})
		if got := fmt.Sprint(o.history("carl@press.example")); got != "[message delivery]" {
			t.Fatalf("newest first: %s", got)
		}
	}
}
