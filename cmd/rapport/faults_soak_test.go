//go:build soak

package main

// How often the faults of the process are tried.
const (
	diskSizes      = 48
	fileCounts     = 24
	sizeLimits     = 12
	elsewhereSizes = 16
)
