//go:build !soak

package main

const defaultKills = 6
