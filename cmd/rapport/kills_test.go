//go:build !soak

package main

const (
	defaultKills = 6
	defaultBlows = 20
	everyState   = 4 // of those a kill during an upgrade can leave
)
