package relation

import (
	"strings"
	"sync"
	"unicode"
)

// Closing reports whether a text, the beginning of what somebody newly wrote,
// does nothing but end a conversation: thanks, all is well, greetings and
// names. Whatever else stands in it, a question mark above all, wants an
// answer; it is better to show somebody as waiting who is not than to forget
// somebody who is.
func Closing(text string, names ...string) bool {
	if strings.HasSuffix(text, "…") || strings.ContainsAny(text, "?？؟") {
		return false // more follows, or it asks
	}
	said := words(text)
	if len(said) == 0 || len(said) > maxClosing {
		return false
	}
	known := map[string]bool{}
	for _, n := range names {
		for _, w := range words(n) {
			known[w] = true
		}
	}
	closes := false
	for i := 0; i < len(said); {
		kind, n := phraseAt(said[i:])
		switch {
		case kind == signsOff:
			return closes // what follows is a name and an address
		case kind == ends:
			closes = true
		case kind == nothing && !known[said[i]]:
			return false
		}
		i += max(n, 1)
	}
	return closes
}

// maxClosing bounds the words of a text that closes a conversation.
const maxClosing = 40

// words splits a text into words in small letters.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r)
	})
}

type phraseKind byte

const (
	nothing  phraseKind = iota
	ends                // closes a conversation
	filler              // says nothing by itself
	signsOff            // a signature follows
)

// phraseAt finds the longest phrase at the beginning of words.
func phraseAt(said []string) (phraseKind, int) {
	table, longest := phrases()
	for n := min(longest, len(said)); n > 0; n-- {
		if kind := table[strings.Join(said[:n], " ")]; kind != nothing {
			return kind, n
		}
	}
	return nothing, 0
}

// phrases are those of English, German, French, Spanish and Bengali, by their
// words joined with spaces.
var phrases = sync.OnceValues(func() (map[string]phraseKind, int) {
	table, longest := map[string]phraseKind{}, 0
	for kind, list := range map[phraseKind][]string{ends: closingPhrases, filler: fillers, signsOff: signOffs} {
		for _, p := range list {
			ws := words(p)
			table[strings.Join(ws, " ")] = kind
			longest = max(longest, len(ws))
		}
	}
	return table, longest
})

var closingPhrases = []string{
	// English
	"thanks", "thank you", "thank you very much", "thank you so much", "thanks a lot", "many thanks", "thanks so much", "much appreciated",
	"thx", "cheers", "that's all", "thats all", "that is all", "that's it", "that was all", "no further questions", "no more questions",
	"all good", "all clear", "got it", "noted", "perfect", "great", "excellent", "wonderful", "works for me", "sounds good", "ok", "okay",
	"understood", "received", "received with thanks", "you're welcome", "you are welcome", "my pleasure", "no problem", "all set",
	"that solved it", "that solves it", "it works now", "it works", "that works", "problem solved", "solved",
	// German
	"danke", "danke schön", "danke sehr", "vielen dank", "herzlichen dank", "besten dank", "tausend dank", "dankeschön", "lieben dank",
	"das war's", "das wars", "das war alles", "das ist alles", "das wäre alles", "alles klar", "alles gut", "passt", "das passt", "passt so",
	"perfekt", "super", "prima", "klasse", "wunderbar", "hervorragend", "in ordnung", "geht klar", "verstanden", "zur kenntnis genommen",
	"erledigt", "hat sich erledigt", "keine weiteren fragen", "ist angekommen", "erhalten", "gern geschehen",
	"hat geklappt", "funktioniert", "es funktioniert", "jetzt funktioniert es", "läuft",
	// French
	"merci", "merci beaucoup", "merci bien", "grand merci", "mille mercis", "un grand merci", "c'est tout", "ce sera tout", "c'est bon",
	"c'est noté", "bien noté", "bien reçu", "parfait", "super merci", "très bien", "d'accord", "entendu", "compris", "ça marche",
	"pas d'autres questions", "plus de questions", "de rien", "je vous en prie", "avec plaisir", "c'est réglé", "réglé",
	// Spanish
	"gracias", "muchas gracias", "mil gracias", "muchísimas gracias", "eso es todo", "es todo", "nada más", "perfecto", "genial", "estupendo",
	"de acuerdo", "vale", "entendido", "recibido", "todo bien", "todo claro", "de nada", "un placer", "con gusto", "resuelto", "solucionado",
	"no tengo más preguntas", "sin más preguntas", "ya funciona",
	// Bengali
	"ধন্যবাদ", "অনেক ধন্যবাদ", "অসংখ্য ধন্যবাদ", "আপনাকে ধন্যবাদ", "আপনাকে অনেক ধন্যবাদ", "ঠিক আছে", "আচ্ছা", "বুঝেছি", "বুঝলাম", "পেয়েছি", "পেলাম",
	"এটুকুই", "এইটুকুই", "আর কিছু না", "আর কিছু নেই", "আর কোনো প্রশ্ন নেই", "চমৎকার", "দারুণ", "খুব ভালো", "সমাধান হয়েছে", "কাজ হয়েছে", "স্বাগতম",
}

var fillers = []string{
	// English
	"hi", "hello", "hey", "dear", "good morning", "good afternoon", "good evening", "all", "team", "everyone", "mr", "mrs", "ms", "dr",
	"very", "much", "so", "again", "and", "for", "your", "the", "help", "support", "quick", "fast", "reply", "answer", "response", "information", "info",
	"your help", "your support", "it", "now", "that", "this", "is", "was", "with", "everything", "then", "have a nice day", "have a great day",
	"have a good day", "have a nice weekend", "have a great weekend", "have a good weekend", "nice weekend", "and", "we have", "we", "i have", "i", "us", "me",
	"to you", "you", "too", "as well", "no", "from my side", "from our side", "for now", "kind", "indeed",
	// German
	"hallo", "guten tag", "guten morgen", "guten abend", "moin", "servus", "grüß gott", "liebe", "lieber", "liebes", "sehr geehrte", "sehr geehrter",
	"frau", "herr", "herrn", "zusammen", "für", "die", "das", "den", "der", "ihre", "ihren", "deine", "eure", "hilfe", "rasche", "schnelle", "antwort",
	"auskunft", "information", "infos", "rückmeldung", "unterstützung", "und", "dann", "so", "sehr", "ja", "nochmals", "nochmal", "auch", "dir", "ihnen",
	"euch", "es", "ist", "alles", "schönen tag", "schönen tag noch", "einen schönen tag", "schönes wochenende", "ein schönes wochenende", "schönen feierabend",
	// French
	"bonjour", "bonsoir", "salut", "madame", "monsieur", "cher", "chère", "pour", "votre", "ton", "ta", "vos", "aide", "réponse", "retour", "rapide",
	"et", "à vous", "à toi", "encore", "tout", "est", "bonne journée", "bonne soirée", "bon week-end", "l'aide", "l'information", "la", "le", "les", "de", "vous", "te",
	// Spanish
	"hola", "buenos días", "buenas tardes", "buenas noches", "estimado", "estimada", "señor", "señora", "por", "su", "tu", "ayuda", "respuesta",
	"información", "rápida", "y", "a ti", "a usted", "todo", "que tenga un buen día", "buen día", "buen fin de semana", "feliz día", "de nuevo", "la", "el",
	// Bengali
	"প্রিয়", "হ্যালো", "নমস্কার", "আসসালামু আলাইকুম", "সালাম", "জনাব", "জনাবা", "ভাই", "আপা", "স্যার", "ম্যাডাম", "আপনার", "সাহায্যের", "জন্য", "উত্তরের", "তথ্যের", "এবং", "ও", "শুভ দিন", "ভালো থাকবেন", "আপনাকে", "সহযোগিতার",
}

var signOffs = []string{
	// English
	"best", "best regards", "kind regards", "regards", "warm regards", "best wishes", "sincerely", "yours sincerely", "yours", "all the best", "sent from my",
	// German
	"viele grüße", "viele grüsse", "liebe grüße", "liebe grüsse", "beste grüße", "beste grüsse", "schöne grüße", "herzliche grüße", "mit freundlichen grüßen",
	"mit freundlichen grüssen", "mit besten grüßen", "freundliche grüße", "freundliche grüsse", "mfg", "lg", "vg", "gruß", "gruss", "grüße", "von meinem",
	// French
	"cordialement", "bien cordialement", "bien à vous", "salutations", "meilleures salutations", "amicalement", "bises", "envoyé de mon",
	// Spanish
	"saludos", "un saludo", "saludos cordiales", "atentamente", "cordialmente", "un abrazo", "enviado desde mi",
	// Bengali
	"শুভেচ্ছান্তে", "শুভেচ্ছা", "ইতি", "বিনীত", "শ্রদ্ধান্তে",
}
