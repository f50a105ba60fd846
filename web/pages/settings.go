package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/web"
)

// settingsRoutes show what is configured and who we are, and what was done.
func (p *Pages) settingsRoutes() []route {
	return []route{
		{pattern: "GET /settings", need: access.Read, serve: settings},
		{pattern: "GET /settings/configuration", need: access.Manage, serve: configuration},
		{pattern: "GET /settings/members", need: access.Read, serve: members},
		{pattern: "POST /settings/members/away", need: access.Write, serve: away},
		{pattern: "POST /settings/members/leave", need: access.Manage, serve: leave},
		{pattern: "GET /settings/audit", need: access.Read, serve: audit},
	}
}

// settings leads to what there is for the reader.
func settings(v *visit) error { return v.show("settings", "nav.settings", nil) }

// settingsPlaces are the pages below settings; access has further ones.
var settingsPlaces = []struct {
	Path, Key string
	Manage    bool
}{
	{Path: "/settings/members", Key: "settings.members"},
	{Path: "/settings/audit", Key: "settings.audit"},
	{Path: "/settings/configuration", Key: "settings.configuration", Manage: true},
	{Path: "/account", Key: "settings.account"},
	{Path: "/settings/users", Key: "settings.users", Manage: true},
	{Path: "/settings/tokens", Key: "settings.tokens"},
	{Path: "/settings/webhooks", Key: "settings.webhooks", Manage: true},
}

// SettingsPlaces are the pages below settings that the reader may open.
func (v *visit) SettingsPlaces() []place {
	var out []place
	for _, at := range settingsPlaces {
		if v.Pages.shown[at.Path] && (!at.Manage || v.MayManage()) {
			out = append(out, place{Path: at.Path, Key: at.Key, Here: v.Path() == at.Path})
		}
	}
	return out
}

// configured is the configuration in force, by section.
type configured struct {
	web.Configuration
	Sections []section
}

// section is one part of the configuration, e.g. mailboxes[0].
type section struct {
	Name     string
	Settings []web.Setting
}

func configuration(v *visit) error {
	c, err := v.client().Configuration(v.ctx())
	if err != nil {
		return err
	}
	out := configured{Configuration: c}
	for _, s := range c.Settings {
		name := ""
		if i := strings.LastIndexByte(s.Path, '.'); i >= 0 {
			name = s.Path[:i]
		}
		i := slices.IndexFunc(out.Sections, func(have section) bool { return have.Name == name })
		if i < 0 {
			i, out.Sections = len(out.Sections), append(out.Sections, section{Name: name})
		}
		out.Sections[i].Settings = append(out.Sections[i].Settings, s)
	}
	return v.show("configuration", "settings.configuration", out)
}

// memberList is our own people.
type memberList struct{ Members []web.Member }

// Name names a member by an address.
func (l memberList) Name(a contact.Address) string { return memberName(l.Members, a) }

// Others are those who may stand in for a member, or take over.
func (l memberList) Others(m web.Member) []option {
	var out []option
	for _, o := range owners(l.Members) {
		if len(m.Addresses) == 0 || o.Value != string(m.Addresses[0]) {
			out = append(out, o)
		}
	}
	return out
}

func members(v *visit) error {
	page, err := v.client().Members(v.ctx())
	if err != nil {
		return err
	}
	return v.show("members", "settings.members", memberList{page.Items})
}

// away says that a member is away until a day, or back.
func away(v *visit) error {
	in := web.Away{Member: v.form("member")}
	if v.form("do") != "back" {
		until, err := v.parseLocal(v.form("until"))
		if err != nil || until.IsZero() {
			return v.notDone("/settings/members", "member.until_when")
		}
		in.Until, in.Deputy = until, v.form("deputy")
	}
	if _, err := v.client().Away(v.ctx(), in); err != nil {
		return err
	}
	if in.Until.IsZero() {
		return v.done("/settings/members", "", "member.is_back")
	}
	return v.done("/settings/members", "", "member.is_away", "date", v.Date(in.Until))
}

// leave hands over what a member looks after who has left.
func leave(v *visit) error {
	if v.form("sure") == "" {
		return v.notDone("/settings/members", "member.sure")
	}
	if _, err := v.client().Leave(v.ctx(), web.Leave{Member: v.form("member"), To: v.form("to")}); err != nil {
		return err
	}
	return v.done("/settings/members", "", "member.has_left")
}

// trail is the page of who did what.
type trail struct {
	Who   string
	Lines []web.AuditLine
	Older string
	None  bool // nothing goes by that name
}

func audit(v *visit) error {
	out := trail{Who: strings.TrimSpace(v.Query("who"))}
	page, err := v.client().Audit(v.ctx(), out.Who, v.slice())
	if status(err) == http.StatusNotFound || status(err) == http.StatusConflict {
		out.None, err = true, nil
	}
	if err != nil {
		return err
	}
	out.Lines, out.Older = page.Items, v.older(page.Next)
	return v.show("audit", "settings.audit", out)
}

// Deed is what an audit line says was done, in the reader's language.
func (v *visit) Deed(action string) string { return v.word("deed", action) }

// object is what an audit line is about.
type object struct{ Path, Name string }

// Object is the page of what an audit line is about; nil: it is about none.
func (v *visit) Object(l web.AuditLine) *object {
	name := l.Name
	if name == "" {
		name = l.Object
	}
	what, _, _ := strings.Cut(l.Action, ".")
	at := map[string]string{"contact": "/contacts/", "organisation": "/organisations/", "message": "/messages/"}[what]
	switch {
	case name == "":
		return nil
	case at == "" || l.Name == "": // it has no page, or is gone
		return &object{"/settings/audit?who=" + url.QueryEscape(l.Object), name}
	}
	return &object{at + l.Object, name}
}
