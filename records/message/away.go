package message

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"rapport/records/contact"
)

// awayHints are words, lower case, of which a notice of absence has one.
var awayHints = []string{
	"out of office", "out of the office", "ooo ", "on vacation", "on holiday", "on leave", "parental leave", "maternity", "away from", "am away", "be away", "limited access", "no longer work", "no longer with", "has left", "left the company", "be back", "will return", "returning", "in my absence", "during my absence",
	"abwesen", "nicht im büro", "nicht im haus", "im urlaub", "urlaub", "mutterschutz", "elternzeit", "außer haus", "wieder erreichbar", "wieder im büro", "wieder für sie", "nicht erreichbar", "nicht mehr für", "nicht mehr bei", "nicht mehr im unternehmen",
	"absent", "absence", "congé", "vacances", "de retour", "ne travaille plus", "fuera de la oficina", "vacaciones", "ausente", "de baja", "ya no trabaja", "assente", "in ferie", "fuori ufficio", "non lavora più", "férias", "fora do escritório", "ausência", "não trabalha mais", "afwezig", "vakantie", "niet aanwezig", "niet meer werkzaam",
	"semester", "tillbaka", "inte på kontoret", "på ferie", "holder ferie", "har ferie", "ikke på kontoret", "fraværende", "tilbake", "tilbage", "lomalla", "poissa", "nieobecn", "urlop", "mimo kancelář", "dovolen", "nepřítom", "szabadság", "házon kívül", "concediu", "отпуск", "отсутств", "командировк", "відпуст", "ofis dışında", "izinde", "izinli", "άδεια", "εκτός γραφείου",
	"不在", "休暇", "休み", "休假", "外出", "出差", "不在办公室", "부재", "휴가", "출장", "ছুটিতে", "छुट्टी", "إجازة", "חופשה", "ลาพัก", "nghỉ phép", "cuti",
}

// awayEnds are words before the end of an absence, by which a text without any
// such hint is one.
var awayEnds = []string{"until", " till ", "through", "returning", "return on", "back on", "back in", " bis ", "wieder ", "zurück", "jusqu", "retour", "hasta", "regres", "vuelvo", "fino al", "rientr", "até ", "retorno", " tot ", "terug", "till och med", "tillbaka", "åter", "til og med", "tilbage", "tilbake", "do dnia", "wracam", " до ", "вернусь"}

// awayMonths are the beginnings of months that headers never bear; see months.
var awayMonths = map[string]time.Month{
	"oca": 1, "şub": 2, "nis": 4, "haz": 6, "tem": 7, "ağu": 8, "eyl": 9, "eki": 10, "kas": 11, "ara": 12, // Turkish
	"led": 1, "úno": 2, "bře": 3, "dub": 4, "kvě": 5, "čer": 6, "srp": 8, "zář": 9, "říj": 10, "pro": 12, // Czech
	"tam": 1, "hel": 2, "huh": 4, "tou": 5, "kes": 6, "hei": 7, "elo": 8, "syy": 9, "lok": 10, "jou": 12, // Finnish
	"ian": 1, "iul": 7, "noi": 11, "січ": 1, "лют": 2, "бер": 3, "кві": 4, "тра": 5, "чер": 6, "лип": 7, "сер": 8, "вер": 9, "жов": 10, "лис": 11, "гру": 12, // Romanian, Ukrainian
}

// The ways a day is written, each with its groups in the order that awayDay
// wants: year, month, day; the name of a month stands for it.
var awayDays = []struct {
	form             *regexp.Regexp
	year, month, day int
}{
	{regexp.MustCompile(`([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})`), 1, 2, 3},
	{regexp.MustCompile(`(?:([0-9]{4}) ?[年년] ?)?([0-9]{1,2}) ?[月월] ?([0-9]{1,2}) ?[日일]`), 1, 2, 3},
	{regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,2})[./-] ?([0-9]{1,2})(?:[./-] ?([0-9]{4}|[0-9]{2}))?(?:[^0-9]|$)`), 3, 2, 1},
	{regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{4}|[0-9]{2}))?(?:[^0-9]|$)`), 3, 1, 2},
	{regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,2})(?:\.|er|st|nd|rd|th|º|:e)? (?:of |de |di )?(\p{L}{3,})\.?(?:,? (?:de )?([0-9]{4}))?`), 3, 2, 1},
	{regexp.MustCompile(`(\p{L}{3,})\.? ([0-9]{1,2})(?:st|nd|rd|th)?(?:[^0-9:]|$)(?: ?([0-9]{4}))?`), 3, 1, 2},
}

// awayUntil finds the day an absence ends: the last that a notice of absence
// names. A day without a year is the next one after the mail.
func awayUntil(text string, sent time.Time) (time.Time, bool) {
	low := strings.ToLower(clip(text, 2<<10))
	if sent.IsZero() {
		return time.Time{}, false
	}
	absent := isAbsence(low)
	var last time.Time
	taken := make([]bool, len(low)) // by a form before
	for _, f := range awayDays {
		for _, at := range f.form.FindAllStringSubmatchIndex(low, 32) {
			group := func(n int) string {
				if at[2*n] < 0 {
					return ""
				}
				return low[at[2*n]:at[2*n+1]]
			}
			first := at[2]
			if first < 0 {
				first = at[4]
			}
			if taken[first] || !absent && !endsAbsence(low[max(0, first-24):first]) {
				continue
			}
			if t, ok := awayDay(group(f.year), group(f.month), group(f.day), sent); ok {
				for i := first; i < at[1]; i++ {
					taken[i] = true
				}
				if t.After(last) {
					last = t
				}
			}
		}
	}
	return last, !last.IsZero()
}

func isAbsence(low string) bool { return containsAny(low, awayHints) }

func endsAbsence(before string) bool { return containsAny(" "+before, awayEnds) }

// awayDay puts a day together that is within a year and a half after sent.
func awayDay(year, month, day string, sent time.Time) (time.Time, bool) {
	d, _ := strconv.Atoi(day)
	m := time.Month(0)
	if n, err := strconv.Atoi(month); err == nil {
		m = time.Month(n)
	} else if strings.HasPrefix(month, "juil") || strings.HasPrefix(month, "července") {
		m = time.July // other than the June its beginning is
	} else if r := []rune(month); len(r) >= 3 {
		if m = months[string(r[:3])]; m == 0 {
			m = awayMonths[string(r[:3])]
		}
	}
	y, err := strconv.Atoi(year)
	switch {
	case err != nil:
		y = sent.Year()
	case y < 100:
		y += 2000
	}
	t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	if m < 1 || m > 12 || d < 1 || t.Day() != d {
		return t, false
	}
	if err != nil && t.Before(sent.Add(-24*time.Hour)) {
		t = t.AddDate(1, 0, 0)
	}
	return t, t.After(sent.Add(-48*time.Hour)) && t.Before(sent.Add(550*24*time.Hour))
}

// leftPhrases say that somebody works there no more, or who stands in.
var leftPhrases = []string{
	"no longer with", "no longer work", "has left the company", "left the company", "is no longer employed", "not longer with", "please contact", "please direct", "in my absence", "during my absence", "in urgent cases", "contact my colleague", "contact instead", "replaced by",
	"nicht mehr für", "nicht mehr bei", "nicht mehr im unternehmen", "wenden sie sich", "in dringenden fällen", "kontaktieren sie", "vertretung", "vertritt mich", "kontakt", "ne travaille plus", "a quitté", "veuillez contacter", "merci de contacter", "en mon absence", "ya no trabaja", "póngase en contacto", "contacte con", "non lavora più", "contattare", "não trabalha mais", "contactar", "niet meer werkzaam", "neem contact op", "kontakta", "kontakt med", "skontaktować", "обращайтесь",
}

// successor returns the address an absence note sends people to.
func successor(text string, h Head) contact.Address {
	low := strings.ToLower(text)
	for _, phrase := range leftPhrases {
		if i := strings.Index(low, phrase); i >= 0 {
			if a := otherAddress(clip(low[i:], 400), h); a != "" {
				return a
			}
		}
	}
	if isAbsence(strings.ToLower(h.Subject) + "\n" + low) { // whoever it names
		return otherAddress(clip(low, 2<<10), h)
	}
	return ""
}

// otherAddress returns the first address in a text that is not the author's.
func otherAddress(low string, h Head) contact.Address {
	for f := range strings.FieldsFuncSeq(low, func(r rune) bool {
		return strings.ContainsRune(" \t\n<>()[],;\"'、，。：（）；", r)
	}) {
		f = strings.Trim(strings.TrimPrefix(f, "mailto:"), ".:!?")
		if at := strings.IndexByte(f, '@'); at <= 0 {
			continue
		}
		f = strings.TrimLeftFunc(f, func(r rune) bool { return r > 0x2e7f }) // words of scripts without blanks
		f = strings.TrimRightFunc(f, func(r rune) bool { return r > 0x2e7f })
		if a, ok := readAddress(f); ok && (len(h.From) == 0 || a != h.From[0].Address) {
			return a
		}
	}
	return ""
}
