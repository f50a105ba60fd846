//go:build !soak

package mailsync

// The sizes of the tests in a run that is to be quick.
const idleMailboxes = 40
