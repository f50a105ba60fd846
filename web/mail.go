package web

import (
	"rapport/records/contact"
	"rapport/records/message"
)

// list returns s, never nil: an empty list is [] in JSON, not null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func holdings(hs []message.Holding) []Holding {
	out := make([]Holding, 0, len(hs))
	for _, h := range hs {
		out = append(out, Holding{Mailbox: h.Mailbox, Folder: h.Folder, UID: h.UID, UIDValidity: h.UIDValidity})
	}
	return out
}

// addresses reads what people type as addresses, in their order.
func addresses(texts []string) ([]contact.Address, error) {
	var out []contact.Address
	for _, t := range texts {
		a, err := contact.ParseAddress(t)
		if err != nil {
			return nil, Invalid(err)
		}
		out = append(out, a)
	}
	return out, nil
}
