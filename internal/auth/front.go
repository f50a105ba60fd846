package auth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// origin is where a request comes from, as far as it can be believed.
type origin struct {
	address netip.Addr // of the client
	host    string     // what it calls us, port included
	secure  bool       // over TLS, up to us or to a proxy we trust
}

type originKey struct{}

// originOf returns what Front found out.
func originOf(r *http.Request) origin {
	o, _ := r.Context().Value(originKey{}).(origin)
	return o
}

// Front stands before everything the team's listener serves: it finds out
// where a request comes from and refuses what must not be answered at all.
// Headers about that are taken from trusted proxies only, and removed else.
func (s *Service) Front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o, err := s.settings.Load().origin(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), originKey{}, o))
		r.Host, r.RemoteAddr = o.host, netip.AddrPortFrom(o.address, 0).String()
		if s.open(r) && !loopbackHost(o.host) {
			http.Error(w, errRebound.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errRebound answers a page of another site that had its name point here.
var errRebound = errors.New("nobody has to sign in here, so only this computer's own names are answered to: use http://localhost or http://127.0.0.1, or set up sign-in")

var errClear = errors.New("sign-in needs an encrypted connection: set web.cert_file and web.key_file, or come by a proxy that web.trusted_proxies names and that sends X-Forwarded-Proto")

// origin reads where a request comes from.
func (s *Settings) origin(r *http.Request) (origin, error) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return origin{}, errors.New("the request comes from nowhere")
	}
	o := origin{address: peer.Addr().Unmap(), host: r.Host, secure: r.TLS != nil}
	if s.trusted(o.address) {
		o.forwarded(s, r.Header)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-Ip"} {
		r.Header.Del(name)
	}
	if !o.secure && !o.address.IsLoopback() {
		return o, errClear
	}
	return o, nil
}

func (s *Settings) trusted(a netip.Addr) bool {
	for _, p := range s.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// forwarded takes over what a trusted proxy says: the last address in the
// chain that is no trusted proxy itself, since clients write what they like
// before it.
func (o *origin) forwarded(s *Settings, h http.Header) {
	chain := strings.Split(strings.Join(h.Values("X-Forwarded-For"), ","), ",")
	for i := len(chain) - 1; i >= 0; i-- {
		a, ok := forwardedAddr(chain[i])
		if !ok {
			break
		}
		o.address = a
		if !s.trusted(a) {
			break
		}
	}
	if proto := h.Values("X-Forwarded-Proto"); len(proto) == 1 {
		o.secure = strings.EqualFold(strings.TrimSpace(proto[0]), "https")
	}
	if host := h.Values("X-Forwarded-Host"); len(host) == 1 && host[0] != "" && !strings.ContainsAny(host[0], ", /\\@") {
		o.host = host[0]
	}
}

// forwardedAddr reads one element of X-Forwarded-For, with a port or without.
func forwardedAddr(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap(), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap(), err == nil
}

// open reports whether a request needs no sign-in: it arrived on a loopback
// address, nobody has been set up to sign in, and nothing is configured that
// supposes it.
func (s *Service) open(r *http.Request) bool {
	if s.peopled.Load() || !s.settings.Load().mayBeOpen() {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.IsLoopback()
}

// loopbackHost reports whether a Host header names this computer in a way
// that no foreign name server can decide about.
func loopbackHost(hostPort string) bool {
	host := hostPort
	if h, _, err := net.SplitHostPort(hostPort); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
