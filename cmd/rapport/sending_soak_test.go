//go:build soak

package main

const everyCrash = 1

func sendings() (recipients, kills, faults int) { return 10_000, 20, 20 }

// answerings says how many answer a survey, and how often the program is killed
// meanwhile.
func answerings() (people, kills int) { return 300, 100 }
