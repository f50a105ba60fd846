// Package contact holds what Rapport knows of people and organisations: the
// records themselves, their addresses, and the rules that need nothing else.
//
// Everything here is a plain value. Nothing does I/O, reads a clock or logs;
// the time is an argument where one is needed.
package contact

import "time"

// ID names one contact for ever. It is a ULID in its 26-character text form,
// made by the store and never reused; the empty ID names nobody.
type ID string

// OrganisationID names one organisation, like [ID] names a contact.
type OrganisationID string

// Kind says what a contact or organisation is to us.
type Kind string

// The kinds. Both holds for whoever is customer and partner at once: one
// record, both kinds. An authority or a community is Other.
const (
	Customer Kind = "customer"
	Partner  Kind = "partner"
	Both     Kind = "both"
	Other    Kind = "other"
)

// Is reports whether k holds for want: Both holds for Customer and Partner.
func (k Kind) Is(want Kind) bool {
	return k == want || (k == Both && (want == Customer || want == Partner))
}

// Stage says how far a relation has come.
type Stage string

// The stages of a relation.
const (
	Prospect Stage = "prospect"
	Active   Stage = "active"
	Former   Stage = "former"
)

// Contact is one person outside our team.
type Contact struct {
	ID           ID                `json:"id"`
	Name         string            `json:"name"`
	Addresses    []Address         `json:"addresses,omitempty"` // first is the one to write to
	Affiliations []Affiliation     `json:"affiliations,omitempty"`
	Kind         Kind              `json:"kind,omitempty"` // empty: that of the organisation
	Stage        Stage             `json:"stage,omitempty"`
	Role         string            `json:"role,omitempty"`  // a partner's: supplier, reseller …
	Owner        Address           `json:"owner,omitempty"` // primary address of the member who looks after this contact
	Tags         []string          `json:"tags,omitempty"`
	Phones       []string          `json:"phones,omitempty"`
	Language     string            `json:"language,omitempty"` // BCP 47
	TimeZone     string            `json:"timezone,omitempty"` // IANA name
	Custom       map[string]string `json:"custom,omitempty"`
	Consents     []Consent         `json:"consents,omitempty"`
	Note         string            `json:"note,omitempty"` // one pinned note
	Created      time.Time         `json:"created"`
	Updated      time.Time         `json:"updated"`
	MergedInto   ID                `json:"merged_into,omitempty"` // set on the loser of a merge, which is kept for undo and matches nothing
}

// Affiliation is a contact's place in an organisation.
type Affiliation struct {
	Organisation OrganisationID `json:"organisation"`
	Title        string         `json:"title,omitempty"` // job title
	Role         string         `json:"role,omitempty"`  // role in decisions
}

// Organisation is a company or institution outside our team.
type Organisation struct {
	ID         OrganisationID    `json:"id"`
	Name       string            `json:"name"`
	Domains    []Domain          `json:"domains,omitempty"`
	Kind       Kind              `json:"kind,omitempty"`
	Stage      Stage             `json:"stage,omitempty"`
	Role       string            `json:"role,omitempty"`
	Owner      Address           `json:"owner,omitempty"`
	Tags       []string          `json:"tags,omitempty"`
	Phones     []string          `json:"phones,omitempty"`
	Language   string            `json:"language,omitempty"`
	TimeZone   string            `json:"timezone,omitempty"`
	Custom     map[string]string `json:"custom,omitempty"`
	Note       string            `json:"note,omitempty"`
	Created    time.Time         `json:"created"`
	Updated    time.Time         `json:"updated"`
	MergedInto OrganisationID    `json:"merged_into,omitempty"`
}

// Domain is a mail domain of an organisation: a registrable domain, which
// covers its subdomains, or one exact subdomain. Lower case, A-labels.
type Domain struct {
	Name   string `json:"name"`
	Shared bool   `json:"shared,omitempty"` // several organisations use it: a person decides
}

// Consent is what somebody agreed to or objected to, for one purpose.
type Consent struct {
	Purpose string    `json:"purpose"`         // newsletter, survey …
	State   string    `json:"state"`           // given | withdrawn
	Basis   string    `json:"basis,omitempty"` // legal basis in words
	Source  string    `json:"source,omitempty"`
	At      time.Time `json:"at"`
}

// Member is somebody of our own team.
type Member struct {
	Name      string    `json:"name"`
	Addresses []Address `json:"addresses"` // first is primary and names the member elsewhere
	Away      *Away     `json:"away,omitempty"`
	LeftTo    Address   `json:"left_to,omitempty"` // who took over when the member left
}

// Away is a member's absence and who stands in.
type Away struct {
	Until  time.Time `json:"until"`
	Deputy Address   `json:"deputy"`
}

// Team is our own side: whoever is in it is not a contact.
type Team struct {
	Domains []string // lower case, A-labels; subdomains included
	Members []Member
}
