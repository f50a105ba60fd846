//go:build !soak

package main

// How often the faults of the process are tried.
const (
	diskSizes      = 3
	fileCounts     = 2
	sizeLimits     = 1
	elsewhereSizes = 1
)
