//go:build soak

package intake_test

// histories is how many random lives are lived.
const histories = 3000
