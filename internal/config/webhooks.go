package config

import (
	"crypto/x509"
	"fmt"
	"net/netip"
)

// Webhooks bound where webhooks may lead.
type Webhooks struct {
	Allow  List   `yaml:"allow" doc:"Addresses or networks of the own network that webhooks may be sent to, also over http; to others only outside and over https."`
	CAFile string `yaml:"ca_file" path:"file" doc:"PEM file of the certificate authority that alone is trusted with webhooks, for a private CA."`
}

// Allowed returns the networks that webhooks may be sent to.
func (w Webhooks) Allowed() (all []netip.Prefix) {
	for _, text := range w.Allow {
		if p, err := network(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// Roots reads the configured authority anew; nil where there is none.
func (w Webhooks) Roots() (*x509.CertPool, error) {
	if w.CAFile == "" {
		return nil, nil
	}
	return loadPool(w.CAFile)
}

// widestAllowed are the fewest bits of a network that webhooks may be sent to:
// as many as the largest private ones have.
const (
	widestAllowed4 = 8
	widestAllowed6 = 7
)

func (v *validator) webhooks(w *Webhooks) {
	for i, text := range w.Allow {
		path := index("webhooks.allow", i)
		p, err := network(text)
		switch {
		case err != nil:
			v.wrong(path, fmt.Sprintf("%q is no address or network", text), "for example 10.0.0.5 or 10.0.0.0/24")
		case p.Addr().Is4() && p.Bits() < widestAllowed4 || p.Addr().Is6() && p.Bits() < widestAllowed6:
			v.wrong(path, text+" is wider than any network of one's own", "name the receiver's own address")
		}
	}
	if _, err := w.Roots(); err != nil {
		p := asProblem(err)
		v.wrong("webhooks.ca_file", p.what, p.hint)
	}
}
