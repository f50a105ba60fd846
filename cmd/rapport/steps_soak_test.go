//go:build soak

package main

const (
	stepsEach   = 1 << 20
	randomKills = 200
)
