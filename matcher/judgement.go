package matcher

import (
	"cmp"
	"fmt"
	"slices"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
)

// ruleOrder is the order of rules in steps and matches.
var ruleOrder = map[string]int{
	RuleExcluded: 0, RuleHand: 1, RuleToken: 2, RuleAddress: 3, RuleFolded: 4,
	RuleDomain: 5, RuleForward: 6, RuleThread: 7, RuleInternal: 8,
}

// ruleWords are the rules as people read of them.
var ruleWords = map[string]phrase.Form{
	RuleExcluded: "excluded", RuleHand: "hand", RuleToken: "token", RuleAddress: "address", RuleFolded: "folded",
	RuleDomain: "domain", RuleForward: "forward", RuleThread: "thread", RuleInternal: "internal",
}

// asked are the rules that Judge asks, in their order.
var asked = []string{
	RuleExcluded, RuleHand, RuleAddress, RuleFolded, RuleDomain, RuleForward, RuleThread, RuleInternal,
}

// judgement is one message on its way through the rules.
type judgement struct {
	*Matcher
	dir   Directory
	head  message.Head
	known Known

	all     []person // every participant that can be read
	outside []person // those who are not ours and not erased
	erased  bool     // somebody erased takes part
	lookup  finder

	decision   message.Decision
	matches    []message.Match
	candidates []message.Match // whom a shared domain may mean
	ambiguous  string          // the domain that is shared
	hidden     bool
	inspected  bool                    // the messages inside were looked at in vain
	unfiled    bool                    // a person took it away from all a rule found
	asking     bool                    // the matches are candidates, between which a person decides
	places     map[contact.Address]int // of outside; made when first needed
	said       map[string]Step
}

func newJudgement(m *Matcher, dir Directory, h message.Head, k Known) *judgement {
	return &judgement{
		Matcher: m, dir: dir, head: h, known: k,
		all:    people(h),
		lookup: finder{sides: m.sides, dir: dir, domains: make(map[string][]contact.Organisation)},
		said:   make(map[string]Step),
	}
}

// say records what a rule said.
func (j *judgement) say(rule string, form phrase.Form, args ...any) {
	j.said[rule] = Step{Rule: rule, Said: phrase.New(form, args...)}
}

// decide records the decision of a rule, which ends the judging.
func (j *judgement) decide(rule string, a message.Action, r message.Reason) bool {
	j.decision.Action, j.decision.Reason, j.decision.Rule = a, r, rule
	step := j.said[rule]
	step.Rule, step.Decided = rule, true
	j.said[rule] = step
	return true
}

// file decides for the matches, less what a person took away.
func (j *judgement) file(matches []message.Match) bool {
	matches = tidy(matches)
	left := j.withoutUnfiled(matches)
	if len(left) == 0 {
		j.unfiled = true // whom the rules below find, it may still belong to
		return false
	}
	j.matches = left
	return j.decide(left[0].Rule, message.Log, "")
}

// tidy puts matches in order and keeps one for each record.
func tidy(matches []message.Match) []message.Match {
	slices.SortFunc(matches, func(a, b message.Match) int {
		return cmp.Or(
			cmp.Compare(ruleOrder[a.Rule], ruleOrder[b.Rule]),
			cmp.Compare(roleOrder[a.Role], roleOrder[b.Role]),
			cmp.Compare(a.Contact, b.Contact),
			cmp.Compare(a.Organisation, b.Organisation),
			cmp.Compare(a.Address, b.Address),
		)
	})
	type record struct {
		contact.ID
		contact.OrganisationID
	}
	seen := make(map[record]bool)
	return slices.DeleteFunc(matches, func(m message.Match) bool {
		r := record{m.Contact, m.Organisation}
		if m.Contact != "" {
			r.OrganisationID = ""
		}
		defer func() { seen[r] = true }()
		return seen[r]
	})
}

// verdict ends the judging: without a decision there is nobody to file under.
func (j *judgement) verdict() Verdict {
	if j.decision.Action == "" {
		j.nobody()
	}
	return Verdict{
		Decision:  j.decision,
		Matches:   j.matches,
		Review:    j.review(),
		Hidden:    j.hidden,
		Direction: j.sides.direction(j.head, j.all),
		Strangers: j.strangers(),
		Steps:     j.steps(),
	}
}

// nobody says why nothing is kept when no rule decided.
func (j *judgement) nobody() {
	switch {
	case j.erased:
		j.decide(RuleExcluded, message.Skip, message.Erased)
	case j.unfiled:
		j.say(RuleHand, "taken away by hand from everybody the rules found")
		j.decide(RuleHand, message.Skip, message.NoMatch)
	case j.inspected:
		j.decide(RuleForward, message.Skip, message.NotOurs)
	default:
		j.decision.Action, j.decision.Reason = message.Skip, message.NoMatch
	}
}

// review says why a person must decide, "" where nobody must.
func (j *judgement) review() string {
	if !j.asking {
		return ""
	}
	return fmt.Sprintf("the domain %s may mean %s", j.ambiguous, count(len(j.matches), "organisation"))
}

// strangers are the people nobody knows. What is excluded, private or
// seen by its owner only names nobody.
func (j *judgement) strangers() []message.Party {
	switch j.decision.Reason {
	case message.Excluded, message.IsPrivate, message.Draft, message.Withdrawn:
		return nil
	}
	if j.decision.Protected || j.hidden {
		return nil
	}
	var out []message.Party
	for _, p := range j.outside {
		if !j.lookup.knows[p.address] {
			out = append(out, message.Party{Name: p.name, Address: p.address})
		}
	}
	return out
}

// steps returns what every rule said, in order.
func (j *judgement) steps() []Step {
	out := make([]Step, 0, len(asked))
	for _, rule := range asked {
		step, ok := j.said[rule]
		if !ok {
			step = Step{Rule: rule, Said: phrase.New("not asked: the rule {rule} had decided", "rule", ruleWords[j.decision.Rule])}
		}
		out = append(out, step)
	}
	return out
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// enumerate is a list for people, the first few of a long one.
func enumerate(list []phrase.Phrase) []phrase.Phrase {
	const most = 8
	if len(list) > most {
		list = append(slices.Clone(list[:most]), phrase.New("{n} more", "n", len(list)-most))
	}
	return list
}
