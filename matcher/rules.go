package matcher

import (
	"fmt"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/phrase"
)

// excluded is the first rule: what is never kept, and who is left out.
func (j *judgement) excluded() (bool, error) {
	if j.blocked(j.all) {
		return true, nil
	}
	switch {
	case j.head.Private:
		j.say(RuleExcluded, "its header marks it private")
		return j.decide(RuleExcluded, message.Skip, message.IsPrivate), nil
	case j.known.Folder.Role == message.RolePrivate || marked(j.known.Flags, "private"):
		j.say(RuleExcluded, "it lies in a Private folder or bears the keyword Private")
		return j.decide(RuleExcluded, message.Skip, message.IsPrivate), nil
	case j.known.Folder.Role == message.RoleDrafts || marked(j.known.Flags, "draft", "drafts"):
		j.say(RuleExcluded, "it is a draft")
		return j.decide(RuleExcluded, message.Skip, message.Draft), nil
	}
	outside, err := j.theirs(j.all)
	if err != nil {
		return false, err
	}
	j.outside = outside
	switch {
	case j.decision.Protected && j.erased:
		j.say(RuleExcluded, "protected: the owner of the mailbox alone sees it; somebody erased takes part and is left out")
	case j.decision.Protected:
		// blocked has said which exclusion protects it.
	case j.erased:
		j.say(RuleExcluded, "somebody erased takes part and is left out")
	default:
		j.say(RuleExcluded, "nobody and nothing in it is excluded")
	}
	return false, nil
}

// blocked applies the exclusions to everybody in the list, our own side among
// them. It reports whether the message is blocked.
func (j *judgement) blocked(list []person) bool {
	for _, p := range list {
		e, ok := j.sides.exclusion(p.address)
		switch {
		case !ok:
		case e.Mode == Protected:
			if !j.decision.Protected {
				j.say(RuleExcluded, "protected by the exclusion of {what}: the owner of the mailbox alone sees it", "what", e.phrase())
			}
			j.decision.Protected = true
		default:
			j.decision.Protected = false
			j.say(RuleExcluded, "blocked by the exclusion of {what}", "what", e.phrase())
			return j.decide(RuleExcluded, message.Skip, message.Excluded)
		}
	}
	return false
}

// theirs returns who of the list is not ours, without the erased.
func (j *judgement) theirs(list []person) ([]person, error) {
	var out []person
	for _, p := range list {
		if j.sides.ours(p.address) {
			continue
		}
		gone, err := j.dir.Erased(p.address)
		if err != nil {
			return nil, fmt.Errorf("look up tombstone: %w", err)
		}
		if gone {
			j.erased = true
			continue
		}
		out = append(out, p)
	}
	return out, nil
}

// marked reports whether a keyword or label, or a part of a label's path, is
// one of the names: \Draft, $Private, Private/Doctor.
func marked(flags []string, names ...string) bool {
	for _, flag := range flags {
		for part := range strings.SplitSeq(strings.ToLower(flag), "/") {
			if slices.Contains(names, strings.TrimLeft(part, `\$`)) {
				return true
			}
		}
	}
	return false
}

// The kinds of decisions by hand.
const (
	handFile     = "file"
	handUnfile   = "unfile"
	handWithdraw = "withdraw"
	handPrivate  = "private"
)

// byHand is the second rule: what a person decided.
func (j *judgement) byHand() (bool, error) {
	var files []message.Match
	for _, h := range j.known.Hand {
		switch h.Kind {
		case handWithdraw:
			j.say(RuleHand, "withdrawn by hand")
			return j.decide(RuleHand, message.Skip, message.Withdrawn), nil
		case handPrivate:
			j.hidden = true
		case handFile:
			m := h.Match
			m.Rule, m.Certain = RuleHand, true
			files = append(files, m)
		}
	}
	switch files = j.withoutUnfiled(tidy(files)); {
	case len(files) > 0:
		j.matches = files
		j.say(RuleHand, "filed by hand under {n|record|records}", "n", len(files))
		j.decide(RuleHand, message.Log, "")
		_, err := j.lookup.find(j.outside) // for the strangers: who is known is none
		return true, err
	case j.hidden:
		j.say(RuleHand, "private by hand: on no timeline, whoever it belongs to")
	case len(j.known.Hand) > 0:
		j.say(RuleHand, "taken away by hand from {n|record|records}, whatever the rules below find", "n", len(j.known.Hand))
	default:
		j.say(RuleHand, "nobody decided anything by hand")
	}
	return false, nil
}

// withoutUnfiled returns the matches without the contacts and organisations
// from which a person took the message away. A contact's match outlives the
// loss of its organisation.
func (j *judgement) withoutUnfiled(matches []message.Match) []message.Match {
	out := slices.Clone(matches)
	for _, h := range j.known.Hand {
		if h.Kind != handUnfile {
			continue
		}
		gone := h.Match
		out = slices.DeleteFunc(out, func(m message.Match) bool {
			if gone.Contact != "" {
				return m.Contact == gone.Contact
			}
			return m.Contact == "" && gone.Organisation != "" && m.Organisation == gone.Organisation
		})
		for i := range out {
			if gone.Contact == "" && out[i].Organisation == gone.Organisation {
				out[i].Organisation = ""
			}
		}
	}
	return out
}

// forward asks the messages inside, where the outer one is but an envelope: a
// member forwards, writes to a log address, or a report comes back.
func (j *judgement) forward() (bool, error) {
	why := j.envelope()
	switch {
	case why == "":
		j.say(RuleForward, "neither a forward by one of us nor a report")
		return false, nil
	case !j.known.BodyRead:
		j.say(RuleForward, "it is {what}: its body tells whose it is", "what", why)
		return j.decide(RuleForward, message.Inspect, ""), nil
	}
	j.inspected = true
	list := inner(j.known.Inner)
	if j.blocked(list) {
		return true, nil
	}
	theirs, err := j.theirs(list)
	if err != nil {
		return false, err
	}
	lookup := j.lookup
	lookup.knows = nil // known inside is not known outside
	found, err := lookup.find(theirs)
	if err != nil {
		return false, err
	}
	for i := range found.matches {
		found.matches[i].Rule, found.matches[i].Certain = RuleForward, false
	}
	j.say(RuleForward, "it is {what}, with nobody known in {n|message|messages} inside", "what", why, "n", len(j.known.Inner))
	if len(j.candidates) == 0 {
		j.candidates, j.ambiguous = tidy(found.candidates), found.ambiguous
	}
	if len(found.matches) == 0 {
		return false, nil
	}
	j.say(RuleForward, "it is {what}, and inside {who}", "what", why,
		"who", enumerate(slices.Concat(found.said[RuleAddress], found.said[RuleFolded], found.said[RuleDomain])))
	return j.file(found.matches), nil
}

// envelope says what makes the message an envelope of another, "" where it is
// none.
func (j *judgement) envelope() phrase.Form {
	byUs := j.sides.byUs(j.head)
	switch {
	case j.head.LooksReport():
		return "a report"
	case byUs && j.sides.toLog(j.head):
		return "mail of ours to a log address"
	case byUs && j.sides.allOurs(j.all) && j.head.LooksForwarded():
		return "a forward within our team"
	}
	return ""
}

// thread inherits from filed messages of the thread, as long as one of theirs
// and one of ours take part in both.
func (j *judgement) thread() (bool, error) {
	if slices.ContainsFunc(j.known.Hand, func(h ByHand) bool { return h.Kind == handUnfile }) {
		j.say(RuleThread, "not asked: a person has said to whom of its thread it does not belong")
		return false, nil
	}
	if !j.present() || len(j.known.Thread) == 0 {
		j.say(RuleThread, "no message of its thread is filed, or none of us takes part")
		return false, nil
	}
	var found []message.Match
	for _, mate := range j.known.Thread {
		shared, ok := j.common(mate)
		if !ok {
			continue
		}
		for _, m := range mate.Matches {
			m.Rule, m.Certain, m.Role, m.Address = RuleThread, false, shared.role, shared.address
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		j.say(RuleThread, "its thread is filed, but nobody of theirs is still in it")
		return false, nil
	}
	found = tidy(found)
	j.say(RuleThread, "{address} is still in its thread, which is filed under {n|record|records}", "address", found[0].Address, "n", len(found))
	return j.file(found), nil
}

// present reports whether somebody of ours wrote it or got it.
func (j *judgement) present() bool {
	return j.sides.toUs(j.head) || j.sides.among(j.sides.ours, j.head.From, j.head.Sender)
}

// common returns the first of theirs who is in both messages.
func (j *judgement) common(mate Mate) (person, bool) {
	if j.places == nil {
		j.places = make(map[contact.Address]int, len(j.outside))
		for i, p := range j.outside {
			j.places[p.address] = i
		}
	}
	first := len(j.outside)
	for _, a := range mate.Theirs {
		if i, ok := j.places[a]; ok {
			first = min(first, i)
		}
	}
	if first == len(j.outside) {
		return person{}, false
	}
	return j.outside[first], true
}

// ask leaves the decision to a person where a domain may mean several and no
// rule knew better. It speaks for the domain rule.
func (j *judgement) ask() (bool, error) {
	j.matches = j.withoutUnfiled(j.candidates)
	j.asking = len(j.matches) > 0
	return j.asking && j.decide(RuleDomain, message.Log, ""), nil
}

// internal is the last rule: mail within our team.
func (j *judgement) internal() (bool, error) {
	switch {
	case len(j.all) == 0:
		j.say(RuleInternal, "it names nobody whose address can be read")
		return false, nil
	case !j.sides.allOurs(j.all):
		j.say(RuleInternal, "somebody in it is not ours")
		return false, nil
	case j.erased:
		j.say(RuleInternal, "everybody is ours, but not in the message inside")
		return false, nil
	case j.rules.LogInternal:
		j.say(RuleInternal, "everybody is ours, and internal mail is kept")
		return j.decide(RuleInternal, message.Log, ""), nil
	}
	j.say(RuleInternal, "everybody is ours, and internal mail is not kept")
	if j.inspected && len(j.known.Inner) > 0 {
		return j.decide(RuleInternal, message.Skip, message.NotOurs), nil
	}
	return j.decide(RuleInternal, message.Skip, message.Internal), nil
}
