//go:build !race

package main

const fullWorld = 10000
