package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"

	"rapport/records/phrase"
)

// Grants are the sign-ins by which mailboxes are read and mail is sent where a
// server takes no password; app implements it.
type Grants interface {
	Grants(ctx context.Context) ([]Grant, error)
	// SignIn has a person sign in for a mailbox or sender; tell hears what to
	// do. flow is device or code, "" what is configured.
	SignIn(ctx context.Context, name, flow string, tell func(GrantStep)) (Grant, error)
	// BeginSignIn is SignIn for those who do not wait for its end: it returns when
	// there is something to do, as Pending says, or why there is nothing.
	BeginSignIn(ctx context.Context, name, flow string) (Grant, error)
	// AnswerSignIn takes the address at which a browser elsewhere came to its end.
	AnswerSignIn(ctx context.Context, address string) error
	// EndGrant forgets what a sign-in brought.
	EndGrant(ctx context.Context, name string) error
}

// The states of a grant.
const (
	GrantGood    = "good"
	GrantUnused  = "unused"  // nobody has asked for a token yet
	GrantWaiting = "waiting" // for the issuer
	GrantStopped = "stopped" // until somebody acts
)

// Grant is how one mailbox or sender gets its access tokens.
type Grant struct {
	Object     string        `json:"object" doc:"What it is for." example:"mailbox ada"`
	Name       string        `json:"name"`
	User       string        `json:"user" doc:"The mailbox."`
	Issuer     string        `json:"issuer" enum:"google,microsoft,other"`
	Flow       string        `json:"flow" enum:"device,code,app,service_account"`
	State      string        `json:"state" enum:"good,unused,waiting,stopped"`
	Account    string        `json:"account,omitempty" doc:"Who signed in, where the issuer tells."`
	SignedIn   time.Time     `json:"signed_in,omitzero"`
	Renewed    time.Time     `json:"renewed,omitzero"`
	Expires    time.Time     `json:"expires,omitzero" doc:"When the access token does; it is renewed before."`
	SecretEnds time.Time     `json:"secret_ends,omitzero" doc:"When the client's secret or certificate does."`
	Error      string        `json:"error,omitempty"`
	Fix        string        `json:"fix,omitempty"`
	ErrorSaid  phrase.Phrase `json:"error_phrase,omitzero" doc:"the error in parts, for other languages"`
	FixSaid    phrase.Phrase `json:"fix_phrase,omitzero" doc:"the fix in parts, for other languages"`
	Again      time.Time     `json:"again,omitzero" doc:"When it is tried again."`
	Pending    *GrantStep    `json:"pending,omitempty" doc:"What is to be done in the sign-in that is under way."`
	Failed     string        `json:"failed,omitempty" doc:"Why the sign-in begun last came to nothing."`
	FailedSaid phrase.Phrase `json:"failed_phrase,omitzero" doc:"the same in parts, for other languages"`
	Findings   []Finding     `json:"findings,omitempty" doc:"After a sign-in: how the mailbox answers to it."`
}

// GrantStep tells a person who signs in what to do next.
type GrantStep struct {
	Open     string    `json:"open" doc:"The page to open."`
	Code     string    `json:"code,omitempty" doc:"What to type there."`
	Redirect string    `json:"redirect,omitempty" doc:"Where the browser comes back to; one on another machine cannot, and its last address is to be given to /grants/answer."`
	Until    time.Time `json:"until"`
}

func (s *Server) describeGrants(api huma.API) {
	const tag = "grants"
	describe(s, api, operation{id: "list-grants", pattern: "GET /grants", tag: tag, need: access.Manage,
		summary: "List how mailboxes and senders get their access tokens"}, s.listGrants)
	describeStream(s, api, operation{id: "sign-in-grant", pattern: "POST /grants/{name}/sign-in", tag: tag, secret: true, need: access.Manage,
		summary: "Sign in for a mailbox or sender", detail: "The first line says which page to open; the answer ends when somebody has signed in there, or after a quarter of an hour."}, s.signInGrant)
	describe(s, api, operation{id: "begin-grant", pattern: "POST /grants/{name}/begin", tag: tag, need: access.Manage,
		summary: "Begin a sign-in without waiting for its end", detail: "The answer's `pending` says which page to open; list-grants tells what came of it. What is under way for the same account ends."}, s.beginGrant)
	describe(s, api, operation{id: "answer-grant", pattern: "POST /grants/answer", tag: tag, need: access.Manage,
		summary: "Hand over the address at which a browser elsewhere came to its end"}, s.answerGrant)
	describe(s, api, operation{id: "end-grant", pattern: "DELETE /grants/{name}", tag: tag, need: access.Manage,
		summary: "Forget a sign-in"}, s.endGrant)
}

func (s *Server) listGrants(ctx context.Context, _ *struct{}) (page Page[Grant], err error) {
	page.Items = []Grant{}
	if s.grants == nil {
		return page, nil
	}
	all, err := s.grants.Grants(ctx)
	page.Items = append(page.Items, all...)
	return page, refused(err)
}

// grantToBegin names whom a sign-in is for, and how it goes.
type grantToBegin struct {
	Name string `path:"name" doc:"Of the mailbox or sender in the configuration."`
	Body grantSignIn
}

func (s *Server) beginGrant(ctx context.Context, in *grantToBegin) (Grant, error) {
	if s.grants == nil {
		return Grant{}, invalid("there is nothing to sign in to")
	}
	g, err := s.grants.BeginSignIn(ctx, in.Name, in.Body.Flow)
	return g, refused(err)
}

// grantSignIn says how somebody signs in.
type grantSignIn struct {
	Flow string `json:"flow,omitempty" enum:"device,code" doc:"Nothing: as configured."`
}

func (s *Server) signInGrant(_ context.Context, in *struct {
	Name string `path:"name" doc:"Of the mailbox or sender in the configuration."`
	Body *grantSignIn
}) (run[GrantStep, Grant], error) {
	if s.grants == nil {
		return nil, invalid("there is nothing to sign in to")
	}
	flow := ""
	if in.Body != nil {
		flow = in.Body.Flow
	}
	if flow != "" && flow != "device" && flow != "code" {
		return nil, invalid("flow is device or code")
	}
	return func(ctx context.Context, progress func(GrantStep)) (Grant, error) {
		g, err := s.grants.SignIn(ctx, in.Name, flow, progress)
		return g, refused(err)
	}, nil
}

// grantAnswer is the address at which a browser came to its end.
type grantAnswer struct {
	Address string `json:"address" minLength:"1" maxLength:"20000" doc:"The whole address, as the browser shows it."`
}

func (s *Server) answerGrant(ctx context.Context, in *struct{ Body grantAnswer }) (none struct{}, err error) {
	if s.grants == nil {
		return none, invalid("there is nothing to sign in to")
	}
	return none, refused(s.grants.AnswerSignIn(ctx, in.Body.Address))
}

func (s *Server) endGrant(ctx context.Context, in *struct {
	Name string `path:"name" doc:"Of the mailbox or sender in the configuration."`
}) (none struct{}, err error) {
	if s.grants == nil {
		return none, invalid("there is nothing to sign in to")
	}
	return none, refused(s.grants.EndGrant(ctx, in.Name))
}

// Grants lists how mailboxes and senders get their access tokens.
func (c *Client) Grants(ctx context.Context) (Page[Grant], error) {
	return call[Page[Grant]](ctx, c, http.MethodGet, "/grants", nil, nil)
}

// SignInGrant has a person sign in for a mailbox or sender; tell hears what to do.
func (c *Client) SignInGrant(ctx context.Context, name, flow string, tell func(GrantStep)) (Grant, error) {
	return follow[GrantStep, Grant](ctx, c, "/grants/"+url.PathEscape(name)+"/sign-in", grantSignIn{Flow: flow}, tell)
}

// BeginGrant begins a sign-in; what is to be done is in Pending.
func (c *Client) BeginGrant(ctx context.Context, name, flow string) (Grant, error) {
	return call[Grant](ctx, c, http.MethodPost, "/grants/"+url.PathEscape(name)+"/begin", nil, grantSignIn{Flow: flow})
}

// AnswerGrant hands over the address at which a browser elsewhere came to its end.
func (c *Client) AnswerGrant(ctx context.Context, address string) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, "/grants/answer", nil, grantAnswer{Address: address})
	return err
}

// EndGrant forgets a sign-in.
func (c *Client) EndGrant(ctx context.Context, name string) error {
	_, err := call[struct{}](ctx, c, http.MethodDelete, "/grants/"+url.PathEscape(name), nil, nil)
	return err
}
