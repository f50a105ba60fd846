//go:build race

package main

const fullWorld = 2000
