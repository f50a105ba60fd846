package pages

import (
	"net/url"
	"strings"
	"time"

	"rapport/records/access"
	"rapport/web"
)

// accessRoutes are signing in, one's own account, users and tokens. What signs
// in and out itself stands below /auth/ and is none of the pages': their forms
// lead there.
func (p *Pages) accessRoutes() []route {
	return []route{
		{pattern: "GET /sign-in", need: access.Anyone, serve: signIn},
		{pattern: "GET /setup", need: access.Anyone, serve: setup},
		{pattern: "POST /setup/first", need: access.Manage, serve: setupFirst},
		{pattern: "GET /account", need: access.Read, serve: account},
		{pattern: "POST /account/password", need: access.Read, serve: accountPassword},
		{pattern: "POST /account/app", need: access.Read, serve: accountApp},
		{pattern: "POST /account/codes", need: access.Read, serve: accountCodes},
		{pattern: "POST /account/passkeys/{id}/remove", need: access.Read, serve: accountPasskey},
		{pattern: "POST /account/sessions/{id}/end", need: access.Read, serve: accountSession},
		{pattern: "GET /settings/users", need: access.Manage, serve: users},
		{pattern: "POST /settings/users", need: access.Manage, serve: usersInvite},
		{pattern: "POST /settings/users/{id}", need: access.Manage, serve: usersChange},
		{pattern: "POST /settings/users/{id}/remove", need: access.Manage, serve: usersRemove},
		{pattern: "GET /settings/tokens", need: access.Read, serve: tokens},
		{pattern: "POST /settings/tokens", need: access.Read, serve: tokensCreate},
		{pattern: "POST /settings/tokens/{id}/revoke", need: access.Read, serve: tokensRevoke},
	}
}

// faults are what can go wrong at a door of /auth/, by its code there.
var faults = map[string]bool{
	"wrong": true, "many": true, "expired": true, "absent": true, "code": true, "busy": true, "weak": true, "repeat": true, "name": true, "other": true,
}

// Fault is the sentence about what went wrong on the way here; "" where nothing did.
func (v *visit) Fault() string {
	code := v.Query("fault")
	switch {
	case code == "":
		return ""
	case !faults[code]:
		code = "other"
	}
	return v.T("access.fault." + code)
}

// entryWays is the page to sign in.
type entryWays struct {
	access.Ways
	Next string
}

func signIn(v *visit) error {
	next := local(v.Query("next"))
	if v.Who.Kind != access.Nobody {
		return v.redirect(next)
	}
	ways, err := v.client().Ways(v.ctx())
	if err != nil {
		return err
	}
	return v.show("sign-in", "access.sign_in", entryWays{ways, next})
}

// offered is the page of a one-time link.
type offered struct {
	access.Offer
	Token  string
	Issuer string
	Name   string // as typed before
	Mail   string
}

// OIDC is where the link's holder sets up by the issuer.
func (o offered) OIDC() string { return "/auth/oidc?" + url.Values{"token": {o.Token}}.Encode() }

func setup(v *visit) error {
	token := v.Query("token")
	if token == "" {
		if v.Open() {
			return v.show("setup-first", "access.first", nil)
		}
		return v.redirect("/account")
	}
	o, err := v.client().Offer(v.ctx(), token)
	if err != nil {
		return v.show("setup-closed", "access.closed", nil)
	}
	ways, err := v.client().Ways(v.ctx())
	if err != nil {
		return err
	}
	out := offered{Offer: o, Token: token, Issuer: ways.Issuer, Name: o.Name, Mail: string(o.Address)}
	if name := v.Query("name"); name != "" {
		out.Name = name
	}
	if o.First && v.Query("address") != "" {
		out.Mail = v.Query("address")
	}
	return v.show("setup", "access.setup", out)
}

// setupFirst makes the one-time link of the first administrator, where nobody
// has to sign in yet, and follows it.
func setupFirst(v *visit) error {
	i, err := v.client().InviteUser(v.ctx(), web.Invite{Address: v.form("address"), Name: v.form("name"), Role: access.Administrator})
	if err != nil {
		return err
	}
	return v.redirect("/setup?" + linkQuery(i.Link))
}

// linkQuery is the query of a one-time link, whatever address it begins with.
func linkQuery(link string) string {
	_, query, _ := strings.Cut(link, "?")
	return query
}

// own is the page of one's own account.
type own struct {
	web.Self
	Sessions  []web.Session
	Enrolment access.Enrolment
	Codes     []string // new ones, shown once
}

func account(v *visit) error { return v.account(nil) }

func (v *visit) account(codes []string) error {
	self, err := v.client().Self(v.ctx())
	if err != nil {
		return err
	}
	out := own{Self: self, Codes: codes}
	if v.SignedIn() {
		page, err := v.client().Sessions(v.ctx())
		if err != nil {
			return err
		}
		out.Sessions = page.Items
		if out.Enrolment, err = v.client().NewEnrolment(v.ctx()); err != nil {
			return err
		}
	}
	return v.show("account", "settings.account", out)
}

// refusedHere tells on the page what the API refused, and why.
func (v *visit) refusedHere(to string, err error) error {
	if p := known(err); p.Status == 422 || p.Status == 400 {
		return v.notDone(to, "access.refused", "why", p.Detail)
	}
	return err
}

func accountPassword(v *visit) error {
	in := web.PasswordChange{Present: v.r.PostFormValue("present"), New: v.r.PostFormValue("new"), Secret: v.form("secret"), Code: v.form("code")}
	if v.r.PostForm.Has("repeat") && v.r.PostFormValue("repeat") != in.New {
		return v.notDone("/account", "access.fault.repeat")
	}
	if err := v.client().SetPassword(v.ctx(), in); err != nil {
		return v.refusedHere("/account", err)
	}
	return v.done("/sign-in", "", "access.again")
}

func accountApp(v *visit) error {
	in := web.AppChange{Present: v.r.PostFormValue("present"), Secret: v.form("secret"), Code: v.form("code")}
	if err := v.client().SetApp(v.ctx(), in); err != nil {
		return v.refusedHere("/account", err)
	}
	return v.done("/sign-in", "", "access.again")
}

func accountCodes(v *visit) error {
	made, err := v.client().NewRecoveryCodes(v.ctx(), v.r.PostFormValue("present"))
	if err != nil {
		return v.refusedHere("/account", err)
	}
	return v.account(made.Codes)
}

func accountPasskey(v *visit) error {
	if err := v.client().RemovePasskey(v.ctx(), v.r.PathValue("id"), v.r.PostFormValue("present")); err != nil {
		return v.refusedHere("/account", err)
	}
	return v.done("/sign-in", "", "access.again")
}

func accountSession(v *visit) error {
	if err := v.client().EndSession(v.ctx(), v.r.PathValue("id")); err != nil {
		return err
	}
	return v.done("/account", "", "access.session_ended")
}

// userList is the page of who signs in.
type userList struct {
	Users   []web.User
	Roles   []access.Role
	Tiers   []access.Tier
	Invited *web.Invited // whose link is shown, once
}

func users(v *visit) error { return v.users(nil) }

func (v *visit) users(invited *web.Invited) error {
	page, err := v.client().Users(v.ctx())
	if err != nil {
		return err
	}
	return v.show("users", "settings.users", userList{
		Users: page.Items, Roles: access.Roles(), Tiers: access.Tiers(), Invited: invited,
	})
}

func usersInvite(v *visit) error {
	made, err := v.client().InviteUser(v.ctx(), web.Invite{
		Address: v.form("address"), Name: v.form("name"), Role: access.Role(v.form("role")), Sees: access.Tier(v.form("sees")),
	})
	if err != nil {
		return v.refusedHere("/settings/users", err)
	}
	return v.users(&made)
}

func usersChange(v *visit) error {
	role, sees := access.Role(v.form("role")), access.Tier(v.form("sees"))
	if _, err := v.client().ChangeUser(v.ctx(), v.r.PathValue("id"), web.UserChange{Role: &role, Sees: &sees}); err != nil {
		return v.refusedHere("/settings/users", err)
	}
	return v.done("/settings/users", "", "access.user_changed")
}

func usersRemove(v *visit) error {
	if v.form("sure") == "" {
		return v.notDone("/settings/users", "access.sure")
	}
	if err := v.client().RemoveUser(v.ctx(), v.r.PathValue("id")); err != nil {
		return v.refusedHere("/settings/users", err)
	}
	return v.done("/settings/users", "", "access.user_removed")
}

// tokenList is the page of programs that may ask the API.
type tokenList struct {
	Tokens []web.Token
	Users  []web.User     // whose tokens an administrator may make; else none
	Made   *web.TokenMade // whose secret is shown, once
}

func tokens(v *visit) error { return v.tokens(nil) }

func (v *visit) tokens(made *web.TokenMade) error {
	page, err := v.client().Tokens(v.ctx())
	if err != nil {
		return err
	}
	out := tokenList{Tokens: page.Items, Made: made}
	if v.MayManage() {
		all, err := v.client().Users(v.ctx())
		if err != nil {
			return err
		}
		out.Users = all.Items
	}
	return v.show("tokens", "settings.tokens", out)
}

// lasting are the days a token may be given.
var lasting = map[string]int{"30": 30, "90": 90, "365": 365}

func tokensCreate(v *visit) error {
	in := web.NewToken{Name: v.form("name"), Scope: v.form("scope"), User: v.form("user")}
	if days := lasting[v.form("days")]; days > 0 {
		in.Expires = v.Now.Add(time.Duration(days) * 24 * time.Hour)
	}
	made, err := v.client().CreateToken(v.ctx(), in)
	if err != nil {
		return v.refusedHere("/settings/tokens", err)
	}
	return v.tokens(&made)
}

func tokensRevoke(v *visit) error {
	if err := v.client().RevokeToken(v.ctx(), v.r.PathValue("id")); err != nil {
		return err
	}
	return v.done("/settings/tokens", "", "access.token_revoked")
}
