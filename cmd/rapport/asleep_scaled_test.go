//go:build !soak

package main

import "time"

// How often the daemon is stopped, and for how long.
const (
	stops   = 1
	stopped = time.Second
)
