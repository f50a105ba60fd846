//go:build soak

package main

const everyCrash = 1

func sendings() (recipients, kills, faults int) { return 10_000, 20, 20 }
