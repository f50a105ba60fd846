package access_test

import (
	"errors"
	"testing"

	"rapport/records/access"
)

func TestMay(t *testing.T) {
	user := func(r access.Role) access.Principal { return access.Principal{Kind: access.User, Name: "Ada", Role: r} }
	for _, tt := range []struct {
		name string
		who  access.Principal
		may  map[access.Need]bool
	}{
		{"nobody", access.Principal{}, map[access.Need]bool{access.Anyone: true}},
		{"the service's own user", access.Principal{Kind: access.Local}, map[access.Need]bool{access.Manage: true, access.Write: true, access.Read: true, access.Anyone: true}},
		{"administrator", user(access.Administrator), map[access.Need]bool{access.Manage: true, access.Write: true, access.Read: true, access.Anyone: true}},
		{"member", user(access.Member), map[access.Need]bool{access.Write: true, access.Read: true, access.Anyone: true}},
		{"own mailboxes only", user(access.Own), map[access.Need]bool{access.Write: true, access.Read: true, access.Anyone: true}},
		{"reader", user(access.Reader), map[access.Need]bool{access.Read: true, access.Anyone: true}},
		{"a role that is none", user("root"), map[access.Need]bool{access.Anyone: true}},
		{"a role without a kind", access.Principal{Role: access.Administrator}, map[access.Need]bool{access.Anyone: true}},
		{"token for reading of an administrator", access.Principal{Kind: access.Token, Role: access.Administrator, Scopes: []access.Need{access.Read}}, map[access.Need]bool{access.Read: true, access.Anyone: true}},
		{"token for writing of a reader", access.Principal{Kind: access.Token, Role: access.Reader, Scopes: []access.Need{access.Write}}, map[access.Need]bool{access.Read: true, access.Anyone: true}},
		{"token without scopes", access.Principal{Kind: access.Token, Role: access.Administrator, Scopes: []access.Need{}}, map[access.Need]bool{access.Anyone: true}},
	} {
		for _, need := range []access.Need{access.Manage, access.Write, access.Read, access.Anyone} {
			err := tt.who.May(need)
			if got := err == nil; got != tt.may[need] {
				t.Errorf("%s: May(%s) = %v, want %v", tt.name, need, err, tt.may[need])
			}
			var refusal *access.Refusal
			if err != nil && !errors.As(err, &refusal) {
				t.Errorf("%s: May(%s) = %T, want a *Refusal", tt.name, need, err)
			}
		}
	}
}

func TestTiers(t *testing.T) {
	for _, tt := range []struct{ a, b, lower access.Tier }{
		{access.Full, access.Subject, access.Subject},
		{access.Subject, access.Full, access.Subject},
		{access.Metadata, access.Subject, access.Metadata},
		{access.Private, access.Full, access.Private},
		{"", access.Metadata, access.Metadata},
		{access.Full, "", access.Full},
		{"sideways", access.Full, "sideways"},
	} {
		if got := tt.a.AtMost(tt.b); got != tt.lower {
			t.Errorf("%q.AtMost(%q) = %q, want %q", tt.a, tt.b, got, tt.lower)
		}
	}
	if access.Tier("sideways").Shows(access.Private) {
		t.Error("a tier that is none shows something")
	}
}
