package contact

import (
	"strings"
	"unicode"
)

// field is what a column of a file means.
type field int

// The fields of import files. ignored ones of a foreign export carry nothing
// about a person.
const (
	custom field = iota
	ignored
	name
	firstName
	middleName
	lastName
	nameSuffix
	email
	organisation
	domain
	kind
	stage
	role
	jobTitle
	decisionRole
	phone
	languageTag
	timeZone
	owner
	tags
	consent
	note
	pinnedNote
)

// ours are the columns of our own files, as export writes and people type them.
var ours = map[string]field{
	"name": name, "full name": name, "display name": name,
	"first name": firstName, "given name": firstName, "middle name": middleName,
	"last name": lastName, "family name": lastName, "surname": lastName,
	"email": email, "e-mail": email, "emails": email, "mail": email, "email address": email, "e-mail address": email, "address": custom,
	"organisation": organisation, "organization": organisation, "company": organisation,
	"domain": domain, "domains": domain, "kind": kind, "stage": stage, "role": role,
	"title": jobTitle, "job title": jobTitle, "position": jobTitle, "decision role": decisionRole,
	"email #": email, "e-mail #": email, "email address #": email,
	"phone": phone, "phone #": phone, "phones": phone, "telephone": phone, "mobile": phone, "mobile phone": phone, "business phone": phone,
	"language": languageTag, "timezone": timeZone, "time zone": timeZone,
	"owner": owner, "tags": tags, "tag": tags, "consent": consent, "consents": consent,
	"note": note, "notes": note, "pinned note": pinnedNote,
}

// outlook are the columns of Outlook's exports in English, German and French;
// # stands for a number.
var outlook = map[string]field{
	"title": ignored, "first name": firstName, "middle name": middleName, "last name": lastName, "suffix": nameSuffix,
	"company": organisation, "job title": jobTitle, "e-mail address": email, "e-mail # address": email,
	"business phone": phone, "business phone #": phone, "company main phone": phone, "mobile phone": phone,
	"home phone": phone, "home phone #": phone, "primary phone": phone, "other phone": phone,
	"notes": note, "categories": tags, "language": custom,
	"e-mail type": ignored, "e-mail display name": ignored, "e-mail # type": ignored, "e-mail # display name": ignored,
	"gender": ignored, "priority": ignored, "private": ignored, "sensitivity": ignored, "initials": ignored,

	"anrede": ignored, "vorname": firstName, "weitere vornamen": middleName, "nachname": lastName,
	"firma": organisation, "position": jobTitle, "e-mail-adresse": email, "e-mail-adresse #": email, "e-mail #: adresse": email, "e-mail: adresse": email,
	"telefon geschäftlich": phone, "telefon geschäftlich #": phone, "telefon firma": phone, "mobiltelefon": phone,
	"telefon privat": phone, "telefon privat #": phone, "haupttelefon": phone, "weiteres telefon": phone,
	"notizen": note, "kategorien": tags, "sprache": custom,
	"e-mail-typ": ignored, "e-mail: angezeigter name": ignored, "e-mail #: typ": ignored, "e-mail #: angezeigter name": ignored,
	"e-mail-anzeigename": ignored, "geschlecht": ignored, "priorität": ignored, "privat": ignored, "vertraulichkeit": ignored, "initialen": ignored,

	"titre": ignored, "prénom": firstName, "deuxième prénom": middleName, "nom": lastName, "suffixe": nameSuffix,
	"société": organisation, "fonction": jobTitle, "profession": jobTitle, "poste": jobTitle,
	"adresse de messagerie": email, "adresse de messagerie #": email, "adresse e-mail": email, "adresse e-mail #": email, "adresse électronique": email, "adresse électronique #": email,
	"téléphone (bureau)": phone, "téléphone # (bureau)": phone, "téléphone (bureau) #": phone, "téléphone société": phone, "tél. mobile": phone, "téléphone mobile": phone,
	"téléphone (domicile)": phone, "téléphone # (domicile)": phone, "téléphone (domicile) #": phone, "téléphone principal": phone, "téléphone (autre)": phone,
	"catégories": tags, "langue": custom,
	"type de messagerie": ignored, "type de messagerie #": ignored, "nom complet de l'adresse de messagerie": ignored, "nom complet de l'adresse de messagerie #": ignored,
	"sexe": ignored, "priorité": ignored, "privé": ignored, "critère de diffusion": ignored, "initiales": ignored,
}

// google are the columns of both layouts of Google's exports.
var google = map[string]field{
	"name": name, "first name": firstName, "given name": firstName, "middle name": middleName, "additional name": middleName,
	"last name": lastName, "family name": lastName, "name suffix": nameSuffix, "name prefix": ignored,
	"e-mail # - value": email, "phone # - value": phone,
	"organization name": organisation, "organization title": jobTitle, "organization # - name": organisation, "organization # - title": jobTitle,
	"notes": note, "labels": tags, "group membership": tags, "language": custom,
	"e-mail # - type": ignored, "e-mail # - label": ignored, "phone # - type": ignored, "phone # - label": ignored,
	"organization # - type": ignored, "organization # - yomi name": ignored, "organization # - symbol": ignored,
	"photo": ignored, "file as": ignored, "yomi name": ignored, "given name yomi": ignored, "additional name yomi": ignored, "family name yomi": ignored,
	"phonetic first name": ignored, "phonetic middle name": ignored, "phonetic last name": ignored,
	"initials": ignored, "short name": ignored, "gender": ignored, "sensitivity": ignored, "priority": ignored, "directory server": ignored,
}

// several are the fields that may stand in several columns.
var several = map[field]bool{email: true, phone: true, tags: true, custom: true, ignored: true, organisation: true, jobTitle: true}

// heading brings a column's heading to the form the tables above use.
func heading(s string) string {
	s = strings.ToLower(strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || r == '_' || r == '\uFEFF'
	}), " "))
	s = strings.ReplaceAll(s, "’", "'")
	var b strings.Builder
	number := false
	for _, r := range s {
		if unicode.IsDigit(r) {
			if !number {
				b.WriteByte('#')
			}
			number = true
			continue
		}
		number = false
		b.WriteRune(r)
	}
	return b.String()
}

// layout tells by its headings whose export a file is, and whether it is
// Google's.
func layout(headings []string) (known map[string]field, isGoogle bool) {
	has := make(map[string]bool, len(headings))
	for _, h := range headings {
		has[h] = true
	}
	switch {
	case has["e-mail # - value"], has["organization # - name"], has["given name"] && has["group membership"], has["organization name"] && has["labels"]:
		return google, true
	case has["first name"] && has["last name"] && (has["e-mail address"] || has["e-mail # address"]),
		has["vorname"] && has["nachname"],
		has["prénom"] && has["nom"]:
		return outlook, false
	}
	return ours, false
}
