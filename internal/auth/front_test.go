package auth_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"rapport/internal/auth"
	"rapport/records/access"
)

// asked is one request as a listener hands it over.
type asked struct {
	local, peer, host string
	header            map[string]string
	tls               bool
}

func (a asked) request() *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr, r.Host = a.peer, a.host
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	if a.tls {
		r.TLS = &tls.ConnectionState{}
	}
	addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(a.local))
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(addr)))
}

// TestOpen asks where nobody was set up to sign in.
func TestOpen(t *testing.T) {
	const us, peer = "127.0.0.1:8025", "127.0.0.1:5000"
	site, err := url.Parse("https://rapport.example.com")
	if err != nil {
		t.Fatal(err)
	}
	proxy := auth.Settings{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for _, tt := range []struct {
		name     string
		asked    asked
		settings auth.Settings
		status   int
		kind     access.Kind
	}{
		{"by name", asked{local: us, peer: peer, host: "localhost:8025"}, auth.Settings{}, 200, access.Open},
		{"by address", asked{local: us, peer: peer, host: "127.0.0.1:8025"}, auth.Settings{}, 200, access.Open},
		{"by a name below localhost", asked{local: us, peer: peer, host: "rapport.localhost"}, auth.Settings{}, 200, access.Open},
		{"IPv6", asked{local: "[::1]:8025", peer: "[::1]:5000", host: "[::1]:8025"}, auth.Settings{}, 200, access.Open},
		{"a foreign name that was pointed here", asked{local: us, peer: peer, host: "evil.example:8025"}, auth.Settings{}, 403, ""},
		{"a name that begins like ours", asked{local: us, peer: peer, host: "localhost.evil.example"}, auth.Settings{}, 403, ""},
		{"an address that begins like ours", asked{local: us, peer: peer, host: "127.0.0.1.evil.example"}, auth.Settings{}, 403, ""},
		{"no name", asked{local: us, peer: peer, host: ""}, auth.Settings{}, 403, ""},
		{"a forged chain", asked{local: us, peer: peer, host: "evil.example", header: map[string]string{"X-Forwarded-Host": "localhost"}}, auth.Settings{}, 403, ""},
		{"from the network, in the clear", asked{local: "192.0.2.1:8025", peer: "192.0.2.9:5000", host: "localhost"}, auth.Settings{}, 403, ""},
		{"from the network, over TLS", asked{local: "192.0.2.1:8025", peer: "192.0.2.9:5000", host: "localhost", tls: true}, auth.Settings{TLS: true}, 200, access.Nobody},
		{"where an address is configured", asked{local: us, peer: peer, host: "localhost"}, auth.Settings{URL: site}, 200, access.Nobody},
		{"where a proxy is configured", asked{local: us, peer: peer, host: "localhost"}, proxy, 200, access.Nobody},
		{"where TLS is configured", asked{local: us, peer: peer, host: "localhost", tls: true}, auth.Settings{TLS: true}, 200, access.Nobody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := auth.New(auth.Options{})
			s.Configure(tt.settings)
			kind := access.Kind("not asked")
			w := httptest.NewRecorder()
			s.Front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p, err := s.Identify(r)
				if err != nil {
					t.Errorf("Identify = %v", err)
				}
				kind = p.Kind
			})).ServeHTTP(w, tt.asked.request())
			if tt.status != 200 {
				tt.kind = "not asked"
			}
			if w.Code != tt.status || kind != tt.kind {
				t.Errorf("status %d, principal %q; want %d, %q", w.Code, kind, tt.status, tt.kind)
			}
		})
	}
}

// TestOrigin reads who a request comes from behind proxies, honest and not.
func TestOrigin(t *testing.T) {
	trusted := auth.Settings{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	https := map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "rapport.example.com"}
	with := func(chain string) map[string]string {
		return map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-For": chain}
	}
	for _, tt := range []struct {
		name         string
		peer         string
		header       map[string]string
		status       int
		remote, host string
	}{
		{"a trusted proxy", "10.1.2.3:1", with("198.51.100.7"), 200, "198.51.100.7:0", "here"},
		{"two of them", "10.1.2.3:1", with("198.51.100.7, 10.9.9.9"), 200, "198.51.100.7:0", "here"},
		{"a client that writes the chain itself", "10.1.2.3:1", with("127.0.0.1, 198.51.100.7"), 200, "198.51.100.7:0", "here"},
		{"IPv6 with a port", "10.1.2.3:1", with("[2001:db8::7]:443"), 200, "[2001:db8::7]:0", "here"},
		{"rubbish in the chain", "10.1.2.3:1", with("198.51.100.7, <script>"), 200, "10.1.2.3:0", "here"},
		{"the name people typed", "10.1.2.3:1", https, 200, "10.1.2.3:0", "rapport.example.com"},
		{"a proxy that says the client came in the clear", "10.1.2.3:1", map[string]string{"X-Forwarded-Proto": "http"}, 403, "", ""},
		{"a proxy that says nothing", "10.1.2.3:1", nil, 403, "", ""},
		{"somebody else who claims to be a proxy", "192.0.2.9:1", https, 403, "", ""},
		{"this computer, which claims to be somebody else", "127.0.0.1:1", with("198.51.100.7"), 200, "127.0.0.1:0", "here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := auth.New(auth.Options{})
			s.Configure(trusted)
			var remote, host string
			w := httptest.NewRecorder()
			s.Front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				remote, host = r.RemoteAddr, r.Host
				for name := range r.Header {
					t.Errorf("the header %s reaches the pages", name)
				}
			})).ServeHTTP(w, asked{local: "10.0.0.1:8025", peer: tt.peer, host: "here", header: tt.header}.request())
			if w.Code != tt.status || remote != tt.remote || host != tt.host {
				t.Errorf("status %d, from %q, to %q; want %d, %q, %q", w.Code, remote, host, tt.status, tt.remote, tt.host)
			}
		})
	}
}
