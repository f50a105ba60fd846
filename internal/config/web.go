package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport/records/contact"
)

// Web is the team's listener: pages, API, /metrics and /healthz.
type Web struct {
	Listen         string   `yaml:"listen" default:"127.0.0.1:8025" doc:"Address of the pages, the API, /metrics and /healthz; off or an empty text disables it."`
	URL            string   `yaml:"url" doc:"Address people type, such as https://rapport.example.com; for links, passkeys and the way back from an issuer."`
	CertFile       string   `yaml:"cert_file" path:"file" doc:"PEM file of the certificate chain for TLS; read again when it changes."`
	KeyFile        string   `yaml:"key_file" path:"file" doc:"PEM file of the certificate's key, which others must not be able to read."`
	TrustedProxies List     `yaml:"trusted_proxies" doc:"Addresses or networks of reverse proxies whose X-Forwarded-For, -Proto and -Host are believed."`
	Languages      string   `yaml:"languages" path:"dir" doc:"Directory with further languages of the pages, one LANGUAGE.json each; read at start."`
	PublicListen   string   `yaml:"public_listen" doc:"Address of the pages behind the links of mails, which strangers must reach; with the certificate of the others, or behind a proxy."`
	PublicURL      string   `yaml:"public_url" doc:"Address of those pages in the links of mails, https:// and a host."`
	Sessions       Sessions `yaml:"sessions" doc:"How long people stay signed in."`
	OIDC           OIDC     `yaml:"oidc" doc:"Sign-in by OpenID Connect: Google, Microsoft or any issuer."`
}

// Sessions bound how long people stay signed in.
type Sessions struct {
	Idle     Duration `yaml:"idle" default:"14d" doc:"How long an unused session lasts."`
	Absolute Duration `yaml:"absolute" default:"90d" doc:"How long any session lasts."`
}

// OIDC is an issuer that signs people in.
type OIDC struct {
	Issuer           string     `yaml:"issuer" doc:"The issuer's address, such as https://accounts.google.com."`
	Name             string     `yaml:"name" doc:"What the button says; the issuer's own name where it is known, else its host."`
	ClientID         string     `yaml:"client_id" doc:"Name of this program at the issuer."`
	ClientSecretFile string     `yaml:"client_secret_file" path:"file" doc:"File with the secret of this program at the issuer, which others must not be able to read."`
	Tenants          List       `yaml:"tenants" doc:"Ids of the Microsoft directories that may sign in, where the issuer is common, organizations or consumers."`
	Domains          List       `yaml:"domains" doc:"Mail domains whose people may sign in without an invitation."`
	Allowed          List       `yaml:"allowed" doc:"Addresses that may sign in without an invitation."`
	Administrators   List       `yaml:"administrators" doc:"Addresses that may sign in without an invitation, as administrators."`
	Role             Role       `yaml:"role" default:"member" doc:"What whoever comes without an invitation may do."`
	Sees             Visibility `yaml:"sees" default:"full" doc:"How much of other people's mail whoever comes without an invitation sees at most."`
}

// Role is what a person who signs in may do.
type Role string

func (Role) choices() []string { return []string{"administrator", "member", "reader", "own"} }

// Enabled reports whether the listener is wanted.
func (w Web) Enabled() bool { return w.Listen != "" && w.Listen != "off" }

// Enabled reports whether an issuer signs people in.
func (o OIDC) Enabled() bool { return o.Issuer != "" }

// Proxies returns the trusted proxies as networks.
func (w Web) Proxies() (all []netip.Prefix) {
	for _, text := range w.TrustedProxies {
		if p, err := network(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// OIDCSecret returns where the issuer's secret lies, a zero Secret where there
// is none.
func (c *Config) OIDCSecret() Secret {
	if c.Web.OIDC.ClientSecretFile == "" {
		return Secret{}
	}
	return secretOf(&source{file: c.Web.OIDC.ClientSecretFile, dir: c.Dir()})
}

// AllowedAddresses and AdministratorAddresses return whom the issuer lets in
// without an invitation.
func (o OIDC) AllowedAddresses() []contact.Address { return addresses(o.Allowed) }

// AdministratorAddresses is AllowedAddresses of administrators.
func (o OIDC) AdministratorAddresses() []contact.Address { return addresses(o.Administrators) }

func network(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Unmap().Prefix(a.Unmap().BitLen())
}

func (v *validator) web(w *Web) {
	if w.Enabled() {
		v.listen(w)
	}
	v.webURL(w)
	v.public(w)
	v.certificate(w)
	if info, err := os.Stat(w.Languages); w.Languages != "" && (err != nil || !info.IsDir()) {
		v.wrong("web.languages", w.Languages+" is no directory", "make it, with a file such as fr.json in it")
	}
	for i, text := range w.TrustedProxies {
		if p, err := network(text); err != nil {
			v.wrong(index("web.trusted_proxies", i), fmt.Sprintf("%q is no address or network", text), "for example 10.0.0.5 or 10.0.0.0/24")
		} else if p.Bits() == 0 {
			v.wrong(index("web.trusted_proxies", i), text+" would believe everybody", "name the proxy's own address")
		}
	}
	idle, absolute := w.Sessions.Idle.Std(), w.Sessions.Absolute.Std()
	if idle < 5*time.Minute || idle > 366*24*time.Hour {
		v.wrong("web.sessions.idle", w.Sessions.Idle.String()+" is out of range", "from 5m to 366d")
	}
	if absolute < idle || absolute > 366*24*time.Hour {
		v.wrong("web.sessions.absolute", w.Sessions.Absolute.String()+" is out of range", "from sessions.idle to 366d")
	}
	v.oidc(w)
}

func (v *validator) listen(w *Web) {
	if host, ok := v.listening("web.listen", w.Listen, "127.0.0.1:8025, or off"); !ok || loopback(host) {
		return
	}
	if w.CertFile == "" && len(w.TrustedProxies) == 0 {
		v.wrong("web.listen", "whoever reaches "+w.Listen+" would sign in and read in the clear",
			"listen on 127.0.0.1, or set cert_file and key_file, or name the proxy with TLS in front of it in trusted_proxies")
		return
	}
	v.warn("web.listen", "whoever reaches "+w.Listen+" can read the metrics", "listen on 127.0.0.1, or restrict access with a firewall")
}

// listening checks what is listened on and returns its host.
func (v *validator) listening(path, address, example string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	n, errPort := strconv.Atoi(port)
	if err != nil || errPort != nil || n < 0 || n > 65535 {
		v.wrong(path, fmt.Sprintf("%q is not an address to listen on", address), "write HOST:PORT, for example "+example)
		return "", false
	}
	return host, true
}

// public checks the listener for strangers. Links of mails lead to it: it has
// an address of its own, with TLS in front of it.
func (v *validator) public(w *Web) {
	if w.PublicListen == "" && w.PublicURL == "" {
		return
	}
	switch {
	case w.PublicURL == "":
		v.wrong("web.public_listen", "has no effect without public_url", "add public_url: https://mail.example.com, the address that leads there")
	case w.PublicListen == "":
		v.wrong("web.public_url", "has no effect without public_listen", "add public_listen: 127.0.0.1:8026, and have a proxy lead there")
	case w.PublicListen == w.Listen && !strings.HasSuffix(w.Listen, ":0"):
		v.wrong("web.public_listen", "is the address of the team's own pages", "strangers need one of their own, such as 127.0.0.1:8026")
	}
	if w.PublicListen != "" {
		host, ok := v.listening("web.public_listen", w.PublicListen, "127.0.0.1:8026")
		if ok && !loopback(host) && w.CertFile == "" && len(w.TrustedProxies) == 0 {
			v.wrong("web.public_listen", "whoever reaches "+w.PublicListen+" would come in the clear",
				"listen on 127.0.0.1, or set cert_file and key_file, or name the proxy with TLS in front of it in trusted_proxies")
		}
	}
	if w.PublicURL == "" {
		return
	}
	u, err := url.Parse(w.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		v.wrong("web.public_url", fmt.Sprintf("%q is not https:// and a host", w.PublicURL), "mail programs unsubscribe over https only: https://mail.example.com")
		return
	}
	w.PublicURL = u.Scheme + "://" + strings.ToLower(u.Host)
}

func (v *validator) webURL(w *Web) {
	if w.URL == "" {
		return
	}
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		v.wrong("web.url", fmt.Sprintf("%q is no address people type", w.URL), "for example https://rapport.example.com")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		v.wrong("web.url", w.URL+" would have people sign in in the clear", "write https:// and set cert_file and key_file, or put a proxy with TLS in front")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		v.wrong("web.url", w.URL+" holds more than a scheme and a host", "Rapport has a host of its own: https://rapport.example.com")
	default:
		w.URL = u.Scheme + "://" + strings.ToLower(u.Host)
	}
}

func (v *validator) certificate(w *Web) {
	switch {
	case w.CertFile == "" && w.KeyFile == "":
		return
	case w.KeyFile == "":
		v.wrong("web.cert_file", "has no effect without key_file", "add key_file: FILE")
		return
	case w.CertFile == "":
		v.wrong("web.key_file", "has no effect without cert_file", "add cert_file: FILE")
		return
	}
	v.hiddenFile("web.key_file", w.KeyFile, keyHint)
	if v.known("web.key_file") {
		return
	}
	if _, err := w.Certificate(); err != nil {
		p := asProblem(err)
		v.wrong("web.cert_file", p.what, p.hint)
	}
}

// keyHint says what to do about a certificate's key that cannot be read.
func keyHint(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "it is another user's: have the renewal copy it to where the daemon's user can read it, with mode 0600"
	}
	return "it holds the certificate's key as PEM, with mode 0600"
}

// Certificate reads the certificate and its key anew.
func (w Web) Certificate() (*tls.Certificate, error) {
	const hint = "cert_file holds the certificate and those between it and the authority, key_file its key, both as PEM"
	pair, err := tls.LoadX509KeyPair(w.CertFile, w.KeyFile)
	if err != nil {
		return nil, &problem{"the certificate cannot be used: " + pathless(err).Error(), hint}
	}
	return &pair, nil
}

// microsoft is what Microsoft's issuers begin with; several tells which are
// those of more than one directory.
const microsoft = "https://login.microsoftonline.com/"

var several = []string{"common", "organizations", "consumers"}

func (v *validator) oidc(w *Web) {
	o := &w.OIDC
	if o.Issuer == "" {
		for _, f := range []string{"client_id", "client_secret_file", "domains", "allowed", "administrators", "tenants", "name"} {
			if v.given("web.oidc." + f) {
				v.wrong("web.oidc."+f, "has no effect without issuer", "add issuer: https://accounts.google.com, or another")
				return
			}
		}
		return
	}
	v.issuer(o)
	if o.ClientID == "" {
		v.wrong("web.oidc.client_id", "is missing", "the issuer gives it when this program is registered there")
	}
	if o.ClientSecretFile != "" {
		v.secretFile("web.oidc.client_secret_file", o.ClientSecretFile)
	}
	if w.URL == "" {
		v.wrong("web.url", "is missing", "the issuer sends people back to it; register URL/auth/oidc/callback there")
	}
	for i := range o.Domains {
		at := index("web.oidc.domains", i)
		if v.domain(at, &o.Domains[i]) && freemail[o.Domains[i]] {
			v.wrong(at, "anybody can have an address at "+o.Domains[i], "list your own addresses under allowed instead")
		}
	}
	v.addressList("web.oidc.allowed", o.Allowed)
	v.addressList("web.oidc.administrators", o.Administrators)
}

func (v *validator) issuer(o *OIDC) {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		v.wrong("web.oidc.issuer", fmt.Sprintf("%q is no issuer", o.Issuer), "an https address, such as https://accounts.google.com")
		return
	}
	tenant, isMicrosoft := strings.CutPrefix(o.Issuer, microsoft)
	tenant, _, _ = strings.Cut(tenant, "/")
	switch shared := isMicrosoft && slices.Contains(several, tenant); {
	case isMicrosoft && !strings.HasSuffix(o.Issuer, "/v2.0"):
		v.wrong("web.oidc.issuer", o.Issuer+" is not the present version of Microsoft's", "write "+microsoft+"TENANT-ID/v2.0")
	case shared && len(o.Tenants) == 0:
		v.wrong("web.oidc.tenants", "is missing: with "+tenant+" every directory there is would be asked", "list the ids of your own, or write the id in place of "+tenant)
	case !shared && len(o.Tenants) > 0:
		v.wrong("web.oidc.tenants", "has no effect with this issuer", "remove it")
	}
	if o.Name == "" {
		switch o.Name = u.Host; {
		case isMicrosoft:
			o.Name = "Microsoft"
		case o.Issuer == "https://accounts.google.com":
			o.Name = "Google"
		}
	}
}
