//go:build !soak

package delivery_test

// longDays have limits like those of the providers at a hundredth.
func longDays() []longDay { return []longDay{{"microsoft", 120, 100, 1}, {"gmail", 120, 20, 1}} }
