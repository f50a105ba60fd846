package app

import (
	"net/url"
	"regexp"
	"strings"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
	"rapport/web"
)

// id is the record of a name that is made for a deed.
func (o *office) id(name string) string {
	return string(o.knows(name, strings.ToLower(strings.ReplaceAll(name, " ", "."))+"@client.example").ID)
}

func (o *office) firm(name, domain string) string {
	o.t.Helper()
	made, err := o.client.AddOrganisation(o.local, web.OrganisationInput{Name: name, Domains: []string{domain}})
	if err != nil {
		o.t.Fatal(err)
	}
	return string(made.ID)
}

func (o *office) deedsOfRecords() map[string]func() deed {
	person := func(path, name string, form url.Values) func() deed {
		return func() deed { return about(path, o.id(name), form) }
	}
	firm := func(path, name, domain string, form url.Values) func() deed {
		return func() deed { return about(path, o.firm(name, domain), form) }
	}
	note, later := fields("kind", "note", "text", "a note"), fields("due", "2026-03-20", "note", "ring")
	return map[string]func() deed{
		"/contacts": func() deed {
			return deed{path: "/contacts", form: fields("name", "New Person", "emails", "new@client.example")}
		},
		"/organisations": func() deed {
			return deed{path: "/organisations", form: fields("name", "New Firm", "domains", "firm.example")}
		},
		"/contacts/{id}":            func() deed { return o.edited("contacts", o.id("Edit Me"), "Edited") },
		"/organisations/{id}":       func() deed { return o.edited("organisations", o.firm("Edit Us", "edit.example"), "Edited Too") },
		"/contacts/{id}/notes":      person("/contacts/{id}/notes", "Note Me", note),
		"/organisations/{id}/notes": firm("/organisations/{id}/notes", "Note Us", "note.example", note),
		"/contacts/{id}/merge": func() deed {
			return about("/contacts/{id}/merge", o.id("Keep Me"), fields("lose", o.id("Lose Me")))
		},
		"/organisations/{id}/merge": func() deed {
			return about("/organisations/{id}/merge", o.firm("Keep Us", "keep.example"), fields("lose", o.firm("Lose Us", "lose.example")))
		},
		"/contacts/{id}/erase":           person("/contacts/{id}/erase", "Erase Me", fields("sure", "yes")),
		"/organisations/{id}/erase":      firm("/organisations/{id}/erase", "Erase Us", "erase.example", fields("sure", "yes")),
		"/contacts/{id}/follow-ups":      person("/contacts/{id}/follow-ups", "Ring Me", later),
		"/organisations/{id}/follow-ups": firm("/organisations/{id}/follow-ups", "Ring Us", "ring.example", later),
		"/follow-ups/{id}":               o.followedUp,
		"/import": func() deed {
			return deed{path: "/import", file: true, form: fields("pasted", "name,email\nPasted Person,pasted@client.example\n", "do", "import")}
		},
	}
}

var versionField = regexp.MustCompile(`name="version" value="([^"]*)"`)

// edited sends the form to edit with the version it was shown with.
func (o *office) edited(kind, id, name string) deed {
	o.t.Helper()
	_, page := o.staff["mag"].get("/" + kind + "/" + id + "?edit=1")
	found := versionField.FindStringSubmatch(page)
	if found == nil {
		o.t.Fatalf("the form to edit %s %s has no version", kind, id)
	}
	return about("/"+kind+"/{id}", id, fields("version", found[1], "name", name))
}

// followedUp is about one of a message that Ben does not see.
func (o *office) followedUp() deed {
	id, _ := o.filedMail()
	made, err := o.client.AddFollowUp(o.local, web.FollowUpInput{Message: id, Due: "2026-03-20", Owner: "ada@example.com"})
	if err != nil {
		o.t.Fatal(err)
	}
	d := about("/follow-ups/{id}", string(made.ID), fields("done", "yes", "back", "/"))
	d.foreign = []foreignForm{{o.staff["ben"], d.path, d.form}, {o.staff["ben"], "/follow-ups/" + store.NewID(o.time()), d.form}}
	return d
}

func (o *office) deedsOfLists() map[string]func() deed {
	return map[string]func() deed{
		"/suggestions": func() deed {
			o.arrives("dora", "Pia <pia@studio.example>", "Offer")
			o.settle()
			d := deed{path: "/suggestions", form: fields("one", "partner pia@studio.example")}
			d.foreign = []foreignForm{{o.staff["ben"], d.path, d.form}, {o.staff["ben"], d.path, fields("do", "ignore", "who", "pia@studio.example")}}
			return d
		},
		"/views": func() deed {
			return deed{path: "/views", form: fields("list", "contacts", "name", "Mine", "query", "kind=customer")}
		},
		"/views/delete": func() deed {
			o.staff["ada"].post("/views", fields("list", "contacts", "name", "Ada's", "query", "kind=customer"))
			var id string
			err := o.s.store.View(o.t.Context(), func(tx store.Tx) error {
				all, err := tx.Views().List()
				for _, v := range all {
					if v.Name == "Ada's" {
						id = v.ID
					}
				}
				return err
			})
			if err != nil || id == "" {
				o.t.Fatalf("Ada's view is %q, %v", id, err)
			}
			d := deed{who: o.staff["ada"], path: "/views/delete", form: fields("id", id, "back", "/contacts")}
			d.foreign = []foreignForm{{o.staff["ben"], d.path, d.form}, {o.staff["mag"], d.path, d.form}}
			return d
		},
		"/settings/members/away": func() deed {
			return deed{path: "/settings/members/away", form: fields("member", "ada@example.com", "until", "2026-04-01T10:00", "deputy", "ben@example.com")}
		},
		"/settings/members/leave": func() deed {
			return deed{path: "/settings/members/leave", form: fields("member", "cleo@example.com", "to", "dora@example.com", "sure", "yes")}
		},
		"/preferences": func() deed { return deed{path: "/preferences", form: fields("theme", "dark"), keeps: true} },
	}
}

// newUser is a member nothing else depends on.
func newUser(name string) access.Account {
	return access.Account{Name: name, Address: contact.Address(strings.ToLower(name) + "@example.com"), Role: access.Member}
}

func (o *office) deedsOfSignIn() map[string]func() deed {
	admin := func(path string, pairs ...string) func() deed {
		return func() deed { return deed{path: path, form: fields(pairs...)} }
	}
	return map[string]func() deed{
		"/setup/first":      admin("/setup/first", "address", "first@example.com", "name", "First"),
		"/settings/users":   admin("/settings/users", "address", "second@example.com", "name", "Second", "role", "member"),
		"/settings/tokens":  admin("/settings/tokens", "name", "program", "scope", "read", "days", "30"),
		"/account/password": o.account("/account/password", "Pat", "present", officePassword, "new", "five words that are mine", "repeat", "five words that are mine"),
		"/account/codes":    o.account("/account/codes", "Cod", "present", officePassword),
		"/account/app":      o.otherApp,
		"/settings/users/{id}": func() deed {
			return about("/settings/users/{id}", o.hire(newUser("Chan")).address, fields("role", "reader", "sees", "metadata"))
		},
		"/settings/users/{id}/remove": func() deed {
			return about("/settings/users/{id}/remove", o.hire(newUser("Rem")).address, fields("sure", "yes"))
		},
		"/settings/tokens/{id}/revoke":  o.revokedToken,
		"/account/sessions/{id}/end":    o.endedElsewhere,
		"/account/passkeys/{id}/remove": o.removedPasskey,
	}
}

// account is a form about the account of a newcomer.
func (o *office) account(path, name string, pairs ...string) func() deed {
	return func() deed { return deed{who: o.hire(newUser(name)), path: path, form: fields(pairs...)} }
}

// otherApp gives a newcomer another authenticator app.
func (o *office) otherApp() deed {
	o.t.Helper()
	p := o.hire(newUser("App"))
	offered, err := o.s.auth.NewEnrolment(p.eyes().Who)
	if err != nil {
		o.t.Fatal(err)
	}
	p.secret = offered.Secret
	return deed{who: p, path: "/account/app", form: fields("present", officePassword, "secret", offered.Secret, "code", p.code())}
}

// revokedToken is one of a newcomer's, which no other member may revoke.
func (o *office) revokedToken() deed {
	o.t.Helper()
	p := o.hire(newUser("Tok"))
	made, _, err := o.s.auth.MakeToken(o.t.Context(), p.eyes().Who, access.APIToken{Name: "mine", User: p.address, Scope: access.Read})
	if err != nil {
		o.t.Fatal(err)
	}
	d := about("/settings/tokens/{id}/revoke", made.ID, nil)
	d.who = p
	d.foreign = []foreignForm{{o.staff["ada"], d.path, nil}, {o.staff["rea"], d.path, nil}}
	return d
}

// endedElsewhere is a newcomer's session in another browser.
func (o *office) endedElsewhere() deed {
	o.t.Helper()
	p := o.hire(newUser("Ses"))
	p.signIn()
	all, err := o.s.auth.Sessions(o.t.Context(), p.address)
	if err != nil || len(all) != 2 {
		o.t.Fatalf("%d sessions, %v", len(all), err)
	}
	d := about("/account/sessions/{id}/end", all[1].ID, nil)
	d.who = p
	d.foreign = []foreignForm{{o.staff["ada"], d.path, nil}, {o.staff["mag"], d.path, nil}}
	return d
}

// removedPasskey is one of two ways a newcomer signs in.
func (o *office) removedPasskey() deed {
	o.t.Helper()
	p := o.hire(newUser("Pas"))
	key := access.Passkey{ID: []byte("0123456789abcdef"), Name: "phone", Created: o.time()}
	err := o.s.store.Update(o.t.Context(), func(tx store.Tx) error {
		u, err := tx.Accounts().Get(p.eyes().Who.ID)
		if err != nil {
			return err
		}
		u.Credentials.Passkeys = append(u.Credentials.Passkeys, key)
		return tx.Accounts().Put(u)
	})
	if err != nil {
		o.t.Fatal(err)
	}
	d := about("/account/passkeys/{id}/remove", key.Ref(), fields("present", officePassword))
	d.who = p
	d.foreign = []foreignForm{{o.staff["ada"], d.path, d.form}, {o.staff["mag"], d.path, d.form}, {p, d.path, fields("present", "not the password")}}
	return d
}

func (o *office) deedsOfWebhooks() map[string]func() deed {
	all := map[string]func() deed{"/settings/webhooks": func() deed {
		return deed{path: "/settings/webhooks", form: fields("name", "books", "url", "https://books.example/heard", "event", "message.filed")}
	}}
	for path, form := range map[string]url.Values{
		"": fields("name", "other", "url", "https://books.example/other", "event", "message.filed"), "/paused": fields("paused", "yes"), "/secret": nil, "/test": nil, "/remove": fields("sure", "yes"),
	} {
		all["/settings/webhooks/{id}"+path] = func() deed {
			made, err := o.client.AddWebhook(o.local, web.NewWebhook{Name: "w" + path, URL: "https://books.example/" + path})
			if err != nil {
				o.t.Fatal(err)
			}
			d := about("/settings/webhooks/{id}"+path, made.Webhook.ID, form)
			d.sends = path == "/test"
			return d
		}
	}
	return all
}

// deedsOfGrants are about the sender that signs in at an issuer.
func (o *office) deedsOfGrants() map[string]func() deed {
	const page = "/mailboxes/sign-in/{id}"
	return map[string]func() deed{
		page + "/begin": func() deed {
			d := about(page+"/begin", "letters", fields("flow", "device"))
			d.sends = true // what it begins ends elsewhere
			return d
		},
		page + "/answer": func() deed {
			d := about(page+"/answer", "letters", fields("address", o.cameBack()))
			d.sends = true // the sign-in ends after the answer
			return d
		},
		page + "/end": func() deed {
			if _, err := o.s.SignIn(o.local, "letters", "code", func(s web.GrantStep) { go o.issuer.Browse(s.Open, true) }); err != nil {
				o.t.Fatal(err)
			}
			return about(page+"/end", "letters", fields("sure", "yes"))
		},
	}
}

// cameBack begins a sign-in by a browser on another machine, and returns the
// address at which that comes to its end.
func (o *office) cameBack() string {
	o.t.Helper()
	g, err := o.client.BeginGrant(o.local, "letters", "code")
	if err != nil || g.Pending == nil {
		o.t.Fatalf("BeginGrant = %+v, %v", g, err)
	}
	address, err := o.issuer.Browse(g.Pending.Open, false)
	if err != nil {
		o.t.Fatal(err)
	}
	return address
}
