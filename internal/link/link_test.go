package link_test

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"rapport/internal/link"
)

// echo answers every line with itself, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

func line(t *testing.T, toxics ...link.Toxic) net.Conn {
	t.Helper()
	l, err := link.New(echo(t), toxics...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestLinkRoundTrip(t *testing.T) {
	t.Parallel()
	c := line(t, link.RoundTrip(60*time.Millisecond)...)
	began := time.Now()
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || answer != "hello\n" {
		t.Fatalf("answer %q, %v", answer, err)
	}
	if took := time.Since(began); took < 60*time.Millisecond {
		t.Errorf("a round trip took %v, want at least 60ms", took)
	}
}

func TestLinkCutsAtTheByte(t *testing.T) {
	t.Parallel()
	c := line(t, link.CutAfter(7))
	if _, err := io.WriteString(c, "0123456789"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "0123456" {
		t.Errorf("read %q, %v; want the first 7 bytes and the end", got, err)
	}
}

func TestLinkSilence(t *testing.T) {
	t.Parallel()
	c := line(t, link.Silence())
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v; want none and no end", n, err)
	}
}
