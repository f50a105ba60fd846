//go:build race

package confined

// raceEnabled says that times and memory are no measure.
const raceEnabled = true
