// Package boltstore keeps a store in one bbolt file, with large mails in files
// beside it.
package boltstore
