//go:build !soak

package delivery_test

// microsoftDay is a run that needs more than a day, with limits like those of
// Exchange Online at a hundredth.
func microsoftDay() (mails, perDay, perMinute int) { return 120, 100, 1 }
