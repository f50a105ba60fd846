//go:build race

package phrase_test

// What the tests are built with lies in the cache already.
func init() { raced = []string{"-race"} }
