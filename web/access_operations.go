package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
)

func (s *Server) describeAccess(api huma.API) {
	const tag = "access"
	describe(s, api, operation{id: "show-self", pattern: "GET /me", tag: tag, need: access.Anyone,
		summary: "Show who asks, and what they may do"}, s.self)
	describe(s, api, operation{id: "list-ways", pattern: "GET /sign-in", tag: tag, need: access.Anyone,
		summary: "Show how people sign in here"}, func(ctx context.Context, _ *struct{}) (access.Ways, error) { return s.access.Ways(ctx) })
	describe(s, api, operation{id: "show-offer", pattern: "POST /sign-in/offer", tag: tag, need: access.Anyone,
		summary: "Show what an open one-time link offers"}, s.offer)
	s.describeUsers(api, tag)
	s.describeTokens(api, tag)
	s.describeAccount(api, tag)
}

func (s *Server) describeUsers(api huma.API, tag string) {
	describe(s, api, operation{id: "list-users", pattern: "GET /users", tag: tag, need: access.Manage,
		summary: "List the people who sign in"}, s.listUsers)
	describe(s, api, operation{id: "invite-user", pattern: "POST /users", tag: tag, secret: true, need: access.Manage,
		summary: "Invite somebody to sign in", detail: "The answer holds a one-time link for them. A user who is there already sets up anew with it how they sign in, e.g. after losing their phone; role and tier stay."}, s.inviteUser)
	describe(s, api, operation{id: "change-user", pattern: "PATCH /users/{who}", tag: tag, need: access.Manage,
		summary: "Change a user's name, role or tier", detail: "Another role or tier ends the user's sessions."}, s.changeUser)
	describe(s, api, operation{id: "remove-user", pattern: "DELETE /users/{who}", tag: tag, need: access.Manage,
		summary: "Remove a user with all sessions and tokens"}, s.removeUser)
	describe(s, api, operation{id: "list-user-sessions", pattern: "GET /users/{who}/sessions", tag: tag, need: access.Manage,
		summary: "List where a user is signed in"}, s.listUserSessions)
	describe(s, api, operation{id: "end-user-session", pattern: "DELETE /users/{who}/sessions/{id}", tag: tag, need: access.Manage,
		summary: "End a session of a user"}, s.endUserSession)
}

func (s *Server) describeTokens(api huma.API, tag string) {
	describe(s, api, operation{id: "list-tokens", pattern: "GET /tokens", tag: tag, need: access.Read,
		summary: "List one's own tokens; administrators see everybody's"}, s.listTokens)
	describe(s, api, operation{id: "create-token", pattern: "POST /tokens", tag: tag, secret: true, need: access.Read,
		summary: "Make a token for a program", detail: "It may do what its scope says, and never more than its user. Only administrators make tokens for others; tokens make none."}, s.createToken)
	describe(s, api, operation{id: "revoke-token", pattern: "DELETE /tokens/{id}", tag: tag, need: access.Read,
		summary: "Revoke a token of one's own; administrators revoke anybody's"}, s.revokeToken)
}

func (s *Server) describeAccount(api huma.API, tag string) {
	describe(s, api, operation{id: "list-sessions", pattern: "GET /me/sessions", tag: tag, need: access.Read,
		summary: "List where one is signed in"}, s.listOwnSessions)
	describe(s, api, operation{id: "end-session", pattern: "DELETE /me/sessions/{id}", tag: tag, need: access.Read,
		summary: "End a session of one's own"}, s.endOwnSession)
	describe(s, api, operation{id: "new-enrolment", pattern: "POST /me/enrolment", tag: tag, secret: true, need: access.Read,
		summary: "Offer a secret for an authenticator app; nothing is kept"}, s.newEnrolment)
	describe(s, api, operation{id: "set-password", pattern: "PUT /me/password", tag: tag, need: access.Read,
		summary: "Set one's own password", detail: "It ends all of one's sessions."}, s.setPassword)
	describe(s, api, operation{id: "set-app", pattern: "PUT /me/app", tag: tag, need: access.Read,
		summary: "Take another authenticator app", detail: "It ends all of one's sessions, and the recovery codes."}, s.setApp)
	describe(s, api, operation{id: "new-recovery-codes", pattern: "POST /me/recovery-codes", tag: tag, secret: true, need: access.Read,
		summary: "Make new recovery codes in place of earlier ones"}, s.newRecoveryCodes)
	describe(s, api, operation{id: "remove-passkey", pattern: "POST /me/passkeys/{id}/remove", tag: tag, need: access.Read,
		summary: "Remove a passkey of one's own", detail: "It ends all of one's sessions. Passkeys are added in a browser, on the account page."}, s.removePasskey)
}

func (s *Server) self(ctx context.Context, _ *struct{}) (Self, error) {
	p := principal(ctx)
	out := Self{Kind: p.Kind, Name: p.Name, Address: p.Address, Role: p.Role, Open: p.Kind == access.Open, Rights: []string{}, Passkeys: []Passkey{}}
	for _, need := range []access.Need{access.Manage, access.Write, access.Read} {
		if p.May(need) == nil {
			out.Rights = append(out.Rights, need.String())
		}
	}
	if p.Kind != access.User {
		return out, nil
	}
	u, err := s.access.User(ctx, p.ID)
	if err != nil {
		return out, err
	}
	c := &u.Credentials
	out.Password, out.App, out.Recovery = c.Password != "", len(c.TOTP) > 0, len(c.Recovery)
	for i := range c.Passkeys {
		k := &c.Passkeys[i]
		out.Passkeys = append(out.Passkeys, Passkey{ID: k.Ref(), Name: k.Name, Created: k.Created, Used: k.Used})
	}
	return out, nil
}

func (s *Server) offer(ctx context.Context, in *struct{ Body Link }) (access.Offer, error) {
	o, err := s.access.Offer(ctx, in.Body.Token)
	return o, refused(err)
}

func (s *Server) listUsers(ctx context.Context, _ *struct{}) (Page[User], error) {
	all, err := s.access.Users(ctx)
	page := Page[User]{Items: make([]User, 0, len(all))}
	for _, u := range all {
		page.Items = append(page.Items, s.userView(u))
	}
	return page, err
}

func (s *Server) inviteUser(ctx context.Context, in *struct{ Body Invite }) (Invited, error) {
	a := access.Account{Name: in.Body.Name, Address: contact.Address(in.Body.Address), Role: in.Body.Role, Sees: in.Body.Sees}
	if a.Role == "" {
		a.Role = access.Member
	}
	u, link, err := s.access.Invite(ctx, principal(ctx), a)
	return Invited{User: s.userView(u), Link: link}, refused(err)
}

// UserPath names a user in the path.
type UserPath struct {
	Who string `path:"who" doc:"id or address"`
}

func (s *Server) changeUser(ctx context.Context, in *struct {
	UserPath
	Body UserChange
}) (User, error) {
	u, err := s.access.ChangeUser(ctx, principal(ctx), in.Who, access.Change(in.Body))
	return s.userView(u), refused(err)
}

func (s *Server) removeUser(ctx context.Context, in *UserPath) (none struct{}, err error) {
	return none, refused(s.access.RemoveUser(ctx, principal(ctx), in.Who))
}

func (s *Server) listUserSessions(ctx context.Context, in *UserPath) (Page[Session], error) {
	return s.sessionsOf(ctx, in.Who)
}

func (s *Server) endUserSession(ctx context.Context, in *struct {
	UserPath
	ID string `path:"id"`
}) (none struct{}, err error) {
	return none, s.access.EndSession(ctx, principal(ctx), in.Who, in.ID)
}

func (s *Server) sessionsOf(ctx context.Context, user string) (Page[Session], error) {
	all, err := s.access.Sessions(ctx, user)
	page, now := Page[Session]{Items: make([]Session, 0, len(all))}, principal(ctx).Session
	for _, v := range all {
		page.Items = append(page.Items, Session{ID: v.ID, Current: v.ID == now, Created: v.Created, Used: v.Used, From: v.From, Agent: v.Agent, How: v.How})
	}
	return page, err
}

func (s *Server) listOwnSessions(ctx context.Context, _ *struct{}) (page Page[Session], err error) {
	p, err := signedIn(ctx)
	if err != nil {
		return page, err
	}
	return s.sessionsOf(ctx, p.ID)
}

func (s *Server) endOwnSession(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (none struct{}, err error) {
	p, err := signedIn(ctx)
	if err != nil {
		return none, err
	}
	return none, s.access.EndSession(ctx, p, p.ID, in.ID)
}

// tokensOf says whose tokens somebody manages: "" is everybody's.
func tokensOf(ctx context.Context) (user string, err error) {
	p := principal(ctx)
	if p.May(access.Manage) == nil {
		return "", nil
	}
	p, err = signedIn(ctx)
	return p.ID, err
}

func (s *Server) listTokens(ctx context.Context, _ *struct{}) (page Page[Token], err error) {
	user, err := tokensOf(ctx)
	if err != nil {
		return page, err
	}
	all, err := s.access.Tokens(ctx, user)
	if err != nil {
		return page, err
	}
	users, err := s.access.Users(ctx)
	page.Items = make([]Token, 0, len(all))
	for _, t := range all {
		i := slices.IndexFunc(users, func(u access.Account) bool { return u.ID == t.User })
		if i >= 0 { // or the user has just been removed
			page.Items = append(page.Items, s.tokenView(t, users[i].Address))
		}
	}
	return page, err
}

func (s *Server) createToken(ctx context.Context, in *struct{ Body NewToken }) (made TokenMade, err error) {
	p := principal(ctx)
	if p.Kind == access.Token {
		return made, &Problem{Status: http.StatusForbidden, Code: codeForbidden, Detail: "a token makes no tokens"}
	}
	own, err := tokensOf(ctx)
	if err != nil {
		return made, err
	}
	whose := in.Body.User
	switch {
	case whose == "" && p.Kind == access.User:
		whose = p.ID
	case whose == "":
		return made, invalid("whose token? Name a user; `rapport user list` shows them")
	}
	u, err := s.access.User(ctx, whose)
	if err != nil {
		return made, err
	}
	if own != "" && u.ID != own {
		return made, told(http.StatusForbidden, codeForbidden, "only administrators make tokens for others")
	}
	t := access.APIToken{Name: in.Body.Name, User: u.ID, Expires: in.Body.Expires, Scope: access.Read}
	if in.Body.Scope != "" {
		if t.Scope, err = access.ParseScope(in.Body.Scope); err != nil {
			return made, Invalid(err)
		}
	}
	t, secret, err := s.access.MakeToken(ctx, p, t)
	return TokenMade{Token: s.tokenView(t, u.Address), Secret: secret}, refused(err)
}

func (s *Server) revokeToken(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (none struct{}, err error) {
	user, err := tokensOf(ctx)
	if err != nil {
		return none, err
	}
	return none, s.access.EndToken(ctx, principal(ctx), user, in.ID)
}

func (s *Server) newEnrolment(ctx context.Context, _ *struct{}) (access.Enrolment, error) {
	p, err := signedIn(ctx)
	if err != nil {
		return access.Enrolment{}, err
	}
	return s.access.NewEnrolment(p)
}

func (s *Server) setPassword(ctx context.Context, in *struct{ Body PasswordChange }) (none struct{}, err error) {
	p, err := signedIn(ctx)
	if err != nil {
		return none, err
	}
	return none, refused(s.access.SetPassword(ctx, p, access.NewPassword{
		Proof: access.Proof{Password: in.Body.Present}, New: in.Body.New, Secret: in.Body.Secret, Code: in.Body.Code,
	}))
}

func (s *Server) setApp(ctx context.Context, in *struct{ Body AppChange }) (none struct{}, err error) {
	p, err := signedIn(ctx)
	if err != nil {
		return none, err
	}
	return none, refused(s.access.SetApp(ctx, p, access.Proof{Password: in.Body.Present}, in.Body.Secret, in.Body.Code))
}

func (s *Server) newRecoveryCodes(ctx context.Context, in *struct{ Body Proof }) (Codes, error) {
	p, err := signedIn(ctx)
	if err != nil {
		return Codes{}, err
	}
	codes, err := s.access.NewRecoveryCodes(ctx, p, access.Proof{Password: in.Body.Present})
	if err != nil {
		return Codes{}, refused(err)
	}
	return Codes{Codes: codes}, nil
}

func (s *Server) removePasskey(ctx context.Context, in *struct {
	ID   string `path:"id"`
	Body Proof
}) (none struct{}, err error) {
	p, err := signedIn(ctx)
	if err != nil {
		return none, err
	}
	return none, refused(s.access.RemovePasskey(ctx, p, access.Proof{Password: in.Body.Present}, in.ID))
}
