//go:build !soak

package main

const (
	defaultKills = 6
	defaultBlows = 30
)
