// Package matcher judges whose mail a message is, and whether we may keep it.
//
// It is a pure judge: the same rules, directory and message give the same
// verdict, live, in explain, in rematch and in config plan alike.
package matcher

import (
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
)

// The rules, in their order; the first that decides wins. They stand in
// Match.Rule, Decision.Rule and Step.Rule.
const (
	RuleExcluded = "excluded" // blocked or protected by configuration, erased, marked private
	RuleHand     = "hand"     // a person decided
	RuleToken    = "token"    // our token, borne by somebody it was made for
	RuleAddress  = "address"  // exact address
	RuleFolded   = "folded"   // plus-tag or Gmail dots folded
	RuleDomain   = "domain"   // domain of an organisation
	RuleForward  = "forward"  // participants of a message inside
	RuleThread   = "thread"   // a message of a thread that belongs to somebody
	RuleInternal = "internal" // everybody is ours
)

// Rules are the configured part of judging.
type Rules struct {
	Team        contact.Team
	Exclusions  []Exclusion
	LogAddress  []contact.Address // mail or Bcc to these becomes an entry
	LogInternal bool
	Freemail    []string // beyond the embedded list
}

// Mode is what an exclusion does.
type Mode string

// The modes of exclusions.
const (
	Blocked   Mode = "blocked"   // nothing is stored
	Protected Mode = "protected" // stored, seen by the owner of the mailbox only
)

// Exclusion keeps mail of an address, a domain or a pattern out.
type Exclusion struct {
	Address contact.Address
	Domain  string // with its subdomains
	Pattern string // over the whole address, * stands for any run of characters
	Mode    Mode
}

// Directory is whom we know. Losers of merges are not in it.
type Directory interface {
	ByAddress(contact.Address) ([]contact.Contact, error)
	ByFolded(contact.Address) ([]contact.Contact, error)
	ByDomain(domain string) ([]contact.Organisation, error)
	// Erased reports whether a tombstone stands for the address.
	Erased(contact.Address) (bool, error)
}

// Known is what is known of a message beside its header.
type Known struct {
	Folder message.Folder
	Flags  []string // of the copy: keywords and labels
	Inner  []message.Inner
	// BodyRead says that Inner is complete; before that a message may be inspected.
	BodyRead bool
	Hand     []ByHand
	Thread   []Mate
}

// ByHand is one standing decision of a person on this message or its thread.
type ByHand struct {
	Kind  string // file | unfile | withdraw | private
	Match message.Match
}

// Mate is a filed message of the same thread.
type Mate struct {
	Theirs  []contact.Address // participants who are not ours
	Matches []message.Match
}

// Verdict is a judgement and how it came about.
type Verdict struct {
	message.Decision
	Matches   []message.Match
	Review    string // why a person must decide; Matches are then the candidates and file nothing
	Hidden    bool   // private by hand
	Direction message.Direction
	// Strangers are participants who are not ours and whom nobody knows.
	Strangers []message.Party
	Steps     []Step // every rule in order: what explain prints
}

// Step is what one rule said.
type Step struct {
	Rule    string
	Said    phrase.Phrase
	Decided bool
}

// Matcher judges by fixed rules. It may be used concurrently.
type Matcher struct {
	rules Rules
	sides sides
}

// New returns a Matcher for the rules.
func New(r Rules) *Matcher { return &Matcher{rules: r, sides: newSides(r)} }

// Judge says whose the message is. An error is the directory's; the verdict is
// then worth nothing. The order in which participants, contacts, decisions and
// mates are handed in makes no difference.
//
// A match by thread may rest on another match by thread, so whoever rebuilds
// matches begins without those and judges until nothing changes: otherwise two
// messages could keep each other filed.
func (m *Matcher) Judge(dir Directory, h message.Head, k Known) (Verdict, error) {
	j := newJudgement(m, dir, h, k)
	for _, rule := range []func() (bool, error){j.excluded, j.byHand, j.directory, j.forward, j.thread, j.ask, j.internal} {
		decided, err := rule()
		if err != nil {
			return Verdict{}, err
		}
		if decided {
			break
		}
	}
	return j.verdict(), nil
}

// Open reports whether messages of the thread may change the verdict: every
// rule before the thread's was asked in vain. Whoever judges without
// Known.Thread first, to spare reading it, judges again with it where this
// holds.
func (v Verdict) Open() bool {
	switch {
	case v.Review != "":
		return true
	case v.Action != message.Skip:
		return false
	}
	return v.Reason == message.Erased || v.Reason == message.NotOurs && v.Rule == RuleForward || v.Reason == message.NoMatch && v.Rule == ""
}
