//go:build soak

package main

const (
	stepsEach     = 1 << 20
	failuresEach  = 1 << 20 // operations of each scenario that fail, in each way
	someScenarios = 1       // every so many-th has its turn where not all steps of all are tried
	randomKills   = 200
)
