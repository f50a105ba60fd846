package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"rapport/internal/config"
)

// guideText is what `rapport auth guide` prints, a template for each way to
// sign in. docs/gmail.md and its like tell the same at length.
//
//go:embed guide.txt
var guideText string

var guides = template.Must(template.New("guide").Parse(guideText))

// guided are the mailboxes and senders that share one way to sign in.
type guided struct {
	Names   []string // of mailboxes and senders
	Users   []string // their accounts
	Senders []string // those of the accounts by which mail is sent
	OAuth   config.OAuth
	Send    bool // one of them sends
	Read    bool // one of them is read
}

// Tenant is the directory as it is to be written in commands.
func (g guided) Tenant() string {
	if g.OAuth.Tenant == "" {
		return "TENANT"
	}
	return g.OAuth.Tenant
}

// guide says what to do for the mailboxes of a configuration, or for one. A
// configuration that is not there, or has no OAuth, gets every way.
func guide(cfg *config.Config, name string) (string, error) {
	groups, known := guidedOf(cfg, name)
	if name != "" && len(groups) == 0 && !known {
		return "", usage("the configuration has no mailbox or sender %q", name)
	}
	var b strings.Builder
	for _, g := range groups {
		kind := string(g.OAuth.Issuer) + " " + string(g.OAuth.Flow)
		if guides.Lookup(kind) == nil {
			kind = "other"
		}
		if err := guides.ExecuteTemplate(&b, kind, g); err != nil {
			return "", fmt.Errorf("write the guide: %w", err)
		}
	}
	if len(groups) == 0 {
		if err := guides.ExecuteTemplate(&b, "start", nil); err != nil {
			return "", fmt.Errorf("write the guide: %w", err)
		}
	}
	return strings.TrimLeft(b.String(), "\n"), nil
}

// guidedOf puts together who shares a way; known says that the name is one of
// the configuration.
func guidedOf(cfg *config.Config, name string) (out []guided, known bool) {
	if cfg == nil {
		return nil, false
	}
	add := func(n string, a config.Account, send bool) {
		known = known || n == name
		if !a.OAuth.Enabled() || name != "" && n != name {
			return
		}
		i := slices.IndexFunc(out, func(g guided) bool {
			return g.OAuth.Issuer == a.OAuth.Issuer && g.OAuth.Flow == a.OAuth.Flow && g.OAuth.ClientID == a.OAuth.ClientID
		})
		if i < 0 {
			out, i = append(out, guided{OAuth: a.OAuth}), len(out)
		}
		g := &out[i]
		g.Names = append(g.Names, n)
		if !slices.Contains(g.Users, a.User) {
			g.Users = append(g.Users, a.User)
		}
		if send && !slices.Contains(g.Senders, a.User) {
			g.Senders = append(g.Senders, a.User)
		}
		g.Send, g.Read = g.Send || send, g.Read || !send
	}
	for _, m := range cfg.Boxes() {
		add(m.Name, m.Account, false)
	}
	for _, c := range cfg.Senders {
		add(c.Name, c.Account, true)
	}
	return out, known
}
