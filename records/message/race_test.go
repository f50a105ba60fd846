//go:build race

package message

// raceEnabled says that times and memory are no measure.
const raceEnabled = true
