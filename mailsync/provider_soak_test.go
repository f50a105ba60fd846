//go:build soak

package mailsync

// The size of the mailbox that is read against a provider's limits: messages,
// and bytes of each.
const providerMails, providerMailSize = 10_000, 400_000
