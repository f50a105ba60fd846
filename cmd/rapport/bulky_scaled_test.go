//go:build !soak

package main

// manyLarge is how many mails of 25 MB are read on the way.
const manyLarge = 3
