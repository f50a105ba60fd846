package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"rapport/records/message"
	"rapport/store"
)

// storedFolder is one numbering of a folder. No stands for it in keys.
type storedFolder struct {
	message.Folder
	No           uint32                `json:"no"`
	Scanned      bool                  `json:"scanned,omitempty"`
	Since        time.Time             `json:"since,omitzero"`
	Fingerprints []message.Fingerprint `json:"fingerprints,omitempty"`
	Mark         message.Mark          `json:"mark,omitzero"`
}

var folders = &table[storedFolder]{
	name: tableFolder, what: "folder",
	key: func(f *storedFolder) []byte { return folderKey(f.Folder) },
}

func folderKey(f message.Folder) []byte {
	return appendUint32(appendText(appendText(nil, shorten(f.Mailbox)), shorten(f.Name)), f.UIDValidity)
}

type storedStatus struct {
	Mailbox string `json:"mailbox"`
	message.FolderStatus
}

var statuses = &table[storedStatus]{
	name: tableStatus, what: "folder status",
	key: func(s *storedStatus) []byte {
		return appendText(appendText(nil, shorten(s.Mailbox)), shorten(s.Name))
	},
}

// The states of a UID as a byte in keys; skipped is followed by the reason.
const (
	stateStored      = 's'
	stateQuarantined = 'q'
	stateSkipped     = 'k'
)

type foldersOf struct{ tx *Tx }

func (f foldersOf) Progress(of message.Folder) (message.Progress, error) {
	var p message.Progress
	rec, ok, err := folders.get(f.tx, folderKey(of))
	if err != nil || !ok {
		return p, err
	}
	p.Scanned, p.Since, p.Fingerprints, p.Mark = rec.Scanned, rec.Since, rec.Fingerprints, rec.Mark
	ranges := map[string][]message.UIDRange{}
	prefix := appendUint32(nil, rec.No)
	c := f.tx.data(bucketUIDs).Cursor()
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		if len(k) < 9 {
			return p, fmt.Errorf("read settled UIDs: %w", errKey)
		}
		r, err := uidsOf(k, v)
		if err != nil {
			return p, err
		}
		ranges[string(k[8:])] = append(ranges[string(k[8:])], r...)
	}
	for state, r := range ranges {
		switch set := message.UIDRanges(r...); state[0] {
		case stateStored:
			p.Stored = set
		case stateQuarantined:
			p.Quarantined = set
		default:
			if p.Skipped == nil {
				p.Skipped = map[message.Reason]message.UIDSet{}
			}
			p.Skipped[message.Reason(state[1:])] = set
		}
	}
	return p, nil
}

func (f foldersOf) Mark(of message.Folder) (message.Mark, error) {
	rec, _, err := folders.get(f.tx, folderKey(of))
	return rec.Mark, err
}

// open returns the record of a numbering, made where there is none.
func (f foldersOf) open(of message.Folder) (storedFolder, error) {
	if err := f.tx.writable(); err != nil {
		return storedFolder{}, err
	}
	rec, ok, err := folders.get(f.tx, folderKey(of))
	if err != nil || ok && (of.Role == "" || of.Role == rec.Role) {
		return rec, err
	}
	if ok {
		rec.Role = of.Role
		return rec, folders.put(f.tx, &rec)
	}
	rec = storedFolder{Folder: of}
	if rec.No, err = f.tx.next(keyNextFolder); err != nil {
		return rec, err
	}
	return rec, folders.put(f.tx, &rec)
}

func (f foldersOf) Settle(of message.Folder, s store.Settlement) error {
	state, err := stateOfUIDs(s)
	if err != nil {
		return fmt.Errorf("settle UIDs of %s/%s: %w", of.Mailbox, of.Name, err)
	}
	rec, err := f.open(of)
	if err != nil {
		return err
	}
	if err := f.move(rec.No, s.UIDs, state); err != nil {
		return fmt.Errorf("settle UIDs of %s/%s: %w", of.Mailbox, of.Name, err)
	}
	if err := f.forgetWhy(rec.No, s.UIDs); err != nil {
		return err
	}
	if s.Quarantined != "" {
		b := f.tx.data(bucketQuarantine)
		for _, u := range s.UIDs.Slice() {
			key := appendUint32(appendUint32(nil, rec.No), u)
			if err := b.Put(key, sealed(key, []byte(s.Quarantined))); err != nil {
				return err
			}
		}
	}
	if s.Skipped == "" {
		return f.forgetHints(rec.No, s.UIDs)
	}
	return nil
}

func stateOfUIDs(s store.Settlement) (string, error) {
	said, state := 0, ""
	if s.Stored {
		said, state = said+1, string(byte(stateStored))
	}
	if s.Skipped != "" {
		said, state = said+1, string(byte(stateSkipped))+string(s.Skipped)
	}
	if s.Quarantined != "" {
		said, state = said+1, string(byte(stateQuarantined))
	}
	if said != 1 {
		return "", fmt.Errorf("exactly one state has to be said, not %d", said)
	}
	return state, nil
}

func (f foldersOf) Unsettle(of message.Folder, uids message.UIDSet) error {
	rec, ok, err := folders.get(f.tx, folderKey(of))
	if err != nil || !ok {
		return err
	}
	if err := f.tx.writable(); err != nil {
		return err
	}
	if err := f.move(rec.No, uids, ""); err != nil {
		return fmt.Errorf("unsettle UIDs of %s/%s: %w", of.Mailbox, of.Name, err)
	}
	if err := f.forgetWhy(rec.No, uids); err != nil {
		return err
	}
	if err := f.forgetHints(rec.No, uids); err != nil {
		return err
	}
	rec.Mark = message.Mark{}
	return folders.put(f.tx, &rec)
}

// rowSpan is how many UIDs one row holds.
const rowSpan = 4096

// move takes UIDs out of every state but one, and puts them there. It goes row
// by row, so that settling a few of a million UIDs touches one row.
func (f foldersOf) move(no uint32, uids message.UIDSet, state string) error {
	b := f.tx.data(bucketUIDs)
	byRow := map[uint32][]message.UIDRange{}
	var order []uint32
	for _, r := range uids.Ranges() {
		for base := r.Lo / rowSpan * rowSpan; ; base += rowSpan {
			end := base + rowSpan - 1
			if byRow[base] == nil {
				order = append(order, base)
			}
			byRow[base] = append(byRow[base], message.UIDRange{Lo: max(r.Lo, base), Hi: min(r.Hi, end)})
			if r.Hi <= end {
				break
			}
		}
	}
	for _, base := range order {
		if err := moveRow(b, appendUint32(appendUint32(nil, no), base), base, message.UIDRanges(byRow[base]...), state); err != nil {
			return err
		}
	}
	return nil
}

func moveRow(b *bolt.Bucket, prefix []byte, base uint32, uids message.UIDSet, state string) error {
	sets := map[string]message.UIDSet{}
	c := b.Cursor()
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		r, err := uidsOf(k, v)
		if err != nil {
			return err
		}
		sets[string(k[8:])] = message.UIDRanges(r...)
	}
	if _, ok := sets[state]; !ok && state != "" {
		sets[state] = message.UIDSet{}
	}
	for s, old := range sets {
		now := old.Minus(uids)
		if s == state {
			now = old.Union(uids)
		}
		key := append(slices.Clone(prefix), s...)
		var err error
		switch {
		case now.Empty():
			err = b.Delete(key)
		case !now.Equal(old):
			err = b.Put(key, sealUIDs(key, encodeUIDs(base, now)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// The forms of a row: runs as pairs of varints (gap, length - 1), or a bitmap
// where that is shorter.
const (
	rowRuns = 1
	rowBits = 2
)

func encodeUIDs(base uint32, s message.UIDSet) []byte {
	out, next := []byte{rowRuns}, base
	for _, r := range s.Ranges() {
		out = binary.AppendUvarint(out, uint64(r.Lo-next))
		out = binary.AppendUvarint(out, uint64(r.Hi-r.Lo))
		next = r.Hi + 1
		if len(out) > rowSpan/8 {
			return encodeBits(base, s)
		}
	}
	return out
}

func encodeBits(base uint32, s message.UIDSet) []byte {
	out := make([]byte, 1+rowSpan/8)
	out[0] = rowBits
	for _, r := range s.Ranges() {
		for u := r.Lo - base; u <= r.Hi-base; u++ {
			out[1+u/8] |= 1 << (u % 8)
		}
	}
	return out
}

// uidsOf reads a row.
func uidsOf(k, v []byte) ([]message.UIDRange, error) {
	row, err := openUIDs(k, v)
	if err != nil {
		return nil, err
	}
	return decodeUIDs(binary.BigEndian.Uint32(k[4:]), row)
}

func decodeUIDs(base uint32, v []byte) ([]message.UIDRange, error) {
	bad := fmt.Errorf("read settled UIDs from %d: damaged row", base)
	if len(v) == 0 {
		return nil, bad
	}
	var out []message.UIDRange
	if v[0] == rowBits && len(v) == 1+rowSpan/8 {
		for u := uint32(0); u < rowSpan; u++ {
			if v[1+u/8]&(1<<(u%8)) != 0 {
				out = append(out, message.UIDRange{Lo: base + u, Hi: base + u})
			}
		}
		return out, nil
	}
	if v[0] != rowRuns {
		return nil, bad
	}
	next := uint64(base)
	for v = v[1:]; len(v) > 0; {
		gap, n := binary.Uvarint(v)
		if n <= 0 {
			return nil, bad
		}
		size, m := binary.Uvarint(v[n:])
		if m <= 0 || gap > rowSpan || size > rowSpan {
			return nil, bad
		}
		lo := next + gap
		if next = lo + size + 1; next > uint64(base)+rowSpan {
			return nil, bad
		}
		out = append(out, message.UIDRange{Lo: uint32(lo), Hi: uint32(lo + size)})
		v = v[n+m:]
	}
	return out, nil
}

// inRanges visits the keys number|UID… of a bucket whose UID is in uids.
func inRanges(b *bolt.Bucket, no uint32, uids message.UIDSet, visit func(k []byte)) {
	c := b.Cursor()
	prefix := appendUint32(nil, no)
	for _, r := range uids.Ranges() {
		for k, _ := c.Seek(appendUint32(slices.Clone(prefix), r.Lo)); len(k) >= 8 && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			if binary.BigEndian.Uint32(k[4:]) > r.Hi {
				break
			}
			visit(slices.Clone(k))
		}
	}
}

func deleteKeys(b *bolt.Bucket, keys [][]byte) error {
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func deletePrefix(b *bolt.Bucket, prefix []byte) error {
	var gone [][]byte
	c := b.Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		gone = append(gone, slices.Clone(k))
	}
	return deleteKeys(b, gone)
}

// Hint rows stand twice: digest|number|UID to find a copy by, and
// number|UID|digest to let go of them by.
func (f foldersOf) Hint(of message.Folder, uid uint32, digests []store.Digest) error {
	rec, err := f.open(of)
	if err != nil {
		return err
	}
	for _, d := range digests {
		copyKey := appendUint32(appendUint32(nil, rec.No), uid)
		if err := f.tx.data(bucketHint).Put(append(d[:len(d):len(d)], copyKey...), []byte{}); err != nil {
			return err
		}
		if err := f.tx.data(bucketHintUID).Put(append(copyKey, d[:]...), []byte{}); err != nil {
			return err
		}
	}
	return nil
}

func (f foldersOf) forgetHints(no uint32, uids message.UIDSet) error {
	b := f.tx.data(bucketHintUID)
	var gone [][]byte
	inRanges(b, no, uids, func(k []byte) { gone = append(gone, k) })
	for _, k := range gone {
		if err := f.tx.data(bucketHint).Delete(append(slices.Clone(k[8:]), k[:8]...)); err != nil {
			return err
		}
	}
	return deleteKeys(b, gone)
}

func (f foldersOf) Hinted(d store.Digest) ([]store.Skipped, error) {
	var out []store.Skipped
	var names map[uint32]message.Folder
	c := f.tx.data(bucketHint).Cursor()
	for k, _ := c.Seek(d[:]); k != nil && bytes.HasPrefix(k, d[:]); k, _ = c.Next() {
		if names == nil {
			all, err := all(f.tx, folders, nil)
			if err != nil {
				return nil, err
			}
			names = map[uint32]message.Folder{}
			for _, rec := range all {
				names[rec.No] = rec.Folder
			}
		}
		if of, ok := names[binary.BigEndian.Uint32(k[16:])]; ok {
			out = append(out, store.Skipped{Folder: of, UID: binary.BigEndian.Uint32(k[20:])})
		}
	}
	return out, nil
}

func (f foldersOf) SetScanned(of message.Folder, since time.Time) error {
	return f.change(of, func(r *storedFolder) { r.Scanned, r.Since = true, since })
}

func (f foldersOf) SetFingerprints(of message.Folder, fp []message.Fingerprint) error {
	return f.change(of, func(r *storedFolder) { r.Fingerprints = fp })
}

func (f foldersOf) SetMark(of message.Folder, m message.Mark) error {
	return f.change(of, func(r *storedFolder) { r.Mark = m })
}

func (f foldersOf) change(of message.Folder, fn func(*storedFolder)) error {
	rec, err := f.open(of)
	if err != nil {
		return err
	}
	fn(&rec)
	return folders.put(f.tx, &rec)
}

func (f foldersOf) List(mailbox string) ([]message.Folder, error) {
	var prefix []byte
	if mailbox != "" {
		prefix = appendText(nil, shorten(mailbox))
	}
	found, err := all(f.tx, folders, prefix)
	out := make([]message.Folder, 0, len(found))
	for _, r := range found {
		out = append(out, r.Folder)
	}
	return out, err
}

func (f foldersOf) Forget(of message.Folder) error {
	if err := f.forgetStatus(of); err != nil { // one that could not be opened has nothing else
		return err
	}
	rec, ok, err := folders.get(f.tx, folderKey(of))
	if err != nil || !ok {
		return err
	}
	if err := f.tx.writable(); err != nil {
		return err
	}
	everything := message.UIDRanges(message.UIDRange{Lo: 1, Hi: math.MaxUint32})
	if err := f.forgetHints(rec.No, everything); err != nil {
		return err
	}
	for _, name := range []string{bucketUIDs, bucketQuarantine} {
		if err := deletePrefix(f.tx.data(name), appendUint32(nil, rec.No)); err != nil {
			return err
		}
	}
	return folders.del(f.tx, folderKey(of))
}

// forgetStatus removes a folder's status where it speaks of this numbering.
func (f foldersOf) forgetStatus(of message.Folder) error {
	key := appendText(appendText(nil, shorten(of.Mailbox)), shorten(of.Name))
	st, ok, err := statuses.get(f.tx, key)
	if err != nil || !ok || st.UIDValidity != of.UIDValidity {
		return err
	}
	return statuses.del(f.tx, key)
}

func (f foldersOf) Status(mailbox string) ([]message.FolderStatus, error) {
	found, err := all(f.tx, statuses, appendText(nil, shorten(mailbox)))
	var out []message.FolderStatus
	for _, s := range found {
		out = append(out, s.FolderStatus)
	}
	return out, err
}

func (f foldersOf) SetStatus(mailbox string, s message.FolderStatus) error {
	return statuses.put(f.tx, &storedStatus{Mailbox: mailbox, FolderStatus: s})
}
