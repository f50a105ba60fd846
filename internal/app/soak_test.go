//go:build soak

package app

// The full sizes; scaled_test.go has those of `make test`.
const (
	triedNames  = 1 << 20
	daysAlone   = 366
	teamSize    = 200
	objections  = 10_000
	hiddenWords = 1 << 20
)
