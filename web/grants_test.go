package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// someGrants is what app would be asked.
type someGrants struct{ asked []string }

func (g *someGrants) Grants(context.Context) ([]Grant, error) {
	return []Grant{{Object: "mailbox ada", Name: "ada", Issuer: "microsoft", Flow: "device", State: GrantGood}}, nil
}

func (g *someGrants) SignIn(_ context.Context, name, flow string, tell func(GrantStep)) (Grant, error) {
	g.asked = append(g.asked, "sign in "+name+" "+flow)
	if name == "bob" {
		return Grant{}, Invalid(errors.New("sign in to bob: nobody signed in in time – run: rapport auth login bob"))
	}
	tell(GrantStep{Open: "https://issuer.example/code", Code: "ABCD"})
	return Grant{Name: name, State: GrantGood, Findings: []Finding{{Object: "mailbox ada", OK: true, What: "sign in"}}}, nil
}

func (g *someGrants) BeginSignIn(_ context.Context, name, flow string) (Grant, error) {
	g.asked = append(g.asked, "begin "+name+" "+flow)
	return Grant{Name: name, Pending: &GrantStep{Open: "https://issuer.example/code", Code: "ABCD"}}, nil
}

func (g *someGrants) AnswerSignIn(_ context.Context, address string) error {
	g.asked = append(g.asked, "answer "+address)
	return nil
}

func (g *someGrants) EndGrant(_ context.Context, name string) error {
	g.asked = append(g.asked, "end "+name)
	return nil
}

// grantCalls are the client's calls about access tokens.
func grantCalls(w *world, calls map[string]func() (any, error)) {
	ctx, c := context.Background(), w.client
	calls["GET /grants"] = func() (any, error) { return c.Grants(ctx) }
	calls["POST /grants/{name}/sign-in"] = func() (any, error) { return c.SignInGrant(ctx, "ada", "", nil) }
	calls["POST /grants/{name}/begin"] = func() (any, error) { return c.BeginGrant(ctx, "ada", "device") }
	calls["POST /grants/answer"] = func() (any, error) {
		return nil, c.AnswerGrant(ctx, "http://127.0.0.1:1/?code=x&state=y")
	}
	calls["DELETE /grants/{name}"] = func() (any, error) { return nil, c.EndGrant(ctx, "ada") }
}

func TestGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	var told []GrantStep
	g, err := w.client.SignInGrant(ctx, "ada", "code", func(s GrantStep) { told = append(told, s) })
	if err != nil || g.Name != "ada" || len(g.Findings) != 1 || len(told) != 1 || told[0].Code != "ABCD" {
		t.Errorf("SignInGrant = %+v, %v; told %+v", g, err, told)
	}
	if _, err := w.client.SignInGrant(ctx, "bob", "", nil); err == nil || !strings.Contains(err.Error(), "auth login bob") {
		t.Errorf("SignInGrant(bob) = %v", err)
	}
	if _, err := w.client.SignInGrant(ctx, "ada", "app", nil); err == nil {
		t.Error("a flow in which nobody signs in is taken")
	}
	if g, err := w.client.BeginGrant(ctx, "ada", ""); err != nil || g.Pending == nil || g.Pending.Code != "ABCD" {
		t.Errorf("BeginGrant = %+v, %v", g, err)
	}
	if err := errors.Join(w.client.AnswerGrant(ctx, "http://127.0.0.1:1/?code=x"), w.client.EndGrant(ctx, "a b")); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(w.grants.asked); got != "[sign in ada code sign in bob  begin ada  answer http://127.0.0.1:1/?code=x end a b]" {
		t.Errorf("asked %s", got)
	}
	for _, none := range []func(*Server) error{
		func(s *Server) error { return second(s.answerGrant(ctx, &struct{ Body grantAnswer }{})) },
	} {
		if err := none(&Server{}); err == nil {
			t.Error("an answer to no sign-in is taken")
		}
	}
}
