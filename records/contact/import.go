package contact

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Row is one record of an import or export: a person, an organisation, or
// both. Line is where it stands in the file, from 1.
type Row struct {
	Line         int           `json:"-"`
	Contact      *Contact      `json:"contact,omitempty"`      // nil: the row is an organisation
	Organisation *Organisation `json:"organisation,omitempty"` // by name or domain; nil: none
	Title        string        `json:"title,omitempty"`        // of Contact at Organisation
	DecisionRole string        `json:"decision_role,omitempty"`
	Note         string        `json:"note,omitempty"` // becomes a note on the timeline
}

// RowError says what is wrong with one line.
type RowError struct {
	Line int    `json:"line"`
	What string `json:"what"`
}

// ImportResult says what an import did, or would do.
type ImportResult struct {
	Added     int        `json:"added"`
	Updated   int        `json:"updated"`
	Unchanged int        `json:"unchanged"`
	Errors    []RowError `json:"errors,omitempty"`
	Dry       bool       `json:"dry_run,omitempty"`
	// Rows is what would happen to each record, for a dry run, at most
	// [MaxImportRows] of them.
	Rows []ImportRow `json:"rows,omitempty"`
	// NoKind counts the records that have no kind afterwards, neither their
	// own nor their organisation's.
	NoKind int `json:"no_kind,omitempty"`
}

// MaxImportRows bounds the rows a dry run lists.
const MaxImportRows = 1000

// ImportRow says what an import would do with one line.
type ImportRow struct {
	Line int    `json:"line"`
	Does string `json:"does"` // add | update | leave
	Name string `json:"name"` // of the contact or organisation, or its address
}

// ImportOptions are what a person says beside the file. Zero fields add
// nothing.
type ImportOptions struct {
	Kind  Kind     // of rows that give none
	Owner Address  // of rows that give none
	Tags  []string // for every row
	// MaxBytes bounds the file; 0 means 64 MB.
	MaxBytes int64
}

const maxImport = 64 << 20

func (o ImportOptions) maxBytes() int64 {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return maxImport
}

// rows collects the rows of a file and what is wrong with it. Where anything
// is wrong nobody imports anything, so the rows then need not be complete.
type rows struct {
	options ImportOptions
	list    []Row
	errors  []RowError
	claims  claims
}

// maxErrors bounds what is reported at once.
const maxErrors = 100

func (r *rows) fault(line int, format string, args ...any) {
	switch {
	case len(r.errors) < maxErrors-1:
		r.errors = append(r.errors, RowError{line, fmt.Sprintf(format, args...)})
	case len(r.errors) == maxErrors-1:
		r.errors = append(r.errors, RowError{line, "there are more errors from here on; mend these first"})
	}
}

// full reports whether further faults would not be kept.
func (r *rows) full() bool { return len(r.errors) >= maxErrors }

// add normalises a row and keeps it, or says what is wrong with it.
func (r *rows) add(row Row) {
	own := row.subject()
	*own.kind = cmp.Or(*own.kind, r.options.Kind)
	*own.owner = cmp.Or(*own.owner, r.options.Owner)
	*own.tags = slices.Concat(*own.tags, r.options.Tags)
	for _, err := range row.normalize() {
		what := err.Error()
		if _, after, ok := strings.Cut(what, ": "); ok && strings.HasPrefix(what, "check ") {
			what = after
		}
		r.fault(row.Line, "%s", what)
	}
	if line, name := r.claims.take(row); line > 0 {
		r.fault(row.Line, "%q has an address that line %d gives to %q; make the names the same, or remove it from one of the two",
			Clip(row.Contact.Name), line, Clip(name))
	}
	r.list = append(r.list, row)
}

// subject is whom the row is about.
func (r Row) subject() common {
	if r.Contact != nil {
		return r.Contact.common()
	}
	return r.Organisation.common()
}

func (r *Row) normalize() []error {
	var errs []error
	var f faults
	r.Title, r.DecisionRole = f.line("job title", r.Title), f.line("role in decisions", r.DecisionRole)
	r.Note = f.text("note", r.Note)
	if err := f.err("row", ""); err != nil {
		errs = append(errs, err)
	}
	if r.Contact != nil {
		if err := r.Contact.Normalize(); err != nil {
			errs = append(errs, err)
		}
	}
	if r.Organisation != nil {
		if err := r.Organisation.Normalize(); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// done returns the rows, or the errors alone.
func (r *rows) done() ([]Row, []RowError) {
	if len(r.errors) > 0 {
		slices.SortStableFunc(r.errors, func(a, b RowError) int { return cmp.Compare(a.Line, b.Line) })
		return nil, r.errors
	}
	return r.list, nil
}

// ApplyContact returns the contact as the row leaves it, and whether it differs
// from the existing one: filled cells replace, empty cells leave, addresses,
// phones and tags are added. Without an existing contact it is a new one, whose
// ID the caller gives. Places in organisations are the caller's as well, who
// knows the organisation's ID; see [Contact.Affiliated]. The row must have a
// Contact.
func (r Row) ApplyContact(existing *Contact, now time.Time) (Contact, bool) {
	in := *r.Contact
	if existing == nil {
		in.Consents, _ = consented(nil, in.Consents, now)
		in.Created, in.Updated = now, now
		return in, true
	}
	out := *existing
	out.Name = cmp.Or(in.Name, out.Name)
	out.Addresses = union(out.Addresses, in.Addresses)
	changed := out.Name != existing.Name || len(out.Addresses) != len(existing.Addresses)
	consents, more := consented(out.Consents, in.Consents, now)
	out.Consents, changed = consents, changed || more
	if out.common().overwrite(in.common()) || changed {
		out.Updated = now
		return out, true
	}
	return *existing, false
}

// ApplyOrganisation is like [Row.ApplyContact] for the row's organisation,
// which it must have. Where the row is about a person, the organisation is
// only mentioned: it gains a domain and what it lacks, and loses nothing.
func (r Row) ApplyOrganisation(existing *Organisation, now time.Time) (Organisation, bool) {
	in := *r.Organisation
	if existing == nil {
		in.Created, in.Updated = now, now
		return in, true
	}
	out := *existing
	for _, d := range in.Domains {
		if !slices.ContainsFunc(out.Domains, func(e Domain) bool { return e.Name == d.Name }) {
			out.Domains = append(slices.Clip(out.Domains), d)
		}
	}
	changed := len(out.Domains) != len(existing.Domains)
	if r.Contact != nil {
		*in.common().kind = cmp.Or(existing.Kind, in.Kind)
	} else {
		renamed := in.Name != "" && in.Name != out.Name && (len(in.Domains) == 0 || in.Name != in.Domains[0].Name)
		if renamed {
			out.Name, changed = in.Name, true
		}
	}
	if out.common().overwrite(in.common()) || changed {
		out.Updated = now
		return out, true
	}
	return *existing, false
}

// overwrite takes over every filled field of d and reports whether any differs.
func (c common) overwrite(d common) bool {
	changed := replace(c.kind, *d.kind)
	changed = replace(c.stage, *d.stage) || changed
	changed = replace(c.owner, *d.owner) || changed
	changed = replace(c.role, *d.role) || changed
	changed = replace(c.language, *d.language) || changed
	changed = replace(c.timeZone, *d.timeZone) || changed
	changed = replace(c.note, *d.note) || changed
	tags, phones := unionFold(*c.tags, *d.tags), unionFold(*c.phones, *d.phones)
	changed = changed || len(tags) != len(*c.tags) || len(phones) != len(*c.phones)
	*c.tags, *c.phones = tags, phones
	if len(*d.custom) > 0 {
		both := maps.Clone(*c.custom)
		if both == nil {
			both = make(map[string]string)
		}
		maps.Copy(both, *d.custom)
		changed = changed || !maps.Equal(both, *c.custom)
		*c.custom = both
	}
	return changed
}

func replace[T comparable](at *T, with T) bool {
	var zero T
	if with == zero || with == *at {
		return false
	}
	*at = with
	return true
}

// consented adds the consents that say something new and reports whether any
// does. A file that is imported again says what it said before, so consent
// without a date, or with an early one, never overrules an objection.
func consented(have, add []Consent, now time.Time) ([]Consent, bool) {
	out := slices.Clone(have)
	for _, c := range add {
		last, known := latest(out, c.Purpose)
		switch {
		case known && last.State == c.State:
			continue
		case known && c.State == Given && !c.At.After(last.At):
			continue
		case known && !c.At.IsZero() && c.At.Before(last.At):
			continue
		}
		if c.At.IsZero() {
			c.At, c.Source = now, cmp.Or(c.Source, "import")
		}
		out = append(out, c)
	}
	return out, len(out) > len(have)
}

// Consent returns what the contact said last for a purpose.
func (c Contact) Consent(purpose string) (Consent, bool) { return latest(c.Consents, purpose) }

// latest returns what was last said for a purpose; of two at the same time the
// one further back in the list.
func latest(list []Consent, purpose string) (last Consent, known bool) {
	for _, c := range list {
		if c.Purpose == purpose && (!known || !c.At.Before(last.At)) {
			last, known = c, true
		}
	}
	return last, known
}
