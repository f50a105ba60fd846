package mailtest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// compose starts a letter: who, to whom, when; language, sizes and encodings
// as real mail has them.
func (b *builder) compose(from *person, at time.Time, to ...*person) *letter {
	l := &letter{from: b.spelled(from), to: list(to...), lang: from.lang, seed: b.r.Uint64(), style: b.r.IntN(60)}
	b.seq++
	l.id = fmt.Sprintf("%s.%d@%s", word(b.r, 10), b.seq, domainOf(from.addrs[0]))
	l.date = at.Truncate(time.Second)
	if from.zone != nil {
		l.date = l.date.In(from.zone)
	}
	l.subject = pick(b.r, l.lang.subjects)
	l.sample = pick(b.r, l.lang.sentences)
	l.size = b.logNormal(700, 1.1, 60_000)
	l.charset, l.transfer = "utf-8", pick(b.r, []string{"quoted-printable", "base64", "8bit", "quoted-printable"})
	if len(l.lang.charsets) > 0 && b.r.IntN(2) == 0 {
		l.charset = pick(b.r, l.lang.charsets)
	}
	l.rawHeaders = l.charset == "utf-8" && b.r.IntN(40) == 0
	switch n := b.r.IntN(100); {
	case n < 36:
		l.shape = plain
	case n < 44:
		l.shape = htmlOnly
	case n < 78:
		l.shape = alternative
	case n < 84:
		l.shape, l.attach = related, b.logNormal(15_000, 0.9, 300_000)
	default:
		l.shape, l.attach, l.kind = mixed, b.logNormal(60_000, 1.2, 6_000_000), b.r.IntN(attachmentKinds)
	}
	return l
}

// logNormal draws a size with this median.
func (b *builder) logNormal(median, sigma float64, most int) int {
	return min(int(median*b.o.Scale*math.Exp(sigma*b.r.NormFloat64()))+40, most)
}

// spelled is a person under one of the addresses, spelled as people do.
func (b *builder) spelled(p *person) party {
	addr := p.addrs[0]
	if len(p.addrs) > 1 && b.r.IntN(3) == 0 {
		addr = pick(b.r, p.addrs[1:])
	}
	local, domain, _ := strings.Cut(addr, "@")
	if p.side == known && !strings.HasPrefix(domain, "xn--") {
		switch b.r.IntN(24) {
		case 0:
			local += "+" + word(b.r, 4)
		case 1:
			local, domain = strings.ToUpper(local[:1])+local[1:], strings.ToUpper(domain)
		case 2:
			if domain == "gmail.com" {
				local = strings.ReplaceAll(local, ".", "")
				local = local[:2] + "." + local[2:]
			}
		}
	}
	return p.by(local + "@" + domain)
}

// when draws a moment of the world's 18 months, leaving room for a conversation.
func (b *builder) when() time.Time {
	days := 18*30 - 45
	return b.w.Now.AddDate(0, 0, -18*30).Add(time.Duration(b.r.Int64N(int64(days)*24*3600)) * time.Second)
}

func (b *builder) later(at time.Time) time.Time {
	return at.Add(time.Duration(b.r.Int64N(3*24*3600)+600) * time.Second)
}

// answer makes l the answer to another letter.
func (b *builder) answer(l, to *letter) *letter {
	prefix := "Re: "
	if l.lang.tag == "de" && b.r.IntN(2) == 0 {
		prefix = "AW: "
	}
	l.subject = prefix + strings.TrimPrefix(strings.TrimPrefix(to.subject, "Re: "), "AW: ")
	l.irt = to.id
	l.refs = append(slices.Clone(to.refs), to.id)
	if b.r.IntN(3) > 0 {
		l.quote = to.sample
	}
	return l
}

// post puts the copies of a letter where servers and people put them: one in
// the author's Sent, one with each of our recipients.
func (b *builder) post(l *letter) *letter {
	at := l.date.Add(time.Duration(b.r.IntN(50)+1) * time.Second)
	had := map[string]bool{}
	if author := l.from.who; author.mailbox != "" {
		had[author.mailbox] = true
		b.copy(l, copyOf{mailbox: author.mailbox, folder: "Sent", at: l.date, flags: []string{`\Seen`}, sent: true})
	}
	for _, p := range append(append(slices.Clone(l.to), l.cc...), append(l.bcc, l.resent...)...) {
		for _, m := range b.reach(p.who) {
			if had[m.mailbox] {
				continue
			}
			had[m.mailbox] = true
			b.copy(l, copyOf{mailbox: m.mailbox, folder: b.incoming(), at: at, flags: b.flags(), deliveredTo: p.addr})
		}
	}
	return b.add(l)
}

// reach returns whose mailboxes an address of ours leads to.
func (b *builder) reach(p *person) []*person {
	switch {
	case p == b.team:
		return b.members
	case p == b.logAddr:
		return []*person{b.logBox}
	case p != nil && p.mailbox != "":
		return []*person{p}
	}
	return nil
}

func (b *builder) incoming() string {
	switch n := b.r.IntN(20); {
	case n < 15:
		return "INBOX"
	case n < 18:
		return "Archive"
	case n < 19:
		return "Projects/Kunden & Süd"
	default:
		return "Archive/2024"
	}
}

func (b *builder) flags() []string {
	switch b.r.IntN(4) {
	case 0:
		return nil
	case 1:
		return []string{`\Seen`, `\Answered`}
	default:
		return []string{`\Seen`}
	}
}

func (b *builder) copy(l *letter, c copyOf) {
	b.mailed++
	l.copies = append(l.copies, c)
}

// add puts a letter with its copies into the world.
func (b *builder) add(l *letter) *letter {
	b.w.letters = append(b.w.letters, l)
	return l
}

// into delivers a letter into one folder of one member alone.
func (b *builder) into(l *letter, m *person, folder string, flags ...string) *letter {
	b.copy(l, copyOf{mailbox: m.mailbox, folder: folder, at: l.date.Add(20 * time.Second), flags: flags, sent: l.from.who == m})
	return b.add(l)
}

func (b *builder) member() *person { return pick(b.r, b.members) }

// colleague is another member than m.
func (b *builder) colleague(m *person) *person {
	for {
		if c := b.member(); c != m {
			return c
		}
	}
}

func (b *builder) customer() *person { return pick(b.r, b.contacts) }
