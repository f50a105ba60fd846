package web

import (
	"context"
	"net/http"

	"rapport/records/access"
)

// Self shows who asks.
func (c *Client) Self(ctx context.Context) (Self, error) {
	return call[Self](ctx, c, http.MethodGet, "/me", nil, nil)
}

// Ways shows how people sign in.
func (c *Client) Ways(ctx context.Context) (access.Ways, error) {
	return call[access.Ways](ctx, c, http.MethodGet, "/sign-in", nil, nil)
}

// Offer shows what an open one-time link offers.
func (c *Client) Offer(ctx context.Context, token string) (access.Offer, error) {
	return call[access.Offer](ctx, c, http.MethodPost, "/sign-in/offer", nil, Link{Token: token})
}

// Users lists the people who sign in.
func (c *Client) Users(ctx context.Context) (Page[User], error) {
	return call[Page[User]](ctx, c, http.MethodGet, "/users", nil, nil)
}

// NewInvite is an Invite in the words people type.
func NewInvite(address, name, role, sees string) Invite {
	return Invite{Address: address, Name: name, Role: access.Role(role), Sees: access.Tier(sees)}
}

// NewUserChange is a UserChange in the words people type; "" leaves as it is.
func NewUserChange(role, sees string) (c UserChange) {
	if role != "" {
		c.Role = new(access.Role(role))
	}
	if sees != "" {
		c.Sees = new(access.Tier(sees))
	}
	return c
}

// InviteUser invites somebody to sign in.
func (c *Client) InviteUser(ctx context.Context, in Invite) (Invited, error) {
	return call[Invited](ctx, c, http.MethodPost, "/users", nil, in)
}

// ChangeUser changes a user, named by id or address.
func (c *Client) ChangeUser(ctx context.Context, who string, change UserChange) (User, error) {
	return call[User](ctx, c, http.MethodPatch, at("/users/%s", who), nil, change)
}

// RemoveUser removes a user, named by id or address.
func (c *Client) RemoveUser(ctx context.Context, who string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("/users/%s", who), nil, nil)
	return err
}

// UserSessions lists where a user is signed in.
func (c *Client) UserSessions(ctx context.Context, who string) (Page[Session], error) {
	return call[Page[Session]](ctx, c, http.MethodGet, at("/users/%s/sessions", who), nil, nil)
}

// EndUserSession ends a session of a user.
func (c *Client) EndUserSession(ctx context.Context, who, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("/users/%s/sessions/%s", who, id), nil, nil)
	return err
}

// Tokens lists the tokens whoever asks may see.
func (c *Client) Tokens(ctx context.Context) (Page[Token], error) {
	return call[Page[Token]](ctx, c, http.MethodGet, "/tokens", nil, nil)
}

// CreateToken makes a token.
func (c *Client) CreateToken(ctx context.Context, in NewToken) (TokenMade, error) {
	return call[TokenMade](ctx, c, http.MethodPost, "/tokens", nil, in)
}

// RevokeToken revokes a token.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("/tokens/%s", id), nil, nil)
	return err
}

// Sessions lists where whoever asks is signed in.
func (c *Client) Sessions(ctx context.Context) (Page[Session], error) {
	return call[Page[Session]](ctx, c, http.MethodGet, "/me/sessions", nil, nil)
}

// EndSession ends a session of whoever asks.
func (c *Client) EndSession(ctx context.Context, id string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, at("/me/sessions/%s", id), nil, nil)
	return err
}

// NewEnrolment offers a secret for an authenticator app.
func (c *Client) NewEnrolment(ctx context.Context) (access.Enrolment, error) {
	return call[access.Enrolment](ctx, c, http.MethodPost, "/me/enrolment", nil, nil)
}

// SetPassword sets the password of whoever asks.
func (c *Client) SetPassword(ctx context.Context, in PasswordChange) error {
	_, err := call[struct{}](ctx, c, http.MethodPut, "/me/password", nil, in)
	return err
}

// SetApp gives whoever asks another authenticator app.
func (c *Client) SetApp(ctx context.Context, in AppChange) error {
	_, err := call[struct{}](ctx, c, http.MethodPut, "/me/app", nil, in)
	return err
}

// NewRecoveryCodes gives whoever asks new recovery codes.
func (c *Client) NewRecoveryCodes(ctx context.Context, present string) (Codes, error) {
	return call[Codes](ctx, c, http.MethodPost, "/me/recovery-codes", nil, Proof{Present: present})
}

// RemovePasskey removes a passkey of whoever asks.
func (c *Client) RemovePasskey(ctx context.Context, id, present string) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, at("/me/passkeys/%s/remove", id), nil, Proof{Present: present})
	return err
}
