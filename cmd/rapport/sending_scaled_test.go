//go:build !soak

package main

// everyCrash is which of the cases of a crash at a step are tried.
const everyCrash = 5

// sendings is the size of a newsletter, and how often the program is killed and
// the server fails on the way.
func sendings() (recipients, kills, faults int) { return 300, 4, 4 }

// answerings says how many answer a survey, and how often the program is killed
// meanwhile.
func answerings() (people, kills int) { return 24, 6 }
