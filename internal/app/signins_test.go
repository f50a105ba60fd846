package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rapport/records/message"
	"rapport/web"
)

// TestSignInWithoutWaiting begins sign-ins as a page does: by a code, by a
// browser elsewhere, one that is declined, one in the place of another, and
// one that is broken off with the sign-in it was to renew.
func TestSignInWithoutWaiting(t *testing.T) {
	t.Parallel()
	w := newTokenWorld(t, "")
	w.comes("the first")
	r := w.runs()
	knows(t, r.client, "Carl Weber", "carl@press.example")
	r.stands(message.StateStopped)
	begin := func(flow string) web.Grant {
		t.Helper()
		g, err := r.client.BeginGrant(t.Context(), "ada", flow)
		if err != nil {
			t.Fatalf("BeginGrant(%s) = %v", flow, err)
		}
		return g
	}
	is := func(what string, ok func(web.Grant) bool) {
		t.Helper()
		eventually(t, what, func() error {
			page, err := r.client.Grants(t.Context())
			if err == nil && !ok(page.Items[0]) {
				err = fmt.Errorf("the sign-in is %+v", page.Items[0])
			}
			return err
		})
	}
	first := begin("")
	if first.Pending == nil || first.Pending.Code == "" || first.Pending.Open != w.issuer.URL+"/code" {
		t.Fatalf("begun: %+v", first)
	}
	is("the first waits", func(g web.Grant) bool { return g.Pending != nil && g.Pending.Code == first.Pending.Code })
	second := begin("device")
	if second.Pending == nil || second.Pending.Code == first.Pending.Code {
		t.Fatalf("begun again: %+v", second)
	}
	if err := w.issuer.Decline(second.Pending.Code); err != nil {
		t.Fatal(err)
	}
	is("the second was declined", func(g web.Grant) bool {
		return g.Pending == nil && strings.Contains(g.Failed, "AADSTS65004") && g.State == web.GrantStopped
	})
	if err := w.issuer.Approve(begin("").Pending.Code); err != nil {
		t.Fatal(err)
	}
	is("the third is made", func(g web.Grant) bool { return g.Failed == "" && g.State == web.GrantGood && !g.SignedIn.IsZero() })
	r.has("carl@press.example", "the first")

	address, err := w.issuer.Browse(begin("code").Pending.Open, false)
	if err != nil {
		t.Fatal(err)
	}
	asked := w.issuer.Asked("authorization_code")
	if err := errors.Join(r.client.AnswerGrant(t.Context(), address)); err != nil {
		t.Fatal(err)
	}
	is("the fourth is made", func(g web.Grant) bool { return g.Pending == nil && w.issuer.Asked("authorization_code") == asked+1 })

	begin("device")
	if err := r.client.EndGrant(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	is("all is forgotten", func(g web.Grant) bool { return g.Pending == nil && g.Failed == "" && g.SignedIn.IsZero() })
	trail, err := r.client.Audit(t.Context(), "", web.Slice{})
	if err != nil {
		t.Fatal(err)
	}
	deeds := map[string]int{}
	for _, line := range trail.Items {
		deeds[line.Action]++
	}
	if deeds["mailbox.sign-in"] != 2 || deeds["mailbox.sign-out"] != 1 {
		t.Errorf("the trail has %v", deeds)
	}
	begin("code") // the end of the daemon does not wait for it
	r.end()
}
