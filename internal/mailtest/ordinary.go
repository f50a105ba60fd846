package mailtest

import (
	"fmt"
	"strings"
)

// forwards are mails of members that pass on others' mail.
func (b *builder) forwards() {
	for i := range forwardStyles + 2 {
		m := b.member()
		about := b.compose(b.customer(), b.when(), m)
		if i == 1 {
			about = b.compose(b.somebodyAt(b.firmWithDomain()), b.when(), m)
		}
		b.forward(m, about, i)
	}
	for i := range 3 { // of strangers' mail nothing is kept
		m := b.member()
		b.forward(m, b.compose(b.stranger(), b.when(), m), i*3)
	}
}

// forward lets a member pass a letter on, to a colleague or to the log address.
func (b *builder) forward(m *person, about *letter, style int) {
	about.from.addr = about.from.who.addrs[0]
	about.size = 300
	to := b.colleague(m)
	if style%2 == 1 {
		to = b.logAddr
	}
	l := b.compose(m, b.later(about.date), to)
	l.inner, l.style, l.shape = about, style, inline
	if style >= forwardStyles {
		l.shape = attached
	}
	l.subject = []string{"Fwd: ", "FW: ", "WG: ", "Fwd: ", "Fwd: ", "TR : "}[style%forwardStyles] + about.subject
	l.charset, l.sample, l.note = "utf-8", pick(b.r, languages[0].sentences), "For your information."
	b.post(l)
}

// bounces are delivery reports of unknown servers, about mail to contacts and
// to strangers.
func (b *builder) bounces() {
	for i := range 4 {
		m := b.member()
		to := b.customer()
		if i >= 2 {
			to = b.stranger()
		}
		about := b.post(b.compose(m, b.when(), to))
		about.to[0].addr = to.addrs[0]
		l := b.compose(b.service("Mail Delivery System", "MAILER-DAEMON"), b.later(about.date), m)
		l.shape, l.inner, l.style, l.charset = report, about, i, "utf-8"
		l.subject, l.sample = "Undelivered Mail Returned to Sender", "This is the mail system."
		l.extra = []string{"Auto-Submitted: auto-replied"}
		if i >= 2 {
			// The report repeats a header that carries words of the other letter:
			// it must not be one that is stored.
			about.size = 200
		}
		b.post(l)
	}
}

// automatic is mail no person wrote, of contacts and their companies.
func (b *builder) automatic() {
	c, m := b.customer(), b.member()
	asked := b.post(b.compose(m, b.when(), c))
	l := b.answer(b.compose(c, b.later(asked.date), m), asked)
	l.shape, l.subject, l.extra = autoReply, "Automatic reply: "+asked.subject, []string{"Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All"}
	b.post(l)
	l = b.compose(c, b.when(), m)
	l.shape = calendar
	b.post(l)
	f := b.firmWithDomain()
	p := b.somebodyAt(f)
	p.addrs = []string{fmt.Sprintf("no-reply%d@%s", b.people_, f.Domains[0])}
	l = b.compose(p, b.when(), m)
	l.rule, l.extra = "domain", []string{"Auto-Submitted: auto-generated", "Precedence: bulk"}
	b.post(l)
	l = b.compose(b.stranger(), b.when(), m)
	l.shape, l.extra = autoReply, []string{"Auto-Submitted: auto-replied"}
	b.post(l)
}

// lists are mailing lists: strangers' posts, a contact's post, a company's newsletter.
func (b *builder) lists() {
	lst := b.service("Trade List", "trade-list")
	headers := []string{"List-Id: <trade." + domainOf(lst.addrs[0]) + ">", "Precedence: list", "List-Unsubscribe: <mailto:leave@" + domainOf(lst.addrs[0]) + ">"}
	m := b.member()
	for range 3 {
		l := b.compose(b.stranger(), b.when(), lst)
		l.extra = headers
		b.into(l, m, "Lists/Trade", `\Seen`)
	}
	l := b.compose(b.customer(), b.when(), lst)
	l.extra = headers
	b.into(l, m, "Lists/Trade")
	f := b.firmWithDomain()
	l = b.compose(b.somebodyAt(f), b.when(), m)
	l.rule, l.extra = "domain", []string{"List-Unsubscribe: <https://" + f.Domains[0] + "/u>", "Precedence: bulk"}
	b.post(l)
}

// odd is mail with headers as only real senders write them.
func (b *builder) odd() {
	c, m := b.customer(), b.member()
	l := b.compose(c, b.when(), m)
	l.noDate = true
	b.into(l, m, "INBOX", `\Seen`)
	l = b.compose(c, b.when(), m)
	l.to[0].name = "" // a bare address
	l.from.name = ""
	b.post(l)
	l = b.compose(c, b.when(), m)
	l.extra = []string{"X-Long: " + strings.Repeat("long ", 400), "x-lower:no space", "Received: garbage"}
	b.post(l)
	l = b.compose(m, b.when(), b.customer(), b.customer(), b.customer())
	b.post(l)
}

// internalMail stays among us; a machine of ours counts as ours.
func (b *builder) internalMail() {
	m := b.member()
	l := b.compose(m, b.when(), b.colleague(m))
	if b.r.IntN(3) == 0 {
		l.cc = list(b.team)
	}
	if b.r.IntN(6) == 0 {
		l.from = (&person{name: "Build", addrs: []string{"build@ci." + teamDomain}, side: ours, lang: l.lang}).as()
		l.to = m.only()
	}
	b.post(l)
}

// binned is mail with contacts that lies only where nobody reads.
func (b *builder) binned() {
	m := b.member()
	b.into(b.compose(b.customer(), b.when(), m), m, "Trash", `\Seen`)
	b.into(b.compose(b.customer(), b.when(), m), m, "Junk")
}

// strangerMail is personal mail with somebody nobody knows, fewer than three
// times each way.
func (b *builder) strangerMail() {
	s, m, at := b.stranger(), b.member(), b.when()
	from, to := s, m
	if b.r.IntN(3) == 0 {
		from, to = m, s
	}
	last := b.post(b.compose(from, at, to))
	for range b.r.IntN(3) {
		from, to, at = to, from, b.later(at)
		last = b.post(b.answer(b.compose(from, at, to), last))
	}
}

var newsletterNames = []string{"Trade Weekly", "Tool Market", "Rail Offers", "City Culture", "Office Supplies"}

func (b *builder) newsletter() {
	from := b.service(pick(b.r, newsletterNames), "news")
	l := b.compose(from, b.when(), b.member())
	l.shape, l.size, l.extra = alternative, b.logNormal(6000, 0.6, 60_000), []string{
		"List-Unsubscribe: <https://" + domainOf(from.addrs[0]) + "/leave>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "Precedence: bulk",
	}
	b.post(l)
}

func (b *builder) notification() {
	from := b.service(pick(b.r, []string{"Parcel Service", "Code Host", "Bank", "Calendar"}), "no-reply")
	l := b.compose(from, b.when(), b.member())
	l.extra = []string{"Auto-Submitted: auto-generated"}
	b.post(l)
}

// spam lies in Junk, under any name.
func (b *builder) spam() {
	l := b.compose(b.stranger(), b.when(), b.member())
	if b.r.IntN(3) == 0 {
		l.from.name = b.customer().name
	}
	b.into(l, l.to[0].who, "Junk")
}
