package mailtest

import "strings"

// Exchanges counts for each address outside how often a message one way was
// answered the other way, as the headers in Inbox and Sent show it. No message
// is counted twice and tagged or dotted spellings count for nobody, so whatever
// counts more generously finds at least as many.
func (w *World) Exchanges() map[string]int {
	byID, used, counts := map[string]*letter{}, map[*letter]bool{}, map[string]int{}
	for _, l := range w.letters {
		if l.id != "" && l.visible(w) {
			byID[l.id] = l
		}
	}
	for _, l := range w.letters {
		first := byID[l.irt]
		if first == nil || !l.visible(w) || used[first] || used[l] || len(l.to) == 0 || len(first.to) == 0 {
			continue
		}
		theirs, back := first.from, l.to[0]
		if first.from.who.side == ours {
			theirs, back = l.from, first.to[0]
		}
		sameWay := (first.from.who.side == ours) == (l.from.who.side == ours)
		if addr := normal(theirs.addr); !sameWay && addr == normal(back.addr) {
			used[first], used[l] = true, true
			counts[addr]++
		}
	}
	return counts
}

// visible reports whether a letter lies in an Inbox or Sent folder and may be
// looked at.
func (l *letter) visible(w *World) bool {
	if l.private || l.draft || l.date.Before(w.Since) || l.shape == autoReply || anyone(l.participants(), blocked) {
		return false
	}
	for _, c := range l.copies {
		if c.folder == "INBOX" || c.folder == "Sent" {
			return true
		}
	}
	return false
}

// Knows reports whether an address is a contact's, or at the domain of an
// organisation; strangers', lists' and colleagues' addresses are not.
func (w *World) Knows(addr string) bool {
	addr = normal(addr)
	for _, p := range w.contacts {
		for _, a := range p.addrs {
			if a == addr {
				return true
			}
		}
	}
	_, domain, _ := strings.Cut(addr, "@")
	for _, o := range w.Organisations {
		for _, d := range o.Domains {
			d = domainOf(normal("x@" + d))
			if domain == d || strings.HasSuffix(domain, "."+d) {
				return true
			}
		}
	}
	return false
}
