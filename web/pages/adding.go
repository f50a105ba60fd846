package pages

import (
	"io"
	"net/http"
	"strings"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/web"
)

// addingRoutes are the forms by which people and organisations come in.
func (p *Pages) addingRoutes() []route {
	return []route{
		{pattern: "GET /contacts/new", need: access.Write, serve: newContact},
		{pattern: "POST /contacts", need: access.Write, serve: addContact},
		{pattern: "GET /organisations/new", need: access.Write, serve: newOrganisation},
		{pattern: "POST /organisations", need: access.Write, serve: addOrganisation},
		{pattern: "GET /import", need: access.Manage, serve: importForm},
		{pattern: "POST /import", need: access.Manage, serve: importFile, body: maxUpload},
	}
}

// newRecord is the form of a new person or organisation, with what was wrong.
type newRecord struct {
	List    string // contacts | organisations
	Members []web.Member
	Fields  func(string) string // what was written so far
	Wrong   *web.Problem
}

func newContact(v *visit) error      { return v.newRecord("contacts", nil) }
func newOrganisation(v *visit) error { return v.newRecord("organisations", nil) }

func (v *visit) newRecord(list string, wrong *web.Problem) error {
	members, err := v.client().Members(v.ctx())
	if err != nil {
		return err
	}
	code, title, fields := http.StatusOK, "people.add", v.form
	if list == "organisations" {
		title = "organisations.add"
	}
	if wrong != nil {
		code = wrong.Status
	} else {
		fields = v.Query // so that a link can fill the form in
	}
	return v.showAs(code, "new", title, newRecord{list, members.Items, fields, wrong})
}

// wrongly shows a form again with what the API says of it; whatever is not the
// writer's to mend is an error like any other.
func (v *visit) wrongly(list string, err error) error {
	p := v.problemOf(err)
	switch p.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusNotFound, http.StatusUnprocessableEntity:
		return v.newRecord(list, p)
	}
	return err
}

func addContact(v *visit) error {
	c, err := v.client().AddContact(v.ctx(), web.ContactInput{
		Name: v.form("name"), Emails: words(v.form("emails")), Organisation: v.form("organisation"), Title: v.form("title"),
		Kind: v.form("kind"), Stage: v.form("stage"), Role: v.form("role"), Owner: v.form("owner"), Tags: commas(v.form("tags")),
		Phones: commas(v.form("phones")), Language: v.form("language"), TimeZone: v.form("timezone"), Note: v.form("note"),
	})
	if err != nil {
		return v.wrongly("contacts", err)
	}
	return v.done("/contacts/"+string(c.ID), "", "people.added", "name", c.Name)
}

func addOrganisation(v *visit) error {
	o, err := v.client().AddOrganisation(v.ctx(), web.OrganisationInput{
		Name: v.form("name"), Domains: words(v.form("domains")), Kind: v.form("kind"), Stage: v.form("stage"), Role: v.form("role"),
		Owner: v.form("owner"), Tags: commas(v.form("tags")), Phones: commas(v.form("phones")), Language: v.form("language"),
		TimeZone: v.form("timezone"), Note: v.form("note"),
	})
	if err != nil {
		return v.wrongly("organisations", err)
	}
	return v.done("/organisations/"+string(o.ID), "", "organisations.added", "name", o.Name)
}

// words are parts between white space, commas and semicolons: what holds none
// of them itself, like addresses.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,;\t\r\n", r) })
}

// commas are parts between commas, semicolons and ends of lines.
func commas(s string) []string {
	var out []string
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",;\r\n", r) }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// maxUpload bounds an import file, in bytes; maxPasted what is written into the
// form, which is shown again after a try; maxShown the lines of a result.
const (
	maxUpload = 16 << 20
	maxPasted = 32 << 10
	maxShown  = 100
)

// importing is the form of an import, with what it did or would do.
type importing struct {
	Members          []web.Member
	Pasted           string
	Kind, Owner, Tag string
	Result           *contact.ImportResult
	Rows             []contact.ImportRow // the first of Result's
	Errors           []contact.RowError
	File             bool // the result is of a file, which a browser does not keep
	Wrong            *web.Problem
}

func importForm(v *visit) error { return v.importing(http.StatusOK, importing{}) }

func (v *visit) importing(code int, i importing) error {
	members, err := v.client().Members(v.ctx())
	if err != nil {
		return err
	}
	i.Members = members.Items
	return v.showAs(code, "import", "import.title", i)
}

// importFile tries or does an import: of a file, or of what is written.
func importFile(v *visit) error {
	if err := v.r.ParseMultipartForm(maxForm); err != nil {
		return err
	}
	defer func() { _ = v.r.MultipartForm.RemoveAll() }() // temporary files only
	in := importing{Pasted: v.form("pasted"), Kind: v.form("kind"), Owner: v.form("owner"), Tag: v.form("tag")}
	o := web.ImportOptions{Dry: v.form("do") != "import", Kind: in.Kind, Owner: in.Owner, Tags: commas(in.Tag)}
	var from io.Reader = strings.NewReader(in.Pasted)
	if f, head, err := v.r.FormFile("file"); err == nil && head.Size > 0 {
		defer f.Close()
		from, o.Name, in.File = f, head.Filename, true
	}
	if !in.File && in.Pasted == "" || len(in.Pasted) > maxPasted {
		in.Pasted = in.Pasted[:min(len(in.Pasted), maxPasted)]
		in.Wrong = &web.Problem{Status: http.StatusBadRequest, Detail: v.T("import.nothing", "size", v.Bytes(maxPasted))}
		return v.importing(http.StatusBadRequest, in)
	}
	result, err := v.client().Import(v.ctx(), from, o)
	if p := v.problemOrNil(err); p != nil && p.Status < http.StatusInternalServerError {
		in.Wrong = p
		return v.importing(p.Status, in)
	}
	if err != nil {
		return err
	}
	if !o.Dry && len(result.Errors) == 0 {
		return v.done("/contacts", "", "import.done", "added", v.N(result.Added), "updated", v.N(result.Updated))
	}
	in.Result, in.Rows, in.Errors = &result, result.Rows[:min(len(result.Rows), maxShown)], result.Errors[:min(len(result.Errors), maxShown)]
	return v.importing(http.StatusOK, in)
}

// problemOrNil is problemOf where there is an error.
func (v *visit) problemOrNil(err error) *web.Problem {
	if err == nil {
		return nil
	}
	return v.problemOf(err)
}
