//go:build soak

package main

// How often the faults of the process are tried.
const (
	diskSizes      = 48
	fileCounts     = 24
	sizeLimits     = 12
	elsewhereSizes = 16
	askRounds      = 10
	memoryMails    = 10_000
)

// fileLimits are of open files; below 20 not even the store can be opened.
var fileLimits = []int{22, 24, 26, 28, 30, 32}
