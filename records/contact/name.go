package contact

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// PersonName guesses a person's name from an address that came without one;
// the address itself where it holds no word.
func PersonName(a Address) string {
	local, _, _ := strings.Cut(a.Local(), "+")
	if !strings.ContainsFunc(local, unicode.IsLetter) {
		return string(a)
	}
	return capitalised(local, string(a))
}

// CompanyName guesses a company's name from its registrable domain, in the
// letters its owner writes it with.
func CompanyName(domain string) string {
	label, _, _ := strings.Cut(domain, ".")
	if u, err := idna.ToUnicode(label); err == nil {
		label = u
	}
	return capitalised(label, domain)
}

// capitalised writes the words of an address as a name, otherwise where there
// is none.
func capitalised(s, otherwise string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("._-", r) })
	if len(words) == 0 {
		return otherwise
	}
	for i, w := range words {
		r, n := utf8.DecodeRuneInString(w)
		words[i] = string(unicode.ToTitle(r)) + w[n:]
	}
	return strings.Join(words, " ")
}
