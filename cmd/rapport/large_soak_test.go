//go:build soak

package main

// The large mailbox in full.
const (
	largeMailbox = 200_000
	largeKills   = 20
)
