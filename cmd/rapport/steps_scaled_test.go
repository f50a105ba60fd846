//go:build !soak

package main

const (
	stepsEach   = 3 // steps tried of each scenario
	randomKills = 1 // of each scenario
)
