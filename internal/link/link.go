// Package link is a TCP line with the faults of a real one, for tests and
// measurements. It stands apart from mailtest, which is part of the demo, so that
// the program does not carry it.
package link

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Link is a TCP connection between a client and a server with the faults of a
// real line: it listens on loopback and passes every byte on, late, slowly, in
// pieces or not at all, as its toxics say.
type Link struct {
	Addr   string // host:port to connect to
	to     string
	server *toxiproxy.ApiServer
	proxy  *toxiproxy.Proxy
}

// Toxic is one fault of a Link, in one direction.
type Toxic struct {
	Kind       string           `json:"type"`
	Stream     string           `json:"stream"` // downstream: from the server; upstream: to it
	Attributes map[string]int64 `json:"attributes"`
}

// New starts a line to the server at addr (host:port). Toxics hold for
// every connection, each counted for itself.
func New(addr string, toxics ...Toxic) (*Link, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l := &Link{Addr: "127.0.0.1:0", server: server, to: addr}
	return l, l.open(toxics)
}

func (l *Link) open(toxics []Toxic) error {
	l.proxy = toxiproxy.NewProxy(l.server, "link", l.Addr, l.to)
	for _, toxic := range toxics {
		b, err := json.Marshal(toxic)
		if err != nil {
			return fmt.Errorf("write toxic %s: %w", toxic.Kind, err)
		}
		if _, err := l.proxy.Toxics.AddToxicJson(bytes.NewReader(b)); err != nil {
			return fmt.Errorf("add toxic %s: %w", toxic.Kind, err)
		}
	}
	if err := l.proxy.Start(); err != nil {
		return fmt.Errorf("start line to %s: %w", l.to, err)
	}
	l.Addr = l.proxy.Listen
	return nil
}

// Change cuts all connections and gives those that come other toxics.
func (l *Link) Change(toxics ...Toxic) error {
	l.proxy.Stop()
	return l.open(toxics)
}

// Close cuts all connections and listens no more.
func (l *Link) Close() { l.proxy.Stop() }

// RoundTrip is a line on which a question and its answer take so long together,
// whatever they hold; rounded to 2 ms.
func RoundTrip(d time.Duration) []Toxic {
	half := map[string]int64{"latency": (d / 2).Milliseconds()}
	return []Toxic{{"latency", "upstream", half}, {"latency", "downstream", half}}
}

// Bandwidth lets so many bytes a second pass from the server.
func Bandwidth(bytesPerSecond int64) Toxic {
	return Toxic{"bandwidth", "downstream", map[string]int64{"rate": max(bytesPerSecond/1024, 1)}} // KiB/s
}

// CutAfter closes a connection after so many bytes from the server.
func CutAfter(bytes int64) Toxic {
	return Toxic{"limit_data", "downstream", map[string]int64{"bytes": bytes}}
}

// Slices hands on what the server sends in pieces of a size, each so much later
// than the one before.
func Slices(size int64, delay time.Duration) Toxic {
	return Toxic{"slicer", "downstream", map[string]int64{"average_size": size, "delay": delay.Microseconds()}}
}

// Silence passes nothing from the server and closes nothing, as a firewall that
// forgot the connection.
func Silence() Toxic { return Toxic{"timeout", "downstream", map[string]int64{"timeout": 0}} }

// ResetAfter ends a connection with a TCP reset after a while; 0: at once.
func ResetAfter(d time.Duration) Toxic {
	return Toxic{"reset_peer", "downstream", map[string]int64{"timeout": d.Milliseconds()}}
}
