// Package outside connects to what others name and only to where they may
// have us connect: addresses of the internet, and those of the own network that
// are allowed by name. Every connection is judged by the address it is made
// to, at that moment; a name that has resolved well before proves nothing.
package outside

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"rapport/records/phrase"
)

// Refusal says that an address may not be connected to.
type Refusal struct {
	Address netip.Addr
	Why     phrase.Form
}

func (r *Refusal) Error() string { return r.Phrase().String() }

// Phrase is what the refusal says.
func (r *Refusal) Phrase() phrase.Phrase {
	return phrase.New("{address} is refused: it is {why}", "address", r.Address, "why", r.Why)
}

// Dialer makes TCP connections. Its fields are not changed once it is in use.
type Dialer struct {
	Timeout time.Duration // 0: none but the context's
	// Allowed are the networks that are connected to whatever they are. What
	// hands out credentials is refused even then.
	Allowed []netip.Prefix
	// Outer, when set, refuses more of what is not in Allowed: a request in the
	// clear, say.
	Outer    func(netip.Addr) error
	Resolver *net.Resolver // nil: the system's
}

// DialContext connects as [net.Dialer] does, to each address of a name in turn;
// an error is a [*Refusal] where all were refused.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	inner := net.Dialer{Timeout: d.Timeout, Resolver: d.Resolver, ControlContext: func(_ context.Context, network, address string, _ syscall.RawConn) error {
		return d.judge(network, address)
	}}
	return inner.DialContext(ctx, network, address)
}

// judge looks at what a connection is about to be made to.
func (d *Dialer) judge(network, address string) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("connect to %s: only TCP is used, not %s", address, network)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", address, err)
	}
	return d.May(at.Addr())
}

// May returns nil where an address may be connected to, else why not.
func (d *Dialer) May(a netip.Addr) error {
	bare := a.WithZone("").Unmap()
	if slices.Contains(credentials, bare) {
		return &Refusal{a, "where a cloud hands out credentials"}
	}
	if slices.ContainsFunc(d.Allowed, func(p netip.Prefix) bool { return p.Contains(bare) }) {
		return nil
	}
	if why := Inner(a); why != "" {
		return &Refusal{a, why}
	}
	if d.Outer != nil {
		return d.Outer(a)
	}
	return nil
}

// credentials are the addresses at which clouds tell any program of a machine
// its keys. AWS and most others, over IPv6, in containers; Alibaba; Oracle.
var credentials = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("169.254.170.2"),
	netip.MustParseAddr("fd00:ec2::23"), netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192"),
}

// special are the networks that are no part of the internet (IANA's registries
// of special-purpose addresses, RFC 6890), or in which others are wrapped.
var special = []struct {
	network netip.Prefix
	what    phrase.Form
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "an address of this host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "an address within a provider's network"},
	{netip.MustParsePrefix("127.0.0.0/8"), "an address of this host"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.0.0.0/24"), "an address of protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), "an address for documents"},
	{netip.MustParsePrefix("192.88.99.0/24"), "an address of relays"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("198.18.0.0/15"), "an address for measurements"},
	{netip.MustParsePrefix("198.51.100.0/24"), "an address for documents"},
	{netip.MustParsePrefix("203.0.113.0/24"), "an address for documents"},
	{netip.MustParsePrefix("224.0.0.0/4"), "an address of many hosts"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
	{netip.MustParsePrefix("::1/128"), "an address of this host"},
	{netip.MustParsePrefix("fc00::/7"), "a private address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("ff00::/8"), "an address of many hosts"},
	{netip.MustParsePrefix("2001::/23"), "an address of protocols"}, // Teredo among them
	{netip.MustParsePrefix("2001:db8::/32"), "an address for documents"},
	{netip.MustParsePrefix("2002::/16"), "an address wrapped in another"}, // 6to4, which is no more (RFC 7526)
	{netip.MustParsePrefix("3fff::/20"), "an address for documents"},
}

var (
	global6 = netip.MustParsePrefix("2000::/3")     // all that is given out of IPv6
	nat64   = netip.MustParsePrefix("64:ff9b::/96") // how IPv4 is reached where there is IPv6 only (RFC 6052)
)

// Inner says what keeps an address from being one of the internet; "" where
// it is one. What stands for an IPv4 address is judged as that.
func Inner(a netip.Addr) phrase.Form {
	if a.Zone() != "" {
		return "a link-local address"
	}
	a = a.Unmap()
	for _, s := range special {
		if s.network.Contains(a) {
			return s.what
		}
	}
	switch {
	case !a.IsValid():
		return "no address"
	case a.Is4():
		return ""
	case nat64.Contains(a):
		return Inner(inLast(a))
	case !global6.Contains(a):
		return "a reserved address"
	case isatap(a):
		return Inner(inLast(a))
	}
	return ""
}

// inLast returns the IPv4 address that the last four bytes of another are.
func inLast(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// isatap reports whether an interface is named by its IPv4 address (RFC 5214).
func isatap(a netip.Addr) bool {
	b := a.As16()
	return b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5E && b[11] == 0xFE
}
