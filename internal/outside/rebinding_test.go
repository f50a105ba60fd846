package outside_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"rapport/internal/outside"
)

// rebinding is a resolver that answers with one address first and with
// another from then on, as an attacker's does.
func rebinding(t *testing.T, first, then netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-ended })
	var asked atomic.Int32
	go func() {
		defer close(ended)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var q dnsmessage.Message
			if q.Unpack(buf[:n]) != nil || len(q.Questions) != 1 {
				continue
			}
			answer := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, RecursionAvailable: true}, Questions: q.Questions}
			if q.Questions[0].Type == dnsmessage.TypeA {
				a := then
				if asked.Add(1) == 1 {
					a = first
				}
				answer.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET},
					Body: &dnsmessage.AResource{A: a.As4()}}}
			}
			if raw, err := answer.Pack(); err == nil {
				_, _ = conn.WriteTo(raw, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// TestS6_NamesThatMove resolves a name to an address outside, and connects to
// it when it leads inside: the connection is refused all the same.
func TestS6_NamesThatMove(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	tries := 0
	for _, inside := range []string{"127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "0.0.0.0"} {
		d := &outside.Dialer{Resolver: rebinding(t, netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr(inside))}
		found, err := d.Resolver.LookupNetIP(t.Context(), "ip4", "moves.example")
		if err != nil || len(found) != 1 || d.May(found[0]) != nil {
			t.Fatalf("at first the name leads to %v, %v", found, err)
		}
		var refusal *outside.Refusal
		if c, err := d.DialContext(t.Context(), "tcp4", net.JoinHostPort("moves.example", port)); !errors.As(err, &refusal) || refusal.Address.String() != inside {
			t.Errorf("when it leads to %s: %v, %v", inside, c, err)
		}
		tries++
	}
	t.Attr("tries", strconv.Itoa(tries))
}
