//go:build !soak

package boltstore

// The fault matrix scaled down; build with -tags soak for its full size.
const (
	kills        = 6
	everyStep    = 3
	grownEntries = 13_200
	hotBackups   = 3
)
