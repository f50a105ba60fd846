//go:build soak

package pages_test

// The full sizes; scaled_test.go has those of `make test`.
const (
	walkAllLooks   = true
	perKind        = 6
	perKindHostile = 1 << 20 // all
	vectorsBared   = 1 << 20
	vectorsCleaned = 1 << 20
)

var walkLanguages = []string{"en", "de", "bn"}
