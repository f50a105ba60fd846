package mailtest

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// NewBulk makes a plain world for measuring: one mailbox whose Inbox holds n
// messages of realistic sizes, all of them from contacts, each of whom wrote
// equally often. Whoever wants a tenth of it imports a tenth of the contacts.
func NewBulk(seed uint64, n, contacts int, scale float64) *World {
	b := bulkBuilder(seed, n, scale)
	for i := range contacts {
		l := pickLanguage(b.r)
		p := &person{name: pick(b.r, l.given) + " " + pick(b.r, l.family), addrs: []string{fmt.Sprintf("%s%d@%s%d.example", word(b.r, 6), i, word(b.r, 6), i)},
			side: known, lang: l, zone: zones[l.tag]}
		p.records = []string{p.addrs[0]}
		b.contacts = append(b.contacts, p)
		b.w.Contacts = append(b.w.Contacts, Contact{Name: p.name, Addresses: p.addrs, Kind: "customer", Language: l.tag})
	}
	span := b.o.Now.Sub(b.o.Now.AddDate(0, -18, 0))
	return b.bulk(n, b.o.Now.Add(-span), span/time.Duration(n))
}

// More makes the world of n messages that the contacts of a bulk world write
// after it, one a second; seed is another than the world's.
func (w *World) More(seed uint64, n int, scale float64) *World {
	b := bulkBuilder(seed, n, scale)
	b.contacts, b.w.Contacts = w.contacts, w.Contacts
	return b.bulk(n, b.o.Now, time.Second)
}

func bulkBuilder(seed uint64, n int, scale float64) *builder {
	o := Options{Seed: seed, Messages: n, Scale: scale}.withDefaults()
	b := &builder{w: &World{Now: o.Now, Since: o.Now.AddDate(-3, 0, 0)}, o: o, r: rand.New(rand.NewPCG(seed, 0x42756c6b)), words: map[string]bool{}}
	b.ourSide()
	b.w.Members = b.w.Members[:1]
	return b
}

// bulk lets the contacts write in turn.
func (b *builder) bulk(n int, first time.Time, every time.Duration) *World {
	b.w.contacts = b.contacts
	ada := b.members[0]
	for i := range n {
		l := b.compose(b.contacts[i%len(b.contacts)], first.Add(time.Duration(i)*every), ada)
		l.from.addr = l.from.who.addrs[0]
		b.into(l, ada, "INBOX", `\Seen`)
	}
	b.judge()
	b.finish()
	return b.w
}
