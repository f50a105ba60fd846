//go:build !soak

package main

const (
	defaultKills = 6
	defaultBlows = 30
	everyState   = 4 // of those a kill during an upgrade can leave
)
