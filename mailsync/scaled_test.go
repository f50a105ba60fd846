//go:build !soak

package mailsync

import "time"

// Sizes of the fault rows in every run of the tests.
const (
	cutStep         = 97 // of M3, over the first cutEvery bytes
	cutEvery        = 64 << 10
	cutRandom       = 20
	cutOnLine       = 12 // of M3, over a real socket
	floodStep       = 9  // of the commands at which each flood comes
	poisonStep      = 9  // of the positions in a batch
	largeFolder     = 20_000
	manyFolders     = 100
	largeKills      = 6
	hostileTime     = 8 * time.Second
	hostileEach     = 1   // mailboxes of each degree of malice
	hostileTries    = 100 // connections in five minutes at least, fewer in less
	expungeMessages = 300
	expungeFor      = 3 * time.Second
)
