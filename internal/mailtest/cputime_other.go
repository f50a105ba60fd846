//go:build !unix

package mailtest

import "time"

// CPUTime returns the time of day where processor time cannot be had.
func CPUTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
