//go:build !soak

package app

// The sizes of `make test`; soak_test.go has the full ones.
const (
	triedNames  = 8   // of what is stored, others each time
	daysAlone   = 10  // of two mailboxes
	teamSize    = 40  // mailboxes of one entry
	objections  = 200 // amid a mail
	hiddenWords = 2   // searched for by each reader
)
