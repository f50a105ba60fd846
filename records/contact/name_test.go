package contact_test

import (
	"testing"

	"rapport/records/contact"
)

func TestGuessedNames(t *testing.T) {
	for in, want := range map[contact.Address]string{
		"ada.lovelace@x.example": "Ada Lovelace",
		"bob+news@x.example":     "Bob",
		"4711@x.example":         "4711@x.example",
		"jean-luc_p@x.example":   "Jean Luc P",
		"öäü@x.example":          "Öäü",
		"...@x.example":          "...@x.example",
	} {
		if got := contact.PersonName(in); got != want {
			t.Errorf("PersonName(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"acme.example":          "Acme",
		"north-wind.co.uk":      "North Wind",
		"xn--bcher-kva.example": "Bücher",
	} {
		if got := contact.CompanyName(in); got != want {
			t.Errorf("CompanyName(%q) = %q, want %q", in, got, want)
		}
	}
}
