//go:build soak

package main

const (
	defaultKills = 50
	defaultBlows = 1500
	everyState   = 1
)
