package campaign

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestBecome(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	all := []RunState{Preparing, Running, Paused, Cancelled, Finished}
	for _, from := range all {
		for _, to := range all {
			got, err := Run{Campaign: "spring", State: from}.Become(to, "why", now)
			switch allowed := from == to || slices.Contains(runs[from], to); {
			case allowed && (err != nil || got.State != to):
				t.Errorf("%s to %s: %+v, %v", from, to, got, err)
			case !allowed && (!errors.Is(err, ErrRunState) || got.State != from):
				t.Errorf("%s to %s: %+v, %v; want ErrRunState", from, to, got, err)
			}
		}
	}
	if len(runs[Cancelled]) != 0 {
		t.Error("what is cancelled can be sent")
	}
}
