//go:build !soak

package boltstore

// The fault matrix scaled down; build with -tags soak for its full size.
const (
	kills        = 6
	everyStep    = 3
	grownEntries = 1_500
	flips        = 300
	hotBackups   = 3
	scannedDocs  = 450
)

// Bounds as much smaller as the store is.
var grownBounds = searchBounds{fetched: 400, held: 450, looked: 150}
