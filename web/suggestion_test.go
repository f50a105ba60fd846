package web

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestProposalDoesNotExpire leaves the day out where nothing is kept: what
// discover proposes does not expire.
func TestProposalDoesNotExpire(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(Suggestion{Address: "carl@press.example"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "expires") {
		t.Errorf("a proposal says when it expires: %s", text)
	}
}
