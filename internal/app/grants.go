package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport/internal/config"
	"rapport/internal/oauth"
	"rapport/mailsync"
	"rapport/records/phrase"
	"rapport/store"
	"rapport/web"
)

// stateGrant is where the store keeps sealed sign-ins to mailboxes, by the
// source's id.
const stateGrant = "oauth "

// grantVault keeps sealed sign-ins in the store.
type grantVault struct{ store store.Store }

// Load implements oauth.Vault.
func (v grantVault) Load(ctx context.Context, id string) (sealed []byte, err error) {
	err = v.store.View(ctx, func(tx store.Tx) (err error) {
		sealed, err = tx.State().Get(stateGrant + id)
		return err
	})
	return sealed, err
}

// Save implements oauth.Vault.
func (v grantVault) Save(ctx context.Context, id string, sealed []byte) error {
	return v.store.Update(ctx, func(tx store.Tx) error { return tx.State().Put(stateGrant+id, sealed) })
}

// newKeeper makes who keeps the access tokens.
func (s *system) newKeeper() *oauth.Keeper {
	return oauth.New(oauth.Options{
		Vault: grantVault{s.store}, Key: s.key, Now: s.now, Log: s.log.With("component", "oauth"),
		Changed: func(src *oauth.Source) { s.signedIn(src) },
	})
}

// grantUser is a mailbox or sender that signs in with access tokens.
type grantUser struct {
	name    string
	sender  bool
	account config.Account
}

func (g grantUser) object() string {
	if g.sender {
		return "sender " + g.name
	}
	return "mailbox " + g.name
}

// grantUsers lists them in the order of the configuration.
func grantUsers(cfg *config.Config) (out []grantUser) {
	for _, m := range cfg.Boxes() {
		if m.OAuth.Enabled() {
			out = append(out, grantUser{name: m.Name, account: m.Account})
		}
	}
	for _, c := range cfg.Senders {
		if c.OAuth.Enabled() {
			out = append(out, grantUser{name: c.Name, sender: true, account: c.Account})
		}
	}
	return out
}

// source returns where the tokens of a mailbox or sender come from.
func (s *system) source(cfg *config.Config, g grantUser) *oauth.Source {
	o, a := g.account.OAuth, g.account
	c := oauth.Client{
		Name: g.name, Issuer: oauth.Issuer(o.Issuer), Method: oauth.Method(o.Flow), ClientID: o.ClientID, Tenant: o.Tenant,
		Subject: a.User, Scopes: o.Scopes, AuthURL: o.AuthURL, TokenURL: o.TokenURL, DeviceURL: o.DeviceURL,
	}
	if a.Login != "" && o.ByHand() { // who signs in; app and service account act for the mailbox itself
		c.Subject = a.Login
	}
	if scopes := oauth.Scopes(c.Issuer, c.Method, !g.sender, g.sender); scopes != nil {
		c.Scopes = scopes
	}
	if secret := cfg.ClientSecret(o); !secret.IsZero() {
		c.Secret = secret.Resolve
	}
	if file := o.KeyFile(); file != "" {
		c.Key = func(ctx context.Context) ([]byte, error) { return config.ReadPrivate(ctx, file) }
	}
	return s.keeper.Use(c)
}

// tokens returns how a mailbox or sender gets its token, in the words of the
// engines: what a person must mend is final.
func (s *system) tokens(src *oauth.Source, login string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		token, err := src.Token(ctx)
		var f *oauth.Fault
		switch {
		case err == nil || !errors.As(err, &f):
			return token, err
		case f.Final:
			return "", &mailsync.AuthError{Login: login, Server: f.Text, Fix: f.Fix, Final: true}
		}
		return "", &mailsync.Fault{Kind: mailsync.Throttled, Wait: f.Wait, Fix: f.Fix,
			Text: phrase.New("no access token for {login}: {why}", "login", login, "why", f.Text)}
	}
}

// useGrants makes the sources of a configuration known, all users of each, so
// that a sign-in covers them together, and forgets the others.
func (s *system) useGrants(cfg *config.Config) {
	var inUse []*oauth.Source
	for _, g := range grantUsers(cfg) {
		inUse = append(inUse, s.source(cfg, g))
	}
	s.keeper.Retire(inUse)
}

// signedIn lets the mailboxes of a source try again.
func (s *system) signedIn(src *oauth.Source) {
	cfg := s.config()
	boxes, _ := s.fleet.all()
	for _, b := range boxes {
		if b.cfg.OAuth.Enabled() && s.source(cfg, grantUser{name: b.cfg.Name, account: b.cfg.Account}) == src {
			b.retry()
		}
	}
}

// grantMended reports whether a mailbox that was stopped at a time is worth
// another try: somebody signed in since, or an hour has passed.
func (s *system) grantMended(cfg config.Mailbox, since time.Time) bool {
	if !cfg.OAuth.Enabled() {
		return false
	}
	return s.source(s.config(), grantUser{name: cfg.Name, account: cfg.Account}).Mended(since)
}

// announceSecret is how long before a secret or certificate ends people hear.
const announceSecret = 30 * 24 * time.Hour

// secretEnds says when what proves this program at the issuer ends; zero where
// that is not known.
func secretEnds(ctx context.Context, o config.OAuth) time.Time {
	if o.CertificateFile == "" {
		if o.Expires.IsZero() {
			return time.Time{}
		}
		return o.Expires.Time
	}
	raw, err := config.ReadPrivate(ctx, o.CertificateFile)
	if err != nil {
		return time.Time{}
	}
	pair, err := oauth.ReadCertificate(raw)
	if err != nil {
		return time.Time{}
	}
	return certificateEnd(pair.Leaf)
}

func certificateEnd(c *x509.Certificate) time.Time {
	if c == nil {
		return time.Time{}
	}
	return c.NotAfter
}

// secretTroubles announces secrets and certificates that will soon end, once
// for all who use one.
func (s *system) secretTroubles() (out []trouble) {
	cfg, now := s.config(), s.now()
	seen := map[string]bool{}
	for _, g := range grantUsers(cfg) {
		o := g.account.OAuth
		what, file := "client secret", o.ClientSecretFile
		if o.CertificateFile != "" {
			what, file = "certificate", o.CertificateFile
		}
		if file == "" || seen[file] {
			continue
		}
		seen[file] = true
		t := trouble{Object: what + " of " + o.ClientID, state: well}
		if ends := secretEnds(context.Background(), o); !ends.IsZero() && now.After(ends.Add(-announceSecret)) {
			t.state, t.Urgent, t.Since = wrong, true, ends.Add(-announceSecret)
			t.Text = endsText(what, file, ends, now)
		}
		out = append(out, t)
	}
	return out
}

// endsText says when a secret ends and what to do; the same all the time, or
// it would be told again.
func endsText(what, file string, ends, now time.Time) string {
	verb := "ends"
	if now.After(ends) {
		verb = "ended"
	}
	fix := "make a new one at Entra admin centre > App registrations > the app > Certificates & secrets, put it into " + file
	if what == "client secret" {
		fix += " and its end into oauth.client_secret_expires"
	}
	return fmt.Sprintf("the %s %s on %s; mailboxes that use it cannot be read from then on – %s", what, verb, ends.UTC().Format(time.DateOnly), fix)
}

// Grants implements web.Grants.
func (s *system) Grants(ctx context.Context) ([]web.Grant, error) {
	cfg := s.config()
	out := []web.Grant{}
	for _, g := range grantUsers(cfg) {
		src := s.source(cfg, g)
		st, err := src.State(ctx)
		if err != nil {
			return nil, err
		}
		o := g.account.OAuth
		w := web.Grant{
			Object: g.object(), Name: g.name, User: g.account.User, Issuer: string(o.Issuer), Flow: string(o.Flow), Account: st.Account,
			SignedIn: st.SignedIn, Renewed: st.Renewed, Expires: st.Expires, SecretEnds: secretEnds(ctx, o), State: web.GrantGood,
		}
		switch {
		case st.Fault != nil && st.Fault.Final:
			w.State = web.GrantStopped
		case st.Fault != nil:
			w.State, w.Again = web.GrantWaiting, st.Again
		case len(st.Lacks) > 0:
			w.State = web.GrantStopped
			w.ErrorSaid = phrase.New("the sign-in does not cover what is needed: {scopes}", "scopes", strings.Join(st.Lacks, ", ")).Map(escape)
			w.FixSaid = phrase.New("run: rapport auth login {name}", "name", g.name)
		case st.Renewed.IsZero():
			w.State = web.GrantUnused
		}
		if st.Fault != nil {
			w.ErrorSaid, w.FixSaid = st.Fault.Text.Map(escape), st.Fault.Fix.Map(escape)
		}
		w.Error, w.Fix = escape(w.ErrorSaid.String()), escape(w.FixSaid.String())
		var failed error
		if w.Pending, failed = s.signIns.of(src); failed != nil && !errors.Is(failed, context.Canceled) {
			w.FailedSaid = phrase.Of(failed).Map(escape)
			w.Failed = escape(w.FailedSaid.String())
		}
		out = append(out, w)
	}
	return out, nil
}

// grantNamed finds a mailbox or sender with access tokens by its name.
func (s *system) grantNamed(name string) (*config.Config, grantUser, error) {
	cfg := s.config()
	users := grantUsers(cfg)
	i := slices.IndexFunc(users, func(g grantUser) bool { return g.name == name })
	if i >= 0 {
		return cfg, users[i], nil
	}
	var names []string
	for _, g := range users {
		names = append(names, g.name)
	}
	for _, m := range cfg.Boxes() {
		if m.Name == name {
			return nil, grantUser{}, web.Invalid(fmt.Errorf("sign in to %s: it has a password and no oauth in the configuration; `rapport auth guide %s` says how to change that", name, name))
		}
	}
	if len(names) == 0 {
		return nil, grantUser{}, web.Invalid(fmt.Errorf("sign in to %q: no mailbox or sender has oauth in the configuration; `rapport auth guide` says how to add it", name))
	}
	return nil, grantUser{}, web.Invalid(fmt.Errorf("sign in to %q: the configuration has none of that name with oauth; there are %s", name, strings.Join(names, ", ")))
}

// signedInByHand is grantNamed for those that a person signs in for.
func (s *system) signedInByHand(name string) (*config.Config, grantUser, error) {
	cfg, g, err := s.grantNamed(name)
	if err == nil && !g.account.OAuth.ByHand() {
		err = web.Invalid(fmt.Errorf("sign in to %s: with flow: %s nobody has to, the program itself does; `rapport doctor` tries it", name, g.account.OAuth.Flow))
	}
	return cfg, g, err
}

// SignIn implements web.Grants.
func (s *system) SignIn(ctx context.Context, name, flow string, tell func(web.GrantStep)) (web.Grant, error) {
	cfg, g, err := s.signedInByHand(name)
	if err != nil {
		return web.Grant{}, err
	}
	s.useGrants(cfg) // all who share it ask for their scopes
	err = s.source(cfg, g).SignIn(ctx, oauth.Method(flow), func(p oauth.Prompt) {
		tell(web.GrantStep{Open: p.Open, Code: p.Code, Redirect: p.Redirect, Until: p.Until})
	})
	var f *oauth.Fault
	if errors.As(err, &f) {
		return web.Grant{}, web.Invalid(fmt.Errorf("sign in to %s: %w", name, err))
	}
	if err != nil {
		return web.Grant{}, fmt.Errorf("sign in to %s: %w", name, err)
	}
	made, err := s.grantOf(ctx, name)
	if err != nil {
		return web.Grant{}, err
	}
	if err := s.noteSignIn(ctx, "mailbox.sign-in", name, made.Account); err != nil {
		return web.Grant{}, err
	}
	made.Findings = s.tryGrant(ctx, g)
	return made, nil
}

// grantOf is how the mailbox or sender of a name gets its tokens.
func (s *system) grantOf(ctx context.Context, name string) (web.Grant, error) {
	all, err := s.Grants(ctx)
	if err != nil {
		return web.Grant{}, err
	}
	i := slices.IndexFunc(all, func(w web.Grant) bool { return w.Name == name })
	if i < 0 {
		return web.Grant{}, fmt.Errorf("sign in to %s: the configuration changed meanwhile", name)
	}
	return all[i], nil
}

// tryGrant tries what a sign-in is for.
func (s *system) tryGrant(ctx context.Context, g grantUser) []web.Finding {
	if g.sender {
		return nil
	}
	boxes, err := s.fleet.all(g.name)
	if err != nil || len(boxes) == 0 {
		return nil
	}
	return s.checkBox(ctx, boxes[0])
}

// AnswerSignIn implements web.Grants.
func (s *system) AnswerSignIn(_ context.Context, address string) error {
	if err := s.keeper.Answer(address); err != nil {
		return web.Invalid(err)
	}
	return nil
}

// EndGrant implements web.Grants.
func (s *system) EndGrant(ctx context.Context, name string) error {
	cfg, g, err := s.grantNamed(name)
	if err != nil {
		return err
	}
	if !g.account.OAuth.ByHand() {
		return web.Invalid(fmt.Errorf("forget the sign-in of %s: with flow: %s there is none; remove the app's permission at the issuer instead", name, g.account.OAuth.Flow))
	}
	src := s.source(cfg, g)
	s.signIns.forget(src)
	if err := errors.Join(src.Forget(ctx), s.noteSignIn(ctx, "mailbox.sign-out", name, "")); err != nil {
		return err
	}
	boxes, err := s.fleet.all()
	for _, b := range boxes {
		if b.cfg.OAuth.Enabled() && s.source(cfg, grantUser{name: b.cfg.Name, account: b.cfg.Account}) == src {
			b.restart() // its sessions end with the sign-in
		}
	}
	return err
}

// checkBox says of each step to a mailbox how it went; where it has access
// tokens, from the issuer on.
func (s *system) checkBox(ctx context.Context, b *box) []web.Finding {
	if !b.cfg.OAuth.Enabled() {
		return checkMailbox(ctx, b)
	}
	object, o := "mailbox "+b.cfg.Name, b.cfg.OAuth
	token, err := s.source(s.config(), grantUser{name: b.cfg.Name, account: b.cfg.Account}).Token(ctx)
	if err != nil {
		var f *oauth.Fault
		if errors.As(err, &f) {
			return []web.Finding{{Object: object, What: escape("access token: " + f.Text.String()), Fix: escape(f.Fix.String())}}
		}
		return []web.Finding{finding(object, "", fmt.Errorf("access token: %w", err))}
	}
	out := []web.Finding{{Object: object, OK: true, What: "access token: the issuer gives one"}}
	claims, readable := oauth.ReadClaims(token)
	if o.Issuer == config.IssuerMicrosoft && o.Flow == config.FlowApp && readable {
		if !slices.Contains(claims.Roles, roleIMAP) {
			return append(out, web.Finding{Object: object, What: "permission: the token does not carry " + roleIMAP,
				Fix: "Entra admin centre > App registrations > the app > API permissions > Add > APIs my organization uses > Office 365 Exchange Online > Application permissions > " + roleIMAP + ", then Grant admin consent"})
		}
		out = append(out, web.Finding{Object: object, OK: true, What: "permission: the token carries " + roleIMAP})
	}
	found := checkMailbox(ctx, b)
	for i := range found {
		if !found[i].OK && o.Flow == config.FlowApp {
			found[i].Fix = appFix(b.cfg, found[i])
		}
	}
	return append(out, found...)
}

// roleIMAP is what lets an app read mailboxes over IMAP.
const roleIMAP = "IMAP.AccessAsApp"

// appFix says which step in Exchange is missing where an app has its token and
// the mailbox does not open.
func appFix(m config.Mailbox, f web.Finding) string {
	low := strings.ToLower(f.What)
	switch {
	case strings.Contains(low, "not connected"):
		return fmt.Sprintf("the app has no right on this mailbox: Add-MailboxPermission -Identity %s -User APP -AccessRights FullAccess; `rapport auth guide %s` prints the line whole", m.User, m.Name)
	case strings.Contains(low, "refused") || strings.Contains(low, "authenticate"):
		return fmt.Sprintf("Exchange does not know the app, the app has no right on this mailbox, or IMAP is off for it: `rapport auth guide %s` prints the PowerShell lines; they may take an hour to hold", m.Name)
	}
	return f.Fix
}
