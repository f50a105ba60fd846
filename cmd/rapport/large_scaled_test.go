//go:build !soak

package main

// The large mailbox, so large that it takes some commits.
const (
	largeMailbox = 800
	largeKills   = 3
)
