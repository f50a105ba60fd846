//go:build soak

package main

const (
	stepsEach    = 1 << 20
	failuresEach = 1 << 20 // operations of each scenario that fail, in each way
	randomKills  = 200
)
