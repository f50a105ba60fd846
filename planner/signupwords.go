package planner

import (
	"strings"

	"rapport/records/campaign"
)

// signUpWords ask, in one language, whether a sign-up is meant.
type signUpWords struct{ language, subject, body string }

// askedIn are the languages of that mail; the first is for whoever reads none of
// them.
var askedIn = []signUpWords{
	{"en", "Please confirm: mail from {{.Team.Name}}", "Somebody asked {{.Team.Name}} to write to this address: {{.Contact.Custom.topics}}.\n\n" +
		"If it was you, please confirm it: [Yes, I want this mail]({{.Contact.Custom.yes}})\n\nIf it was not, do nothing: you will not be written to again. The link works for 7 days, and once."},
	{"de", "Bitte bestätigen: Post von {{.Team.Name}}", "Jemand hat {{.Team.Name}} gebeten, an diese Adresse zu schreiben: {{.Contact.Custom.topics}}.\n\n" +
		"Wenn Sie das waren, bestätigen Sie es bitte: [Ja, ich möchte diese Post]({{.Contact.Custom.yes}})\n\nWenn nicht, tun Sie nichts: Sie werden nicht wieder angeschrieben. Der Link gilt 7 Tage und einmal."},
	{"fr", "Merci de confirmer : courrier de {{.Team.Name}}", "Quelqu’un a demandé à {{.Team.Name}} d’écrire à cette adresse : {{.Contact.Custom.topics}}.\n\n" +
		"Si c’était vous, merci de le confirmer : [Oui, je veux ce courrier]({{.Contact.Custom.yes}})\n\nSinon, ne faites rien : nous n’écrirons plus. Le lien vaut 7 jours, une seule fois."},
	{"es", "Por favor, confirme: correo de {{.Team.Name}}", "Alguien pidió a {{.Team.Name}} que escriba a esta dirección: {{.Contact.Custom.topics}}.\n\n" +
		"Si fue usted, confírmelo: [Sí, quiero este correo]({{.Contact.Custom.yes}})\n\nSi no, no haga nada: no volveremos a escribirle. El enlace vale 7 días y una sola vez."},
	{"bn", "অনুগ্রহ করে নিশ্চিত করুন: {{.Team.Name}}-এর মেইল", "কেউ {{.Team.Name}}-কে এই ঠিকানায় লিখতে বলেছেন: {{.Contact.Custom.topics}}।\n\n" +
		"আপনি হলে নিশ্চিত করুন: [হ্যাঁ, আমি এই মেইল চাই]({{.Contact.Custom.yes}})\n\nআপনি না হলে কিছু করবেন না: আর লেখা হবে না। লিংকটি ৭ দিন, একবারই কাজ করে।"},
}

// askWords returns the words for a language.
func askWords(language string) signUpWords {
	main, _, _ := strings.Cut(strings.ToLower(language), "-")
	for _, w := range askedIn {
		if w.language == main {
			return w
		}
	}
	return askedIn[0]
}

// letter is the mail of these words.
func (w signUpWords) letter() (l campaign.Letter, err error) {
	l.Language = w.language
	if l.Subject, err = campaign.ParseTemplate("subject", w.subject, w.language); err == nil {
		l.Body, err = campaign.ParseTemplate("sign-up", w.body, w.language)
	}
	return l, err
}
