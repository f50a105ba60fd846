package mailtest

import (
	"fmt"
	"strings"
	"time"
)

// letters writes the world's mail: every special case once for each thousand
// messages, a conversation with each contact, then ordinary days until there is
// enough.
func (b *builder) letters() {
	for range max(1, b.o.Messages/1000) {
		for _, special := range []func(){
			b.byDomain, b.bySpelling, b.byCc, b.bySenderFields, b.byBcc, b.sharedUnknown, b.subdomainStranger, b.blockedMail, b.privateMail,
			b.drafts, b.oldMail, b.misleading, b.forwards, b.bounces, b.threadStrangers, b.brokenReferences, b.noMessageID,
			b.reusedMessageID, b.variants, b.manyHoldings, b.automatic, b.lists, b.odd, b.internalMail, b.binned,
		} {
			special()
		}
	}
	for _, c := range b.contacts {
		if b.mailed < b.o.Messages*9/20 {
			b.conversation(c, 1+b.r.IntN(8))
		}
	}
	for b.mailed < b.o.Messages {
		switch n := b.r.IntN(100); {
		case n < 22:
			b.conversation(b.customer(), 1+b.r.IntN(6))
		case n < 25:
			b.byDomain()
		case n < 45:
			b.strangerMail()
		case n < 65:
			b.newsletter()
		case n < 78:
			b.notification()
		case n < 88:
			b.internalMail()
		default:
			b.spam()
		}
	}
}

// conversation is a thread between one of ours and a contact, answering each
// other in turn, now and then with others in Cc.
func (b *builder) conversation(c *person, n int) {
	m, at := b.member(), b.when()
	inbound := b.r.IntN(2) == 0
	var last *letter
	for range n {
		from, to := m, c
		if inbound {
			from, to = c, m
		}
		l := b.compose(from, at, to)
		if last != nil {
			b.answer(l, last)
			l.transfer, l.charset = last.transfer, orString(map[bool]string{true: last.charset}[l.lang == last.lang], "utf-8")
		}
		switch b.r.IntN(12) {
		case 0, 1:
			l.cc = list(b.colleague(m))
		case 2:
			l.cc = list(b.team)
		case 3:
			l.cc = list(b.customer())
		}
		last, at, inbound = b.post(l), b.later(at), !inbound
	}
}

// byDomain is mail with somebody unknown at a known company.
func (b *builder) byDomain() {
	f := b.firmWithDomain()
	p, m, at := b.somebodyAt(f), b.member(), b.when()
	first := b.compose(p, at, m)
	first.rule = "domain"
	b.post(first)
	reply := b.answer(b.compose(m, b.later(at), p), first)
	reply.rule = "domain"
	b.post(reply)
	both := b.compose(f.people[0], b.when(), m) // an acquaintance and somebody unknown of the same company
	both.cc = list(b.somebodyAt(f))
	b.post(both)
	other := b.firmWithDomain() // somebody known and somebody of another company
	two := b.compose(m, b.when(), b.customer())
	two.cc = list(b.somebodyAt(other))
	b.post(two)
}

// bySpelling is mail of contacts under other spellings of their addresses.
func (b *builder) bySpelling() {
	for _, c := range b.contacts {
		local, domain, _ := strings.Cut(c.addrs[0], "@")
		if domain != "gmail.com" {
			continue
		}
		l := b.compose(c, b.when(), b.member())
		l.from.addr = local[:1] + "." + strings.ReplaceAll(local, ".", "")[1:] + "@" + domain
		b.post(l)
		break
	}
	c := b.customer()
	local, domain, _ := strings.Cut(c.addrs[0], "@")
	l := b.compose(c, b.when(), b.member())
	l.from.addr = local + "+orders@" + domain
	b.post(l)
	out := b.compose(b.member(), b.when(), c)
	out.to[0].addr = strings.ToUpper(c.addrs[0])
	b.post(out)
}

// byCc is mail between a member and strangers with a contact in Cc only.
func (b *builder) byCc() {
	l := b.compose(b.stranger(), b.when(), b.member())
	l.cc = list(b.customer())
	b.post(l)
	out := b.compose(b.member(), b.when(), b.stranger())
	out.cc = list(b.customer(), b.stranger())
	b.post(out)
}

// bySenderFields names a contact only in Sender, Reply-To or Resent-From.
func (b *builder) bySenderFields() {
	c, m := b.customer(), b.member()
	sender := c.as()
	l := b.compose(b.stranger(), b.when(), m)
	l.sender = &sender
	b.post(l)
	l = b.compose(b.service("Ticket Desk", "desk"), b.when(), m)
	l.replyTo = &sender
	b.post(l)
	l = b.compose(b.stranger(), b.when(), b.stranger())
	l.resent = []party{c.as(), m.as()}
	b.post(l)
}

// byBcc is mail of ours that names a contact in Bcc, which only the author's
// copy shows.
func (b *builder) byBcc() {
	m := b.member()
	l := b.compose(m, b.when(), b.office)
	l.bcc = list(b.customer())
	b.post(l)
	l = b.compose(m, b.when(), b.customer())
	l.cc, l.bcc = list(b.colleague(m)), list(b.customer())
	b.post(l)
	l = b.compose(b.customer(), b.when(), b.stranger()) // we are in Bcc: only the server knows why it came
	l.undisclosed = b.r.IntN(2) == 0
	if l.undisclosed {
		l.to = nil
	}
	b.into(l, m, "INBOX")
}

// sharedUnknown is mail of somebody unknown at a domain of two organisations.
func (b *builder) sharedUnknown() {
	b.people_++
	p := &person{name: "Purser", addrs: []string{fmt.Sprintf("purser%d@%s", b.people_, sharedDomain)}, side: ambiguous, lang: &languages[0], zone: zones["en"]}
	b.post(b.compose(p, b.when(), b.member()))
	b.post(b.compose(b.member(), b.when(), p))
}

// subdomainStranger writes from the domain above an organisation's subdomain.
func (b *builder) subdomainStranger() {
	for _, f := range b.firms {
		if f.exact && !f.Shared {
			p := b.stranger()
			_, above, _ := strings.Cut(f.Domains[0], ".")
			p.addrs = []string{fmt.Sprintf("dean%d@%s", b.people_, above)}
			b.post(b.compose(p, b.when(), b.member()))
			return
		}
	}
}

// blockedMail concerns people whom the configuration excludes.
func (b *builder) blockedMail() {
	m := b.member()
	b.post(b.compose(b.lawyer, b.when(), m))
	l := b.compose(m, b.when(), b.lawyer)
	l.cc = list(b.customer())
	b.post(l)
	b.post(b.compose(b.vip, b.when(), m))
	asked := b.post(b.compose(b.customer(), b.when(), m))
	b.post(b.answer(b.compose(m, b.later(asked.date), b.lawyer), asked))
}

// privateMail is mail with contacts that is marked private in one way or another.
func (b *builder) privateMail() {
	for _, sensitivity := range []string{"Private", "personal", "Company-Confidential"} {
		l := b.compose(b.customer(), b.when(), b.member())
		l.private, l.extra = true, []string{"Sensitivity: " + sensitivity}
		b.post(l)
	}
	l := b.compose(b.customer(), b.when(), b.member())
	l.private = true
	b.into(l, l.to[0].who, "Private", `\Seen`)
	l = b.compose(b.customer(), b.when(), b.member())
	l.private = true
	b.into(l, l.to[0].who, "INBOX", `\Seen`, "Private")
}

// drafts lie in Drafts, or elsewhere with their flag.
func (b *builder) drafts() {
	m := b.member()
	b.into(b.compose(m, b.when(), b.customer()), m, "Drafts", `\Draft`)
	l := b.compose(m, b.when(), b.customer())
	l.draft = true
	b.into(l, m, "INBOX", `\Draft`, `\Seen`)
}

// oldMail is older than what is to be read.
func (b *builder) oldMail() {
	at := b.w.Now.AddDate(-5, 0, -b.r.IntN(300))
	first := b.post(b.compose(b.customer(), at, b.member()))
	b.post(b.answer(b.compose(first.to[0].who, b.later(at), first.from.who), first))
}

// misleading shows an address of a contact as the name of a stranger.
func (b *builder) misleading() {
	c := b.customer()
	for _, name := range []string{c.addrs[0], c.name, c.name + " (" + c.addrs[0] + ")", "<" + c.addrs[0] + ">"} {
		s := b.stranger()
		l := b.compose(s, b.when(), b.member())
		l.from.name = name
		b.post(l)
	}
	l := b.compose(b.member(), b.when(), b.stranger())
	l.to[0].name = c.addrs[0]
	b.post(l)
	l = b.compose(c, b.when(), b.member()) // and a contact under the name of a stranger
	l.from.name = "someone.else@private-" + word(b.r, 6) + ".example"
	b.post(l)
}

// threadStrangers lets strangers take part in threads that belong to somebody,
// before and after a contact joins.
func (b *builder) threadStrangers() {
	m, s, c := b.member(), b.stranger(), b.customer()
	at := b.when()
	opening := b.post(b.compose(s, at, m))
	joined := b.answer(b.compose(m, b.later(at), s), opening)
	joined.cc = list(c)
	b.post(joined)
	alone := b.answer(b.compose(s, b.later(joined.date), m), joined)
	friend := b.stranger() // brought in by the stranger: takes part with somebody who took part
	alone.cc = list(friend)
	b.post(alone)
	b.post(b.answer(b.compose(m, b.later(alone.date), friend), alone))
	outsider := b.answer(b.compose(b.stranger(), b.later(alone.date), m), joined) // knows the thread, took no part
	b.post(outsider)
}

// brokenReferences are threads whose parents are absent or whose fields are no
// list of ids.
func (b *builder) brokenReferences() {
	c, m := b.customer(), b.member()
	absent := &letter{id: "absent-" + b.unique(8) + "@elsewhere.example", subject: pick(b.r, c.lang.subjects), sample: pick(b.r, c.lang.sentences)}
	first := b.answer(b.compose(c, b.when(), m), absent)
	b.post(first)
	second := b.answer(b.compose(m, b.later(first.date), c), absent)
	b.post(second)
	for _, line := range []string{"In-Reply-To: Your message of Tuesday", "References: <broken@@x <unclosed", "In-Reply-To: \"" + c.addrs[0] + "\"'s message of Mon, 1 Jan 2024 10:00:00"} {
		l := b.compose(c, b.when(), m)
		l.garbled = line
		b.post(l)
	}
	only := b.answer(b.compose(c, b.later(second.date), m), second) // In-Reply-To without References
	only.refs = nil
	b.post(only)
}

// noMessageID is mail without a Message-ID: one message in two mailboxes, and
// two that differ in nothing but their text.
func (b *builder) noMessageID() {
	c, m := b.customer(), b.member()
	l := b.compose(c, b.when(), m, b.colleague(m))
	l.id = ""
	b.post(l)
	twin := b.compose(c, l.date, m)
	twin.id, twin.subject, twin.from, twin.size = "", l.subject, l.from, l.size+4000
	b.post(twin)
	s := b.compose(b.stranger(), b.when(), m)
	s.id = ""
	b.post(s)
}

// reusedMessageID is software that gives every mail the same Message-ID, and
// two people whose mails share one.
func (b *builder) reusedMessageID() {
	c, m := b.customer(), b.member()
	id := "invoice-" + b.unique(8) + "@" + domainOf(c.addrs[0])
	at := b.when()
	for i := range 3 {
		l := b.compose(c, at.Add(time.Duration(i*30*24)*time.Hour/10), m)
		l.id = id
		b.post(l)
	}
	l := b.compose(b.customer(), at, m)
	for l.from.who == c {
		l = b.compose(b.customer(), at, m)
	}
	l.id = id
	b.post(l)
}

// variants are copies of one message whose text a server changed.
func (b *builder) variants() {
	m := b.member()
	l := b.compose(b.customer(), b.when(), m)
	l.shape, l.texts, l.size = plain, 2, 300
	at := l.date.Add(10 * time.Second)
	b.copy(l, copyOf{mailbox: m.mailbox, folder: "INBOX", at: at, flags: []string{`\Seen`}})
	footer := "\r\n-- \r\n" + strings.ReplaceAll(l.lang.paragraphs(b.r, 6000), "\n", "\r\n")
	b.copy(l, copyOf{mailbox: b.colleague(m).mailbox, folder: "INBOX", at: at, footer: footer})
	b.add(l)
}

// manyHoldings is mail that lies in several mailboxes and folders at once.
func (b *builder) manyHoldings() {
	m := b.member()
	l := b.compose(m, b.when(), b.customer())
	l.cc = list(b.team)
	b.copy(l, copyOf{mailbox: m.mailbox, folder: "INBOX", at: l.date.Add(time.Minute), flags: []string{`\Seen`}}) // by way of team@
	b.copy(l, copyOf{mailbox: m.mailbox, folder: "Projects/Kunden & Süd", at: l.date.Add(time.Minute), flags: []string{`\Seen`}})
	b.post(l)
	l = b.compose(b.customer(), b.when(), m)
	b.copy(l, copyOf{mailbox: m.mailbox, folder: "Archive", at: l.date.Add(time.Minute), flags: []string{`\Seen`}})
	b.copy(l, copyOf{mailbox: m.mailbox, folder: "Archive", at: l.date.Add(2 * time.Minute), flags: []string{`\Seen`}}) // twice in one folder
	b.copy(l, copyOf{mailbox: b.colleague(m).mailbox, folder: "Trash", at: l.date.Add(time.Minute)})
	b.post(l)
}
