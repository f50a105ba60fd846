package boltstore

import (
	"bytes"
	"fmt"

	"rapport/records/relation"
)

// relations compares what is derived of relations with what the entries make
// of it now.
func (c *checking) relations(tx *Tx) error {
	rows := map[string]int{}
	if err := c.sums(tx, rows); err != nil {
		return err
	}
	if err := c.conversations(tx, rows); err != nil {
		return err
	}
	for _, name := range []string{indexRelation, indexRelationLast, indexRelationQuiet, indexRelationTurn, indexRelationWait, indexRelationAnswer} {
		n := 0
		cur := tx.indexBucket(name).Cursor()
		for k, _ := cur.First(); k != nil; k, _ = cur.Next() {
			n++
		}
		if n != rows[name] {
			c.fault("index %s: %d rows where the entries make %d (run: rapport store reindex)", name, n, rows[name])
		}
	}
	return nil
}

// sums adds all entries up again.
func (c *checking) sums(tx *Tx, rows map[string]int) error {
	found := map[string]*relation.Record{}
	cur := tx.data(tableEntry).Cursor()
	n := 0
	for k, raw := cur.First(); k != nil; k, raw = cur.Next() {
		if n++; n%256 == 0 && tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
		var e storedEntry
		if decode(k, raw, &e) != nil || !e.Related {
			continue // reported with its table
		}
		for _, p := range partiesOf(&e.Entry) {
			way := relation.WayOf(e.Entry, p.aside)
			if way == relation.None {
				continue
			}
			if found[string(p.key)] == nil {
				found[string(p.key)] = &relation.Record{}
			}
			found[string(p.key)].Count(e.Entry, way, 1)
		}
	}
	for key, r := range found {
		c.rows(tx, fmt.Sprintf("relation %x", key), relationRows([]byte(key), r), rows)
	}
	return nil
}

// conversations judges every conversation again.
func (c *checking) conversations(tx *Tx, rows map[string]int) error {
	b := tx.indexBucket(indexEntryThread)
	cur := b.Cursor()
	for k, _ := cur.First(); k != nil; {
		if tx.ctx.Err() != nil {
			return tx.ctx.Err()
		}
		_, rest, err := readID(k)
		if err != nil {
			c.fault("index %s: row %x: %v (run: rapport store reindex)", indexEntryThread, k, err)
			return nil
		}
		thread := bytes.Clone(k[:len(k)-len(rest)])
		outcomes, err := judged(b, thread)
		if err != nil {
			c.fault("conversation %x: %v (run: rapport store reindex)", thread, err)
		}
		want := map[derivedRow][]byte{}
		conversationRows(want, thread, outcomes)
		c.rows(tx, fmt.Sprintf("conversation %x", thread), want, rows)
		k, _ = cur.Seek(successor(thread))
	}
	return nil
}

// rows compares rows that should be with those that are, and counts them.
func (c *checking) rows(tx *Tx, what string, want map[derivedRow][]byte, rows map[string]int) {
	for r, v := range want {
		rows[r.index]++
		if got := tx.indexBucket(r.index).Get([]byte(r.key)); got == nil || !bytes.Equal(got, v) {
			c.fault("index %s: the row of %s is missing or wrong (run: rapport store reindex)", r.index, what)
		}
	}
}
