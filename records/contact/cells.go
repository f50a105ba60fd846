package contact

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// cellsOf are the filled cells of one line, by what they mean.
type cellsOf struct {
	values map[field][]string
	custom map[string]string
	google bool // values are separated as Google does
}

func (c *cellsOf) put(col column, cell string) {
	if c.values == nil {
		c.values, c.custom = make(map[field][]string), make(map[string]string)
	}
	if col.field == custom {
		if noDate(cell) {
			return
		}
		c.custom[col.name] = cell
		return
	}
	c.values[col.field] = append(c.values[col.field], cell)
}

// noDate reports whether a cell holds a date of zeros, which is what Outlook
// and others write where they have none.
func noDate(s string) bool {
	return strings.Trim(s, "0/.-") == "" && strings.Contains(s, "0") && strings.Count(s, "/")+strings.Count(s, ".")+strings.Count(s, "-") == 2
}

// one returns the first value of a field, its line breaks as spaces.
func (c *cellsOf) one(f field) string {
	if list := c.values[f]; len(list) > 0 {
		return oneLine(list[0])
	}
	return ""
}

func oneLine(s string) string {
	if strings.ContainsAny(s, "\r\n\t") {
		return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' || r == '\t' }), " ")
	}
	return s
}

// each returns all values of a field that may hold several in one cell.
func (c *cellsOf) each(f field, separators string) []string {
	var out []string
	for _, cell := range c.values[f] {
		if c.google {
			cell = strings.ReplaceAll(cell, ":::", ";")
		}
		split := strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(separators+"\n", r) })
		if f == email {
			split = splitOutsideQuotes(cell, separators+"\n")
		}
		for _, s := range split {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

func splitOutsideQuotes(s, separators string) []string {
	quoted, escaped := false, false
	return strings.FieldsFunc(s, func(r rune) bool {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = quoted
		case r == '"':
			quoted = !quoted
		}
		return !quoted && strings.ContainsRune(separators, r)
	})
}

// row makes a person or an organisation of the cells.
func (c *cellsOf) row(line int) (Row, []string) {
	var faults []string
	row := Row{Line: line, Title: c.one(jobTitle), DecisionRole: c.one(decisionRole), Note: strings.Join(c.values[note], "\n\n")}
	if firm, why := c.firm(c.isPerson()); why != "" {
		faults = append(faults, why)
	} else {
		row.Organisation = firm
	}
	who := Contact{Name: c.fullName()}
	var whys []string
	who.Addresses, whys = c.addresses()
	faults = append(faults, whys...)
	who.Consents, whys = c.consents()
	faults = append(faults, whys...)
	switch {
	case c.isPerson():
		row.Contact = &who
		c.fill(who.common(), &row)
		if row.Organisation != nil {
			row.Organisation.Kind = who.Kind
		}
	case row.Organisation != nil:
		c.fill(row.Organisation.common(), &row)
		if len(who.Consents) > 0 {
			faults = append(faults, "a consent is a person's: give a name or an email")
		}
		if row.Title != "" || row.DecisionRole != "" {
			faults = append(faults, "a job title is a person's: give a name or an email")
		}
	case len(faults) == 0:
		faults = append(faults, "the line has neither a name, an email, an organisation nor a domain")
	}
	return row, faults
}

func (c *cellsOf) fill(to common, row *Row) {
	*to.kind = kindOf(c.one(kind))
	*to.stage = Stage(c.one(stage))
	*to.role = c.one(role)
	*to.language = c.one(languageTag)
	*to.timeZone = c.one(timeZone)
	*to.owner = Address(c.one(owner))
	*to.note = strings.Join(c.values[pinnedNote], "\n\n")
	*to.phones = c.each(phone, ";")
	*to.tags = c.each(tags, ";,")
	if c.google {
		*to.tags = labels(*to.tags)
	}
	if len(c.custom) > 0 {
		*to.custom = c.custom
	}
}

// labels returns Google's labels without its marks and its own groups.
func labels(list []string) []string {
	var out []string
	for _, s := range list {
		s = strings.TrimSpace(strings.TrimPrefix(s, "*"))
		if !slices.Contains([]string{"", "mycontacts", "my contacts", "starred"}, strings.ToLower(s)) {
			out = append(out, s)
		}
	}
	return out
}

// kindOf reads a kind; what names customer and partner both is Both.
func kindOf(s string) Kind {
	low := strings.ToLower(s)
	if strings.Contains(low, "customer") && strings.Contains(low, "partner") {
		return Both
	}
	return Kind(low)
}

func (c *cellsOf) fullName() string {
	if n := c.one(name); n != "" {
		return n
	}
	var parts []string
	for _, f := range []field{firstName, middleName, lastName, nameSuffix} {
		if s := c.one(f); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

func (c *cellsOf) isPerson() bool { return c.fullName() != "" || len(c.values[email]) > 0 }

// firm returns the organisation the cells name, or what is wrong with it. The
// domain of a person's private mailbox, which lists often give, is none.
func (c *cellsOf) firm(ofPerson bool) (*Organisation, string) {
	o := Organisation{Name: c.one(organisation)}
	for _, s := range c.each(domain, ";, ") {
		text, shared := strings.CutSuffix(s, "!")
		d, err := NormalDomain(site(text))
		if err != nil {
			return nil, fmt.Sprintf("domain: %v; write it like example.com", err)
		}
		if !ofPerson || !Freemail(d) {
			o.Domains = append(o.Domains, Domain{Name: d, Shared: shared})
		}
	}
	if o.Name == "" && len(o.Domains) == 0 {
		return nil, ""
	}
	return &o, ""
}

// site cuts the host out of the address of a web page, which is what many
// lists hold for a domain.
func site(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s, _, _ = strings.Cut(rest, "/")
	}
	s = strings.TrimSuffix(s, "/")
	if rest, ok := cutPrefixFold(s, "www."); ok {
		return rest
	}
	return s
}

// addresses reads the email cells.
func (c *cellsOf) addresses() ([]Address, []string) {
	var out []Address
	var faults []string
	for _, cell := range c.values[email] {
		if strings.HasPrefix(cell, "/") && strings.Contains(strings.ToLower(cell), "/cn=") {
			continue // Exchange's internal name of a mailbox
		}
		for _, s := range parts(cell) {
			a, err := ParseAddress(s)
			if err != nil {
				faults = append(faults, fmt.Sprintf("email: %v; write name@example.com, several separated by ;", err))
				continue
			}
			out = append(out, a)
		}
	}
	return out, faults
}

// parts splits a cell of addresses. What holds no @ is no address: the comma
// then stands in a name, as in Byron, Ada <ada@example.com>.
func parts(cell string) []string {
	one := cellsOf{google: true, values: map[field][]string{email: {cell}}}
	list := one.each(email, ";,")
	if len(list) < 2 || slices.ContainsFunc(list, func(s string) bool { return !strings.Contains(s, "@") }) {
		list = one.each(email, ";")
	}
	return list
}

// consents reads cells like newsletter;survey=withdrawn@2026-01-31.
func (c *cellsOf) consents() ([]Consent, []string) {
	var out []Consent
	var faults []string
	for _, s := range c.each(consent, ";,") {
		text, at, dated := strings.Cut(s, "@")
		purpose, state, stated := strings.Cut(text, "=")
		item := Consent{Purpose: strings.TrimSpace(purpose), State: strings.ToLower(strings.TrimSpace(state))}
		if !stated {
			item.State = Given
		}
		if slices.Contains([]string{"yes", "no", "true", "false", "x", "0", "1", "ja", "nein", "oui", "non", Given, Withdrawn}, strings.ToLower(item.Purpose)) {
			faults = append(faults, fmt.Sprintf("the consent %q names no purpose; write newsletter or newsletter=withdrawn", Clip(s)))
			continue
		}
		if dated {
			when, err := moment(strings.TrimSpace(at))
			if err != nil {
				faults = append(faults, fmt.Sprintf("the consent %q has no date like 2026-01-31 behind its @", Clip(s)))
			}
			item.At = when
		}
		out = append(out, item)
	}
	return out, faults
}

func moment(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	return t.UTC(), err
}
