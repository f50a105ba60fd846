//go:build !soak

package main

// How often the faults of the process are tried.
const (
	diskSizes      = 3
	fileCounts     = 2
	sizeLimits     = 1
	elsewhereSizes = 1
	askRounds      = 1
	memoryMails    = 300
)

// fileLimits are of open files; below 20 not even the store can be opened.
var fileLimits = []int{28}
