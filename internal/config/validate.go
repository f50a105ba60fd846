package config

import (
	"fmt"
	"net"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// config checks the whole configuration and brings names into normal form.
func (v *validator) config(c *Config) {
	v.dataDir(c.DataDir)
	v.team(&c.Ours)
	if len(c.Mailboxes) == 0 && !v.given("mailboxes[0]") && len(c.Groups) == 0 {
		v.warn("mailboxes", "there is none, so no mail is read", "add one: name, host, user and password_file")
	}
	names := map[string]string{}
	accounts := map[string]string{}
	for i := range c.Mailboxes {
		path := index("mailboxes", i)
		v.name(path, c.Mailboxes[i].Name, names)
		v.mailbox(path, &c.Mailboxes[i])
		v.sameAccount(path, &c.Mailboxes[i], accounts)
	}
	v.groups(c)
	names = map[string]string{}
	for i := range c.Senders {
		path := index("senders", i)
		v.name(path, c.Senders[i].Name, names)
		v.sender(path, &c.Senders[i])
		v.returns(c, path, c.Senders[i].Mailbox)
	}
	v.sales("sales", &c.Sales)
	v.sales("purchases", &c.Purchases)
	v.watched(c)
	v.policy(&c.Policy)
	v.addressList("log_address", c.LogAddress)
	v.backup(c)
	v.retention(&c.Retention)
	v.alerts(c)
	v.topics(c)
	v.hours(c)
	v.digest(c)
	v.web(&c.Web)
	v.webhooks(&c.Webhooks)
}

func (v *validator) dataDir(dir string) {
	if dir == "" {
		v.wrong("data_dir", "is empty", "name the directory of the store")
		return
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		v.wrong("data_dir", dir+" is not a directory", "name a directory; it is made if missing")
	}
}

func (v *validator) team(t *Ours) {
	if !v.given("team") {
		return // reported as missing
	}
	misread := v.bad["team.domains"] || v.bad["team.members"]
	if len(t.Domains) == 0 && len(t.Members) == 0 && !misread {
		v.wrong("team", "neither domains nor members are given", "without them nobody can tell who wrote to whom; name your mail domains")
	}
	for i := range t.Domains {
		path := index("team.domains", i)
		if !v.domain(path, &t.Domains[i]) {
			continue
		}
		if freemail[t.Domains[i]] {
			v.wrong(path, t.Domains[i]+" is used by many unrelated people", "list your own addresses under team.members instead")
		}
		v.repeated(path, t.Domains[:i], t.Domains[i])
	}
	owners := map[string]string{}
	for i := range t.Members {
		m, path := &t.Members[i], index("team.members", i)
		if strings.TrimSpace(m.Name) == "" && v.given(path+".name") {
			v.wrong(path+".name", "is empty", "")
		}
		if len(m.Addresses) == 0 && v.given(path+".addresses") && !v.given(path+".addresses[0]") {
			v.wrong(path+".addresses", "is empty", "give at least one address")
		}
		for j := range m.Addresses {
			at := index(path+".addresses", j)
			if !v.address(at, &m.Addresses[j]) {
				continue
			}
			if first, taken := owners[m.Addresses[j]]; taken {
				v.wrong(at, m.Addresses[j]+" is given twice", "it stands already at "+first)
			}
			owners[m.Addresses[j]] = at
		}
	}
}

func (v *validator) repeated(path string, before []string, this string) {
	if slices.Contains(before, this) {
		v.wrong(path, this+" is given twice", "keep one of the two")
	}
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// name checks a short name and that it is the only one of its kind. Names are
// compared without case, because they become file names and labels.
func (v *validator) name(path, name string, seen map[string]string) {
	if !v.given(path + ".name") {
		return
	}
	at := path + ".name"
	if !nameForm.MatchString(name) {
		v.wrong(at, fmt.Sprintf("%q is not a short name", name), "letters, digits, dot, hyphen and underscore, at most 64, beginning with a letter or digit")
		return
	}
	if first, taken := seen[strings.ToLower(name)]; taken {
		v.wrong(at, fmt.Sprintf("%q is given twice", name), "it names "+first+" already")
		return
	}
	seen[strings.ToLower(name)] = path
}

// preset is what a provider's name stands for.
type preset struct {
	host        string
	authserv    string
	connections int
	shared      int // connections of one sign-in, of all mailboxes together; people's own clients need some
	dailyMB     int
}

var presets = map[Provider]preset{
	IMAP:    {connections: 3, shared: 8},
	Gmail:   {host: "imap.gmail.com:993", authserv: "mx.google.com", connections: 4, shared: 10, dailyMB: 2500},
	Outlook: {host: "outlook.office365.com:993", authserv: "microsoft", connections: 4, shared: 12},
}

// SharedConnections returns how many connections all mailboxes that sign in
// as one may have together.
func (m Mailbox) SharedConnections() int { return presets[m.Provider].shared }

// DailyBytes returns how much may be read of the account in any 24 hours; 0
// means any amount.
func (m Mailbox) DailyBytes() int64 { return int64(m.DailyMB) * 1000 * 1000 }

func (v *validator) mailbox(path string, m *Mailbox) {
	p := presets[m.Provider]
	ours := m.Host == "" && p.host != ""
	if m.Host == "" {
		m.Host = p.host
	}
	if m.Connections == 0 {
		m.Connections = p.connections
	}
	if m.DailyMB == 0 {
		m.DailyMB = p.dailyMB
	}
	if m.AuthservID == "" {
		m.AuthservID = p.authserv
	}
	if m.Provider == Outlook && ours && !v.given(path+".oauth") {
		v.warn(path+".provider", "Microsoft 365 and Outlook.com accept no password over IMAP any more, so signing in will fail",
			"add oauth: {client_id: …}; `rapport auth guide` says where to get one")
	}
	if ours && m.TLS != TLSImplicit && v.given(path+".tls") {
		v.wrong(path+".tls", fmt.Sprintf("%s is reached with implicit TLS", m.Host), "remove the key")
	}
	v.account(path, &m.Account, map[TLSMode]string{TLSImplicit: "993", TLSStart: "143", TLSNone: "143"})
	v.signIn(path, &m.Account, m.Provider, true)
	v.ownPreset(path, m)
	v.since(path, m.Since)
	v.patterns(path+".folders.include", m.Folders.Include)
	v.patterns(path+".folders.exclude", m.Folders.Exclude)
	if m.Visibility == VisibleSubject || m.Visibility == VisibleMetadata {
		v.warn(path+".visibility", string(m.Visibility)+" acts where readers are identified; on the server's own command line only private hides",
			"choose private to hide this mailbox's mail there too")
	}
	if poll := m.Poll.Std(); v.given(path+".poll") && (poll < time.Minute || poll > 24*time.Hour) {
		v.wrong(path+".poll", m.Poll.String()+" is out of range", "from 1m to 24h")
	}
	if m.AuthservID != "" && strings.ContainsAny(m.AuthservID, " ;\"()") {
		v.wrong(path+".authserv_id", fmt.Sprintf("%q is not an authserv-id", m.AuthservID),
			"copy the first word of the Authentication-Results header of a mail you received")
	}
}

// ownPreset warns of a provider that is reached as if it were any server:
// its labels, limits and ways to sign in then stay unknown.
func (v *validator) ownPreset(path string, m *Mailbox) {
	for _, p := range []Provider{Gmail, Outlook} {
		if m.Provider == IMAP && m.Host == presets[p].host {
			v.warn(path+".host", m.Host+" needs more than plain IMAP", "write provider: "+string(p))
		}
	}
}

func (v *validator) since(path string, s Since) {
	if s.Date.After(time.Now()) {
		v.wrong(path+".since", s.Date.Format(time.DateOnly)+" lies in the future", sinceHint)
	}
}

// sameAccount warns of one account read twice: two sets of folders of one
// mailbox are a reason, a copied section is more likely.
func (v *validator) sameAccount(path string, m *Mailbox, seen map[string]string) {
	if m.Host == "" || m.User == "" {
		return
	}
	key := strings.ToLower(m.Host + " " + m.User)
	if first, taken := seen[key]; taken {
		v.warn(path+".user", fmt.Sprintf("%s at %s is read twice", m.User, m.Host), "it is also "+first)
		return
	}
	seen[key] = path
}

// account checks how a server is reached and completes the port.
func (v *validator) account(path string, a *Account, ports map[TLSMode]string) {
	if a.Host == "" {
		v.wrong(path+".host", "is missing", "HOST or HOST:PORT of the server")
	} else if host, ok := v.hostPort(path+".host", a.Host, ports[a.TLS]); ok {
		a.Host = host
		if name, _, _ := net.SplitHostPort(host); a.TLS == TLSNone && !loopback(name) {
			v.wrong(path+".tls", "none would send the password and all mail in the clear to "+name,
				"use implicit or starttls; none is for localhost, 127.0.0.1 and ::1 only")
		}
	}
	if a.CAFile != "" {
		if a.TLS == TLSNone {
			v.wrong(path+".ca_file", "has no effect with tls: none", "remove one of the two")
		} else if _, err := loadPool(a.CAFile); err != nil {
			p := asProblem(err)
			v.wrong(path+".ca_file", p.what, p.hint)
		}
	}
}

// hostPort checks HOST or HOST:PORT and returns the latter.
func (v *validator) hostPort(path, in, port string) (string, bool) {
	if strings.Contains(in, "://") {
		v.wrong(path, fmt.Sprintf("%q is a URL", in), "write HOST:PORT")
		return "", false
	}
	host := in
	if h, p, err := net.SplitHostPort(in); err == nil {
		host, port = h, p
	} else if ip := net.ParseIP(strings.Trim(in, "[]")); ip != nil {
		host = ip.String()
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		v.wrong(path, fmt.Sprintf("%q is not a port", port), "a number from 1 to 65535")
		return "", false
	}
	if net.ParseIP(host) == nil {
		ascii, err := domainForm(host)
		if err != nil {
			v.wrong(path, fmt.Sprintf("%q is not a host", host), "write HOST:PORT, for example imap.example.com:993")
			return "", false
		}
		host = ascii
	}
	return net.JoinHostPort(host, port), true
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// signIn checks user and password, or what is in its place. Where they are
// optional, having neither means not to sign in.
func (v *validator) signIn(path string, a *Account, p Provider, required bool) {
	var given []string
	for _, key := range []string{"oauth", "password_command", "password_env", "password_file"} {
		if v.given(path + "." + key) {
			given = append(given, key)
		}
	}
	if strings.TrimSpace(a.User) == "" && (required || len(given) > 0) {
		v.wrong(path+".user", "is missing", "the name of the account, often its address")
	}
	switch {
	case len(given) == 0 && (required || a.User != ""):
		v.wrong(path+".password_file", "no password is given", "add password_file, password_env or password_command")
	case len(given) > 1:
		v.wrong(path+"."+given[1], "a second password, beside "+given[0], "keep one of them")
	case v.given(path + ".oauth"):
		v.oauth(path+".oauth", a, p)
	}
	if a.Login != "" && a.User == "" {
		v.wrong(path+".login", "has no effect without user", "")
	}
	if a.PasswordFile == "" && v.given(path+".password_file") {
		v.wrong(path+".password_file", "is empty", "name the file")
	}
	if a.PasswordFile != "" {
		v.secretFile(path+".password_file", a.PasswordFile)
	}
	if a.PasswordEnv != "" || v.given(path+".password_env") {
		v.secretEnv(path+".password_env", a.PasswordEnv)
	}
}

func (v *validator) sender(path string, s *Sender) {
	v.account(path, &s.Account, map[TLSMode]string{TLSImplicit: "465", TLSStart: "587", TLSNone: "25"})
	v.signIn(path, &s.Account, "", false)
	if settle := s.Settle.Std(); v.given(path+".settle") && (settle < time.Second || settle > 24*time.Hour) {
		v.wrong(path+".settle", s.Settle.String()+" is out of range", "from 1s to 24h")
	}
	if !v.given(path + ".from") {
		return
	}
	from, err := mail.ParseAddress(s.From)
	if err != nil {
		v.wrong(path+".from", fmt.Sprintf("%q is not an address", s.From), `write ada@example.com or "Ada Byron <ada@example.com>"`)
		return
	}
	addr := from.Address
	v.address(path+".from", &addr)
	if at := strings.LastIndexByte(addr, '@'); at >= 0 {
		v.dkim(path+".dkim", s.DKIM, strings.ToLower(addr[at+1:]))
	}
}

// returns checks that the mailbox of a sender is one that is read.
func (v *validator) returns(c *Config, path, name string) {
	if name == "" || len(c.Groups) > 0 { // whose mailboxes are not known yet
		return
	}
	var names []string
	for _, m := range c.Mailboxes {
		names = append(names, m.Name)
	}
	if !slices.Contains(names, name) {
		v.wrong(path+".mailbox", fmt.Sprintf("no mailbox is called %q", name), "there is "+strings.Join(names, ", "))
	}
}

func (v *validator) patterns(path string, patterns []string) {
	for i, p := range patterns {
		if strings.TrimSpace(p) == "" {
			v.wrong(index(path, i), "is empty", "a folder's name, * standing for any run of characters")
		}
		v.repeated(index(path, i), patterns[:i], p)
	}
}

func (v *validator) policy(p *Policy) {
	for i := range p.Exclude {
		v.exclusion(index("policy.exclude", i), &p.Exclude[i])
	}
	for i := range p.Freemail {
		v.domain(index("policy.freemail", i), &p.Freemail[i])
	}
}

func (v *validator) exclusion(path string, e *Exclusion) {
	set := 0
	for _, key := range []string{"address", "domain", "pattern"} {
		if v.given(path + "." + key) {
			set++
		}
	}
	if set != 1 {
		v.wrong(path, "needs one of address, domain and pattern", "for example {domain: lawyer.example, mode: blocked}")
		return
	}
	if e.Address != "" {
		v.address(path+".address", &e.Address)
	}
	if e.Domain != "" {
		v.domain(path+".domain", &e.Domain)
	}
	if v.given(path + ".pattern") {
		e.Pattern = strings.ToLower(e.Pattern)
		switch {
		case strings.Trim(e.Pattern, "*@. ") == "":
			v.wrong(path+".pattern", fmt.Sprintf("%q excludes everybody", e.Pattern), "for example *@lists.example.com")
		case !strings.ContainsAny(e.Pattern, "*@"):
			v.wrong(path+".pattern", fmt.Sprintf("%q matches no address", e.Pattern), "the pattern is over the whole address, for example *@lists.example.com")
		}
	}
}

func (v *validator) alerts(c *Config) {
	a := &c.Alerts
	v.addressList("alerts.to", a.To)
	if len(a.To) == 0 {
		if a.Sender != "" {
			v.wrong("alerts.sender", "has no effect without alerts.to", "add to: [ADDRESS]")
		}
		if v.given("alerts.weekly") && a.Weekly {
			v.wrong("alerts.weekly", "has no effect without alerts.to", "add to: [ADDRESS]")
		}
		return
	}
	var names []string
	for _, s := range c.Senders {
		names = append(names, s.Name)
	}
	switch {
	case len(c.Senders) == 0:
		v.wrong("alerts.to", "there is no sender to take alerts", "add one under senders: name, host and from")
	case a.Sender == "" && len(c.Senders) > 1:
		v.wrong("alerts.sender", "several senders are configured", "name one: "+strings.Join(names, ", "))
	case a.Sender != "" && !slices.Contains(names, a.Sender):
		v.wrong("alerts.sender", fmt.Sprintf("no sender is called %q", a.Sender), "there is "+strings.Join(names, ", "))
	}
}
