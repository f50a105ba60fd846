package mailtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// builder makes a world.
type builder struct {
	w      *World
	o      Options
	r      *rand.Rand
	words  map[string]bool
	mailed int // copies so far

	members  []*person
	logBox   *person // who looks after the log address
	team     *person // team@, which reaches everybody
	office   *person // ours, but without a mailbox
	logAddr  *person
	firms    []*firm
	contacts []*person
	lawyer   *person
	vip      *person // blocked by address, at the domain of a customer
	people_  int     // numbers strangers
	seq      int     // numbers message ids
}

// firm is an organisation and its people.
type firm struct {
	Organisation
	people []*person
	lang   *language
	exact  bool // lists an exact subdomain: the domain above is not theirs
}

const teamDomain = "quillon.example"

var zones = map[string]*time.Location{
	"en": time.FixedZone("", 0), "de": time.FixedZone("", 3600), "fr": time.FixedZone("", 3600), "bn": time.FixedZone("", 6*3600),
	"ja": time.FixedZone("", 9*3600), "zh": time.FixedZone("", 8*3600), "ko": time.FixedZone("", 9*3600), "ru": time.FixedZone("", 3*3600),
}

// freemail are providers whose domain says nothing of who writes.
var freemail = []string{"gmail.com", "gmx.de", "web.de", "outlook.com", "hotmail.com", "yahoo.com", "t-online.de", "proton.me", "mail.ru", "qq.com", "naver.com", "icloud.com"}

func (b *builder) people() {
	b.ourSide()
	for i := range b.o.Companies {
		b.firm(i, "customer")
	}
	firms := b.firms
	for i := range b.o.Customers {
		b.contact(firms, i, "customer")
	}
	for i := range max(b.o.Partners/3, 2) {
		b.firm(b.o.Companies+i, "partner")
	}
	for i := range b.o.Partners {
		b.contact(b.firms[len(firms):], i, "partner")
	}
	b.sharedDomain()
	b.excluded()
	for _, f := range b.firms {
		b.w.Organisations = append(b.w.Organisations, f.Organisation)
	}
	b.w.contacts = b.contacts
}

func (b *builder) ourSide() {
	w := b.w
	w.TeamName, w.TeamDomains, w.LogAddress = "Quillon Ltd", []string{teamDomain, "quillon-works.example"}, "log@"+teamDomain
	for i, m := range []struct {
		name, lang string
		addrs      []string
	}{
		{"Ada Winterbourne", "en", []string{"ada@" + teamDomain, "a.winterbourne@quillon-works.example"}},
		{"Bruno Käfer", "de", []string{"bruno@" + teamDomain, "bruno.kaefer.quillon@gmx.de"}}, // his private address is ours too
		{"Chiara Noël", "fr", []string{"chiara@" + teamDomain}},
		{"দেবযানী সেন", "bn", []string{"debjani@" + teamDomain}},
		{"Emil Sørby", "en", []string{"emil@" + teamDomain, "sales@" + teamDomain}},
	} {
		p := &person{name: m.name, addrs: m.addrs, side: ours, lang: languageOf(m.lang), mailbox: m.addrs[0], zone: zones["de"]}
		b.members = append(b.members, p)
		w.Members = append(w.Members, Member{Name: m.name, Addresses: m.addrs, Mailbox: m.addrs[0]})
		if i == 4 {
			b.logBox = p
		}
	}
	b.team = &person{name: "Team", addrs: []string{"team@" + teamDomain}, side: ours, lang: languageOf("en"), zone: zones["de"]}
	b.office = &person{name: "Accounts", addrs: []string{"accounts@" + teamDomain}, side: ours, lang: languageOf("en"), zone: zones["de"]}
	b.logAddr = &person{addrs: []string{w.LogAddress}, side: ours, lang: languageOf("en")}
}

func languageOf(tag string) *language {
	for i := range languages {
		if languages[i].tag == tag {
			return &languages[i]
		}
	}
	return &languages[0]
}

var firmStems = []string{"Harbour", "Meadow", "Kessel", "Linden", "Orion", "Padma", "Fuji", "Volga", "Atelier", "Nordwind", "Basalt", "Juniper", "Turbine", "Cobalt", "Saffron"}

// firm makes the i-th organisation. Every kind of domain occurs early.
func (b *builder) firm(i int, kind string) {
	stem := fmt.Sprintf("%s %s", firmStems[i%len(firmStems)], strings.ToUpper(word(b.r, 1))+word(b.r, 4))
	slug := strings.ReplaceAll(strings.ToLower(stem), " ", "-")
	f := &firm{lang: pickLanguage(b.r), Organisation: Organisation{Name: fmt.Sprintf("%s %d Ltd", stem, i+1), Kind: kind, Domains: []string{fmt.Sprintf("%s%d.example", slug, i+1)}}}
	switch i % 12 {
	case 1: // several domains
		f.Domains = append(f.Domains, fmt.Sprintf("%s-group%d.example", slug, i+1))
	case 2: // a public suffix of two labels
		f.Domains = []string{fmt.Sprintf("rapport-%s%d.co.uk", slug, i+1)}
	case 3: // an exact subdomain of what belongs to somebody else
		f.Domains, f.exact = []string{fmt.Sprintf("%s.university%d.example", slug, i+1)}, true
	case 4: // not ASCII
		f.Domains, f.Name = []string{fmt.Sprintf("bücher-%s%d.example", slug, i+1)}, fmt.Sprintf("Bücher & Söhne %s %d GmbH", stem, i+1)
	case 5: // no domain: its people write from freemail
		f.Domains = nil
	}
	if kind == "partner" {
		f.Role = []string{"supplier", "reseller", "service provider"}[i%3]
	}
	b.firms = append(b.firms, f)
}

// contact makes the i-th contact of a kind, at one of the firms or at none.
func (b *builder) contact(firms []*firm, i int, kind string) {
	f := firms[i%len(firms)]
	l := f.lang
	if i%7 == 3 {
		l = pickLanguage(b.r)
	}
	local := fmt.Sprintf("%s.%s%d", word(b.r, 5), word(b.r, 6), i+1)
	p := &person{name: pick(b.r, l.given) + " " + pick(b.r, l.family), side: known, lang: l, zone: zones[l.tag]}
	c := Contact{Name: p.name, Kind: kind, Language: l.tag, Role: f.Role}
	switch alone := i%10 == 4; {
	case alone: // a person without an organisation
		p.addrs = []string{local + "@" + pick(b.r, freemail[1:])}
		if i%20 == 4 {
			p.addrs = []string{local + "@gmail.com"}
		}
		c.Role = ""
	case len(f.Domains) == 0:
		p.addrs = []string{local + "@" + pick(b.r, freemail)}
		c.Organisation = f.Name
	default:
		p.addrs = []string{local + "@" + f.Domains[0]}
		c.Organisation = f.Name
	}
	switch i % 9 { // several addresses
	case 1:
		p.addrs = append(p.addrs, local+"."+word(b.r, 4)+"@"+pick(b.r, freemail))
	case 5:
		p.addrs = append(p.addrs, word(b.r, 3)+local+"@gmail.com", local+"@mobile-"+word(b.r, 6)+".example")
	}
	for k, a := range p.addrs {
		p.addrs[k] = normal(a)
	}
	c.Addresses = p.addrs
	p.records = []string{p.addrs[0]}
	if c.Organisation != "" {
		p.records = append(p.records, f.Name)
		f.people = append(f.people, p)
	}
	if i%5 == 0 {
		c.Tags = []string{"vip"}
	}
	b.contacts = append(b.contacts, p)
	b.w.Contacts = append(b.w.Contacts, c)
}

// sharedDomain makes two organisations of one domain, each with one contact.
func (b *builder) sharedDomain() {
	for i, name := range []string{"Twin Harbour Shipping", "Twin Harbour Storage"} {
		f := &firm{lang: &languages[0], exact: true, Organisation: Organisation{Name: name, Domains: []string{sharedDomain}, Shared: true, Kind: "customer"}}
		p := &person{name: []string{"Isla Brandt", "Otto Rehm"}[i], addrs: []string{[]string{"isla", "otto"}[i] + "@" + sharedDomain}, side: known, lang: f.lang, zone: zones["en"]}
		p.records = []string{p.addrs[0], name}
		f.people = []*person{p}
		b.firms, b.contacts = append(b.firms, f), append(b.contacts, p)
		b.w.Contacts = append(b.w.Contacts, Contact{Name: p.name, Addresses: p.addrs, Organisation: name, Kind: "customer", Language: "en"})
	}
}

const sharedDomain = "twin-harbour.example"

func (b *builder) excluded() {
	b.lawyer = &person{name: "Prudence Latimer", addrs: []string{"p.latimer@latimer-law.example", "office@chambers.latimer-law.example"}, side: blocked, lang: &languages[0], zone: zones["en"]}
	f := b.firmWithDomain()
	b.vip = &person{name: "Baron Silent", addrs: []string{normal("baron@" + f.Domains[0])}, side: blocked, lang: &languages[0], zone: zones["en"]}
	b.w.Blocked = []string{"latimer-law.example", b.vip.addrs[0]}
}

// firmWithDomain picks a firm that has a domain of its own.
func (b *builder) firmWithDomain() *firm {
	for {
		if f := pick(b.r, b.firms); len(f.Domains) > 0 && !f.Shared && len(f.people) > 0 {
			return f
		}
	}
}

// somebodyAt makes somebody unknown at the firm: mail is filed under the firm.
func (b *builder) somebodyAt(f *firm) *person {
	b.people_++
	domain := pick(b.r, f.Domains)
	if !f.exact && b.r.IntN(3) == 0 {
		domain = pick(b.r, []string{"mail", "eu", "plant-2"}) + "." + domain
	}
	return &person{name: pick(b.r, f.lang.given) + " " + pick(b.r, f.lang.family), addrs: []string{normal(fmt.Sprintf("%s%d@%s", word(b.r, 6), b.people_, domain))},
		side: known, records: []string{f.Name}, lang: f.lang, zone: zones[f.lang.tag]}
}

// stranger makes somebody nobody knows, with a name nobody else has.
func (b *builder) stranger() *person {
	b.people_++
	l := pickLanguage(b.r)
	name := pick(b.r, l.given) + " " + strings.ToUpper(canaryPrefix[:1]) + canaryPrefix[1:] + b.unique(canaryLetters)
	domain := pick(b.r, freemail)
	if b.r.IntN(2) == 0 {
		domain = fmt.Sprintf("private-%s.example", word(b.r, 7))
	}
	p := &person{name: name, addrs: []string{fmt.Sprintf("%s.x%d@%s", word(b.r, 7), b.people_, domain)}, lang: l, zone: zones[l.tag]}
	b.w.strangers = append(b.w.strangers, p)
	return p
}

// service makes an address of software, without a person's name.
func (b *builder) service(name, local string) *person {
	b.people_++
	return &person{name: name, addrs: []string{fmt.Sprintf("%s@%s%d.example", local, strings.ToLower(strings.ReplaceAll(name, " ", "-")), b.people_)}, lang: &languages[0], zone: zones["en"]}
}
