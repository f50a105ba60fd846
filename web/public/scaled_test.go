//go:build !soak

package public

const tokens = 40 // that are changed
