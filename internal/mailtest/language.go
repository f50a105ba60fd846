package mailtest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// language is what people of one language write: enough to need its charsets.
type language struct {
	tag       string
	charsets  []string // beside utf-8
	given     []string
	family    []string
	subjects  []string
	sentences []string
	greeting  string
}

var languages = []language{
	{"en", []string{"us-ascii", "windows-1252", "iso-8859-1"},
		[]string{"Ada", "Grace", "Edith", "Alan", "Ruth", "Oscar", "Nora", "Walter"},
		[]string{"Whitfield", "Okafor", "Marsh", "Delacroix", "Penrose", "Hollis", "Quarles", "Thornbury"},
		[]string{"Quote for the spring order", "Delivery date", "Invoice question", "Meeting next week", "Spare parts", "Contract draft"},
		[]string{"Could you send us the drawings before Friday?", "The second pallet arrived with a dented corner.", "We would like to extend the agreement by a year.", "Our workshop is closed on the last Monday of the month.", "The price list you sent still shows last year's figures.", "Please confirm that the gaskets fit the older housing."},
		"Hello"},
	{"de", []string{"iso-8859-1", "iso-8859-15", "windows-1252"},
		[]string{"Jürgen", "Käthe", "Björn", "Ursula", "Götz", "Änne", "Thomas", "Sören"},
		[]string{"Müller", "Weißgerber", "Größmann", "Schäfer", "Kühn", "Überall", "Bäcker", "Strauß"},
		[]string{"Angebot für die Frühjahrsbestellung", "Rückfrage zur Rechnung", "Änderung der Lieferanschrift", "Prüfbericht", "Größe der Dichtungen"},
		[]string{"Könnten Sie uns die Zeichnungen bis Freitag schicken?", "Die Maße stimmen leider nicht überein.", "Wir möchten den Vertrag um ein Jahr verlängern.", "Für die Prüfung benötigen wir zusätzlich die Zeugnisse.", "Die Lieferung ist vollständig eingetroffen, herzlichen Dank.", "Über den Preis müssen wir noch einmal sprechen."},
		"Guten Tag"},
	{"fr", []string{"iso-8859-1", "iso-8859-15", "windows-1252"},
		[]string{"Élodie", "François", "Hélène", "Benoît", "Agnès", "Loïc"},
		[]string{"Lefèvre", "Garçon", "Beaumônt", "Dupré", "Noël", "Chêne"},
		[]string{"Commande de pièces détachées", "Délai de livraison", "Réunion de février", "Facture erronée"},
		[]string{"Pourriez-vous nous confirmer le délai de livraison ?", "La pièce reçue ne correspond pas à notre commande.", "Nous souhaitons prolonger le contrat d’une année.", "Le matériel est bien arrivé à l’atelier.", "Merci de corriger la facture avant la fin du mois."},
		"Bonjour"},
	{"bn", nil,
		[]string{"রহিমা", "অনির্বাণ", "শর্মিলা", "তানভীর", "মৌসুমী", "সুব্রত"},
		[]string{"চৌধুরী", "বন্দ্যোপাধ্যায়", "ইসলাম", "দাশগুপ্ত", "হোসেন"},
		[]string{"নতুন অর্ডারের দাম", "চালানের তারিখ", "বিল সংক্রান্ত প্রশ্ন", "আগামী সপ্তাহের সভা"},
		[]string{"আমরা কি শুক্রবারের আগে নকশা পেতে পারি?", "দ্বিতীয় চালানটি আজ সকালে পৌঁছেছে।", "চুক্তিটি আরও এক বছর বাড়াতে চাই।", "মূল্য তালিকায় গত বছরের দাম রয়ে গেছে।", "অনুগ্রহ করে যন্ত্রাংশের মাপ নিশ্চিত করুন।"},
		"নমস্কার"},
	{"ja", []string{"iso-2022-jp", "shift_jis", "euc-jp"},
		[]string{"花子", "太郎", "美咲", "健一", "直樹"},
		[]string{"佐藤", "鈴木", "高橋", "渡辺", "小林"},
		[]string{"見積書の件", "納期について", "請求書の確認", "来週の打ち合わせ"},
		[]string{"金曜日までに図面をお送りいただけますか。", "二番目の荷物は本日届きました。", "契約を一年延長したいと考えております。", "部品の寸法をご確認ください。", "昨年の価格表が添付されていました。"},
		"お世話になっております。"},
	{"zh", []string{"gb18030", "gbk"},
		[]string{"伟", "芳", "秀英", "建国", "丽"},
		[]string{"王", "李", "张", "刘", "陈"},
		[]string{"春季订单报价", "交货日期", "发票问题", "下周会议"},
		[]string{"请在星期五之前把图纸发给我们。", "第二批货物今天上午已经到达。", "我们希望将合同延长一年。", "请确认零件的尺寸。", "价目表仍然是去年的价格。"},
		"您好"},
	{"ko", []string{"euc-kr"},
		[]string{"민준", "서연", "지우", "하은", "도윤"},
		[]string{"김", "이", "박", "최", "정"},
		[]string{"견적 요청", "납품 일정", "청구서 문의", "다음 주 회의"},
		[]string{"금요일까지 도면을 보내 주시겠습니까?", "두 번째 화물이 오늘 도착했습니다.", "계약을 일 년 연장하고 싶습니다.", "부품의 치수를 확인해 주십시오."},
		"안녕하세요"},
	{"ru", []string{"koi8-r", "windows-1251"},
		[]string{"Ольга", "Дмитрий", "Наталья", "Сергей", "Юлия"},
		[]string{"Иванова", "Кузнецов", "Соколова", "Лебедев", "Ёлкина"},
		[]string{"Коммерческое предложение", "Срок поставки", "Вопрос по счёту", "Встреча на неделе"},
		[]string{"Не могли бы вы прислать чертежи до пятницы?", "Вторая партия прибыла сегодня утром.", "Мы хотели бы продлить договор на один год.", "Просим подтвердить размеры деталей."},
		"Здравствуйте"},
}

// languageWeights favours the languages a European team mostly reads.
var languageWeights = []int{30, 25, 8, 10, 8, 7, 4, 8}

var encodings = map[string]encoding.Encoding{
	"iso-8859-1": charmap.ISO8859_1, "iso-8859-15": charmap.ISO8859_15, "windows-1252": charmap.Windows1252,
	"windows-1251": charmap.Windows1251, "koi8-r": charmap.KOI8R, "iso-2022-jp": japanese.ISO2022JP,
	"shift_jis": japanese.ShiftJIS, "euc-jp": japanese.EUCJP, "gbk": simplifiedchinese.GBK,
	"gb18030": simplifiedchinese.GB18030, "euc-kr": korean.EUCKR,
}

// encode returns s in the charset, or ok false where that cannot hold it.
func encode(charset, s string) (b string, ok bool) {
	switch charset {
	case "utf-8":
		return s, true
	case "us-ascii":
		return s, isASCII(s)
	}
	b, err := encodings[charset].NewEncoder().String(s)
	return b, err == nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 126 }) < 0
}

func pickLanguage(r *rand.Rand) *language {
	n := r.IntN(100)
	for i, w := range languageWeights {
		if n -= w; n < 0 {
			return &languages[i]
		}
	}
	return &languages[0]
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// paragraphs writes about n bytes of text. Later sentences carry a figure, as
// business mail does, so that mails do not compress to nothing.
func (l *language) paragraphs(r *rand.Rand, n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(pick(r, l.sentences))
		if i%2 == 1 {
			fmt.Fprintf(&b, " (%d/%s-%d)", r.IntN(900)+100, word(r, 4), r.IntN(90000)+10000)
		}
		if i%4 == 3 {
			b.WriteString("\n\n")
		} else {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// word returns a random lower-case word of n letters.
func word(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz"[r.IntN(26)]
	}
	return string(b)
}
