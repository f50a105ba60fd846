package outbox

import (
	"errors"
	"testing"
	"time"
)

func TestStamp(t *testing.T) {
	ks, at := someKeys(2, 1), time.UnixMilli(1_772_000_000_123)
	stamp, err := ks.Stamp(ForSurvey, someID(1), at)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ks.Stamped(ForSurvey, someID(1), stamp); err != nil || !got.Equal(at) {
		t.Errorf("read as %v, %v", got, err)
	}
	if _, err := (Keys{someKeys(1)[0], someKeys(2)[0]}).Stamped(ForSurvey, someID(1), stamp); err != nil {
		t.Errorf("with the key of before: %v", err)
	}
	bad := func(what string, ks Keys, p Purpose, id ID, stamp string) {
		t.Helper()
		if got, err := ks.Stamped(p, id, stamp); !errors.Is(err, ErrToken) || !got.IsZero() {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	bad("another purpose", ks, ForUnsubscribe, someID(1), stamp)
	bad("another delivery", ks, ForSurvey, someID(2), stamp)
	bad("another key", someKeys(3), ForSurvey, someID(1), stamp)
	bad("none", ks, ForSurvey, someID(1), "")
	for i := range stamp {
		for _, c := range "ab7" {
			if rune(stamp[i]) != c {
				bad("changed", ks, ForSurvey, someID(1), stamp[:i]+string(c)+stamp[i+1:])
			}
		}
	}
}
