package mailsync

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"rapport/internal/mailtest"
)

// blackHole is a port of [::1] that swallows whoever knocks: its queue of
// connections is full and nobody takes any out.
func blackHole(t *testing.T) (port int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		t.Cleanup(func() { syscall.Close(fd) })
		if err = syscall.Bind(fd, &syscall.SockaddrInet6{Addr: [16]byte(net.IPv6loopback)}); err == nil {
			err = syscall.Listen(fd, 0)
		}
	}
	if err != nil {
		t.Skipf("this machine has no address ::1: %v", err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port = bound.(*syscall.SockaddrInet6).Port
	for swallowed := range 64 {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("[::1]:%d", port), 300*time.Millisecond)
		if err == nil {
			t.Cleanup(func() { conn.Close() })
		} else if swallowed > 4 { // and not just late on a busy machine
			return port
		}
	}
	t.Skip("the kernel takes connections nobody asked for; a black hole cannot be made here")
	return 0
}

// names is a resolver in memory: what it says for each kind of address.
func names(answer func(q dnsmessage.Question, b *dnsmessage.Builder) dnsmessage.RCode) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			for {
				query, err := nameQuery(server)
				if err != nil {
					return
				}
				if reply := nameReply(query, answer); reply != nil {
					server.Write(binary.BigEndian.AppendUint16(nil, uint16(len(reply))))
					server.Write(reply)
				}
			}
		}()
		return client, nil
	}}
}

func nameQuery(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, query)
	return query, err
}

func nameReply(query []byte, answer func(q dnsmessage.Question, b *dnsmessage.Builder) dnsmessage.RCode) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil || answer == nil {
		return nil
	}
	build := func(code dnsmessage.RCode) ([]byte, dnsmessage.RCode) {
		b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: h.ID, Response: true, RCode: code, RecursionAvailable: true})
		b.StartQuestions()
		b.Question(q)
		b.StartAnswers()
		code = answer(q, &b)
		out, _ := b.Finish()
		return out, code
	}
	out, code := build(dnsmessage.RCodeSuccess)
	if code != dnsmessage.RCodeSuccess {
		out, _ = build(code)
	}
	return out
}

// TestM14_NameServiceFails dials a name that cannot be resolved: it ends in
// time, in words, and the mailbox is found when the name service is back.
func TestM14_NameServiceFails(t *testing.T) {
	try := counted(t)
	// What the resolver keeps for the whole process must not be made in a bubble.
	nobody := func(dnsmessage.Question, *dnsmessage.Builder) dnsmessage.RCode { return dnsmessage.RCodeNameError }
	if _, err := names(nobody).LookupHost(t.Context(), "customer.example."); err == nil {
		t.Fatal("a name service that knows nobody found a name")
	}
	for name, tt := range map[string]struct {
		answer func(q dnsmessage.Question, b *dnsmessage.Builder) dnsmessage.RCode
		want   string
	}{
		"silent": {nil, "name service does not answer"},
		"server failure": {func(dnsmessage.Question, *dnsmessage.Builder) dnsmessage.RCode {
			return dnsmessage.RCodeServerFailure
		}, "name service does not answer"},
		"refused":      {func(dnsmessage.Question, *dnsmessage.Builder) dnsmessage.RCode { return dnsmessage.RCodeRefused }, "name service does not answer"},
		"no such name": {nobody, "no such host"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				try()
				start := time.Now()
				_, err := dialer(names(tt.answer)).DialContext(t.Context(), "tcp", "imap.customer.example:993")
				took := time.Since(start)
				if err == nil || took > 30*time.Second {
					t.Fatalf("dial returned %v after %s, want a fault within 30 s", err, took)
				}
				fault := dialFault("imap.customer.example:993", err)
				if kindOf(fault) != Lost || !strings.Contains(fault.Error(), tt.want) {
					t.Errorf("%v is shown as %q, want %q", err, fault, tt.want)
				}
			})
		})
	}
}

// TestM14_BlackHole has a host of two addresses, of which one swallows whoever
// knocks: the other is used long before the first would be given up; where both
// do, the dial ends.
func TestM14_BlackHole(t *testing.T) {
	try := counted(t)
	hole := blackHole(t)
	l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", hole))
	if err != nil {
		t.Skipf("the port of the black hole is taken on IPv4: %v", err)
	}
	f := inbox(3)
	s := &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{f}}
	served := make(chan struct{})
	go func() { defer close(served); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-served })
	both := names(func(q dnsmessage.Question, b *dnsmessage.Builder) dnsmessage.RCode {
		h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}
		switch q.Type {
		case dnsmessage.TypeA:
			b.AResource(h, dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}})
		case dnsmessage.TypeAAAA:
			b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: [16]byte(net.IPv6loopback)})
		}
		return dnsmessage.RCodeSuccess
	})
	sink := newSink()
	o := Options{Sink: sink, SpoolDir: t.TempDir(),
		Mailbox: Mailbox{Name: "ada", Host: fmt.Sprintf("localhost:%d", hole), TLS: TLSNone, User: "ada", Password: password("x")},
		Dial: func(ctx context.Context, _ string) (net.Conn, error) {
			return dialer(both).DialContext(ctx, "tcp", fmt.Sprintf("imap.customer.example:%d", hole))
		}}
	try()
	start := time.Now()
	if err := syncer(t, o).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 29*time.Second { // a busy machine may take many seconds
		t.Errorf("took %s, want the other address tried before the first is given up after 30 s", took)
	}
	allStored(t, sink, f)

	try()
	d := dialer(nil)
	if d.Timeout > 30*time.Second || d.Timeout <= 0 || d.FallbackDelay < 0 {
		t.Errorf("dials with a limit of %s, fallback after %s; want 30 s and a fallback", d.Timeout, d.FallbackDelay)
	}
	d.Timeout = time.Second // the limit at work, without waiting half a minute for it
	start = time.Now()
	_, err = d.DialContext(t.Context(), "tcp", fmt.Sprintf("[::1]:%d", hole))
	var late net.Error
	if took := time.Since(start); !errors.As(err, &late) || !late.Timeout() || took > 30*time.Second { // the kernel alone takes two minutes
		t.Errorf("dial into the black hole returned %v after %s", err, took)
	}
}
