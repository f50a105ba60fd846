package matcher_test

import (
	"errors"
	"strings"
	"testing"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
)

// book is a Directory over maps.
type book struct {
	contacts []contact.Contact
	orgs     []contact.Organisation
	erased   map[contact.Address]bool
	fail     string // the method that fails
	calls    int
}

var errBook = errors.New("the book is shut")

func (b *book) called(method string) error {
	b.calls++
	if b.fail == method {
		return errBook
	}
	return nil
}

func (b *book) ByAddress(a contact.Address) ([]contact.Contact, error) {
	return b.who(func(x contact.Address) bool { return x == a }), b.called("ByAddress")
}

func (b *book) ByFolded(a contact.Address) ([]contact.Contact, error) {
	return b.who(func(x contact.Address) bool { return x.Folded() == a.Folded() }), b.called("ByFolded")
}

func (b *book) who(is func(contact.Address) bool) (out []contact.Contact) {
	for _, c := range b.contacts {
		for _, a := range c.Addresses {
			if is(a) {
				out = append(out, c)
				break
			}
		}
	}
	return out
}

func (b *book) ByDomain(domain string) (out []contact.Organisation, err error) {
	for _, o := range b.orgs {
		for _, d := range o.Domains {
			if d.Name == domain {
				out = append(out, o)
				break
			}
		}
	}
	return out, b.called("ByDomain")
}

func (b *book) Erased(a contact.Address) (bool, error) {
	return b.erased[a.Folded()], b.called("Erased")
}

// person adds a contact whose id is its name.
func person(name string, org contact.OrganisationID, addresses ...contact.Address) contact.Contact {
	c := contact.Contact{ID: contact.ID(name), Name: name, Addresses: addresses}
	if org != "" {
		c.Affiliations = []contact.Affiliation{{Organisation: org}}
	}
	return c
}

// firm adds an organisation whose id is its name; a domain with a ! is shared.
func firm(name string, domains ...string) contact.Organisation {
	o := contact.Organisation{ID: contact.OrganisationID(name), Name: name}
	for _, d := range domains {
		d, shared := strings.CutSuffix(d, "!")
		o.Domains = append(o.Domains, contact.Domain{Name: d, Shared: shared})
	}
	return o
}

func town() *book {
	return &book{
		contacts: []contact.Contact{
			person("ada", "acme", "ada@acme.example", "ada.home@gmail.com"),
			person("bo", "", "bo@freelance.example"),
			person("cy", "acme", "cy@acme.example"),
			person("twin1", "acme", "office@acme.example"),
			person("twin2", "beta", "office@acme.example"),
			person("tag", "", "tag+crm@tags.example"),
			person("idn", "", "x@xn--bcher-kva.example"),
		},
		orgs: []contact.Organisation{
			firm("acme", "acme.example"),
			firm("beta", "beta.example", "beta.co.uk"),
			firm("branch", "branch.beta.example"),
			firm("hub1", "hub.example"),
			firm("hub2", "hub.example"),
			firm("park", "park.example!"),
			firm("mistake", "gmail.com", "local-isp.example"),
		},
		erased: map[contact.Address]bool{"gone@acme.example": true},
	}
}

func rules() matcher.Rules {
	return matcher.Rules{
		Team: contact.Team{
			Domains: []string{"example.com"},
			Members: []contact.Member{
				{Name: "Me", Addresses: []contact.Address{"me@example.com", "me.home@gmail.com"}},
				{Name: "Boss", Addresses: []contact.Address{"boss@example.com"}},
			},
		},
		Exclusions: []matcher.Exclusion{
			{Domain: "lawyer.example", Mode: matcher.Blocked},
			{Address: "boss@example.com", Mode: matcher.Protected},
			{Pattern: "hr-*@*.staff.example", Mode: matcher.Protected},
			{Address: "both@staff.example", Mode: matcher.Protected},
			{Pattern: "both@*", Mode: matcher.Blocked},
		},
		LogAddress: []contact.Address{"log@in.example"},
		Freemail:   []string{"local-isp.example"},
	}
}

// head reads lines like "from: A <a@x>, b@y" into a Head.
func head(t testing.TB, lines ...string) message.Head {
	t.Helper()
	var h message.Head
	fields := map[string]*[]message.Party{
		"from": &h.From, "sender": &h.Sender, "reply-to": &h.ReplyTo, "to": &h.To, "cc": &h.Cc,
		"bcc": &h.Bcc, "resent": &h.Resent, "delivered-to": &h.DeliveredTo,
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		if name == "subject" {
			h.Subject = value
			continue
		}
		if name == "type" {
			h.MediaType, h.ReportType, _ = strings.Cut(value, " ")
			continue
		}
		list, ok := fields[name]
		if !ok {
			t.Fatalf("no header field %q", name)
		}
		for one := range strings.SplitSeq(value, ", ") {
			p := message.Party{}
			if i := strings.Index(one, " <"); i >= 0 {
				p.Name = one[:i]
			}
			a, err := contact.ParseAddress(one)
			if p.Address = a; err != nil {
				p.Raw = one
			}
			*list = append(*list, p)
		}
	}
	return h
}

// short writes matches as "rule role record address?" for tables.
func short(list []message.Match) string {
	var out []string
	for _, m := range list {
		text := m.Rule + " " + m.Role + " " + string(m.Contact)
		if m.Organisation != "" {
			text += "@" + string(m.Organisation)
		}
		if !m.Certain {
			text += "?"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func strangers(list []message.Party) string {
	var out []string
	for _, p := range list {
		out = append(out, string(p.Address))
	}
	return strings.Join(out, ", ")
}
