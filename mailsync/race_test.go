//go:build race

package mailsync

func init() { raced = true }
