//go:build soak

package intake_test

// histories is how many random lives are lived.
const histories = 3000

// imported is how many rows the largest import of the test of growth has.
const imported = 100_000
