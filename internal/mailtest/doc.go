// Package mailtest holds what tests, the demo and the benchmarks need around
// Rapport: real and in-process mail servers, a deterministic world of mail and
// the oracle that knows where each message of it belongs.
//
// Nothing here imports another package of ours: the generator and the oracle
// judge the product from outside, by what they wrote themselves.
package mailtest
