//go:build soak

package mailsync

// The sizes of the tests in full.
const idleMailboxes = 1000
