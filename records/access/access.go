// Package access knows who may do what: the roles of people who sign in, the
// scopes of tokens, and how much of a mail somebody sees.
package access

import (
	"fmt"
	"slices"

	"rapport/records/contact"
)

// Role is what a person who signs in may do. What they see of mail is a
// [Tier]'s matter.
type Role string

// The roles.
const (
	Administrator Role = "administrator" // everything, settings and other people's sign-in included
	Member        Role = "member"        // reads and changes records
	Reader        Role = "reader"        // reads
	Own           Role = "own"           // as a member, but sees mail of the own mailboxes only
)

// Roles lists every role.
func Roles() []Role { return []Role{Administrator, Member, Reader, Own} }

// Need is what an operation takes. The zero value is the strictest, so that an
// operation nobody thought about is an administrator's.
type Need int

// The needs, strictest first.
const (
	Manage Need = iota // settings, people who sign in, erasure, the daemon's work
	Write              // changes of records
	Read               // reading records
	Anyone             // whoever can reach the listener, signed in or not
)

func (n Need) String() string {
	return [...]string{"manage", "write", "read", "anyone"}[n]
}

// Grants returns the least a role may do.
func (r Role) grants() Need {
	switch r {
	case Administrator:
		return Manage
	case Member, Own:
		return Write
	case Reader:
		return Read
	}
	return Anyone
}

// Kind is how somebody came to ask.
type Kind string

// The kinds.
const (
	Nobody Kind = ""      // no credentials
	Local  Kind = "local" // the service's own user, on the socket
	Open   Kind = "open"  // on loopback, where nobody has been set up to sign in
	User   Kind = "user"  // a signed-in person
	Token  Kind = "token" // a program
)

// Principal is who asks. Values are not changed once made.
type Principal struct {
	Kind    Kind
	ID      string          // of the user or token
	Name    string          // for the audit trail
	Address contact.Address // the member's primary address; "" where the user is none
	Role    Role            // of the user, or of whoever made the token
	Scopes  []Need          // of a token: at most these; nil: all of the role
	Session string          // of a user: which one
	Sees    Tier            // at most this much of other people's mail; "" is everything a mailbox allows
}

// Refusal says that somebody may not do something.
type Refusal struct {
	Who  string
	Need Need
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s may not do this: it takes the right to %s", r.Who, r.Need)
}

// May returns nil where the principal has what an operation needs, else a [*Refusal].
func (p Principal) May(need Need) error {
	if need == Anyone || p.Kind == Local || p.Kind == Open {
		return nil
	}
	granted := p.Kind != Nobody && p.Role.grants() <= need
	if granted && p.Scopes != nil {
		granted = slices.ContainsFunc(p.Scopes, func(s Need) bool { return s <= need })
	}
	if granted {
		return nil
	}
	who := p.Name
	if who == "" {
		who = "whoever is not signed in"
	}
	return &Refusal{Who: who, Need: need}
}
