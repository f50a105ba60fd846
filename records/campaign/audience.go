package campaign

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"rapport/records/contact"
	"rapport/records/sale"
)

// Audience is the rule that selects whom a campaign is for. It may be used
// concurrently.
type Audience struct {
	source  string
	program *vm.Program
}

// maxAudience bounds the rule, in bytes and in what it consists of.
const (
	maxAudience      = 4 << 10
	maxAudienceNodes = 500
)

// Candidate is somebody an audience is asked about.
type Candidate struct {
	Contact      contact.Contact
	Organisation contact.Organisation // the first of the contact's; zero without one
	LastIn       time.Time            // when they wrote last; zero: never
	LastOut      time.Time            // when we did
	// Sales are those of the contact and of the organisation, and Segment how
	// they buy; Sale is the one a letter is about: what began it, else the last.
	Sales   sale.Figures
	Segment sale.Segment
	Sale    *sale.Sale
}

// Kind is what the candidate is to us: the contact's own kind, else that of the
// organisation.
func (c Candidate) Kind() contact.Kind { return cmp.Or(c.Contact.Kind, c.Organisation.Kind) }

// Language is the contact's own, else that of the organisation.
func (c Candidate) Language() string { return cmp.Or(c.Contact.Language, c.Organisation.Language) }

// facts is what a rule can ask of a candidate, by the names it uses.
type facts struct {
	Kind         contact.Kind      `expr:"kind"`
	Stage        string            `expr:"stage"`
	Role         string            `expr:"role"`
	Tags         []string          `expr:"tags"`
	Language     string            `expr:"language"`
	Owner        string            `expr:"owner"`
	Name         string            `expr:"name"`
	Email        string            `expr:"email"`
	Organisation firmFacts         `expr:"organisation"`
	LastContact  time.Time         `expr:"last_contact"`
	LastIn       time.Time         `expr:"last_in"`
	LastOut      time.Time         `expr:"last_out"`
	Consent      []string          `expr:"consent"` // the purposes agreed to
	Custom       map[string]string `expr:"custom"`
	Sales        saleFacts         `expr:"sales"`
	Now          time.Time         `expr:"now"`
}

// saleFacts are what somebody bought. Sums are for comparing only: what a mail
// says of money is exact.
type saleFacts struct {
	Count    int                `expr:"count"`
	Total    float64            `expr:"total"` // in the currency of the largest sum
	In       map[string]float64 `expr:"in"`    // by currency
	First    time.Time          `expr:"first"`
	Last     time.Time          `expr:"last"`
	Products []string           `expr:"products"`
	Segment  string             `expr:"segment"`
	Overdue  int                `expr:"overdue"` // how many
}

// salesOf makes facts of figures.
func salesOf(c Candidate) saleFacts {
	f := saleFacts{Count: c.Sales.Count, In: map[string]float64{}, Segment: string(c.Segment), Overdue: c.Sales.Late,
		First: c.Sales.First.In(time.UTC), Last: c.Sales.Last.In(time.UTC)}
	for _, s := range c.Sales.Total {
		f.In[s.Currency] = s.Amount.Float()
		f.Total = max(f.Total, s.Amount.Float())
	}
	for _, p := range c.Sales.Products {
		f.Products = append(f.Products, p.Product)
	}
	return f
}

type firmFacts struct {
	Name     string            `expr:"name"`
	Kind     contact.Kind      `expr:"kind"`
	Stage    string            `expr:"stage"`
	Role     string            `expr:"role"`
	Tags     []string          `expr:"tags"`
	Language string            `expr:"language"`
	Owner    string            `expr:"owner"`
	Custom   map[string]string `expr:"custom"`
}

// audienceBuiltins are the functions of the language that a rule may use: those
// that only look. The clock is not among them: now is a fact.
var audienceBuiltins = []string{"all", "any", "one", "none", "len", "lower", "upper", "trim", "hasPrefix", "hasSuffix"}

// ParseAudience reads a rule such as `kind == "customer" and "vip" in tags`.
// Its errors name line and column within the rule.
func ParseAudience(source string) (*Audience, error) {
	if len(source) > maxAudience {
		return nil, fmt.Errorf("the audience has %d bytes, more than %d", len(source), maxAudience)
	}
	is := func(args ...any) (any, error) { return kindOf(args[0]).Is(kindOf(args[1])), nil }
	isNot := func(args ...any) (any, error) { return !kindOf(args[0]).Is(kindOf(args[1])), nil }
	kinds := []any{new(func(contact.Kind, string) bool), new(func(contact.Kind, contact.Kind) bool)}
	options := []expr.Option{
		expr.Env(facts{}), expr.AsBool(), expr.MaxNodes(maxAudienceNodes), expr.DisableAllBuiltins(),
		expr.Function("kind_is", is, kinds...), expr.Operator("==", "kind_is"),
		expr.Function("kind_is_not", isNot, kinds...), expr.Operator("!=", "kind_is_not"),
		expr.Function("days", func(args ...any) (any, error) {
			return time.Duration(args[0].(int)) * 24 * time.Hour, nil
		}, new(func(int) time.Duration)),
	}
	for _, name := range audienceBuiltins {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(source, options...)
	if err != nil {
		return nil, audienceFault(err)
	}
	return &Audience{source: source, program: program}, nil
}

// kindOf reads one side of a comparison of kinds.
func kindOf(v any) contact.Kind {
	if k, ok := v.(contact.Kind); ok {
		return k
	}
	s, _ := v.(string)
	return contact.Kind(s)
}

// audienceFault says where a rule is wrong, and how.
func audienceFault(err error) error {
	var at *file.Error
	if !errors.As(err, &at) {
		return err
	}
	what, _, _ := strings.Cut(at.Message, "\n")
	if name, ok := strings.CutPrefix(what, "unknown name "); ok {
		what = "there is no field " + name + "; there are " + strings.Join(AudienceFields(), ", ")
	}
	return &AudienceError{Line: at.Line, Column: at.Column + 1, What: what}
}

// AudienceError is what is wrong with a rule, and where in it.
type AudienceError struct {
	Line, Column int // from 1
	What         string
}

func (e *AudienceError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.What) }

// AudienceFields are the names a rule may use.
func AudienceFields() []string {
	var out []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[facts]()) {
		out = append(out, f.Tag.Get("expr"))
	}
	return out
}

// String returns the rule as it was written.
func (a *Audience) String() string { return a.source }

// Includes reports whether the rule selects a candidate.
func (a *Audience) Includes(c Candidate, now time.Time) (bool, error) {
	o := c.Organisation
	email := ""
	if len(c.Contact.Addresses) > 0 {
		email = string(c.Contact.Addresses[0])
	}
	last := c.LastIn
	if c.LastOut.After(last) {
		last = c.LastOut
	}
	got, err := expr.Run(a.program, facts{
		Kind: c.Kind(), Stage: cmp.Or(string(c.Contact.Stage), string(o.Stage)), Role: cmp.Or(c.Contact.Role, o.Role),
		Tags: c.Contact.Tags, Language: c.Language(), Owner: string(cmp.Or(c.Contact.Owner, o.Owner)),
		Name: c.Contact.Name, Email: email,
		Organisation: firmFacts{Name: o.Name, Kind: o.Kind, Stage: string(o.Stage), Role: o.Role, Tags: o.Tags,
			Language: o.Language, Owner: string(o.Owner), Custom: o.Custom},
		LastContact: last, LastIn: c.LastIn, LastOut: c.LastOut,
		Consent: agreedTo(c.Contact), Custom: c.Contact.Custom, Sales: salesOf(c), Now: now,
	})
	if err != nil {
		return false, audienceFault(err)
	}
	return got == true, nil
}

// agreedTo lists the purposes somebody has agreed to.
func agreedTo(c contact.Contact) (out []string) {
	for _, o := range c.Consents {
		if last, known := c.Consent(o.Purpose); known && last.State == contact.Given && !slices.Contains(out, o.Purpose) {
			out = append(out, o.Purpose)
		}
	}
	return out
}
