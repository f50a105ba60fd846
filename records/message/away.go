package message

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rapport/records/contact"
)

// awayHints are words, lower case, of which a notice of absence has one.
var awayHints = []string{
	"out of office", "out of the office", "ooo ", " pto ", "on vacation", "on holiday", "on leave", "annual leave", "sick leave", "parental leave", "maternity", "paternity", "away from", "am away", "be away", "i'm away", "i’m away", "i'm out ", "i’m out ", "i am out ", "travelling", "traveling", "limited access", "no longer work", "no longer with", "no longer employed", "no longer part of", "has left", "left the company", "left the organi", "moved on from", "covering for me", "be back", "will return", "returning", "in my absence", "during my absence", "be closed", "is closed from", "are closed from",
	"abwesen", "nicht im büro", "nicht im haus", "nicht am platz", "nicht da", "urlaub", "betriebsferien", "geschlossen", "mutterschutz", "elternzeit", "erkrankt", "bin krank", "dienstreise", "außer haus", "wieder erreichbar", "wieder im büro", "wieder für sie", "wieder da", "nicht erreichbar", "nicht verfügbar", "nicht mehr für", "nicht mehr bei", "nicht mehr im unternehmen", "nicht mehr tätig", "ausgeschieden", "unternehmen verlassen",
	"absent", "absence", "congé", "vacances", "de retour", "reviendrai", "indisponible", "en déplacement", "arrêt maladie", "maternité", "fermé", "fermeture", "ne travaille plus", "ne fait plus partie", "a quitté", "n'est plus en poste",
	"fuera de la oficina", "fuera de oficina", "vacaciones", "ausente", "ausencia", "de baja", "incapacidad", "de viaje", "de permiso", "maternidad", "reincorpor", "cerrad", "ya no trabaja", "ya no forma parte", "dejado la empresa",
	"assente", "assenza", "in ferie", "fuori ufficio", "fuori sede", "in trasferta", "maternità", "malattia", "rientr", "chiusi", "chiusura", "non lavora più", "non fa più parte", "ha lasciato",
	"férias", "fora do escritório", "ausência", "licença", "regresso", "de viagem", "em viagem", "recesso", "encerrad", "não trabalha mais", "já não trabalha", "não faz mais parte",
	"afwezig", "vakantie", "verlof", "niet aanwezig", "weer aanwezig", "niet op kantoor", " ziek", "gesloten", "uit dienst", "niet meer werkzaam", "niet meer in dienst",
	"semester", "tillbaka", "inte på kontoret", "frånvar", "föräldraledig", "tjänstledig", "är ledig", "tjänsteresa", "sjukskriven", "slutat",
	"på ferie", "holder ferie", "har ferie", "ikke på kontoret", "ikke til stede", "fravær", "barsel", "orlov", "sygemeld", "fratrådt", "bortreist", "permisjon", "avspaser", "sykmeldt", "sluttet", "tilbake", "tilbage",
	"lomalla", "vuosilom", "poissa", "palaan", "sairaslom", "äitiyslom", "vanhempainvap", "työmatka", "í fríi", "orlofi", "fjarverandi",
	"nieobecn", "urlop", "poza biurem", "zwolnieniu lekarsk", "delegacj", "wracam", "nie pracuje",
	"mimo kancel", "dovolen", "nepřítom", "neprítom", "nemocensk", "služební cest", "služobnej cest", "nepracuje", "szabadság", "házon kívül", "betegállom", "távol", "vagyok az irodában", "nem vagyok", "már nem dolgozik", "concediu", "nu mai lucr", "lipsesc",
	"отпуск", "отсутств", "отсъств", "командировк", "больничн", "болничн", "меня не будет", "вне офиса", "декрет", "не работает", "відпуст", "відсутн", "лікарнян", "відрядж", "поза офісом", "не працює", "одмор", "одсут", "одсуств", "боловањ",
	"godišnj", "odmoru", "odsut", "bolovanj", "izvan ureda", "službenom putu", "dopust", "odsot", "bolnišk", "službeni poti", "porodnišk",
	"puhkus", "kontorist väljas", "lähetus", "haiguslehel", "atvaļinājum", "prombūtn", "slimības", "komandējum", "atostog", "komandiruot", "nedirbu", "nebūsiu",
	"fora de l'oficina", "fora de l’oficina", "baixa mèdica", "oporretan",
	"ofis dışında", "izinde", "izinli", "raporlu", "tatilde", "dönece", "ayrılm", "άδεια", "εκτός γραφείου", "απουσι",
	"חופש", "מחוץ למשרד", "נעדר", "איעדר", "לא אהיה", "إجازة", "اجازة", "خارج المكتب", "لم يعد يعمل", "مرخصی", "خارج از دفتر", "छुट्टी", "अवकाश", "कार्यालय से बाहर", "ছুটিতে", "অফিসের বাইরে", "অনুপস্থিত",
	"不在", "休暇", "休み", "休業", "退職", "出張", "外出", "産休", "育休", "休假", "年假", "请假", "請假", "病假", "产假", "產假", "放假", "出差", "离职", "離職", "부재", "휴가", "출장", "퇴사", "휴직", "외근", "연차",
	"ลาพัก", "ลาป่วย", "ลาคลอด", "ไม่อยู่", "nghỉ phép", "vắng mặt", "đi công tác", "nghỉ ốm", "thai sản", "cuti", "tidak di kantor", "dinas luar", "bakasyon", "naka-leave", "likizo",
}

// awayEnds are words before the end of an absence, by which a text without any
// such hint is one.
var awayEnds = []string{"until", " till ", "through", "returning", "return on", "back on", "back in", " bis ", "wieder ", "zurück", "jusqu", "retour", "hasta", "regres", "vuelvo", "fino al", "rientr", "até ", "retorno", " tot ", "terug", "till och med", "tillbaka", "åter", "til og med", "tilbage", "tilbake", "do dnia", "wracam", " до ", "вернусь"}

// The ways a day is written, each with its groups in the order that awayDay
// wants: year, month, day; the name of a month stands for it.
var awayDays = []struct {
	form             *regexp.Regexp
	year, month, day int
}{
	{regexp.MustCompile(`([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})`), 1, 2, 3},
	{regexp.MustCompile(`(?:([0-9]{4}) ?[年년] ?)?([0-9]{1,2}) ?[月월] ?([0-9]{1,2}) ?[日일]`), 1, 2, 3},
	{regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,2}) tháng ([0-9]{1,2})(?: năm ([0-9]{4}))?`), 3, 2, 1},
	{regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,2})[./-] ?([0-9]{1,2})(?:[./-] ?([0-9]{4}|[0-9]{2}))?(?:[^0-9]|$)`), 3, 2, 1},
	{regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{4}|[0-9]{2}))?(?:[^0-9]|$)`), 3, 1, 2},
	{regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,2})(?:\.|er|st|nd|rd|th|º|ª|:e)? (?:of |de |di |del |d['’])?([\p{L}\p{M}]{3,})\.?(?:,? (?:de )?([0-9]{4}))?`), 3, 2, 1},
	{regexp.MustCompile(`([\p{L}\p{M}]{3,})\.? ([0-9]{1,2})(?:st|nd|rd|th)?(?:[^0-9:]|$)(?: ?([0-9]{4}))?`), 3, 1, 2},
}

// awayUntil finds the day an absence ends: the last that a notice of absence
// names. A day without a year is the next one after the mail.
func awayUntil(text string, sent time.Time) (time.Time, bool) {
	low := asciiDigits(strings.ToLower(clip(text, 2<<10)))
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
			month := group(f.month)
			if strings.Contains(low[at[0]:at[1]], ". listopad") && !containsAny(low, westSlavic) {
				month = "october" // in Croatian, which sets a point; November in Polish and Czech
			}
			t, ok := awayDay(group(f.year), month, group(f.day), sent)
			if group(f.year) == "" && strings.Contains(low[first:at[1]], "/") { // day or month first: what is nearer
				if other, okOther := awayDay("", group(f.day), group(f.month), sent); okOther && (!ok || other.Before(t)) {
					t, ok = other, true
				}
			}
			if ok {
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

// westSlavic are letters that Polish and Czech have and Croatian has not.
var westSlavic = []string{"ą", "ę", "ł", "ń", "ś", "ź", "ż", "á", "é", "ě", "í", "ó", "ř", "ů", "ú", "ý"}

func isAbsence(low string) bool { return containsAny(low, awayHints) }

func endsAbsence(before string) bool { return containsAny(" "+before, awayEnds) }

// asciiDigits writes the digits of every script as those of ASCII.
func asciiDigits(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if n, ok := digit(r); ok && r >= utf8.RuneSelf {
			return rune('0' + n)
		}
		return r
	}, s)
}

// awayDay puts a day together that is within a year and a half after sent.
func awayDay(year, month, day string, sent time.Time) (time.Time, bool) {
	d, _ := strconv.Atoi(day)
	m := monthNamed(month)
	if n, err := strconv.Atoi(month); err == nil {
		m = time.Month(n)
	}
	y, err := strconv.Atoi(year)
	switch {
	case err != nil:
		y = sent.Year()
	case y < 100:
		y += 2000
	case y > 2400:
		y -= 543 // the Thai calendar
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
