//go:build soak

package boltstore

// The full size of the fault matrix.
const (
	kills        = 200
	everyStep    = 1
	grownEntries = 160_000
	flips        = 3000
	hotBackups   = 60
	scannedDocs  = 5000
)

var grownBounds = usualBounds
