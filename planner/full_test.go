package planner

import (
	"testing"
	"time"

	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/store"
)

// TestFullForLong sends to a mailbox that takes nothing: it is written to again
// until three in a row came back over two weeks; one that was read between, or a
// policy, begins the count anew.
func TestFullForLong(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for _, tt := range []struct {
		name  string
		came  []string // what became of one mail after the other
		every time.Duration
		want  int // suppressions
	}{
		{"two", []string{"full", "full"}, 2 * week, 0},
		{"three in two weeks", []string{"full", "full", "full"}, week, 1},
		{"three in a week", []string{"full", "full", "full"}, week / 2, 0},
		{"five in two weeks", []string{"full", "full", "full", "full", "full"}, week / 2, 1},
		{"one was read", []string{"full", "full", "read", "full"}, week, 0},
		{"policies", []string{"policy", "policy", "policy", "policy"}, week, 0},
		{"refused at once", []string{"full", "refused", "refused"}, week, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t, customer("Carl", "carl@press.example"))
			for n, what := range tt.came {
				if _, err := o.Launch(t.Context(), "ada", "spring", "", n > 0); err != nil {
					t.Fatal(err)
				}
				d := o.deliveries(outbox.Frozen)[0]
				if what == "refused" {
					o.refuse(d, outbox.NewReply(outbox.StageRcpt, 552, "5.2.2 mailbox full"))
				} else {
					d = o.carry(d, false)
				}
				if class := map[string]string{"full": "mailbox", "policy": "policy"}[what]; class != "" {
					o.returned(message.Folder{Mailbox: "news"}, message.Message{Verdict: message.Verdict{Kind: message.Bounce,
						Original: &message.Original{MessageID: d.MessageID}, Bounces: []message.BouncedTo{{Class: class, Action: "failed"}}}})
				}
				if err := o.Tend(t.Context()); err != nil {
					t.Fatal(err)
				}
				page, err := o.Suppressions(t.Context(), store.Slice{})
				if err != nil || len(page.Items) != 0 && n < len(tt.came)-1 {
					t.Fatalf("suppressed after %d: %v, %v", n+1, page.Items, err)
				}
				if n == len(tt.came)-1 && len(page.Items) != tt.want {
					t.Errorf("%d suppressed, want %d", len(page.Items), tt.want)
				}
				o.now = o.now.Add(tt.every)
			}
		})
	}
}
