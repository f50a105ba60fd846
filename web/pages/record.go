package pages

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/web"
)

// recordRoutes are the pages of one contact or organisation.
func (p *Pages) recordRoutes() []route {
	var all []route
	for _, of := range []subject{"contacts", "organisations"} {
		all = append(all,
			route{pattern: "GET /" + string(of) + "/{id}", need: access.Read, serve: of.show},
			route{pattern: "POST /" + string(of) + "/{id}", need: access.Write, serve: of.edit},
			route{pattern: "POST /" + string(of) + "/{id}/notes", need: access.Write, serve: of.addNote},
			route{pattern: "GET /" + string(of) + "/{id}/merge", need: access.Write, serve: of.previewMerge},
			route{pattern: "POST /" + string(of) + "/{id}/merge", need: access.Write, serve: of.merge},
			route{pattern: "GET /" + string(of) + "/{id}/erase", need: access.Manage, serve: of.confirmErase},
			route{pattern: "POST /" + string(of) + "/{id}/erase", need: access.Manage, serve: of.erase},
			route{pattern: "GET /" + string(of) + "/{id}/export", need: access.Read, serve: of.export},
		)
	}
	return all
}

// subject is which kind of record a page is about: contacts or organisations,
// as the API calls them.
type subject string

const contacts subject = "contacts"

// card is a contact or an organisation, as its page shows it.
type card struct {
	Of        subject
	ID, Name  string
	Path      string
	Addresses []contact.Address
	Domains   []contact.Domain
	Phones    []string
	Tags      []string
	Kind      contact.Kind
	Stage     contact.Stage
	Role      string
	Owner     contact.Address
	Language  string
	TimeZone  string
	Note      string
	Custom    []field
	Places    []web.Affiliation // where a contact works
	People    []web.Named       // of an organisation
	Consents  []contact.Consent // of a contact, the last of a purpose counts
	Created   time.Time
	Revision  string // names the state of the record that a form is made of
}

// field is a custom field.
type field struct{ Name, Value string }

// Person reports whether the card is a contact's.
func (c card) Person() bool { return c.Of == contacts }

func contactCard(c web.Contact) card {
	return card{
		Of: contacts, ID: string(c.ID), Name: c.Name, Path: "/contacts/" + string(c.ID), Addresses: c.Addresses,
		Phones: c.Phones, Tags: c.Tags, Kind: c.Kind, Stage: c.Stage, Role: c.Role, Owner: c.Owner, Language: c.Language,
		TimeZone: c.TimeZone, Note: c.Note, Custom: fields(c.Custom), Places: c.Organisations, Consents: c.Consents, Created: c.Created, Revision: c.Revision,
	}.named()
}

func organisationCard(o web.Organisation) card {
	return card{
		Of: "organisations", ID: string(o.ID), Name: o.Name, Path: "/organisations/" + string(o.ID), Domains: o.Domains,
		Phones: o.Phones, Tags: o.Tags, Kind: o.Kind, Stage: o.Stage, Role: o.Role, Owner: o.Owner, Language: o.Language,
		TimeZone: o.TimeZone, Note: o.Note, Custom: fields(o.Custom), People: o.Contacts, Created: o.Created, Revision: o.Revision,
	}.named()
}

// named gives a card without a name the next best.
func (c card) named() card {
	switch {
	case strings.TrimSpace(c.Name) != "":
	case len(c.Addresses) > 0:
		c.Name = string(c.Addresses[0])
	case len(c.Domains) > 0:
		c.Name = c.Domains[0].Name
	default:
		c.Name = c.ID
	}
	return c
}

func fields(custom map[string]string) (out []field) {
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		out = append(out, field{name, custom[name]})
	}
	return out
}

// card reads the record that the page's address names.
func (of subject) card(v *visit, who string) (card, error) {
	if of == contacts {
		c, err := v.client().Contact(v.ctx(), who)
		return contactCard(c), err
	}
	o, err := v.client().Organisation(v.ctx(), who)
	return organisationCard(o), err
}

// record is the page of a contact or an organisation.
type record struct {
	card
	Members  []web.Member
	History  history
	Standing standing
	Mailing  *mailing
	Sold     *web.SaleFigures // nil: nothing was sold to them
	Editing  bool
	Conflict *edition // what somebody wrote who was not the first
}

func (of subject) show(v *visit) error {
	c, err := of.card(v, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if c.ID != v.r.PathValue("id") { // by an address, a name, or an id from before a merge
		return v.redirect(c.Path)
	}
	return of.page(v, http.StatusOK, c, nil)
}

// page shows a record; conflict is what could not be saved.
func (of subject) page(v *visit, status int, c card, conflict *edition) error {
	members, err := v.client().Members(v.ctx())
	if err != nil {
		return err
	}
	h, err := readHistory(v, c, members.Items)
	if err != nil {
		return err
	}
	s, err := readStanding(v, c)
	if err != nil {
		return err
	}
	m, err := readMailing(v, c)
	if err != nil {
		return err
	}
	sold, err := readSold(v, c)
	if err != nil {
		return err
	}
	return v.showAs(status, "record", c.Name, record{
		Sold: sold, Mailing: m, Standing: s, card: c, Members: members.Items, History: h,
		Editing: conflict != nil || v.MayWrite() && v.Query("edit") != "", Conflict: conflict,
	})
}

// addNote writes an entry by hand.
func (of subject) addNote(v *visit) error {
	at, err := v.parseLocal(v.form("at"))
	if err != nil {
		return invalid(err)
	}
	who, kind := v.r.PathValue("id"), v.form("kind")
	if v.form("text") == "" {
		return v.notDone(of.path(who), "flash.no_text")
	}
	if _, err := v.client().AddNote(v.ctx(), web.Note{Who: who, Kind: kind, Text: v.form("text"), At: at}); err != nil {
		return err
	}
	return v.done(of.path(who), "", "flash.added_"+entryKind(kind))
}

func entryKind(kind string) string {
	if kind == "call" || kind == "meeting" {
		return kind
	}
	return "note"
}

// path is the page of a record.
func (of subject) path(id string) string { return "/" + string(of) + "/" + url.PathEscape(id) }

// OwnerName is what the member is called who looks after the record.
func (r record) OwnerName() string { return memberName(r.Members, r.Owner) }

// MemberName is what a member is called.
func (r record) MemberName(a contact.Address) string { return memberName(r.Members, a) }

// export hands over everything of one record, as the API packs it.
func (of subject) export(v *visit) error {
	c, err := of.card(v, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	out := &download{visit: v, kind: "application/x-tar", name: c.Name + ".tar"}
	if of == contacts {
		err = v.client().ExportContact(v.ctx(), c.ID, out)
	} else {
		err = v.client().ExportOrganisation(v.ctx(), c.ID, out)
	}
	return out.end(err)
}

// confirmErase says what an erasure removes, and asks.
func (of subject) confirmErase(v *visit) error {
	c, err := of.card(v, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.show("erase", "erase.title", c)
}

func (of subject) erase(v *visit) error {
	id := v.r.PathValue("id")
	if v.form("sure") != "yes" {
		return v.notDone(of.path(id)+"/erase", "erase.not_sure")
	}
	var out web.EraseResult
	var err error
	if of == contacts {
		out, err = v.client().EraseContact(v.ctx(), id, false)
	} else {
		out, err = v.client().EraseOrganisation(v.ctx(), id, false)
	}
	if err != nil {
		return err
	}
	return v.done("/"+string(of), "", "erase.done", "messages", v.N(out.Messages), "shared", v.N(out.Shared))
}
