//go:build !soak

package main

const (
	stepsEach    = 3 // steps tried of each scenario
	failuresEach = 2 // operations of each scenario that fail, in each way
	randomKills  = 1 // of each scenario
)
