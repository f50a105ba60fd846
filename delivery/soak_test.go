//go:build soak

package delivery_test

// microsoftDay is a run that needs more than a day, with the limits of Exchange
// Online.
func microsoftDay() (mails, perDay, perMinute int) { return 12_000, 10_000, 30 }
