package contact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/language"
)

// The bounds of a record: far beyond use, near enough that a wrong file does
// not fill the store.
const (
	maxText    = 500    // bytes of a name, tag or other single line
	maxNote    = 20_000 // bytes of a note or custom field
	maxEntries = 200    // addresses, tags, custom fields …
)

// Normalize brings a contact to its normal form: texts trimmed, addresses,
// language and domains in theirs, nothing twice. It returns all faults in one
// error; the contact is then not fit to be stored. It changes no slice or map
// that c shares with another value. Repeating it changes nothing.
func (c *Contact) Normalize() error {
	var f faults
	c.Name = f.line("name", c.Name)
	c.Addresses = f.addresses("address", c.Addresses)
	c.Affiliations = f.affiliations(c.Affiliations)
	c.Consents = f.consents(c.Consents)
	c.common().normalize(&f)
	if c.Name == "" && len(c.Addresses) == 0 {
		f.add("a contact needs a name or an address")
	}
	return f.err("contact", c.Name)
}

// Normalize brings an organisation to its normal form, like
// [Contact.Normalize]. One without a name is named after its first domain.
func (o *Organisation) Normalize() error {
	var f faults
	o.Name = f.line("name", o.Name)
	o.Domains = f.domains(o.Domains)
	o.common().normalize(&f)
	if o.Name == "" && len(o.Domains) > 0 {
		o.Name = o.Domains[0].Name
	}
	if o.Name == "" {
		f.add("an organisation needs a name or a domain")
	}
	return f.err("organisation", o.Name)
}

// common is what contacts and organisations have alike.
type common struct {
	kind                     *Kind
	stage                    *Stage
	owner                    *Address
	role, language, timeZone *string
	note                     *string
	tags, phones             *[]string
	custom                   *map[string]string
}

func (c *Contact) common() common {
	return common{
		kind: &c.Kind, stage: &c.Stage, owner: &c.Owner, role: &c.Role, language: &c.Language, timeZone: &c.TimeZone,
		note: &c.Note, tags: &c.Tags, phones: &c.Phones, custom: &c.Custom,
	}
}

func (o *Organisation) common() common {
	return common{
		kind: &o.Kind, stage: &o.Stage, owner: &o.Owner, role: &o.Role, language: &o.Language, timeZone: &o.TimeZone,
		note: &o.Note, tags: &o.Tags, phones: &o.Phones, custom: &o.Custom,
	}
}

func (c common) normalize(f *faults) {
	*c.kind = oneOf(f, "kind", *c.kind, Customer, Partner, Both, Other)
	*c.stage = oneOf(f, "stage", *c.stage, Prospect, Active, Former)
	*c.role = f.line("role", *c.role)
	*c.note = f.text("note", *c.note)
	*c.tags = f.lines("tag", *c.tags)
	*c.phones = f.lines("phone", *c.phones)
	*c.custom = f.custom(*c.custom)
	*c.language = f.language(*c.language)
	*c.timeZone = f.zone(*c.timeZone)
	if owner := f.addresses("owner", []Address{*c.owner}); len(owner) > 0 {
		*c.owner = owner[0]
	} else {
		*c.owner = ""
	}
}

// faults collects what is wrong with a record.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func (f faults) err(what, name string) error {
	if len(f) == 0 {
		return nil
	}
	text := strings.Join(f, "; ")
	if name == "" || strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name) {
		return fmt.Errorf("check %s: %w", what, errors.New(text))
	}
	return fmt.Errorf("check %s %q: %w", what, Clip(name), errors.New(text))
}

// line checks a single line of text.
func (f *faults) line(what, s string) string {
	s = strings.TrimSpace(s)
	f.clean(what, s, maxText, "")
	return s
}

// text checks text of several lines; their ends become \n.
func (f *faults) text(what, s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(s), "\r\n", "\n"), "\r", "\n")
	f.clean(what, s, maxNote, "\n\t")
	return s
}

func (f *faults) clean(what, s string, most int, allowed string) {
	switch {
	case len(s) > most:
		f.add("%s is longer than %d bytes", what, most)
	case !utf8.ValidString(s):
		f.add("%s is not valid UTF-8", what)
	case strings.ContainsFunc(s, func(r rune) bool {
		return (unicode.IsControl(r) || r == '\u2028' || r == '\u2029') && !strings.ContainsRune(allowed, r)
	}):
		f.add("%s holds a control character or a line break", what)
	}
}

// lines checks a list of single lines in which case makes no difference.
func (f *faults) lines(what string, list []string) []string {
	var out []string
	seen := make(map[string]bool)
	for _, s := range list {
		s = f.line(what, s)
		key := strings.ToLower(s)
		if s == "" || seen[key] {
			continue
		}
		seen[key] = true
		if strings.ContainsRune(s, ';') || what == "tag" && strings.ContainsRune(s, ',') {
			f.add("%s %q holds a sign that separates two", what, Clip(s))
		}
		out = append(out, s)
	}
	f.few(what, len(out))
	return out
}

// few reports whether there are few enough to be looked at one by one.
func (f *faults) few(what string, n int) bool {
	if n > maxEntries {
		f.add("there are %d of %s, more than %d", n, what, maxEntries)
	}
	return n <= maxEntries
}

func (f *faults) addresses(what string, list []Address) []Address {
	var out []Address
	if !f.few(what, len(list)) {
		return nil
	}
	for _, s := range list {
		if strings.TrimSpace(string(s)) == "" {
			continue
		}
		a, err := ParseAddress(string(s))
		if err != nil {
			f.add("%s: %v", what, err)
			continue
		}
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

func (f *faults) affiliations(list []Affiliation) []Affiliation {
	var out []Affiliation
	if !f.few("organisation", len(list)) {
		return nil
	}
	for _, a := range list {
		a.Title, a.Role = f.line("job title", a.Title), f.line("role in decisions", a.Role)
		a.Organisation = OrganisationID(f.line("organisation", string(a.Organisation)))
		if a.Organisation == "" {
			f.add("an affiliation names no organisation")
			continue
		}
		out = affiliate(out, a)
	}
	return out
}

func (f *faults) domains(list []Domain) []Domain {
	var out []Domain
	if !f.few("domain", len(list)) {
		return nil
	}
	for _, d := range list {
		if strings.TrimSpace(d.Name) == "" {
			continue
		}
		name, err := NormalDomain(d.Name)
		if err != nil {
			f.add("domain: %v", err)
			continue
		}
		if why := notOwned(name); why != "" {
			f.add("domain %s: %s", name, why)
			continue
		}
		d.Name = name
		if i := slices.IndexFunc(out, func(o Domain) bool { return o.Name == name }); i >= 0 {
			out[i].Shared = out[i].Shared || d.Shared
			continue
		}
		out = append(out, d)
	}
	return out
}

// notOwned says why a domain can belong to no organisation, "" where it can.
func notOwned(name string) string {
	_, icann := publicsuffix.PublicSuffix(name)
	switch {
	case Freemail(name):
		return "anybody can have a mailbox there, so it tells nothing of an organisation; give the people's addresses instead"
	case !strings.Contains(name, "."):
		return "it has no dot, so it is no mail domain"
	case Registrable(name) == "" && icann:
		return "it is a public suffix, under which anybody registers"
	}
	return ""
}

// The states of a consent.
const (
	Given     = "given"
	Withdrawn = "withdrawn"
)

func (f *faults) consents(list []Consent) []Consent {
	var out []Consent
	if !f.few("consent", len(list)) {
		return nil
	}
	for _, c := range list {
		c.Purpose, c.State = f.line("purpose of a consent", c.Purpose), strings.ToLower(strings.TrimSpace(c.State))
		c.Basis, c.Source = f.line("basis of a consent", c.Basis), f.line("source of a consent", c.Source)
		switch {
		case c.Purpose == "":
			f.add("a consent names no purpose, such as newsletter")
		case strings.ContainsAny(c.Purpose, ";=@"):
			f.add("the purpose %q of a consent holds one of ; = @", Clip(c.Purpose))
		case c.State != Given && c.State != Withdrawn:
			f.add("the consent to %s is %q, not given or withdrawn", c.Purpose, Clip(c.State))
		}
		if !slices.ContainsFunc(out, c.same) {
			out = append(out, c)
		}
	}
	return out
}

func (c Consent) same(d Consent) bool {
	at := c.At.Equal(d.At)
	c.At = d.At
	return at && c == d
}

func (f *faults) custom(fields map[string]string) map[string]string {
	if len(fields) == 0 {
		return nil
	}
	out := make(map[string]string, len(fields))
	for _, k := range sortedKeys(fields) {
		key := f.line("name of a custom field", k)
		value := f.text("custom field "+Clip(key), fields[k])
		if value == "" {
			continue
		}
		if key == "" {
			f.add("a custom field has no name")
		}
		if _, twice := out[key]; twice {
			f.add("there are two custom fields %q", Clip(key))
		}
		out[key] = value
	}
	f.few("custom field", len(out))
	if len(out) == 0 {
		return nil
	}
	return out
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// oneOf checks a word of a closed list; the empty one is allowed.
func oneOf[T ~string](f *faults, what string, s T, allowed ...T) T {
	s = T(strings.ToLower(strings.TrimSpace(string(s))))
	if s == "" || slices.Contains(allowed, s) {
		return s
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	f.add("%s %q is none of %s%s", what, Clip(string(s)), strings.Join(words, ", "), guess(string(s), words))
	return s
}

func (f *faults) language(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	tag, err := language.Parse(s)
	if err != nil || tag == language.Und {
		f.add("language %q is no language tag such as de or pt-BR", Clip(s))
		return s
	}
	return tag.String()
}

// zone checks that s reads like an IANA name; whether it exists, the zone
// files of the machine say.
func (f *faults) zone(s string) string {
	s = strings.TrimSpace(s)
	ok := len(s) <= 64 && !strings.EqualFold(s, "local")
	for part := range strings.SplitSeq(s, "/") {
		ok = ok && part != "" && (part[0] >= 'A' && part[0] <= 'Z' || part[0] >= 'a' && part[0] <= 'z') &&
			strings.IndexFunc(part, func(r rune) bool { return r > unicode.MaxASCII || class[byte(r)]&inDomain == 0 && r != '+' }) < 0
	}
	if s != "" && !ok {
		f.add("timezone %q is no zone name such as Europe/Berlin", Clip(s))
	}
	return s
}
