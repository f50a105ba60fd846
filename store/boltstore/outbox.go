package boltstore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// stateLetters are the states of deliveries in keys.
var stateLetters = map[outbox.State]byte{
	outbox.Planned: 'p', outbox.Frozen: 'f', outbox.Intent: 'i', outbox.Deferred: 'd', outbox.Ambiguous: 'm',
	outbox.Accepted: 'a', outbox.Rejected: 'r', outbox.Unknown: 'u', outbox.Cancelled: 'c', outbox.Suppressed: 's',
	outbox.Skipped: 'k', outbox.Expired: 'e',
}

// looked are the states whose deliveries are listed across runs: after a crash,
// and by whoever settles them.
func looked(s outbox.State) bool {
	return s == outbox.Intent || s == outbox.Ambiguous || s == outbox.Unknown
}

var deliveries = &table[outbox.Delivery]{
	name: tableDelivery, what: "delivery", plain: true,
	key: func(d *outbox.Delivery) []byte { return appendID(nil, string(d.ID)) },
	indexes: []index[outbox.Delivery]{
		{indexDeliveryOnce, func(d *outbox.Delivery, add func(k, v []byte)) {
			add(onceKey(d), appendID(nil, string(d.ID)))
		}},
		{indexDeliveryDue, func(d *outbox.Delivery, add func(k, v []byte)) {
			if d.State.Waiting() {
				add(appendID(appendTime(appendID(nil, string(d.Run)), d.Due), string(d.ID)), nil)
			}
		}},
		{indexDeliveryRun, func(d *outbox.Delivery, add func(k, v []byte)) {
			add(appendID(append(appendID(nil, string(d.Run)), stateLetters[d.State]), string(d.ID)), nil)
		}},
		{indexDeliveryState, func(d *outbox.Delivery, add func(k, v []byte)) {
			if looked(d.State) {
				add(appendID([]byte{stateLetters[d.State]}, string(d.ID)), nil)
			}
		}},
		{indexDeliveryTo, func(d *outbox.Delivery, add func(k, v []byte)) {
			add(appendID(appendText(nil, shorten(string(d.Address.Folded()))), string(d.ID)), nil)
		}},
	},
}

// onceKey is what a person gets at most once.
func onceKey(d *outbox.Delivery) []byte {
	return digest(strings.Join([]string{string(d.Run), strconv.Itoa(d.Step), strconv.Itoa(d.Epoch), string(d.Address.Folded())}, "\x00"))
}

type outboxOf struct{ tx *Tx }

// Outbox implements store.Tx.
func (tx *Tx) Outbox() store.Outbox { return outboxOf{tx} }

func (o outboxOf) Get(id outbox.ID) (outbox.Delivery, error) {
	return deliveries.must(o.tx, appendID(nil, string(id)), string(id))
}

func (o outboxOf) Add(d outbox.Delivery) error {
	if d.State != outbox.Planned && d.State != outbox.Frozen {
		return fmt.Errorf("add delivery %s: it is %q already", d.ID, d.State)
	}
	if o.tx.ixGet(indexDeliveryOnce, onceKey(&d)) != nil {
		return fmt.Errorf("add delivery of run %s to %s: %w", d.Run, d.Address, store.ErrExists)
	}
	if _, there, err := deliveries.get(o.tx, appendID(nil, string(d.ID))); err != nil || there {
		return errors.Join(err, fmt.Errorf("add delivery %s: %w", d.ID, store.ErrExists))
	}
	return o.write(d)
}

func (o outboxOf) Put(d outbox.Delivery) error {
	old, err := o.Get(d.ID)
	if err != nil {
		return err
	}
	if old.Run != d.Run || old.Step != d.Step || old.Epoch != d.Epoch || old.Address != d.Address {
		return fmt.Errorf("write delivery %s: it is another's: %w", d.ID, store.ErrConflict)
	}
	return o.write(d)
}

func (o outboxOf) write(d outbox.Delivery) error {
	if d.ID == "" || d.Run == "" || d.Address == "" || stateLetters[d.State] == 0 {
		return fmt.Errorf("write delivery %q of run %q in state %q: something is missing", d.ID, d.Run, d.State)
	}
	return deliveries.put(o.tx, &d)
}

func (o outboxOf) Bytes(id outbox.ID) ([]byte, error) {
	key := appendID(nil, string(id))
	raw := o.tx.data(bucketOutgoing).Get(key)
	if raw == nil {
		return nil, fmt.Errorf("bytes of delivery %s: %w", id, store.ErrNotFound)
	}
	packed, err := unsealed(key, raw)
	if err != nil {
		return nil, fmt.Errorf("read bytes of delivery %s: %w", id, err)
	}
	out, err := textDecoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("read bytes of delivery %s: %w", id, err)
	}
	return out, nil
}

func (o outboxOf) Freeze(id outbox.ID, mail []byte) error {
	if err := o.tx.writable(); err != nil {
		return err
	}
	key := appendID(nil, string(id))
	if err := o.tx.data(bucketOutgoing).Put(key, sealed(key, textEncoder.EncodeAll(mail, nil))); err != nil {
		return fmt.Errorf("write bytes of delivery %s: %w", id, err)
	}
	return nil
}

func (o outboxOf) Drop(id outbox.ID) error {
	if err := o.tx.writable(); err != nil {
		return err
	}
	return o.tx.data(bucketOutgoing).Delete(appendID(nil, string(id)))
}

func (o outboxOf) Erase(id outbox.ID) error {
	d, err := o.Get(id)
	if err != nil {
		return err
	}
	if d.State.Waiting() || d.State == outbox.Planned {
		return fmt.Errorf("erase delivery %s: it is %s and would be sent: %w", id, d.State, store.ErrConflict)
	}
	d.Address, d.Contact, d.Subject, d.Reason, d.Reply, d.QueueID = erasedAddress(id), "", "", "", nil, ""
	return errors.Join(o.write(d), o.Drop(id))
}

// erasedAddress takes the place of an erased person's. No mail goes there: the
// domain is one that never exists (RFC 2606).
func erasedAddress(id outbox.ID) contact.Address {
	return contact.Address("erased." + strings.ToLower(string(id)) + "@erased.invalid")
}

func (o outboxOf) Due(run campaign.RunID, now time.Time, s store.Slice) (store.Page[outbox.Delivery], error) {
	prefix := appendID(nil, string(run))
	l := o.tx.listing(indexDeliveryDue, prefix)
	l.until = appendTime(append([]byte{}, prefix...), now.Add(time.Microsecond))
	return pageOf(o.tx, l, s, func(rest, _ []byte) (outbox.Delivery, bool, error) {
		_, id, err := readTime(rest)
		if err != nil {
			return outbox.Delivery{}, false, err
		}
		return deliveries.get(o.tx, id)
	})
}

func (o outboxOf) NextDue(run campaign.RunID) (time.Time, bool, error) {
	prefix := appendID(nil, string(run))
	k, _ := o.tx.index(indexDeliveryDue).Cursor().Seek(prefix)
	if !strings.HasPrefix(string(k), string(prefix)) {
		return time.Time{}, false, nil
	}
	due, _, err := readTime(k[len(prefix):])
	return due, err == nil, err
}

func (o outboxOf) List(f store.OutboxFilter, s store.Slice) (store.Page[outbox.Delivery], error) {
	l, state := listing{bucket: o.tx.data(tableDelivery)}, 0 // how many letters stand before the id
	switch {
	case f.Address != "":
		l = o.tx.listing(indexDeliveryTo, appendText(nil, shorten(string(f.Address.Folded()))))
	case f.Run != "" && f.State != "":
		l = o.tx.listing(indexDeliveryRun, append(appendID(nil, string(f.Run)), stateLetters[f.State]))
	case f.Run != "":
		l, state = o.tx.listing(indexDeliveryRun, appendID(nil, string(f.Run))), 1
	case looked(f.State):
		l = o.tx.listing(indexDeliveryState, []byte{stateLetters[f.State]})
	}
	return pageOf(o.tx, l, s, func(rest, _ []byte) (outbox.Delivery, bool, error) {
		d, ok, err := deliveries.get(o.tx, rest[min(state, len(rest)):])
		ok = ok && (f.Run == "" || d.Run == f.Run) && (f.State == "" || d.State == f.State) &&
			(f.Address == "" || d.Address.Folded() == f.Address.Folded())
		return d, ok, err
	})
}

func (o outboxOf) Count(run campaign.RunID) (map[outbox.State]int, error) {
	out := map[outbox.State]int{}
	for state, letter := range stateLetters {
		prefix := append(appendID(nil, string(run)), letter)
		c := o.tx.index(indexDeliveryRun).Cursor()
		for k, _ := c.Seek(prefix); strings.HasPrefix(string(k), string(prefix)); k, _ = c.Next() {
			out[state]++
		}
	}
	return out, nil
}

var runs = &table[campaign.Run]{
	name: tableRun, what: "run",
	key: func(r *campaign.Run) []byte { return appendID(nil, string(r.ID)) },
	indexes: []index[campaign.Run]{
		{indexRunCampaign, func(r *campaign.Run, add func(k, v []byte)) {
			add(appendID(appendText(nil, shorten(r.Campaign)), string(r.ID)), nil)
		}},
		{indexRunState, func(r *campaign.Run, add func(k, v []byte)) {
			add(appendID(appendText(nil, string(r.State)), string(r.ID)), nil)
		}},
	},
}

type runsOf struct{ tx *Tx }

// Runs implements store.Tx.
func (tx *Tx) Runs() store.Runs { return runsOf{tx} }

func (r runsOf) Get(id campaign.RunID) (campaign.Run, error) {
	return runs.must(r.tx, appendID(nil, string(id)), string(id))
}

func (r runsOf) Put(v campaign.Run) error {
	if v.ID == "" || v.State == "" {
		return fmt.Errorf("write run %q of %q: it has no id or state", v.ID, v.Campaign)
	}
	return runs.put(r.tx, &v)
}

func (r runsOf) List(name string, s store.Slice) (store.Page[campaign.Run], error) {
	l := listing{bucket: r.tx.data(tableRun)}
	if name != "" {
		l = r.tx.listing(indexRunCampaign, appendText(nil, shorten(name)))
	}
	l.newest = true
	return pageOf(r.tx, l, s, func(rest, _ []byte) (campaign.Run, bool, error) { return runs.get(r.tx, rest) })
}

func (r runsOf) In(state campaign.RunState, s store.Slice) (store.Page[campaign.Run], error) {
	return pageOf(r.tx, r.tx.listing(indexRunState, appendText(nil, string(state))), s,
		func(rest, _ []byte) (campaign.Run, bool, error) { return runs.get(r.tx, rest) })
}

var suppressions = &table[store.Suppression]{
	name: tableSuppression, what: "suppression",
	key: func(s *store.Suppression) []byte { return suppressionKey(s.Digest, s.Scope) },
}

func suppressionKey(d store.Digest, scope string) []byte {
	return appendText(append([]byte{}, d[:]...), shorten(scope))
}

type suppressionsOf struct{ tx *Tx }

// Suppressions implements store.Tx.
func (tx *Tx) Suppressions() store.Suppressions { return suppressionsOf{tx} }

func (s suppressionsOf) Of(d store.Digest) ([]store.Suppression, error) {
	return all(s.tx, suppressions, d[:])
}

func (s suppressionsOf) Put(v store.Suppression) error { return suppressions.put(s.tx, &v) }

func (s suppressionsOf) Delete(d store.Digest, scope string) error {
	return suppressions.del(s.tx, suppressionKey(d, scope))
}

func (s suppressionsOf) List(at store.Slice) (store.Page[store.Suppression], error) {
	return records(s.tx, suppressions, at)
}
