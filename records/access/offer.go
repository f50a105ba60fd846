package access

import "rapport/records/contact"

// Ways are how people may sign in here.
type Ways struct {
	Open     bool   `json:"open"`             // nobody has to: this computer only
	Password bool   `json:"password"`         // with a password and a code
	Passkeys bool   `json:"passkeys"`         // some user has one
	Issuer   string `json:"issuer,omitempty"` // name of who signs people in for us, e.g. Google
}

// Offer is what an open one-time link offers to whoever holds it.
type Offer struct {
	First     bool            `json:"first"` // makes the first administrator, who names the address
	Name      string          `json:"name,omitempty"`
	Address   contact.Address `json:"address,omitempty"`
	Role      Role            `json:"role"`
	Enrolment Enrolment       `json:"enrolment"`
}

// Enrolment hands an authenticator app its secret.
type Enrolment struct {
	Secret  string  `json:"secret"`  // to be typed
	URI     string  `json:"uri"`     // to be opened on the phone itself
	Drawing Drawing `json:"drawing"` // to be scanned
}

// Drawing is a QR code: the path of an SVG in a square of Size units.
type Drawing struct {
	Size int    `json:"size"`
	Path string `json:"path"`
}

// Proof is what a user shows to change how they sign in. Somebody who found a
// browser signed in cannot.
type Proof struct {
	Password string `json:"password,omitempty"` // the present one, where there is one
}

// NewPassword is a password to be set, with an app's secret where the user has
// none yet or takes another.
type NewPassword struct {
	Proof
	New    string `json:"new"`
	Secret string `json:"secret,omitempty"`
	Code   string `json:"code,omitempty"` // the one the app shows for Secret now
}

// Change is what becomes of a user; nil leaves as it is.
type Change struct {
	Name *string `json:"name,omitempty"`
	Role *Role   `json:"role,omitempty"`
	Sees *Tier   `json:"sees,omitempty"`
}
