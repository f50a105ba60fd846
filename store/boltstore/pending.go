package boltstore

import (
	"iter"
	"slices"
	"strings"
)

// change is what a transaction makes of one row of an index.
type change struct {
	key string
	val []byte // nil to delete
}

// pending are the changes of one index in the order of their keys. They stand
// in short runs, so that one more moves few others however many there are:
// the engine keeps what one transaction writes to a page in a single list,
// into which a row at any place but the end moves everything behind it.
type pending struct {
	runs [][]change // none is empty
}

// runLength is how long a run becomes before it is cut in two.
const runLength = 256

// find returns where a key stands, or belongs.
func (p *pending) find(key string) (run, at int, found bool) {
	// The run is the last one that does not begin behind the key.
	run, begins := slices.BinarySearchFunc(p.runs, key, func(r []change, key string) int { return strings.Compare(r[0].key, key) })
	if begins {
		return run, 0, true
	}
	if run = max(run-1, 0); run == len(p.runs) {
		return run, 0, false
	}
	at, found = slices.BinarySearchFunc(p.runs[run], key, func(c change, key string) int { return strings.Compare(c.key, key) })
	return run, at, found
}

func (p *pending) get(key string) ([]byte, bool) {
	if p == nil {
		return nil, false
	}
	if run, at, found := p.find(key); found {
		return p.runs[run][at].val, true
	}
	return nil, false
}

func (p *pending) set(key string, val []byte) {
	run, at, found := p.find(key)
	switch {
	case found:
		p.runs[run][at].val = val
		return
	case run == len(p.runs):
		p.runs = append(p.runs, nil)
	}
	whole := slices.Insert(p.runs[run], at, change{key, val})
	p.runs[run] = whole
	if len(whole) < runLength {
		return
	}
	// Keys that come in their order fill a run and begin the next one.
	half := len(whole) / 2
	if run == len(p.runs)-1 && at == len(whole)-1 {
		half = len(whole) - 1
	}
	p.runs = slices.Insert(p.runs, run+1, slices.Clone(whole[half:]))
	clear(whole[half:])
	p.runs[run] = whole[:half]
}

// from goes through the changes from a key on.
func (p *pending) from(key string) iter.Seq[change] {
	return func(yield func(change) bool) {
		if p == nil {
			return
		}
		run, at, _ := p.find(key)
		for ; run < len(p.runs); run, at = run+1, 0 {
			for _, c := range p.runs[run][at:] {
				if !yield(c) {
					return
				}
			}
		}
	}
}
