package boltstore

import (
	"errors"
	"fmt"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/store"
)

// The states of a follow-up in keys.
const (
	keyOpen = 'o'
	keyDone = 'd'
)

// dueKey ends the keys of the indexes of follow-ups.
func dueKey(prefix []byte, f *followup.FollowUp) []byte {
	state := byte(keyOpen)
	if !f.Open() {
		state = keyDone
	}
	return appendID(appendText(append(prefix, state), string(f.Due)), string(f.ID))
}

var followUps = &table[followup.FollowUp]{
	name: tableFollowUp, what: "follow-up",
	key: func(f *followup.FollowUp) []byte { return appendID(nil, string(f.ID)) },
	indexes: []index[followup.FollowUp]{
		{indexFollowUpDue, func(f *followup.FollowUp, add func(k, v []byte)) { add(dueKey(nil, f), nil) }},
		{indexFollowUpOwner, func(f *followup.FollowUp, add func(k, v []byte)) {
			add(dueKey(appendText(nil, shorten(string(f.Owner))), f), nil)
		}},
		{indexFollowUpAbout, func(f *followup.FollowUp, add func(k, v []byte)) {
			add(dueKey(aboutKey(store.FollowUpFilter{
				Who: store.Subject{Contact: f.Contact, Organisation: f.Organisation}, Message: f.Message,
			}), f), nil)
		}},
	},
}

// aboutKey names what a follow-up is about.
func aboutKey(f store.FollowUpFilter) []byte {
	if f.Message != "" {
		return appendID([]byte{'m'}, string(f.Message))
	}
	return subjectPrefix(f.Who)
}

type followUpsOf struct{ tx *Tx }

func (f followUpsOf) Get(id followup.ID) (followup.FollowUp, error) {
	return followUps.must(f.tx, appendID(nil, string(id)), string(id))
}

func (f followUpsOf) List(filter store.FollowUpFilter, s store.Slice) (store.Page[followup.FollowUp], error) {
	name, prefix := indexFollowUpDue, []byte{}
	switch {
	case filter.Who != store.Subject{} || filter.Message != "":
		name, prefix = indexFollowUpAbout, aboutKey(filter)
	case filter.Owner != "":
		name, prefix = indexFollowUpOwner, appendText(nil, shorten(string(filter.Owner)))
	}
	state := byte(keyOpen)
	if filter.Done {
		state = keyDone
	}
	return pageOf(f.tx, f.tx.listing(name, append(prefix, state)), s, func(rest, _ []byte) (followup.FollowUp, bool, error) {
		due, id, err := readText(rest)
		if err != nil || filter.Until != "" && due > string(filter.Until) {
			return followup.FollowUp{}, false, err
		}
		v, ok, err := followUps.get(f.tx, id)
		return v, ok && (filter.Owner == "" || v.Owner == filter.Owner) && (!filter.Cases || v.Case()), err
	})
}

func (f followUpsOf) Put(v followup.FollowUp) error {
	if v.ID == "" {
		return errors.New("write follow-up: it has no id")
	}
	return followUps.put(f.tx, &v)
}

func (f followUpsOf) Delete(id followup.ID) error {
	return followUps.del(f.tx, appendID(nil, string(id)))
}

var feeds = &table[store.Feed]{
	name: tableFeed, what: "calendar",
	key: func(f *store.Feed) []byte { return append([]byte{}, f.Token[:]...) },
}

type feedsOf struct{ tx *Tx }

func (f feedsOf) Get(token store.Digest) (store.Feed, error) {
	v, ok, err := feeds.get(f.tx, token[:])
	if err == nil && !ok {
		err = fmt.Errorf("calendar: %w", store.ErrNotFound)
	}
	return v, err
}

func (f feedsOf) Of(a contact.Address) ([]store.Feed, error) {
	found, err := all(f.tx, feeds, nil)
	var out []store.Feed
	for _, v := range found {
		if a == "" || v.Member == a {
			out = append(out, v)
		}
	}
	return out, err
}

func (f feedsOf) Put(v store.Feed) error { return feeds.put(f.tx, &v) }

func (f feedsOf) Delete(token store.Digest) error { return feeds.del(f.tx, token[:]) }
