//go:build soak

package public

const tokens = 1000 // that are changed
