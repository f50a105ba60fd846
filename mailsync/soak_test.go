//go:build soak

package mailsync

import "time"

// Sizes of the fault rows in the soak.
const (
	cutStep         = 1
	cutEvery        = 64 << 10
	cutRandom       = 500
	cutOnLine       = 500
	floodStep       = 1 // of the commands at which each flood comes
	poisonStep      = 1
	largeFolder     = 200_000
	manyFolders     = 1000
	largeKills      = 20
	hostileTime     = 10 * time.Minute
	hostileEach     = 2
	hostileTries    = 1000 // connections in five minutes at least
	expungeMessages = 2000
	expungeFor      = 10 * time.Minute
)
