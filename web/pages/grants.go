package pages

import (
	"net/http"
	"net/url"
	"slices"

	"rapport/records/access"
	"rapport/web"
)

// grantRoutes are the sign-ins to mailboxes and senders that take no password.
func (p *Pages) grantRoutes() []route {
	return []route{
		{pattern: "GET /mailboxes/sign-in/{id}", need: access.Manage, serve: grantPage},
		{pattern: "POST /mailboxes/sign-in/{id}/begin", need: access.Manage, serve: grantBegin},
		{pattern: "POST /mailboxes/sign-in/{id}/answer", need: access.Manage, serve: grantAnswer},
		{pattern: "POST /mailboxes/sign-in/{id}/end", need: access.Manage, serve: grantEnd},
	}
}

// grant is how one mailbox or sender gets its access tokens.
type grant struct{ web.Grant }

// Page is where somebody signs in for it.
func (g grant) Page() string { return "/mailboxes/sign-in/" + url.PathEscape(g.Name) }

// ByHand reports whether a person has to sign in.
func (g grant) ByHand() bool { return g.Flow == "device" || g.Flow == "code" }

// Sends reports whether it is for sending mail.
func (g grant) Sends() bool { return g.Object == "sender "+g.Name }

// Class says in which colour its state is shown.
func (g grant) Class() string {
	return map[string]string{web.GrantGood: "good", web.GrantWaiting: "warning", web.GrantStopped: "fault"}[g.State]
}

// Flows are the ways to sign in, the configured one first: Google gives no
// mail by a code, and of other issuers only the configured one is known.
func (g grant) Flows() []string {
	switch {
	case g.Issuer == "microsoft" && g.Flow == "code":
		return []string{"code", "device"}
	case g.Issuer == "microsoft":
		return []string{"device", "code"}
	}
	return []string{g.Flow}
}

// grants are those of all mailboxes and senders.
func (v *visit) grants() ([]grant, error) {
	page, err := v.client().Grants(v.ctx())
	if err != nil {
		return nil, err
	}
	out := make([]grant, 0, len(page.Items))
	for _, g := range page.Items {
		out = append(out, grant{g})
	}
	return out, nil
}

func grantPage(v *visit) error {
	all, err := v.grants()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(g grant) bool { return g.Name == v.r.PathValue("id") })
	if i < 0 {
		return errNoPage
	}
	return v.show("grant", "grant.title", all[i])
}

// grantAt is the page of the sign-in that a form is about.
func (v *visit) grantAt() string {
	return grant{web.Grant{Name: v.r.PathValue("id")}}.Page()
}

// grantBegin begins a sign-in; its page says what to do.
func grantBegin(v *visit) error {
	g, err := v.client().BeginGrant(v.ctx(), v.r.PathValue("id"), v.form("flow"))
	if err != nil {
		return err
	}
	if g.Pending == nil { // the page says why
		return v.notDone(v.grantAt(), "grant.not_begun")
	}
	return v.redirect(v.grantAt())
}

// grantAnswer hands over the address at which a browser elsewhere came to its end.
func grantAnswer(v *visit) error {
	err := v.client().AnswerGrant(v.ctx(), v.form("address"))
	if code := status(err); code == http.StatusBadRequest || code == http.StatusUnprocessableEntity {
		return v.notDone(v.grantAt(), "grant.not_that_address")
	}
	if err != nil {
		return err
	}
	return v.done(v.grantAt(), "", "grant.answered")
}

// grantEnd forgets a sign-in.
func grantEnd(v *visit) error {
	if v.form("sure") == "" {
		return v.notDone(v.grantAt(), "grant.sure")
	}
	if err := v.client().EndGrant(v.ctx(), v.r.PathValue("id")); err != nil {
		return err
	}
	return v.done(v.grantAt(), "", "grant.ended")
}
