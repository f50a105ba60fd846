package outside_test

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"testing"

	"rapport/internal/outside"
)

// inward are addresses that lead inside, in every form they can be wrapped in.
var inward = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8", "169.254.0.1",
	"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.7", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
	"198.51.100.1", "203.0.113.9", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255", "100.100.100.200", "192.0.0.192",
	"::", "::1", "::7f00:1", "::a00:1", "fc00::1", "fd00:ec2::254", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
	"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", // mapped, and translated
	"64:ff9b::127.0.0.1", "64:ff9b::10.1.1.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "64:ff9b:1:2::8.8.8.8", // NAT64
	"2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::", "2002:808:808::1", // 6to4
	"2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1", "8000::1",
	"2a00:1450:4001::5efe:10.0.0.1", "2a00:1450:4001::200:5efe:127.0.0.1", // ISATAP
	"2a00:1450::fe80:1%eth0",
}

var outward = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1", "169.253.255.255",
	"172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.1", "223.255.255.255",
	"2606:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001:81c::200e", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2a00:1450:4001::5efe:8.8.8.8",
}

// TestS6_AddressesAreJudged asks of every address that leads inside whether it
// is refused, before anything is sent to it.
func TestS6_AddressesAreJudged(t *testing.T) {
	tries := 0
	closed := outside.Dialer{}
	all := outside.Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	for _, text := range inward {
		var refusal *outside.Refusal
		if err := closed.May(netip.MustParseAddr(text)); !errors.As(err, &refusal) {
			t.Errorf("%s may be connected to: %v", text, err)
		}
		if _, err := closed.DialContext(t.Context(), "tcp", net.JoinHostPort(text, "9")); !errors.As(err, &refusal) {
			t.Errorf("connecting to %s: %v, want a refusal", text, err)
		}
		tries += 2
	}
	for _, text := range outward {
		if err := closed.May(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		tries++
	}
	for _, text := range []string{"169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"} {
		if err := all.May(netip.MustParseAddr(text)); err == nil {
			t.Errorf("%s hands out credentials and may be connected to", text)
		}
		tries++
	}
	if err := closed.May(netip.Addr{}); err == nil {
		t.Error("no address at all may be connected to")
	}
	t.Attr("tries", strconv.Itoa(tries+1))
}

// TestAllowed connects to this host where that is allowed, and asks what is
// refused besides.
func TestAllowed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	allowed := outside.Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Outer: func(netip.Addr) error { return errors.New("no") }}
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "localhost"} {
		c, err := allowed.DialContext(t.Context(), "tcp4", net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("connecting to %s where it is allowed: %v", host, err)
			continue
		}
		c.Close()
	}
	if err := allowed.May(netip.MustParseAddr("8.8.8.8")); err == nil || err.Error() != "no" {
		t.Errorf("what is refused besides: %v", err)
	}
	var refusal *outside.Refusal
	if c, err := (&outside.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort("localhost", port)); !errors.As(err, &refusal) {
		t.Errorf("connecting to a name of this host: %v, %v", c, err)
	}
	if _, err := allowed.DialContext(t.Context(), "unix", t.TempDir()); err == nil {
		t.Error("a socket may be connected to")
	}
}
