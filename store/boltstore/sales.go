package boltstore

import (
	"errors"
	"slices"

	"rapport/records/followup"
	"rapport/records/sale"
	"rapport/store"
)

var sales = &table[sale.Sale]{
	name: tableSale, what: "sale", counted: true,
	key: func(s *sale.Sale) []byte { return appendID(nil, string(s.ID)) },
	indexes: []index[sale.Sale]{
		{indexSaleDate, func(s *sale.Sale, add func(k, v []byte)) { add(saleKey(nil, s.Date, s.ID), nil) }},
		{indexSaleNumber, func(s *sale.Sale, add func(k, v []byte)) {
			add(appendID(numberKey(s.Direction, s.Number), string(s.ID)), nil)
		}},
		{indexSaleAbout, func(s *sale.Sale, add func(k, v []byte)) {
			for _, who := range []store.Subject{{Contact: s.Contact}, {Organisation: s.Organisation}} {
				if who != (store.Subject{}) {
					add(saleKey(subjectPrefix(who), s.Date, s.ID), nil)
				}
			}
		}},
		{indexSaleDue, func(s *sale.Sale, add func(k, v []byte)) {
			if s.Status == sale.Open && s.Due != "" {
				add(saleKey(appendText(nil, string(s.Direction)), s.Due, s.ID), nil)
			}
		}},
	},
}

// saleKey ends the keys of indexes by day.
func saleKey(prefix []byte, day followup.Day, id sale.ID) []byte {
	return appendID(appendText(prefix, string(day)), string(id))
}

func numberKey(d sale.Direction, number string) []byte {
	return appendText(appendText(nil, string(d)), shorten(number))
}

// behindDay is the first key behind those of a day.
func behindDay(prefix []byte, d followup.Day) []byte {
	return append(append(slices.Clone(prefix), d...), 1)
}

type salesOf struct{ tx *Tx }

func (s salesOf) Get(id sale.ID) (sale.Sale, error) {
	return sales.must(s.tx, appendID(nil, string(id)), string(id))
}

func (s salesOf) ByNumber(d sale.Direction, number string) ([]sale.Sale, error) {
	return load(s.tx, sales, indexSaleNumber, numberKey(d, number))
}

func (s salesOf) List(f store.SaleFilter, sl store.Slice) (store.Page[sale.Sale], error) {
	l := s.tx.listing(indexSaleDate, nil)
	if f.Who != (store.Subject{}) {
		l = s.tx.listing(indexSaleAbout, subjectPrefix(f.Who))
	}
	l.newest = true
	l.since = append(slices.Clone(l.prefix), f.From...)
	if f.Until != "" {
		l.until = behindDay(l.prefix, f.Until)
	}
	return pageOf(s.tx, l, sl, func(rest, _ []byte) (sale.Sale, bool, error) {
		_, id, err := readText(rest)
		if err != nil {
			return sale.Sale{}, false, err
		}
		v, ok, err := sales.get(s.tx, id)
		return v, ok && (f.Direction == "" || v.Direction == f.Direction) && (f.Status == "" || v.Status == f.Status), err
	})
}

func (s salesOf) Owed(d sale.Direction, until followup.Day, sl store.Slice) (store.Page[sale.Sale], error) {
	l := s.tx.listing(indexSaleDue, appendText(nil, string(d)))
	l.until = behindDay(l.prefix, until)
	return pageOf(s.tx, l, sl, func(rest, _ []byte) (sale.Sale, bool, error) {
		_, id, err := readText(rest)
		if err != nil {
			return sale.Sale{}, false, err
		}
		return sales.get(s.tx, id)
	})
}

func (s salesOf) Put(v sale.Sale) error {
	switch {
	case v.ID == "":
		return errors.New("write sale: it has no id")
	case v.Contact == "" && v.Organisation == "":
		return errors.New("write sale: it concerns nobody")
	}
	return sales.put(s.tx, &v)
}

func (s salesOf) Delete(id sale.ID) error { return sales.del(s.tx, appendID(nil, string(id))) }
