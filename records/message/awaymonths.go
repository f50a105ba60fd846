package message

import (
	"strings"
	"time"
	"unicode/utf8"
)

// monthStems are the beginnings of the names of months from January on, lower
// case; the order within a month says nothing. Listopad is October in Croatian
// and November in Czech and Polish: see awayUntil.
var monthStems = [12]string{
	"januar januári january januari janvier enero gennaio janeir jänner gener urtarril tammiku jaanuar janvār sausi stycze styczni leden ledna január ianuarie януар январ січн січен јануар siječ ιανουάρι ιανουαρ ocak ינואר يناير ژانویه जनवरी জানুয়ার জানুয়ার มกรา januwari enero",
	"februar februári february februari febrero febrer febbraio fevereir février helmiku veebruar vasari luty lutego únor február februarie феврал лютий лютог фебруар velja φεβρουάρι φεβρουαρ şubat פברואר فبراير شباط فوریه फ़रवरी फरवरी ফেব্রুয়ার ফেব্রুয়ার กุมภา pebrero",
	"march märz marzo março mars maart març marts maalisku märts kovo kovas marca marec březen března március martie март берез ožuj μάρτι μαρτί mart מרץ مارس आذار मार्च মার্চ มีนา marso maret",
	"april abril aprile avril apríl huhtiku aprill aprīl kwiec kwiet duben dubna április aprilie апрел квітн квітен април travnj travanj απρίλι απριλί nisan אפריל أبريل ابريل نيسان آوریل अप्रैल এপ্রিল เมษา",
	"mayo maggio maio maig mei toukoku mai maij gegu maja maj květen květn máj május май мая травн травен мај svibnj svibanj μάιο μαΐου μαϊου mayıs מאי مايو أيار मई মে พฤษภา",
	"juni june junio giugno junho juin juny kesäku juuni jūnij biržel czerw června červen jún június iunie июн юни червн червен јун lipnj lipanj ιούνι ιουνί haziran יוני يونيو حزيران ژوئن जून জুন มิถุ hunyo",
	"juli july julio luglio julho juillet juliol heinäku juuli jūlij liepo lipiec lipca červenec července júl július iulie июл юли липн липен јул srpnj srpanj ιούλι ιουλί temmuz יולי يوليو تموز ژوئیه जुलाई জুলাই กรกฎา hulyo",
	"august agosto agost août augustus elokuu rugpj sierpie sierpn srpen srpna augusztus август серпн серпен kolovoz αύγουστ αυγούστ ağustos אוגוסט أغسطس اوت अगस्त আগস্ট สิงหา agustus",
	"september septiembre setiembre settembre setembro septembre setembre syysku septem septembr rugsėj wrześ wrzes září szeptember septembrie сентябр септемвр вересн вересен септембар rujan rujn σεπτέμβρι σεπτεμβρί eylül ספטמבר سبتمبر أيلول سپتامبر सितंबर सितम्बर সেপ্টেম্বর กันยา setyembre",
	"october oktober octubre ottobre outubro octobre lokaku oktoober oktobr spali spalis październik październ říjen října október octombrie октябр октомвр жовтн жовтен октобар ottobre οκτώβρι οκτωβρί ekim אוקטובר أكتوبر اکتبر अक्तूबर अक्टूबर অক্টোবর ตุลา oktubre",
	"november noviembre novembro novembre marrasku novembr lapkri listopad noiembrie ноябр ноемвр листоп новембар studen νοέμβρι νοεμβρί kasım נובמבר نوفمبر نوامبر नवंबर नवम्बर নভেম্বর พฤศจิ nobyembre",
	"december dezember diciembre dicembre dezembro décembre desembre joulukuu detsemb decembr gruod grudzie grudn prosin decembrie декабр декемвр грудн груден децембар децембра δεκέμβρι δεκεμβρί aralık דצמבר ديسمبر دسامبر दिसंबर दिसम्बर ডিসেম্বর ธันวา disyembre desember",
}

// monthAbbreviations are names of months cut short that headers never bear;
// see months.
var monthAbbreviations = map[string]time.Month{
	"oca": 1, "şub": 2, "nis": 4, "haz": 6, "tem": 7, "ağu": 8, "eyl": 9, "eki": 10, "kas": 11, "ara": 12, // Turkish
	"led": 1, "úno": 2, "bře": 3, "dub": 4, "kvě": 5, "čer": 6, "srp": 8, "zář": 9, "říj": 10, "pro": 12, // Czech
	"ian": 1, "iul": 7, "noi": 11, "січ": 1, "лют": 2, "бер": 3, "кві": 4, "тра": 5, "чер": 6, "лип": 7, "сер": 8, "вер": 9, "жов": 10, "лис": 11, "гру": 12, // Romanian, Ukrainian
	"ιαν": 1, "φεβ": 2, "μαρ": 3, "απρ": 4, "αυγ": 8, "σεπ": 9, "οκτ": 10, "νοε": 11, "δεκ": 12, // Greek
}

// monthNamed reads the name of a month in lower case, with its ending or cut
// short; 0 for any other word. Of a short name the ending is one letter at
// most, for Martin is no March.
func monthNamed(word string) (month time.Month) {
	word = strings.TrimPrefix(word, "ב") // in, which Hebrew writes together
	size := utf8.RuneCountInString(word)
	if size < 3 {
		return 0
	}
	long := 0
	for n, stems := range monthStems {
		for stem := range strings.FieldsSeq(stems) {
			if k := utf8.RuneCountInString(stem); k > long && strings.HasPrefix(word, stem) && (k > 4 || size <= k+1) {
				month, long = time.Month(n+1), k
			}
		}
	}
	if month != 0 || size > 4 {
		return month
	}
	short := string([]rune(word)[:3])
	if month = months[short]; month == 0 {
		month = monthAbbreviations[short]
	}
	return month
}
