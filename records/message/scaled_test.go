//go:build !soak

package message

const (
	largeOnes   = 4 // mails of 25 MB
	growthReads = 2
	growthShare = 10 // of the full size, the largest that growth is measured with
)
