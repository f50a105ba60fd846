package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"rapport/internal/auth"
	"rapport/internal/config"
	"rapport/records/access"
)

// tcpService is the team's listener, which a reload may move.
type tcpService struct {
	*system
	address string
	secure  certificate // the file in use; zero: no TLS
	l       net.Listener
	server  *server
}

// certificate names the files of one.
type certificate struct{ cert, key string }

func (t *tcpService) addr() string {
	if t.l == nil {
		return ""
	}
	return t.l.Addr().String()
}

// replace binds and serves at once.
func (t *tcpService) replace(cfg *config.Config) error {
	swap, err := t.prepare(cfg)
	if err != nil {
		return err
	}
	swap()
	return nil
}

// prepare binds what changed; swap serves it, stops the old one and puts what
// is configured of signing in in force.
func (t *tcpService) prepare(cfg *config.Config) (swap func(), err error) {
	address, secure := "", certificate{cfg.Web.CertFile, cfg.Web.KeyFile}
	if cfg.Web.Enabled() {
		address = cfg.Web.Listen
	}
	if address == t.address && secure == t.secure {
		return func() { t.auth.Configure(signIn(cfg, t.addr())) }, nil
	}
	var keeper *certKeeper
	if secure != (certificate{}) {
		if keeper, err = newCertKeeper(cfg.Web); err != nil {
			return nil, err
		}
	}
	l := t.l
	if address != t.address {
		if l, err = nil, nil; address != "" {
			l, err = listenTCP(address)
		}
		if err != nil {
			return nil, err
		}
	}
	return func() { t.swap(cfg, address, secure, l, keeper) }, nil
}

func (t *tcpService) swap(cfg *config.Config, address string, secure certificate, l net.Listener, keeper *certKeeper) {
	old, same := t.server, l != nil && l == t.l
	if same { // two cannot listen there: the old one goes first
		t.end(old)
		var err error
		if l, err = listenTCP(address); err != nil {
			t.log.Error("the team's listener is off", "err", err)
			address, l = "", nil
		}
	}
	t.address, t.secure, t.l, t.server = address, secure, l, nil
	t.auth.Configure(signIn(cfg, t.addr()))
	if l != nil {
		t.server = serveTLS(l, keeper.config(), t.site(), t.log)
	}
	if !same {
		t.end(old)
	}
}

func (t *tcpService) end(old *server) {
	if old == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := old.stop(ctx); err != nil {
		t.log.Warn("old listener not stopped cleanly", "err", err)
	}
}

func (t *tcpService) stop(ctx context.Context) error {
	if t.server == nil {
		return nil
	}
	return t.server.stop(ctx)
}

// signIn is the configured part of signing in.
func signIn(cfg *config.Config, address string) auth.Settings {
	w := cfg.Web
	out := auth.Settings{
		Listen: reachable(address), Proxies: w.Proxies(), TLS: w.CertFile != "", Team: cfg.Ours.Name,
		Spans: access.Spans{Idle: w.Sessions.Idle.Std(), Absolute: w.Sessions.Absolute.Std()},
	}
	if w.URL != "" {
		out.URL, _ = url.Parse(w.URL) // it was validated
	}
	if o := w.OIDC; o.Enabled() {
		out.OIDC = &auth.OIDC{
			Name: o.Name, Issuer: o.Issuer, ClientID: o.ClientID, Tenants: o.Tenants, Domains: o.Domains,
			Addresses: o.AllowedAddresses(), Administrators: o.AdministratorAddresses(),
			Role: access.Role(o.Role), Sees: access.Tier(o.Sees),
		}
		if secret := cfg.OIDCSecret(); !secret.IsZero() {
			out.OIDC.Secret = secret.Resolve
		}
	}
	return out
}

// reachable is an address for links: what listens everywhere has this
// computer's name.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return address
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return net.JoinHostPort(name, port)
}

// welcome says how the first people get in, where nobody can sign in yet.
func (d *daemonRun) welcome(ctx context.Context) error {
	if d.where.TCP == "" {
		return nil
	}
	link, err := d.auth.FirstLink(ctx)
	if err != nil {
		return fmt.Errorf("look who can sign in: %w", err)
	}
	ways, err := d.auth.Ways(ctx)
	if err != nil {
		return fmt.Errorf("look who can sign in: %w", err)
	}
	if ways.Open {
		d.log.Warn("nobody has to sign in: whoever uses this computer sees and may change everything", "listen", d.where.TCP)
	}
	if link != "" {
		d.log.Info("open this link to become the first administrator; it works once, for a day", "link", link)
	}
	return nil
}

// certLook is how often a changed certificate is looked for.
const certLook = 10 * time.Second

// certKeeper hands out the certificate, read again once its files have changed.
type certKeeper struct {
	web config.Web

	mu     sync.Mutex // guards what follows
	pair   *tls.Certificate
	looked time.Time
	seen   [2]passwordFile // as they were when read
}

func newCertKeeper(w config.Web) (*certKeeper, error) {
	k := &certKeeper{web: w}
	var err error
	if k.pair, err = w.Certificate(); err != nil {
		return nil, err
	}
	k.seen, k.looked = k.files(), time.Now()
	return k, nil
}

func (k *certKeeper) files() (out [2]passwordFile) {
	for i, name := range []string{k.web.CertFile, k.web.KeyFile} {
		if info, err := os.Stat(name); err == nil {
			out[i] = passwordFile{info.ModTime(), info.Size()}
		}
	}
	return out
}

// config is what the listener speaks TLS with, nil where it does not.
func (k *certKeeper) config() *tls.Config {
	if k == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.certificate(time.Now()), nil },
	}
}

// certificate returns the present one. Files that are changed and not yet
// whole leave the old one in use until the next look.
func (k *certKeeper) certificate(now time.Time) *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.looked) < certLook {
		return k.pair
	}
	k.looked = now
	if files := k.files(); files != k.seen {
		if pair, err := k.web.Certificate(); err == nil {
			k.pair, k.seen = pair, files
		}
	}
	return k.pair
}
