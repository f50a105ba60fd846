package boltstore

import (
	"bytes"
	"fmt"

	"rapport/records/relation"
)

// relationIndexes are what is derived of relations and conversations.
var relationIndexes = []string{indexRelation, indexRelationLast, indexRelationQuiet, indexRelationTurn, indexRelationWait, indexRelationAnswer}

// relations compares what is derived of relations with what the entries make
// of it now.
func (c *checking) relations(tx *Tx) error {
	want := map[string]*rowSum{}
	for _, name := range relationIndexes {
		want[name] = &rowSum{}
	}
	err := c.related(tx, func(_ string, rows map[derivedRow][]byte) {
		for r, v := range rows {
			want[r.index].add([]byte(r.key), v)
		}
	})
	for _, name := range relationIndexes {
		if err != nil {
			return err
		}
		var got rowSum
		if got, err = tx.sumOf(name); err == nil && got != *want[name] {
			err = c.rowsOfRelations(tx, name, got.n)
		}
	}
	return err
}

// related visits the rows that the entries make, relation by relation and
// conversation by conversation.
func (c *checking) related(tx *Tx, visit func(what string, rows map[derivedRow][]byte)) error {
	if err := c.sums(tx, visit); err != nil {
		return err
	}
	return c.conversations(tx, visit)
}

// rowsOfRelations names what is wrong with an index that has so many rows.
func (c *checking) rowsOfRelations(tx *Tx, name string, have int) error {
	n := 0
	err := c.related(tx, func(what string, rows map[derivedRow][]byte) {
		for r, v := range rows {
			if r.index != name {
				continue
			}
			n++
			if got := tx.indexBucket(name).Get([]byte(r.key)); got == nil || !bytes.Equal(got, v) {
				c.fault("index %s: the row of %s is missing or wrong (run: rapport store reindex)", name, what)
			}
		}
	})
	if have != n {
		c.fault("index %s: %d rows where the entries make %d (run: rapport store reindex)", name, have, n)
	}
	return err
}

// sums adds all entries up again.
func (c *checking) sums(tx *Tx, visit func(string, map[derivedRow][]byte)) error {
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
		visit(fmt.Sprintf("relation %x", key), relationRows([]byte(key), r))
	}
	return nil
}

// conversations judges every conversation again.
func (c *checking) conversations(tx *Tx, visit func(string, map[derivedRow][]byte)) error {
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
		visit(fmt.Sprintf("conversation %x", thread), want)
		k, _ = cur.Seek(successor(thread))
	}
	return nil
}
