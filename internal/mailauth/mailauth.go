// Package mailauth reads what a domain tells receivers about its mail: SPF
// (RFC 7208), the keys of DKIM (RFC 6376) and DMARC (RFC 7489). Large receivers
// refuse newsletters of domains that lack them.
package mailauth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Key is a key that mail is signed with, and the record that belongs in the DNS.
type Key struct{ Name, Record string }

// Sender is whose records are looked at.
type Sender struct {
	Domain string // of From
	Host   string // of the server it goes through
	Keys   []Key  // that its mail is signed with here; none: the provider signs
}

// Finding is one record and how it is.
type Finding struct {
	OK   bool
	What string
	Fix  string // "" where there is nothing to mend
}

// LookupTXT is [net.Resolver.LookupTXT].
type LookupTXT func(ctx context.Context, name string) ([]string, error)

// providers are the servers whose mail needs a certain part of SPF, and where
// they keep their keys.
var providers = map[string]struct{ include, selector, sign string }{
	"smtp.office365.com": {"spf.protection.outlook.com", "selector1", "Microsoft Defender portal, Policies, DKIM: enable it for the domain"},
	"smtp.gmail.com":     {"_spf.google.com", "google", "Google Admin console, Apps, Gmail, Authenticate email: start authentication"},
}

// Check looks at all three. A resolver that does not answer is a finding as
// well.
func Check(ctx context.Context, lookup LookupTXT, s Sender) []Finding {
	out := []Finding{spf(ctx, lookup, s)}
	out = append(out, keys(ctx, lookup, s)...)
	return append(out, dmarc(ctx, lookup, s.Domain))
}

// records returns the TXT records of a name that begin with a tag; none where
// there is no such name.
func records(ctx context.Context, lookup LookupTXT, name, tag string) (out []string, err error) {
	all, err := lookup(ctx, name)
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", name, err)
	}
	for _, r := range all {
		if r = strings.TrimSpace(r); len(r) >= len(tag) && strings.EqualFold(r[:len(tag)], tag) &&
			(len(r) == len(tag) || strings.ContainsRune(" ;", rune(r[len(tag)]))) {
			out = append(out, r)
		}
	}
	return out, nil
}

func unanswered(what string, err error) Finding {
	return Finding{What: what + ": " + err.Error(), Fix: "have this computer ask a name server that answers"}
}

func spf(ctx context.Context, lookup LookupTXT, s Sender) Finding {
	all, err := records(ctx, lookup, s.Domain, "v=spf1")
	p, known := providers[s.Host]
	example := "v=spf1 ip4:YOUR.SERVER -all"
	if known {
		example = "v=spf1 include:" + p.include + " -all"
	}
	switch {
	case err != nil:
		return unanswered("SPF", err)
	case len(all) == 0:
		return Finding{What: "SPF: " + s.Domain + " does not say who may send for it", Fix: "publish a TXT record at " + s.Domain + ": " + example}
	case len(all) > 1:
		return Finding{What: fmt.Sprintf("SPF: %s has %d records, and receivers take none of them", s.Domain, len(all)), Fix: "join them into one (RFC 7208, section 3.2)"}
	}
	includes := false
	for _, term := range strings.Fields(strings.ToLower(all[0])) {
		if term == "+all" || term == "all" {
			return Finding{What: "SPF: " + all[0] + " lets everybody send for " + s.Domain, Fix: "end it with -all or ~all"}
		}
		if strings.HasPrefix(term, "redirect=") || strings.TrimPrefix(term, "+") == "include:"+p.include {
			includes = true
		}
	}
	if known && !includes {
		return Finding{What: fmt.Sprintf("SPF: %s does not name %s, through which the mail goes", all[0], s.Host), Fix: "add include:" + p.include + " to it"}
	}
	return Finding{OK: true, What: "SPF: " + all[0]}
}

// keys looks for the record of every key, or of the provider's usual one.
func keys(ctx context.Context, lookup LookupTXT, s Sender) (out []Finding) {
	for _, k := range s.Keys {
		out = append(out, own(ctx, lookup, k))
	}
	p, known := providers[s.Host]
	if len(s.Keys) > 0 {
		return out
	}
	if !known {
		return []Finding{{OK: true, What: "DKIM: warning: no key is configured; without one the relay has to sign", Fix: "set dkim for the sender, or send yourself a test and look for dkim=pass"}}
	}
	name := p.selector + "._domainkey." + s.Domain
	all, err := lookup(ctx, name)
	var missing *net.DNSError
	switch {
	case errors.As(err, &missing) && missing.IsNotFound, err == nil && len(all) == 0:
		return []Finding{{What: "DKIM: there is no key at " + name + ", so the mail is not signed as " + s.Domain, Fix: p.sign}}
	case err != nil:
		return []Finding{unanswered("DKIM", fmt.Errorf("look up %s: %w", name, err))}
	}
	return []Finding{{OK: true, What: "DKIM: " + s.Host + " signs as " + s.Domain}}
}

// own compares a record with the key here. A record may stand in several
// strings, and spaces in it do not count.
func own(ctx context.Context, lookup LookupTXT, k Key) Finding {
	all, err := lookup(ctx, k.Name)
	var missing *net.DNSError
	if err != nil && !(errors.As(err, &missing) && missing.IsNotFound) {
		return unanswered("DKIM", fmt.Errorf("look up %s: %w", k.Name, err))
	}
	want := public(k.Record)
	for _, r := range all {
		if public(r) == want {
			return Finding{OK: true, What: "DKIM: the key at " + k.Name + " is ours"}
		}
	}
	what := "DKIM: there is no key at " + k.Name
	if len(all) > 0 {
		what = "DKIM: the key at " + k.Name + " is another than ours, so no signature verifies"
	}
	return Finding{What: what, Fix: "publish a TXT record at " + k.Name + ": " + k.Record}
}

// public is the key in a record (RFC 6376 section 3.6.1).
func public(record string) string {
	for part := range strings.SplitSeq(record, ";") {
		name, value, _ := strings.Cut(part, "=")
		if strings.TrimSpace(name) == "p" {
			return strings.Join(strings.Fields(value), "")
		}
	}
	return ""
}

// dmarc looks at the domain and then at the one it belongs to (RFC 7489 section
// 6.6.3).
func dmarc(ctx context.Context, lookup LookupTXT, domain string) Finding {
	names := []string{domain}
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil && org != domain {
		names = append(names, org)
	}
	for _, name := range names {
		all, err := records(ctx, lookup, "_dmarc."+name, "v=DMARC1")
		switch {
		case err != nil:
			return unanswered("DMARC", err)
		case len(all) > 1:
			return Finding{What: fmt.Sprintf("DMARC: there are %d records at _dmarc.%s, and receivers take none of them", len(all), name), Fix: "leave one of them"}
		case len(all) == 1:
			return Finding{OK: true, What: "DMARC: " + all[0]}
		}
	}
	return Finding{What: "DMARC: " + domain + " has no policy, which Gmail, Yahoo and Microsoft ask of newsletters",
		Fix: "publish a TXT record at _dmarc." + names[len(names)-1] + ": v=DMARC1; p=none; rua=mailto:dmarc@" + names[len(names)-1]}
}
