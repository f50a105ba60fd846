package pages

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"rapport/web"
)

// edition is a record as somebody wants it: the fields of the form.
type edition struct {
	Name, Kind, Stage, Role, Owner, Language, TimeZone, Note string
	Addresses, Phones, Tags, Places, Domains, Shared, Custom string // one a line
}

// editionOf is the form as it stands before anybody has written.
func editionOf(c card) edition {
	e := edition{
		Name: c.Name, Kind: string(c.Kind), Stage: string(c.Stage), Role: c.Role, Owner: string(c.Owner),
		Language: c.Language, TimeZone: c.TimeZone, Note: c.Note,
		Phones: lines(c.Phones), Tags: strings.Join(c.Tags, ", "),
	}
	for _, a := range c.Addresses {
		e.Addresses += string(a) + "\n"
	}
	for _, p := range c.Places {
		e.Places += p.Name + "\n"
	}
	for _, d := range c.Domains {
		if d.Shared {
			e.Shared += d.Name + "\n"
		} else {
			e.Domains += d.Name + "\n"
		}
	}
	for _, f := range c.Custom {
		e.Custom += f.Name + ": " + strings.ReplaceAll(f.Value, "\n", " ") + "\n"
	}
	return e
}

func lines(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}

// Form is the form of a record: what somebody wrote whose change was late,
// else the record as it is.
func (r record) Form() edition {
	if r.Conflict != nil {
		return *r.Conflict
	}
	return editionOf(r.card)
}

// edit saves a record's form, unless somebody else has meanwhile.
func (of subject) edit(v *visit) error {
	c, err := of.card(v, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	wanted := edition{
		Name: v.form("name"), Kind: v.form("kind"), Stage: v.form("stage"), Role: v.form("role"), Owner: v.form("owner"),
		Language: v.form("language"), TimeZone: v.form("timezone"), Note: v.form("note"), Addresses: v.form("addresses"),
		Phones: v.form("phones"), Tags: v.form("tags"), Places: v.form("places"), Domains: v.form("domains"),
		Shared: v.form("shared"), Custom: v.form("custom"),
	}
	if v.form("version") != c.Revision {
		return of.page(v, http.StatusConflict, c, &wanted)
	}
	change := wanted.change(c, v.r.PostForm.Has)
	if len(change.Set)+len(change.Add)+len(change.Remove) == 0 {
		return v.redirect(c.Path)
	}
	unchanged := web.IfRevision(v.ctx(), c.Revision)
	if of == contacts {
		_, err = v.client().EditContact(unchanged, c.ID, change)
	} else {
		_, err = v.client().EditOrganisation(unchanged, c.ID, change)
	}
	if status(err) == http.StatusPreconditionFailed {
		if c, err = of.card(v, c.ID); err != nil {
			return err
		}
		return of.page(v, http.StatusConflict, c, &wanted)
	}
	if err != nil {
		return err
	}
	return v.done(c.Path, "", "flash.saved")
}

// change is what the API must do to a record for it to be as wanted. sent says
// which fields the form had.
func (e edition) change(c card, sent func(string) bool) web.Edit {
	out := web.Edit{Set: map[string]string{}, Add: map[string][]string{}, Remove: map[string][]string{}}
	have := editionOf(c)
	for name, pair := range map[string][2]string{
		"name": {have.Name, e.Name}, "kind": {have.Kind, e.Kind}, "stage": {have.Stage, e.Stage}, "role": {have.Role, e.Role},
		"owner": {have.Owner, e.Owner}, "language": {have.Language, e.Language}, "timezone": {have.TimeZone, e.TimeZone}, "note": {have.Note, e.Note},
	} {
		if sent(name) && unix(pair[0]) != unix(pair[1]) {
			out.Set[name] = unix(pair[1])
		}
	}
	for _, list := range []struct{ form, api, have, want, cut string }{
		{"addresses", "emails", have.Addresses, e.Addresses, "\n;,"},
		{"phones", "phones", have.Phones, e.Phones, "\n;"},
		{"tags", "tags", have.Tags, e.Tags, "\n;,"},
		{"places", "organisations", have.Places, e.Places, "\n"},
		{"domains", "domains", have.Domains, e.Domains, "\n;,"},
		{"shared", "shared-domains", have.Shared, e.Shared, "\n;,"},
	} {
		if !sent(list.form) {
			continue
		}
		was, is := items(list.have, list.cut), items(list.want, list.cut)
		if add := without(is, was); len(add) > 0 {
			out.Add[list.api] = add
		}
		if remove := without(was, is); len(remove) > 0 {
			out.Remove[list.api] = remove
		}
	}
	if is := items(e.Addresses, "\n;,"); sent("addresses") && len(is) > 0 && (len(c.Addresses) == 0 || is[0] != string(c.Addresses[0])) {
		out.Set["email"] = is[0] // the first is the one to write to
	}
	if sent("custom") {
		e.customChange(c, out.Set)
	}
	return out
}

// customChange compares the custom fields, one "name: value" a line.
func (e edition) customChange(c card, set map[string]string) {
	wanted := map[string]string{}
	for _, line := range items(e.Custom, "\n") {
		name, value, _ := strings.Cut(line, ":")
		wanted[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	for _, f := range c.Custom {
		if value := wanted[f.Name]; value != strings.ReplaceAll(f.Value, "\n", " ") {
			set["custom."+f.Name] = value
		}
		delete(wanted, f.Name)
	}
	for name, value := range wanted {
		if name != "" && value != "" {
			set["custom."+name] = value
		}
	}
}

// items splits what stands in a field at any of the characters of cut.
func items(text, cut string) (out []string) {
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(cut, r) || r == '\r' }) {
		if item = strings.TrimSpace(item); item != "" && !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}

// unix is a text with the line ends that are stored; forms send others.
func unix(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

func without(list, drop []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(drop, s) })
}

// invalid is an error about what was typed.
func invalid(err error) error {
	return &web.Problem{Status: http.StatusBadRequest, Code: "invalid", Detail: fmt.Sprint(err)}
}
