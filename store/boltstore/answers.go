package boltstore

import (
	"errors"
	"time"

	"rapport/store"
)

var answers = &table[store.Answer]{
	name: tableAnswer, what: "answer", plain: true,
	key: func(a *store.Answer) []byte { return appendText(nil, a.Key) },
}

type answersOf struct{ tx *Tx }

// Answers implements store.Tx.
func (tx *Tx) Answers() store.Answers { return answersOf{tx} }

func (a answersOf) Get(key string) (store.Answer, error) {
	return answers.must(a.tx, appendText(nil, key), key)
}

func (a answersOf) Put(v store.Answer) error {
	if v.Key == "" {
		return errors.New("write answer: it has no key")
	}
	return answers.put(a.tx, &v)
}

func (a answersOf) Delete(key string) error { return answers.del(a.tx, appendText(nil, key)) }

// Expire looks at all of them: they are a day's.
func (a answersOf) Expire(before time.Time) (int, error) {
	kept, err := all(a.tx, answers, nil)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, v := range kept {
		if v.At.Before(before) {
			if err := a.Delete(v.Key); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
