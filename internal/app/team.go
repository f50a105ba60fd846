package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"rapport/internal/auth"
	"rapport/internal/config"
	"rapport/records/access"
)

// tcpService is a listener that a reload may move.
type tcpService struct {
	listenerKind
	faults  *faults
	log     *slog.Logger
	address string
	secure  certificate // the file in use; zero: no TLS
	keeper  *certKeeper // of the certificate in use; nil: no TLS
	l       net.Listener
	server  *server
}

// listenerKind is what makes one listener differ from another.
type listenerKind struct {
	key     string                                   // in the configuration
	address func(config.Web) string                  // "": there is none
	site    func() http.Handler                      // of everything it serves
	changed func(cfg *config.Config, boundTo string) // what is configured is in force now
}

// teamListener is the one for the team, which signs in.
func (s *system) teamListener() listenerKind {
	return listenerKind{
		key: "web.listen", site: s.site,
		address: func(w config.Web) string {
			if !w.Enabled() {
				return ""
			}
			return w.Listen
		},
		changed: func(cfg *config.Config, boundTo string) { s.auth.Configure(signIn(cfg, boundTo)) },
	}
}

// publicListener is the one for strangers, who open the links of mails.
func publicListener(pages http.Handler) listenerKind {
	return listenerKind{
		key: "web.public_listen", site: func() http.Handler { return brisk(pages) },
		address: func(w config.Web) string { return w.PublicListen },
		changed: func(*config.Config, string) {},
	}
}

// certificate names the files of one.
type certificate struct{ cert, key string }

func (t *tcpService) addr() string {
	if t.l == nil {
		return ""
	}
	return t.l.Addr().String()
}

func (s *system) tcp(kind listenerKind) *tcpService {
	return &tcpService{listenerKind: kind, faults: s.faults, log: s.log}
}

// replace binds and serves at once.
func (t *tcpService) replace(cfg *config.Config) error {
	swap, _, err := t.prepare(cfg)
	if err != nil {
		return err
	}
	swap()
	return nil
}

// prepare does what can fail: it binds what changed and reads the certificate;
// swap serves it, stops the old one and puts what is configured of it in force.
func (t *tcpService) prepare(cfg *config.Config) (swap, undo func(), err error) {
	address, secure := t.listenerKind.address(cfg.Web), certificate{cfg.Web.CertFile, cfg.Web.KeyFile}
	if address == t.address && secure == t.secure {
		return func() {
			t.keeper.look()
			t.changed(cfg, t.addr())
		}, func() {}, nil
	}
	var keeper *certKeeper
	if secure != (certificate{}) {
		if keeper, err = newCertKeeper(cfg.Web, t.faults); err != nil {
			return nil, nil, err
		}
	}
	l, err := t.listen(address)
	if err != nil {
		return nil, nil, err
	}
	undo = func() {
		if l != nil {
			l.Close()
		}
	}
	return func() { t.swap(cfg, address, secure, l, keeper) }, undo, nil
}

// listen binds an address; nil where there is none. Where something else than
// the address changed, it is the socket that is bound already, so that nobody
// finds the door closed while TLS comes or goes.
func (t *tcpService) listen(address string) (net.Listener, error) {
	switch {
	case address == "":
		return nil, nil
	case address == t.address && t.l != nil:
		return again(t.l)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (%s; another daemon may have it)", address, err, t.key)
	}
	return l, nil
}

// again is a second listener on the same socket.
func again(l net.Listener) (net.Listener, error) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("listen once more on %s: it is no TCP listener", l.Addr())
	}
	f, err := tcp.File()
	if err != nil {
		return nil, fmt.Errorf("listen once more on %s: %w", l.Addr(), err)
	}
	defer f.Close() // the listener has one of its own
	second, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("listen once more on %s: %w", l.Addr(), err)
	}
	return second, nil
}

func (t *tcpService) swap(cfg *config.Config, address string, secure certificate, l net.Listener, keeper *certKeeper) {
	old := t.server
	t.address, t.secure, t.keeper, t.l, t.server = address, secure, keeper, l, nil
	t.changed(cfg, t.addr())
	if l != nil {
		t.server = serveTLS(l, keeper.config(), t.site(), t.log)
	}
	t.end(old)
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
