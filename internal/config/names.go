package config

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"rapport/records/contact"
)

// freemail lists the providers that are most often mistaken for a domain of
// one's own. What counts as freemail when mail is matched is the matcher's
// larger list.
var freemail = map[string]bool{}

func init() {
	for d := range strings.FieldsSeq(`
		gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com yahoo.co.uk yahoo.de
		ymail.com icloud.com me.com mac.com aol.com gmx.de gmx.net gmx.com gmx.at gmx.ch web.de t-online.de freenet.de
		proton.me protonmail.com fastmail.com zoho.com mail.com mail.ru yandex.ru yandex.com qq.com 163.com 126.com
		orange.fr wanadoo.fr laposte.net free.fr libero.it bluewin.ch hey.com tutanota.com posteo.de mailbox.org`) {
		freemail[d] = true
	}
}

var errDomain = errors.New("not a domain")

// domainForm returns a domain in A-labels and lower case, without final dot.
func domainForm(s string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(strings.ToLower(s), "."))
	if err != nil || ascii == "" || len(ascii) > 253 {
		return "", errDomain
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return "", errDomain
		}
	}
	return ascii, nil
}

// domain checks a mail domain and replaces it by its normal form.
func (v *validator) domain(path string, d *string) bool {
	form, err := domainForm(*d)
	if err != nil {
		hint := "for example example.com"
		if i := strings.LastIndexByte(*d, '@'); i >= 0 {
			hint = "the part behind the @ alone: " + (*d)[i+1:]
		}
		v.wrong(path, fmt.Sprintf("%q is not a domain", *d), hint)
		return false
	}
	*d = form
	if suffix, icann := publicsuffix.PublicSuffix(form); suffix == form && icann {
		v.wrong(path, form+" is a public suffix, under which everybody registers", "name the whole domain, such as example."+form)
		return false
	}
	return true
}

// address checks one address and replaces it by its normal form.
func (v *validator) address(path string, a *string) bool {
	addr, err := contact.ParseAddress(*a)
	if err == nil {
		_, err = domainForm(addr.Domain())
	}
	if err != nil || strings.ContainsAny(string(addr), " \t\r\n<>") {
		v.wrong(path, fmt.Sprintf("%q is not an address", *a), "for example ada@example.com")
		return false
	}
	*a = string(addr)
	return true
}

func (v *validator) addressList(path string, list []string) {
	for i := range list {
		if v.address(index(path, i), &list[i]) {
			v.repeated(index(path, i), list[:i], list[i])
		}
	}
}
