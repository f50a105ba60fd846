package pages

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/web"
)

// perPage is how many lines a list shows at once.
const perPage = 50

// directoryRoutes are the lists of people and organisations, and what is added
// to them.
func (p *Pages) directoryRoutes() []route {
	return []route{
		{pattern: "GET /contacts", need: access.Read, serve: people},
		{pattern: "GET /organisations", need: access.Read, serve: organisations},
		{pattern: "POST /views", need: access.Write, serve: saveView},
		{pattern: "POST /views/delete", need: access.Write, serve: deleteView},
	}
}

// directory is a list of people or organisations, with what narrows it.
type directory struct {
	List    string // contacts | organisations
	Filter  web.Filter
	Query   string // the filters, as the query of an address
	Quiet   string // the filter in days
	Lines   []line
	Older   string // the address of what comes next
	Chips   []chip // the filters in force
	Views   []savedView
	Current *savedView // the one that is shown
	Members []web.Member
}

// line is one person or organisation of a list.
type line struct {
	Path, Name, Detail string
	Places             []affiliation
	Kind               contact.Kind
	Stage              contact.Stage
	Role, Owner        string
	Tags               []string
	Standing           *web.Standing
}

// affiliation is an organisation somebody belongs to.
type affiliation struct{ Path, Name, Title string }

// chip is one filter in force; its address is the list without it.
type chip struct{ Label, Value, Without string }

// savedView is a saved view with its address.
type savedView struct {
	web.SavedView
	Path string
	Here bool
}

// filterKeys are the parameters that narrow a list or put it in order.
var filterKeys = []string{"text", "kind", "stage", "owner", "role", "tag", "waiting", "quiet", "sort"}

// quietDays are the silences to choose from, in days.
var quietDays = []int{30, 60, 90, 180, 365}

// filtersOf reads the filters of a page's address; those that say nothing are
// left out, so that the same list has one address.
func filtersOf(q url.Values, now time.Time) (url.Values, web.Filter) {
	kept := url.Values{}
	for _, key := range filterKeys {
		if value := strings.TrimSpace(q.Get(key)); value != "" {
			kept.Set(key, value)
		}
	}
	f := web.Filter{
		Text: kept.Get("text"), Kind: kept.Get("kind"), Stage: kept.Get("stage"),
		Owner: kept.Get("owner"), Role: kept.Get("role"), Tag: kept.Get("tag"),
		Waiting: kept.Get("waiting"), Sort: kept.Get("sort"),
	}
	if days, err := strconv.Atoi(kept.Get("quiet")); err == nil && days > 0 && days < 100_000 {
		f.QuietSince = now.AddDate(0, 0, -days).UTC().Truncate(time.Hour).Format(time.RFC3339)
	} else {
		kept.Del("quiet")
	}
	return kept, f
}

func people(v *visit) error {
	d, err := v.directory("contacts")
	if err != nil {
		return err
	}
	page, err := v.client().Contacts(v.ctx(), d.Filter, v.slice())
	if err != nil {
		return err
	}
	for _, c := range page.Items {
		l := line{Path: "/contacts/" + string(c.ID), Name: c.Name, Kind: c.Kind, Stage: c.Stage, Role: c.Role, Owner: d.member(c.Owner), Tags: c.Tags, Standing: c.Relation}
		if len(c.Addresses) > 0 {
			l.Detail = string(c.Addresses[0])
		}
		for _, o := range c.Organisations {
			l.Places = append(l.Places, affiliation{"/organisations/" + string(o.ID), o.Name, o.Title})
		}
		d.Lines = append(d.Lines, l)
	}
	d.Older = v.older(page.Next)
	return v.show("directory", "nav.people", d)
}

func organisations(v *visit) error {
	d, err := v.directory("organisations")
	if err != nil {
		return err
	}
	page, err := v.client().Organisations(v.ctx(), d.Filter, v.slice())
	if err != nil {
		return err
	}
	for _, o := range page.Items {
		var domains []string
		for _, at := range o.Domains {
			domains = append(domains, at.Name)
		}
		d.Lines = append(d.Lines, line{Path: "/organisations/" + string(o.ID), Name: o.Name, Detail: strings.Join(domains, ", "),
			Kind: o.Kind, Stage: o.Stage, Role: o.Role, Owner: d.member(o.Owner), Tags: o.Tags, Standing: o.Relation})
	}
	d.Older = v.older(page.Next)
	return v.show("directory", "nav.organisations", d)
}

// directory reads what every list has: its filters, the members who own, and
// the saved views.
func (v *visit) directory(list string) (*directory, error) {
	kept, filter := filtersOf(v.r.URL.Query(), v.Now)
	d := &directory{List: list, Filter: filter, Query: kept.Encode(), Quiet: kept.Get("quiet")}
	members, err := v.client().Members(v.ctx())
	if err != nil {
		return nil, err
	}
	d.Members = members.Items
	views, err := v.client().SavedViews(v.ctx(), list)
	if err != nil {
		return nil, err
	}
	for _, s := range views.Items {
		view := savedView{SavedView: s, Path: "/" + list + "?" + s.Query, Here: s.Query == d.Query}
		d.Views = append(d.Views, view)
		if view.Here {
			d.Current = &view
		}
	}
	d.chips(v, kept)
	return d, nil
}

// chips names the filters in force, each with the way back.
func (d *directory) chips(v *visit, kept url.Values) {
	for _, key := range filterKeys {
		value := kept.Get(key)
		if value == "" {
			continue
		}
		without := url.Values{}
		for k, values := range kept {
			if k != key {
				without[k] = values
			}
		}
		shown := value
		switch key {
		case "kind", "stage", "waiting", "sort":
			shown = v.word(key, value)
		case "quiet":
			if days, err := strconv.Atoi(value); err == nil {
				shown = v.T("span.day", "n", days)
			}
		case "owner":
			shown = d.member(contact.Address(value))
		}
		d.Chips = append(d.Chips, chip{v.T("list.filter." + key), shown, address("/"+d.List, without)})
	}
}

// member names a member by an address.
func (d *directory) member(a contact.Address) string { return memberName(d.Members, a) }

func memberName(members []web.Member, a contact.Address) string {
	for _, m := range members {
		if slices.Contains(m.Addresses, a) && m.Name != "" {
			return m.Name
		}
	}
	return string(a)
}

// word is the reader's word for a value out of a short list; what is in no
// catalogue stays as it is.
func (v *visit) word(list, value string) string {
	if key := list + "." + value; v.has(key) {
		return v.T(key)
	}
	return value
}

// Word is word for templates, where values have types of their own.
func (v *visit) Word(list string, value any) string { return v.word(list, plainText(value)) }

func plainText(value any) string {
	if v := reflect.ValueOf(value); v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

// address is a path with a query, where there is one.
func address(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// slice asks for the part of a list the page shows.
func (v *visit) slice() web.Slice { return web.Slice{Cursor: v.Query("cursor"), Limit: perPage} }

// older is the address of the list's next part, "" where it ends.
func (v *visit) older(next string) string {
	if next == "" {
		return ""
	}
	q := v.r.URL.Query()
	q.Set("cursor", next)
	return address(v.Path(), q)
}

// saveView keeps the filters of a list under a name.
func saveView(v *visit) error {
	in := web.SavedViewInput{List: v.form("list"), Name: v.form("name"), Query: v.form("query"), Shared: v.form("shared") != ""}
	saved, err := v.client().SaveView(v.ctx(), in)
	if err != nil {
		return err
	}
	return v.done("/"+saved.List+"?"+saved.Query, "", "view.saved", "name", saved.Name)
}

// deleteView forgets one.
func deleteView(v *visit) error {
	if err := v.client().DeleteView(v.ctx(), v.form("id")); err != nil && status(err) != http.StatusNotFound {
		return err
	}
	return v.done(v.form("back"), "", "view.deleted")
}

// option is one choice of a list.
type option struct{ Value, Label string }

// owners are the members to choose from, by their primary addresses.
func owners(members []web.Member) []option {
	var out []option
	for _, m := range members {
		if len(m.Addresses) > 0 && m.LeftTo == "" {
			out = append(out, option{string(m.Addresses[0]), memberName(members, m.Addresses[0])})
		}
	}
	return out
}

// The kinds and stages to choose from.
var (
	contactKinds  = []string{"customer", "partner", "both", "other"}
	contactStages = []string{"prospect", "active", "former"}
)
