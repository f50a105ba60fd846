package intake_test

import (
	"context"
	"testing"

	"rapport/records/contact"
)

// TestAwayWithoutDeputy says that a member is away while nobody stands in.
func TestAwayWithoutDeputy(t *testing.T) {
	w := newWorld(t)
	until := start.AddDate(1, 0, 0)
	if err := w.Away(context.Background(), "test", ada, &contact.Away{Until: until}); err != nil {
		t.Fatalf("Away without a deputy: %v", err)
	}
	members, err := w.Members(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if m.Primary() != ada {
			continue
		}
		if m.Away == nil || !m.Away.Until.Equal(until) || m.Away.Deputy != "" {
			t.Errorf("Away of %s = %+v; want until %v without a deputy", ada, m.Away, until)
		}
		return
	}
	t.Errorf("%s is no member", ada)
}
