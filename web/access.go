package web

import (
	"context"
	"net/http"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
)

// Access is who may sign in, and how; internal/auth implements it. Errors are
// the store's sentinels or plain sentences fit to show.
type Access interface {
	Ways(context.Context) (access.Ways, error)
	// Offer says what an open one-time link offers, and uses nothing up.
	Offer(ctx context.Context, link string) (access.Offer, error)

	Users(context.Context) ([]access.Account, error)
	// User finds a user by id or address.
	User(ctx context.Context, who string) (access.Account, error)
	// Invite adds a user, or lets one set up anew how they sign in; link works once.
	Invite(ctx context.Context, by access.Principal, a access.Account) (user access.Account, link string, err error)
	ChangeUser(ctx context.Context, by access.Principal, who string, c access.Change) (access.Account, error)
	RemoveUser(ctx context.Context, by access.Principal, who string) error

	Sessions(ctx context.Context, user string) ([]access.Session, error)
	EndSession(ctx context.Context, by access.Principal, user, id string) error
	// Tokens lists those of a user, "" of everybody.
	Tokens(ctx context.Context, user string) ([]access.APIToken, error)
	// MakeToken makes a token; secret is known here and now only.
	MakeToken(ctx context.Context, by access.Principal, t access.APIToken) (made access.APIToken, secret string, err error)
	// EndToken revokes a token of a user by its id, "" of anybody.
	EndToken(ctx context.Context, by access.Principal, user, id string) error

	NewEnrolment(by access.Principal) (access.Enrolment, error)
	SetPassword(ctx context.Context, by access.Principal, n access.NewPassword) error
	SetApp(ctx context.Context, by access.Principal, p access.Proof, secret, code string) error
	NewRecoveryCodes(ctx context.Context, by access.Principal, p access.Proof) ([]string, error)
	RemovePasskey(ctx context.Context, by access.Principal, p access.Proof, id string) error
}

// User is a person who signs in, or is invited to.
type User struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Address  contact.Address `json:"address"`
	Role     access.Role     `json:"role" enum:"administrator,member,reader,own"`
	Sees     access.Tier     `json:"sees" doc:"at most this much of other people's mail" enum:"full,subject,metadata,private"`
	Ways     []string        `json:"ways" doc:"how they can sign in: password, passkey, openid; none yet where they are invited"`
	Created  time.Time       `json:"created"`
	SignedIn time.Time       `json:"signed_in,omitzero" doc:"the last time"`
	Invited  time.Time       `json:"invited_until,omitzero" doc:"an open one-time link works until then"`
}

// Session is a browser somebody is signed in with.
type Session struct {
	ID      string    `json:"id"`
	Current bool      `json:"current" doc:"it is the one that asks"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used" doc:"at most a few minutes behind"`
	From    string    `json:"from" doc:"network address"`
	Agent   string    `json:"agent" doc:"what the browser says of itself"`
	How     string    `json:"how" enum:"password,passkey,openid"`
}

// Token is what lets a program in, without its secret.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	User    string    `json:"user" doc:"address of whose rights it has at most"`
	Scope   string    `json:"scope" enum:"read,write,manage"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero" doc:"absent: never"`
	Expired bool      `json:"expired"`
	Used    time.Time `json:"used,omitzero"`
	From    string    `json:"from,omitempty" doc:"network address it was last used from"`
}

// Passkey is one of a user's passkeys.
type Passkey struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used,omitzero"`
}

// Self is whoever asks.
type Self struct {
	Kind     access.Kind     `json:"kind" doc:"how: local, open, user or token; empty: nobody" enum:",local,open,user,token"`
	Name     string          `json:"name,omitempty"`
	Address  contact.Address `json:"address,omitempty"`
	Role     access.Role     `json:"role,omitempty" enum:"administrator,member,reader,own"`
	Rights   []string        `json:"rights" doc:"of manage, write and read, what is allowed"`
	Open     bool            `json:"open" doc:"nobody has been set up to sign in: whoever uses this computer sees and may change everything"`
	Password bool            `json:"password" doc:"there is a password, and changes of how one signs in need it"`
	App      bool            `json:"app" doc:"there is an authenticator app"`
	Recovery int             `json:"recovery" doc:"recovery codes left"`
	Passkeys []Passkey       `json:"passkeys"`
}

// Invite says who is to sign in, as what.
type Invite struct {
	Address string      `json:"address" minLength:"3" maxLength:"320"`
	Name    string      `json:"name,omitempty" maxLength:"200"`
	Role    access.Role `json:"role,omitempty" enum:"administrator,member,reader,own" doc:"member where it is not given"`
	Sees    access.Tier `json:"sees,omitempty" enum:"full,subject,metadata,private"`
}

// Invited is a user and the link to send them. It works once, for a day, and
// is shown here only.
type Invited struct {
	User User   `json:"user"`
	Link string `json:"link"`
}

// UserChange changes what is given.
type UserChange struct {
	Name *string      `json:"name,omitempty" maxLength:"200"`
	Role *access.Role `json:"role,omitempty" enum:"administrator,member,reader,own"`
	Sees *access.Tier `json:"sees,omitempty" enum:"full,subject,metadata,private"`
}

// NewToken says what a token is to be good for.
type NewToken struct {
	Name    string    `json:"name" minLength:"1" maxLength:"200"`
	Scope   string    `json:"scope,omitempty" enum:"read,write,manage" doc:"read where it is not given; write includes it, and manage both"`
	User    string    `json:"user,omitempty" maxLength:"320" doc:"address of whose rights it has at most; whoever asks where it is not given"`
	Expires time.Time `json:"expires,omitzero"`
}

// TokenMade is a new token. Its secret is shown here only.
type TokenMade struct {
	Token  Token  `json:"token"`
	Secret string `json:"secret" doc:"send it as Authorization: Bearer"`
}

// Account changes; see access.Proof.
type (
	// PasswordChange sets a password.
	PasswordChange struct {
		Present string `json:"present,omitempty" maxLength:"1024" doc:"the present password, where there is one"`
		New     string `json:"new" maxLength:"1024"`
		Secret  string `json:"secret,omitempty" maxLength:"100" doc:"of an authenticator app, where there is none yet; see new-enrolment"`
		Code    string `json:"code,omitempty" maxLength:"20" doc:"which the app shows for the secret now"`
	}
	// AppChange sets an authenticator app.
	AppChange struct {
		Present string `json:"present,omitempty" maxLength:"1024" doc:"the present password, where there is one"`
		Secret  string `json:"secret" maxLength:"100" doc:"see new-enrolment"`
		Code    string `json:"code" maxLength:"20" doc:"which the app shows for the secret now"`
	}
	// Proof is shown where how one signs in changes.
	Proof struct {
		Present string `json:"present,omitempty" maxLength:"1024" doc:"the present password, where there is one"`
	}
	// Codes are recovery codes, shown here only. Each works once in place of
	// an app's code.
	Codes struct {
		Codes []string `json:"codes"`
	}
	// Link is a one-time link's secret part.
	Link struct {
		Token string `json:"token" minLength:"1" maxLength:"200"`
	}
)

func (s *Server) userView(u access.Account) User {
	v := User{ID: u.ID, Name: u.Name, Address: u.Address, Role: u.Role, Sees: u.Sees, Created: u.Created, SignedIn: u.SignedIn, Ways: []string{}}
	if v.Sees == "" {
		v.Sees = access.Full
	}
	c := &u.Credentials
	for way, has := range map[string]bool{"openid": len(c.Linked) > 0, "passkey": len(c.Passkeys) > 0, "password": c.Password != ""} {
		if has {
			v.Ways = append(v.Ways, way)
		}
	}
	if u.Invitation.Open(s.now()) {
		v.Invited = u.Invitation.Expires
	}
	return v
}

func (s *Server) tokenView(t access.APIToken, owner contact.Address) Token {
	return Token{ID: t.ID, Name: t.Name, User: string(owner), Scope: t.Scope.String(), Created: t.Created,
		Expires: t.Expires, Expired: !t.Live(s.now()), Used: t.Used, From: t.From}
}

// signedIn returns whoever asks in a browser's session: what is about one's
// own account is neither a program's matter nor anybody else's.
func signedIn(ctx context.Context) (access.Principal, error) {
	p := principal(ctx)
	switch p.Kind {
	case access.User:
		return p, nil
	case access.Nobody:
		return p, forbidden(p, access.Read)
	}
	return p, &Problem{Status: http.StatusForbidden, Code: codeForbidden, Detail: "this is for people who are signed in in a browser"}
}
