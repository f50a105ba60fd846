//go:build !soak

package mailsync

// The size of the mailbox that is read against a provider's limits: messages,
// and bytes of each.
const providerMails, providerMailSize = 1000, 40_000
