package outbox

import (
	"strconv"
	"strings"

	"rapport/records/message"
)

// Stage is how far a session with a server had come.
type Stage string

// The stages. From the first to Mail nothing is said of the recipient.
const (
	StageConnect Stage = "connect" // connecting, greeting, EHLO, STARTTLS
	StageAuth    Stage = "auth"
	StageMail    Stage = "mail"
	StageRcpt    Stage = "rcpt"
	StageData    Stage = "data" // DATA and the body
	StageDot     Stage = "dot"  // the answer to the final dot
)

// Reply is a server's answer (RFC 5321, section 4.2).
type Reply struct {
	Stage    Stage  `json:"stage"`
	Code     int    `json:"code"`
	Enhanced string `json:"enhanced,omitempty"` // x.y.z of RFC 3463
	Text     string `json:"text"`               // the whole text, at most MaxReply bytes
}

// MaxReply bounds what is kept of an answer's text, in bytes.
const MaxReply = 1000

// NewReply reads an answer: its enhanced code stands at the beginning of the
// text (RFC 2034).
func NewReply(stage Stage, code int, text string) Reply {
	text = strings.ToValidUTF8(strings.ReplaceAll(text[:min(len(text), MaxReply)], "\n", " "), "")
	r := Reply{Stage: stage, Code: code, Text: text}
	if first, _, _ := strings.Cut(text, " "); enhanced(first) {
		r.Enhanced = first
	}
	return r
}

// enhanced reports whether a word is an enhanced status code: class 2, 4 or 5,
// subject and detail of one to three digits.
func enhanced(word string) bool {
	parts := strings.Split(word, ".")
	if len(parts) != 3 || parts[0] != "2" && parts[0] != "4" && parts[0] != "5" {
		return false
	}
	for _, p := range parts[1:] {
		if _, err := strconv.ParseUint(p, 10, 16); err != nil || len(p) > 3 {
			return false
		}
	}
	return true
}

// Class is what an answer is about.
type Class string

// The classes, as messages of package message have them for bounces.
const (
	ClassAddress   Class = "address"   // the address is dead
	ClassMailbox   Class = "mailbox"   // the mailbox cannot take it now
	ClassTransient Class = "transient" // try again
	ClassPolicy    Class = "policy"    // the receiver does not want mail of this sender
	ClassContent   Class = "content"   // of this mail
	ClassQuota     Class = "quota"     // our own limit
	ClassConfig    Class = "config"    // our own settings: signing in, sending as
	ClassCrowded   Class = "crowded"   // we have more connections than the server bears
	ClassOwnFull   Class = "own-full"  // our own mailbox is full, so that nothing can be sent
	ClassUnknown   Class = "unknown"
)

// Scope is what an answer stops.
type Scope string

// The scopes.
const (
	ScopeDelivery Scope = "delivery" // this one only
	ScopeDomain   Scope = "domain"   // all of the receiving domain may be concerned
	ScopeSender   Scope = "sender"   // nothing more goes through this sender for now
	ScopeRun      Scope = "run"      // the mail itself is at fault
)

// Judgement is what is to be done after an answer.
type Judgement struct {
	What  What // Defer, Return or Reject
	Class Class
	Scope Scope
}

// Judge says what an answer that was not yes means for a delivery. It never
// blames a recipient for what was said before the recipient was named, and an
// answer of 4xx never ends a delivery.
func (r Reply) Judge() Judgement {
	if class := r.ofOurs(); class != "" {
		return Judgement{Return, class, ScopeSender}
	}
	class, _ := message.ClassOf(r.Enhanced, strconv.Itoa(r.Code), r.Text)
	j := Judgement{What: Reject, Class: Class(class), Scope: ScopeDelivery}
	if r.Code == 554 && r.Enhanced == "5.2.2" && r.Stage != StageRcpt {
		j.Class = ClassOwnFull // what Exchange Online says when the sender's own mailbox is
	}
	before := r.Stage == StageConnect || r.Stage == StageAuth || r.Stage == StageMail
	switch {
	case j.Class == ClassQuota, j.Class == ClassOwnFull, j.Class == ClassConfig:
		return Judgement{Return, j.Class, ScopeSender}
	case before && r.Code < 500:
		return Judgement{Return, ClassTransient, ScopeSender}
	case before:
		if j.Class != ClassPolicy {
			j.Class = ClassConfig
		}
		return Judgement{Return, j.Class, ScopeSender}
	case r.Code < 500:
		if j.Class != ClassMailbox && j.Class != ClassPolicy {
			j.Class = ClassTransient
		}
		return Judgement{Defer, j.Class, ScopeDelivery}
	case j.Class == ClassTransient: // a text of a moment behind a code for good
		return Judgement{Defer, ClassTransient, ScopeDelivery}
	case j.Class == ClassPolicy:
		j.Scope = ScopeDomain
	case j.Class == ClassContent:
		j.Scope = ScopeRun
	}
	return j
}
