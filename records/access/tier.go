package access

import "slices"

// Tier is how much of a mail somebody sees.
type Tier string

// The tiers, from the most on.
const (
	Full     Tier = "full"     // everything
	Subject  Tier = "subject"  // who, when and the subject, no word of the body and no attachment
	Metadata Tier = "metadata" // who and when
	Private  Tier = "private"  // nothing, not even that it is there
)

var tiers = []Tier{Private, Metadata, Subject, Full}

// Tiers lists every tier, from the most on.
func Tiers() []Tier { return []Tier{Full, Subject, Metadata, Private} }

func (t Tier) rank() int {
	if t == "" {
		t = Full
	}
	return slices.Index(tiers, t) // -1, less than private, for what is no tier
}

// Shows reports whether t shows what needs at least the tier least.
func (t Tier) Shows(least Tier) bool { return t.rank() >= least.rank() }

// AtMost returns the lower of two tiers.
func (t Tier) AtMost(limit Tier) Tier {
	if t == "" {
		t = Full
	}
	if limit.Shows(t) {
		return t
	}
	return limit
}
