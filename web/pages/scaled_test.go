//go:build !soak

package pages_test

// The sizes of `make test`; soak_test.go has the full ones.
const (
	walkAllLooks   = false // light on a wide screen, dark on a narrow one
	perKind        = 1
	perKindHostile = 4   // in lists all vectors are seen
	vectorsBared   = 40  // shown without any protection
	vectorsCleaned = 120 // shown without any but that they were cleaned
)

var walkLanguages = []string{"en"}
