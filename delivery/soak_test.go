//go:build soak

package delivery_test

// longDays have the limits of Exchange Online and of Google Workspace.
func longDays() []longDay {
	return []longDay{{"microsoft", 12_000, 10_000, 30}, {"gmail", 12_000, 2_000, 30}}
}
