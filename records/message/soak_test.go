//go:build soak

package message

const (
	largeOnes   = 1000 // mails of 25 MB
	growthReads = 5
	growthShare = 1 // of the full size, the largest that growth is measured with
)
