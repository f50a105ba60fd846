package survey

import "strings"

// Words are what a survey says in one language.
type Words struct {
	Ask       map[Kind]string    // the question, where the survey has no words of its own
	Ends      map[Kind][2]string // the lowest and highest score, in words
	Satisfied [5]string          // the scores of CSAT, from 1
	HowTo     string             // how to answer by mail
	ByMail    string             // the link to a mail that answers, where there is a page
}

// WordsOf returns the words for a language, English where there are none.
func WordsOf(language string) Words {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	if w, ok := words[base]; ok {
		return w
	}
	return words["en"]
}

var words = map[string]Words{
	"en": {
		Ask: map[Kind]string{NPS: "How likely are you to recommend us?", CSAT: "How satisfied are you?", CES: "How easy was it to get done what you wanted?"},
		Ends: map[Kind][2]string{NPS: {"not at all likely", "extremely likely"}, CSAT: {"very dissatisfied", "very satisfied"},
			CES: {"very difficult", "very easy"}},
		Satisfied: [5]string{"very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"},
		HowTo:     "Click a number, or reply to this mail with the number.",
		ByMail:    "Answer by mail",
	},
	"de": {
		Ask: map[Kind]string{NPS: "Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?", CSAT: "Wie zufrieden sind Sie?", CES: "Wie leicht war es, Ihr Anliegen zu erledigen?"},
		Ends: map[Kind][2]string{NPS: {"sehr unwahrscheinlich", "sehr wahrscheinlich"}, CSAT: {"sehr unzufrieden", "sehr zufrieden"},
			CES: {"sehr schwierig", "sehr leicht"}},
		Satisfied: [5]string{"sehr unzufrieden", "unzufrieden", "neutral", "zufrieden", "sehr zufrieden"},
		HowTo:     "Klicken Sie auf eine Zahl, oder antworten Sie auf diese Mail mit der Zahl.",
		ByMail:    "Per Mail antworten",
	},
	"fr": {
		Ask: map[Kind]string{NPS: "Quelle est la probabilité que vous nous recommandiez ?", CSAT: "Êtes-vous satisfait ?", CES: "Était-ce facile d’obtenir ce que vous vouliez ?"},
		Ends: map[Kind][2]string{NPS: {"pas du tout probable", "très probable"}, CSAT: {"très insatisfait", "très satisfait"},
			CES: {"très difficile", "très facile"}},
		Satisfied: [5]string{"très insatisfait", "insatisfait", "neutre", "satisfait", "très satisfait"},
		HowTo:     "Cliquez sur un chiffre, ou répondez à ce message avec le chiffre.",
		ByMail:    "Répondre par e-mail",
	},
	"es": {
		Ask: map[Kind]string{NPS: "¿Qué probabilidad hay de que nos recomiende?", CSAT: "¿Está satisfecho?", CES: "¿Le resultó fácil conseguir lo que quería?"},
		Ends: map[Kind][2]string{NPS: {"nada probable", "muy probable"}, CSAT: {"muy insatisfecho", "muy satisfecho"},
			CES: {"muy difícil", "muy fácil"}},
		Satisfied: [5]string{"muy insatisfecho", "insatisfecho", "neutral", "satisfecho", "muy satisfecho"},
		HowTo:     "Haga clic en un número o responda a este correo con el número.",
		ByMail:    "Responder por correo",
	},
	"bn": {
		Ask: map[Kind]string{NPS: "আপনি আমাদের অন্যদের কাছে সুপারিশ করবেন, এর সম্ভাবনা কতটা?", CSAT: "আপনি কতটা সন্তুষ্ট?", CES: "আপনার কাজটি করা কতটা সহজ ছিল?"},
		Ends: map[Kind][2]string{NPS: {"একেবারেই সম্ভাবনা নেই", "খুব বেশি সম্ভাবনা"}, CSAT: {"খুব অসন্তুষ্ট", "খুব সন্তুষ্ট"},
			CES: {"খুব কঠিন", "খুব সহজ"}},
		Satisfied: [5]string{"খুব অসন্তুষ্ট", "অসন্তুষ্ট", "মাঝামাঝি", "সন্তুষ্ট", "খুব সন্তুষ্ট"},
		HowTo:     "একটি সংখ্যায় ক্লিক করুন, অথবা সংখ্যাটি লিখে এই মেইলের উত্তর দিন।",
		ByMail:    "মেইলে উত্তর দিন",
	},
	"it": {
		Ask: map[Kind]string{NPS: "Con quale probabilità ci consiglierebbe?", CSAT: "Quanto è soddisfatto?", CES: "È stato facile ottenere ciò che voleva?"},
		Ends: map[Kind][2]string{NPS: {"per niente probabile", "molto probabile"}, CSAT: {"molto insoddisfatto", "molto soddisfatto"},
			CES: {"molto difficile", "molto facile"}},
		Satisfied: [5]string{"molto insoddisfatto", "insoddisfatto", "neutrale", "soddisfatto", "molto soddisfatto"},
		HowTo:     "Faccia clic su un numero, o risponda a questo messaggio con il numero.",
		ByMail:    "Rispondere per e-mail",
	},
	"nl": {
		Ask: map[Kind]string{NPS: "Hoe waarschijnlijk is het dat u ons aanbeveelt?", CSAT: "Hoe tevreden bent u?", CES: "Hoe makkelijk was het om te krijgen wat u wilde?"},
		Ends: map[Kind][2]string{NPS: {"zeer onwaarschijnlijk", "zeer waarschijnlijk"}, CSAT: {"zeer ontevreden", "zeer tevreden"},
			CES: {"zeer moeilijk", "zeer makkelijk"}},
		Satisfied: [5]string{"zeer ontevreden", "ontevreden", "neutraal", "tevreden", "zeer tevreden"},
		HowTo:     "Klik op een getal, of beantwoord deze mail met het getal.",
		ByMail:    "Per mail antwoorden",
	},
	"pt": {
		Ask: map[Kind]string{NPS: "Qual é a probabilidade de nos recomendar?", CSAT: "Está satisfeito?", CES: "Foi fácil conseguir o que queria?"},
		Ends: map[Kind][2]string{NPS: {"nada provável", "muito provável"}, CSAT: {"muito insatisfeito", "muito satisfeito"},
			CES: {"muito difícil", "muito fácil"}},
		Satisfied: [5]string{"muito insatisfeito", "insatisfeito", "neutro", "satisfeito", "muito satisfeito"},
		HowTo:     "Clique num número, ou responda a este e-mail com o número.",
		ByMail:    "Responder por e-mail",
	},
	"ar": {
		Ask: map[Kind]string{NPS: "ما مدى احتمال أن توصي بنا؟", CSAT: "ما مدى رضاك؟", CES: "ما مدى سهولة الحصول على ما أردت؟"},
		Ends: map[Kind][2]string{NPS: {"غير محتمل إطلاقًا", "محتمل جدًا"}, CSAT: {"غير راضٍ إطلاقًا", "راضٍ جدًا"},
			CES: {"صعب جدًا", "سهل جدًا"}},
		Satisfied: [5]string{"غير راضٍ إطلاقًا", "غير راضٍ", "محايد", "راضٍ", "راضٍ جدًا"},
		HowTo:     "انقر على رقم، أو رد على هذه الرسالة بالرقم.",
		ByMail:    "الرد بالبريد",
	},
}

// numbersIn are the words for 0 to 10 by language. What is another word of
// common use in some language stands for nothing: "-".
var numbersIn = map[string]string{
	"en": "zero one two three four five six seven eight nine ten",
	"de": "null eins zwei drei vier fünf sechs sieben acht neun zehn",
	"dd": "- eine - - - fuenf - - - - -",
	"fr": "zéro un deux trois quatre cinq six sept huit neuf dix",
	"es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez",
	"it": "zero uno - tre quattro cinque - sette otto nove dieci",
	"pt": "zero um dois três quatro cinco seis sete oito nove dez",
	"nl": "- een twee drie vier vijf zes zeven acht negen tien",
	"pl": "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć",
	"cs": "nula jedna dva tři čtyři pět šest sedm osm devět deset",
	"sv": "noll ett två tre fyra fem - sju åtta nio tio",
	"da": "- - - tre - fem seks syv otte - -",
	"ru": "ноль один два три четыре пять шесть семь восемь девять десять",
	"uk": "нуль один два три чотири п'ять шість сім вісім дев'ять десять",
	"tr": "sıfır bir iki üç dört beş altı yedi sekiz dokuz -",
	"bn": "শূন্য এক দুই তিন চার পাঁচ ছয় সাত আট নয় দশ",
	"hi": "शून्य एक दो तीन चार पाँच छह सात आठ नौ दस",
	"ar": "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة",
	"zh": "零 一 二 三 四 五 六 七 八 九 十",
	"ko": "- - - - - - 육 칠 팔 - -",
	"fi": "nolla yksi kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän kymmenen",
}

// The words around a score, by what they do; lower case.
var (
	// leads may stand before a score: "I would give you a".
	leads = set(`i i'd id i'll we we'd us you your would will give gives say rate rating score scores answer vote my our is a an the solid full clear
		note bewertung antwort ich wir gebe geben würde gibt euch ihnen eine ein einen meine unsere ist punktzahl wertung
		je nous dirais donne donnerais mets vous un une ma mon notre réponse la le est
		le les doy damos doy diría pongo daría mi nuestra respuesta puntuación nota es una os
		do diamo darei direi voto il mio voto risposta è vi dou damos daria minha resposta é
		ik wij geef geven een zou zeg cijfer mijn antwoord is jag vi ger betyg mitt svar är jeg gir giver
		daję daje oceniam ocena moja odpowiedź dávám hodnocení moje
		я мы ставлю даю оценка моя ответ мой моё puanım puan cevabım veriyorum
		আমি আমরা আমার উত্তর আমাদের নম্বর স্কোর দেব मैं मेरा उत्तर अंक जवाब`)
	// negations take a score away.
	negations = set("not no never nicht kein keine keinen nein pas non no não nao niet geen nie ne не inte ikke ei")
	// behinds negate the score before them.
	behinds = set("নয় না नहीं değil")
	// buts lead from a negated score to the one that is meant.
	buts = set("but rather sondern mais sino mas ma maar utan men ale а но lecz")
	// ofs stand between a score and the highest.
	ofs = set("of على von sur de su av af из na op z ze uit sobre em auf aus")
	// within stands between the highest and the score.
	within = set("এর মধ্যে से में üzerinden")
	// ors lead to a second score.
	ors = set("or oder ou o to bis à a and und et y e i og och of en eller albo lub или и বা অথবা এবং থেকে या और veya ve или")
	// units may follow a score and say nothing.
	units = set("points point pts punkte punkt punkten puntos punto pontos punti punten poäng балл балла баллов puan অংক নম্বর अंक 点 分 점")
	stars = set("star stars stern sterne sternen étoile étoiles estrella estrellas estrelas stelle sterren stjärnor তারা")
	// follows may come after a score, and make no count of it.
	follows = set(`thanks thank me us you service much great good excellent very from super perfect fantastic all everything always keep well nice love overall cheers please
		mir uns dir ihnen euch danke vielen dank sehr super gut alles toll perfekt von sagen geben vergeben insgesamt weiter gerne
		merci beaucoup très tout bien excellent parfait
		gracias muchas muy todo excelente perfecto grazie mille molto tutto ottimo obrigado obrigada muito tudo
		bedankt dank heel alles goed tack mycket takk tak bardzo dziękuję děkuji
		спасибо очень всё все হবে দেব দিচ্ছি দিলাম ধন্যবাদ খুব दूंगा दूँगा धन्यवाद teşekkürler çok`)
	// reasons follow a score with whatever they like.
	reasons = set("because since as weil da car parce porque perché pois omdat want bo protože потому কারণ क्योंकि çünkü")
	// counted are what is counted most, and the months: 5!!! weeks, 8. March.
	counted = set(`day days week weeks hour hours minute minutes month months year years time times people person boxes parcels items o'clock pm am st nd rd th
		tag tage tagen woche wochen stunde stunden minuten monat monate monaten jahre jahren mal leute uhr stück
		jour jours semaine semaines heure heures mois ans an fois personnes jour día días dia dias semana semanas hora horas meses años anos veces vezes
		giorni settimane ore mesi anni volte dagen weken uur maanden jaar keer dagar veckor timmar dni tygodni godzin miesięcy
		дней дня недель недели часов лет раз দিন সপ্তাহ ঘণ্টা মাস বছর বার दिन सप्ताह घंटे महीने gün hafta saat ay
		january february march april may june july august september october november december
		januar februar märz mai juni juli oktober dezember janvier février mars avril juin juillet août septembre octobre novembre décembre
		enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre rue avenue street road straße`)
	// hedges take back what stands before them.
	hedges = set(`maybe perhaps possibly or no nope sorry actually rather better wait correction instead well hmm
		vielleicht eventuell oder nein eher lieber besser doch peut-être plutôt ou non quizás quizá mejor o forse meglio talvez
		misschien of liever kanske eller może albo raczej возможно или скорее হয়তো বা না শায়দ शायद belki`)
	// cues tell that a later line speaks of the score again.
	cues = set(`meant mean sorry instead rather correction change score rating rate give mistake oops typo
		meinte gemeint korrektur stattdessen lieber sondern bewertung versehen
		voulais erreur plutôt correction quería error corrección volevo errore queria erro bedoelde menade
		ভুল ভুলে বলতে हूँ गलती хотел ошибка`)
)

// set cuts a list of words.
func set(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[fold(w)] = true
	}
	return out
}

// numberWords are the words for numbers, folded.
var numberWords = func() map[string]int {
	out := map[string]int{}
	for _, list := range numbersIn {
		for n, w := range strings.Fields(list) {
			if w != "-" {
				out[fold(w)] = n
			}
		}
	}
	return out
}()

// satisfied are the words of CSAT's scale in every language, folded.
var satisfied = func() map[string]int {
	out := map[string]int{}
	for _, w := range words {
		for n, text := range w.Satisfied {
			out[fold(text)] = n + 1
		}
	}
	return out
}()
