package planner

import (
	"testing"

	"rapport/records/campaign"
	"rapport/store"
)

// TestRecoverLeavesWhatIsLaunched has the recovery of a start run while somebody
// launches already: what an earlier process left is cancelled, the other not.
func TestRecoverLeavesWhatIsLaunched(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"))
	run, err := o.begin(t.Context(), "ada", o.src, campaign.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []campaign.RunState{campaign.Preparing, campaign.Cancelled} {
		if err := o.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.update(func(tx store.Tx) error {
			r, err := tx.Runs().Get(run.ID)
			if r.State != want {
				t.Errorf("the run is %s, want %s", r.State, want)
			}
			return err
		})
		o.launched(run.ID)
	}
}
