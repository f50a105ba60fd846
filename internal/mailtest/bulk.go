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
	o := Options{Seed: seed, Messages: n, Scale: scale}.withDefaults()
	b := &builder{w: &World{Now: o.Now, Since: o.Now.AddDate(-3, 0, 0)}, o: o, r: rand.New(rand.NewPCG(seed, 0x42756c6b)), words: map[string]bool{}}
	b.ourSide()
	b.w.Members = b.w.Members[:1]
	ada := b.members[0]
	for i := range contacts {
		l := pickLanguage(b.r)
		p := &person{name: pick(b.r, l.given) + " " + pick(b.r, l.family), addrs: []string{fmt.Sprintf("%s%d@%s%d.example", word(b.r, 6), i, word(b.r, 6), i)},
			side: known, lang: l, zone: zones[l.tag]}
		p.records = []string{p.addrs[0]}
		b.contacts = append(b.contacts, p)
		b.w.Contacts = append(b.w.Contacts, Contact{Name: p.name, Addresses: p.addrs, Kind: "customer", Language: l.tag})
	}
	b.w.contacts = b.contacts
	span := o.Now.Sub(o.Now.AddDate(0, -18, 0))
	for i := range n {
		at := o.Now.Add(-span + time.Duration(i)*(span/time.Duration(n)))
		l := b.compose(b.contacts[i%contacts], at, ada)
		l.from.addr = l.from.who.addrs[0]
		b.into(l, ada, "INBOX", `\Seen`)
	}
	b.judge()
	b.finish()
	return b.w
}
