//go:build !unix

package message

import "time"

// cpuTime returns the time of day where processor time cannot be had.
func cpuTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
