package boltstore

import (
	"fmt"

	"rapport/records/message"
	"rapport/store"
)

// Why copies are quarantined stands beside the settled sets, which hold only
// that they are.

func (f foldersOf) Quarantined(of message.Folder, s store.Slice) (store.Page[store.Quarantine], error) {
	rec, ok, err := folders.get(f.tx, folderKey(of))
	if err != nil || !ok {
		return store.Page[store.Quarantine]{}, err
	}
	l := listing{bucket: f.tx.data(bucketQuarantine), prefix: appendUint32(nil, rec.No)}
	return pageOf(f.tx, l, s, func(rest, why []byte) (store.Quarantine, bool, error) {
		uid, _, err := readUint32(rest)
		if err == nil {
			why, err = unsealed(append(l.prefix[:len(l.prefix):len(l.prefix)], rest...), why)
		}
		if err != nil {
			return store.Quarantine{}, false, fmt.Errorf("read quarantine of %s/%s: %w", of.Mailbox, of.Name, err)
		}
		return store.Quarantine{UID: uid, Why: string(why)}, true, nil
	})
}

func (f foldersOf) forgetWhy(no uint32, uids message.UIDSet) error {
	b := f.tx.data(bucketQuarantine)
	var gone [][]byte
	inRanges(b, no, uids, func(k []byte) { gone = append(gone, k) })
	return deleteKeys(b, gone)
}
