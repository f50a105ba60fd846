package main

import "rapport/records/message"

// reasons puts in words why mail is skipped. Programs read the codes.
var reasons = map[message.Reason]string{
	message.NoMatch:     "with nobody known",
	message.OwnCampaign: "copies of what campaigns sent",
	message.NotOurs:     "with nobody known inside",
	message.BeforeSince: "older than since",
	message.Internal:    "among ourselves",
	message.Excluded:    "excluded",
	message.IsPrivate:   "private",
	message.Erased:      "of somebody erased",
	message.Expired:     "older than is kept",
	message.Withdrawn:   "withdrawn",
	message.Draft:       "draft",
}

// why says a reason in words; one of a later daemon as it stands.
func why(r message.Reason) string {
	if w, ok := reasons[r]; ok {
		return w
	}
	return string(r)
}

// actions puts in words what a judgement comes to.
var actions = map[message.Action]string{
	message.Log:     "filed",
	message.Inspect: "to be read before it is judged",
	message.Hold:    "filed: another copy is here",
	message.Skip:    "skipped",
}

// judged says a decision in words.
func judged(d message.Decision) string {
	w, ok := actions[d.Action]
	if !ok {
		w = string(d.Action)
	}
	if d.Reason != "" {
		w += ": " + why(d.Reason)
	}
	return w
}

// counted says in words what a preview counts: an action, or the reason of
// what would be skipped.
func counted(code string) string {
	if w, ok := actions[message.Action(code)]; ok {
		return w
	}
	if w, ok := reasons[message.Reason(code)]; ok {
		return "skipped: " + w
	}
	return code
}
