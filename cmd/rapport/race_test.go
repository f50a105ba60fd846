//go:build race

package main

const fullWorld = 1000
