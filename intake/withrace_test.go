//go:build race

package intake_test

// raceEnabled: what measures time does not while the detector slows it down.
const raceEnabled = true
