//go:build !soak

package main

const (
	stepsEach     = 3 // steps tried of each scenario
	failuresEach  = 2 // operations of each scenario that fail, in each way
	someScenarios = 8 // every so many-th has its turn where not all steps of all are tried
	randomKills   = 1 // of each scenario
)
