package message

import "strings"

// wroteWords say that somebody wrote what follows, lower case. They stand at
// the end of the line that introduces a quote, or before who or when.
var wroteWords = phrases(
	" wrote", " writes", " schrieb", " geschrieben", " a écrit", "a écrit", " escribió", " escribio", " ha scritto", " scrisse", " escreveu", " schreef", " geskryf", " skrev", " skrifaði", " kirjoitti", " napisał", " napisal", " napísal", " napsal", " пишет", " написал", " писал", " написа", " пише", " έγραψε", " yazdı", " şunları yazdı", " írta", " va escriure", " ha escrit", "missatge de ", " escribiu", "idatzi du", " idatzi zuen", " a scris", " rašė", " parašė", " rakstīja", " kirjutas", " napisao", " napisala", " је написао", " sgrifennodd", " ysgrifennodd", " scríobh", " shkroi", " ka shkruar", "写道", "寫道", "写到", "のメール", "さんは書きました", "さんが書きました", "が書きました", "님이 작성", "님이 씀", "작성했습니다", " כתב", " כתבה", "מאת", " كتب", "تمت كتابة", "نوشت", " লিখেছেন", " লিখেছে", "ने लिखा", "लिहिले", " எழுதியது", " రాశారు", "เขียนว่า", "เขียน", "đã viết", " menulis", " sumulat", " sinulat", " aliandika", " dixit", " va scrie", " schreiwt", " folgendes geschrieben", " zitat von ", " quoting ", " citando ", " quotando ", " cytuję ", " citeren van ", " citat av ", " citat fra ", " citation de ",
)

// openers begin the lines that introduce a quote, lower case.
var openers = []string{"on ", "am ", "le ", "el ", "il ", "em ", "op ", "den ", "på ", "w dniu ", "dnia ", "ma ", "dne ", "στις ", "tarih", "в ", "at ", "in article ", "> on ", "a ", "vào ", "pada ", "from: ", "quoting ", "il giorno ", "in data ", "no dia ", "ti ", "la ", "în ", "pe ", "на ", "v ", "o ", "hau ", "missatge ", "noong ", "mnamo ", "kuupäev ", "ar ", "ในวันที่", "เมื่อ", "في ", "در ", "بتاريخ", "ב", "בתאריך", "\u202b", "在", "于", "於", "den ", "ngày ", "lúc ", "gi. ", "zitat von ", "citando ", "quotando ", "—"}

// sentWays begin the lines that programs add below a text, lower case.
var sentWays = []string{
	"sent from ", "sent via ", "sent with ", "sent by ", "sent using ", "get outlook", "download outlook", "get it on ", "gesendet von ", "gesendet mit ", "gesendet über ", "gesendet via ", "von meinem ", "von unterwegs gesendet", "diese nachricht wurde von meinem ", "outlook für ", "sūtīts no ", "outlook for ", "envoyé de ", "envoyé depuis ", "envoyé à partir ", "envoyé avec ", "envoyé via ", "envoyé par ", "télécharger outlook", "obtenir outlook", "enviado desde ", "enviado con ", "enviado do ", "enviado de ", "enviado a partir ", "enviado pelo ", "enviado via ", "enviado por ", "enviat des ", "enviat amb ", "obtener outlook", "baixar o outlook", "obter o outlook", "inviato da", "inviato con ", "inviato tramite ", "scarica outlook", "verzonden vanaf ", "verzonden met ", "verzonden vanuit ", "verstuurd vanaf ", "verstuurd met ", "outlook voor ", "download outlook", "gestuur vanaf ", "skickat från ", "skickat med ", "skickades från ", "hämta outlook", "sendt fra ", "sendt med ", "hent outlook", "sent úr ", "lähetetty ", "hanki outlook", "wysłane z ", "wysłano z ", "wysłane przez ", "pobierz outlook", "pobierz program outlook", "отправлено с ", "отправлено из ", "отправлено от ", "отправлено через ", "скачать outlook", "получить outlook", "надіслано з ", "надіслано із ", "відправлено з ", "отримати outlook", "изпратено от ", "изпратено с ", "послато са ", "послато са", "poslano s ", "poslano sa ", "poslano iz ", "poslano z ", "poslato sa ", "odesláno z ", "odoslané z ", "odoslané zo ", "získat outlook", "elküldve ", "küldve ", "az iphone-omról ", "trimis de pe ", "trimis din ", "obțineți outlook", "išsiųsta iš ", "nosūtīts no ", "saadetud minu ", "saadetud ", "στάλθηκε από ", "εστάλη από ", "λήψη του outlook", "נשלח מ", "أرسلت من", "أُرسلت من", "مرسل من", "تم الإرسال من", "ارسال شده از ", "ارسال از ", "ส่งจาก", "ส่งมาจาก", "đã gửi từ ", "gửi từ ", "được gửi từ ", "dikirim dari ", "dihantar dari", "ipinadala mula ", "imetumwa kutoka ", "从我的", "发自我的", "發自我的", "從我的", "发送自", "獲取 outlook", "获取 outlook", "下载 outlook", "나의 ", "내 ", "iphoneから", "ipadから", "enviado dende ", "bidalia ", "nire iphone", "anfonwyd o ", "seolta ó ", "dërguar nga ", "মোবাইল থেকে", "আমার ", "मेरे ", "प्रेषित ",
}

// sentEnds end lines that programs add, in languages where the way comes last.
var sentEnds = []string{
	" gesendet", " gesendet.", "から送信", "から送信されました", "を入手", "发送", "發送", "傳送", "에서 보냄", "에서 전송", "gönderildi", "से भेजा गया", "से भेजा", "থেকে পাঠানো", "থেকে পাঠানো হয়েছে", "থেকে প্রেরিত", "küldve", "lähetetty", "இலிருந்து அனுப்பப்பட்டது", " beziehen", "ارسال شده است", "ارسال شده", "ارسال شد", "bidalita",
}

// devices are what programs call the thing a mail was written on, lower case.
var devices = []string{
	"iphon", "ipad", "ipod", "android", "blackberry", "galaxy", "samsung", "huawei", "xiaomi", "redmi", "pixel", "nokia", "oneplus", "motorola", "windows phone", "windows 1", "outlook", "yahoo", "gmail", "gmx", "web.de", "proton", "mail.ru", "spark", "sparrow", "typeapp", "bluemail", "blue mail", "canary", "airmail", "mailbird", "thunderbird", "aquamail", "k-9", "fairemail", "superhuman", "hotmail", "aol", "smartphone", "mobile", "mobil", "handy", "téléphone", "telefon", "телефон", "téléfono", "móvil", "celular", "phone", "tablet", "mail for ", "mail für ", "courrier pour ", "correo para ", "mail app", "mail-app", "wiko", "sony", "htc", "free.fr", "orange", "laposte", "libero", "tiscali", "wp.pl", "onet", "seznam", "qq", "网易", "手机", "手機", "아이폰", "갤럭시", "아이패드", "네이버", "আইফোন", "ফোন", "आईफ़ोन", "फ़ोन", "آیفون", "גלקסי", "หมายเลข", "puhelime", "mobilní", "telefoon", "móbil", "teléfono", "cellulare", "мобильн", "мобільн", "мобилн", "κινητό", "cep telefon", "điện thoại", "ponsel", "telefonu",
}

// closings end a letter, lower case, without the marks behind them: who wrote
// it follows. One alone in its line says nothing else.
var closings = wordSet(
	"regards|best regards|kind regards|kindest regards|warm regards|warmest regards|many regards|with regards|with best regards|with kind regards|with warm regards|best wishes|with best wishes|all the best|yours sincerely|yours faithfully|yours truly|sincerely|sincerely yours|respectfully|cordially|rgds|br|kr|brgds|bg|thanks and regards|thanks & regards|thanks and best regards|thank you and best regards|thank you and kind regards|many thanks and best regards|with appreciation|warmly|in haste",
	"mit freundlichen grüßen|mit freundlichen grüssen|mit freundlichem gruß|mit freundlichem gruss|freundliche grüße|freundliche grüsse|viele grüße|viele grüsse|vielen dank und viele grüße|beste grüße|beste grüsse|liebe grüße|liebe grüsse|herzliche grüße|herzliche grüsse|mit besten grüßen|mit besten grüssen|mit herzlichen grüßen|mit lieben grüßen|schöne grüße|schöne grüsse|hochachtungsvoll|mfg|lg|vg|gruß|gruss|grüße|grüsse|freundlichst|danke und gruß|besten gruß|besten dank und freundliche grüße",
	"cordialement|bien cordialement|très cordialement|bien à vous|bien à toi|sincères salutations|salutations distinguées|meilleures salutations|salutations|respectueusement|amicalement|amitiés|cdt|cdlt|bàt|bonne journée et à bientôt",
	"saludos|un saludo|saludos cordiales|un cordial saludo|cordial saludo|atentamente|atte|muy atentamente|un abrazo|cordialmente|saludos y gracias|saúdos|un saúdo|salutacions|salutacions cordials|cordialment|atentament|una salutació|agur|agur bero bat|ondo izan",
	"cordiali saluti|distinti saluti|un cordiale saluto|saluti|cari saluti|un saluto|i migliori saluti|cordialità|a presto",
	"atenciosamente|att|com os melhores cumprimentos|melhores cumprimentos|cumprimentos|abraço|abraços|um abraço|saudações|cordialmente",
	"met vriendelijke groet|met vriendelijke groeten|vriendelijke groet|vriendelijke groeten|hartelijke groet|hartelijke groeten|groet|groeten|groetjes|mvg|hoogachtend|vriendelike groete|groete|met beste groet|beste groeten",
	"med vänliga hälsningar|med vänlig hälsning|vänliga hälsningar|vänlig hälsning|hälsningar|mvh|bästa hälsningar|med venlig hilsen|venlig hilsen|venlige hilsner|bedste hilsner|hilsen|mange hilsner|vh|med vennlig hilsen|vennlig hilsen|beste hilsen|beste hilsener|hilsener|kveðja|bestu kveðjur|með kveðju|með bestu kveðju|með vinsemd",
	"ystävällisin terveisin|terveisin|parhain terveisin|ystävällisesti|terveiset|t|yt|lugupidamisega|parimate soovidega|tervitades|heade soovidega|ar cieņu|cieņā|ar sveicieniem|pagarbiai|su pagarba|geriausi linkėjimai|linkėjimai",
	"pozdrawiam|z poważaniem|z wyrazami szacunku|serdecznie pozdrawiam|pozdrawiam serdecznie|pozdrowienia|s pozdravem|s přátelským pozdravem|hezký den|zdravím|s úctou|s pozdravom|s priateľským pozdravom|s úctou",
	"с уважением|с наилучшими пожеланиями|всего доброго|всего наилучшего|с приветом|з повагою|з найкращими побажаннями|поздрави|с уважение|с поздрав|с най-добри пожелания|срдачан поздрав|поздрав|с поштовањем|со почит",
	"srdačan pozdrav|lijep pozdrav|pozdrav|lijepi pozdravi|s poštovanjem|lep pozdrav|lepo pozdravljeni|s spoštovanjem|pozdravi|pozdrav svima|lp",
	"με εκτίμηση|φιλικά|με φιλικούς χαιρετισμούς|χαιρετισμούς|ευχαριστώ και χαιρετισμούς|saygılarımla|saygılar|iyi çalışmalar|selamlar|sevgiler|en iyi dileklerimle|üdvözlettel|tisztelettel|szívélyes üdvözlettel|üdv|köszönettel|cu stimă|cu respect|toate cele bune|o zi bună|cu drag|numai bine",
	"בברכה|בברכה רבה|בכבוד רב|תודה ובברכה|كل التحية|مع التحية|مع أطيب التحيات|تحياتي|مع خالص التحية|وتفضلوا بقبول فائق الاحترام|با احترام|ارادتمند|با تشکر و احترام|با سپاس",
	"শুভেচ্ছান্তে|ধন্যবাদান্তে|শুভেচ্ছাসহ|বিনীত|শ্রদ্ধাসহ|ইতি|सादर|भवदीय|शुभकामनाओं सहित|आपका|धन्यवाद सहित|அன்புடன்|நன்றியுடன்|ด้วยความนับถือ|ขอแสดงความนับถือ|ด้วยความเคารพ",
	"trân trọng|trân trọng kính chào|thân mến|thân ái|kính thư|salam|salam hormat|hormat kami|hormat saya|terima kasih dan salam|salam sejahtera|sekian|sekian terima kasih|yang benar|lubos na gumagalang|sumasaiyo|gumagalang|wako mwaminifu|wako|kwa heshima",
	"此致|敬礼|此致敬礼|顺颂商祺|祝好|谢谢并祝好|致礼|敬上|敬祝商祺|顺祝商祺|祝商祺|順頌時祺|顺颂时祺|敬頌商祺|順頌商綏|祝工作順利|祝工作顺利|祝您工作顺利|祝生活愉快|祝您生活愉快|敬祝平安|敬祝順心|祝順心|順頌商祺|順祝商祺|敬具|よろしくお願いいたします|よろしくお願いします|以上、よろしくお願いいたします|宜しくお願い致します|草々|감사합니다|감사드립니다|드림|올림|안녕히 계세요",
	"cofion|cofion gorau|yr eiddoch yn gywir|le meas|le gach dea-ghuí|me respekt|me përshëndetje|përshëndetje",
)

// lightClosings close a letter as well, but say something of their own: they
// go only where a name follows.
var lightClosings = wordSet(
	"best|cheers|thanks|thank you|many thanks|thanks a lot|thank you very much|thanks in advance|have a nice day|have a great day|have a good day|have a nice weekend|have a great weekend|bonne journée|bonne soirée|bon week-end|bonne fin de journée|bonne continuation|excellente journée|à bientôt|à demain|bonne réception|schönen tag|einen schönen tag|schönen tag noch|schönes wochenende|schönen abend|bis dann|bis bald|buona giornata|buona serata|buon lavoro|buon fine settimana|a presto|buen día|buen fin de semana|que tenga un buen día|hasta pronto|bom dia|boa tarde|boa semana|bom fim de semana|até breve|tenha um bom dia|fijne dag|fijne avond|fijn weekend|prettige dag|tot ziens|ha en bra dag|ha en fin dag|trevlig helg|hav en god dag|ha en god dag|god helg|god weekend|ha det bra|hyvää päivänjatkoa|mukavaa päivää|miłego dnia|dobrego dnia|do usłyszenia|hezký den|přeji hezký den|pekný deň|szép napot|további szép napot|o zi bună|хорошего дня|до встречи|гарного дня|хубав ден|приятен ден|ugodan dan|lijep dan|lep dan|лепо се проведите|geros dienos|jauku dienu|kena päeva|ilusat päeva|iyi günler|iyi haftalar|καλή σας μέρα|καλή συνέχεια|יום טוב|יום נעים|que passi un bon dia|bon cap de setmana|chúc anh một ngày tốt lành|thx|ta|yours|love|take care|see you|talk soon|ciao|danke|vielen dank|besten dank|merci|merci beaucoup|merci d'avance|gracias|muchas gracias|grazie|grazie mille|obrigado|obrigada|muito obrigado|bedankt|dank je|dank u|alvast bedankt|tack|tack så mycket|tak|mange tak|takk|tusen takk|kiitos|kiitoksin|dziękuję|dzięki|děkuji|díky|ďakujem|спасибо|дякую|благодаря|ευχαριστώ|teşekkürler|teşekkür ederim|köszönöm|köszi|mulțumesc|hvala|хвала|ačiū|paldies|aitäh|takk fyrir|gràcies|grazas|eskerrik asko|תודה|תודה רבה|شكرا|شكراً|متشکرم|با تشکر|ممنون|ধন্যবাদ|धन्यवाद|நன்றி|ขอบคุณ|ขอบคุณครับ|ขอบคุณค่ะ|cảm ơn|terima kasih|salamat|maraming salamat|asante|谢谢|謝謝|多谢|ありがとうございます|ありがとうございました|고맙습니다|dankie|diolch|go raibh maith agat|faleminderit",
)

// noticeSelf are how a notice below a mail calls the mail, and noticeSays what
// it says of it; lower case. One of the first and two of the second make a
// notice.
var noticeSelf = phrases(
	"e-mail", "email", "message", "communication", "transmission", "nachricht", "mail", "courriel", "mensaje", "correo", "messaggio", "comunicazione", "mensagem", "bericht", "meddelande", "meddelelse", "melding", "viesti", "wiadomość", "wiadomości", "сообщени", "повідомлення", "съобщение", "письмо", "лист", "μήνυμα", "ileti", "mesaj", "üzenet", "zpráv", "správ", "poruka", "порука", "sporočilo", "laiškas", "pranešimas", "kiri", "skeyti", "missatge", "mensaxe", "邮件", "郵件", "メール", "메일", "הודעה", "דוא", "رسالة", "البريد", "ایمیل", "پیام", "ইমেইল", "ই-মেইল", "বার্তা", "ईमेल", "संदेश", "อีเมล", "pesan", "surel", "mesej", "e-mel", "thư", "boodskap",
)

var noticeSays = phrases(
	"confidential", "privileged", "exclusive", "distribut", "intended recipient", "intended solely", "intended only", "solely for", "in error", "unauthori", "disclos", "delete", "notify the sender", "legally", "prohibited", "not the addressee", "named addressee",
	"vertraulich", "irrtümlich", "versehentlich", "adressat", "empfänger", "unbefugt", "nicht gestattet", "vernichten", "löschen",
	"confidentiel", "destinataire", "par erreur", "interdit", "détruire", "supprimer",
	"confidencial", "destinatari", "por error", "por engano", "prohib", "proibid", "elimin", "bórr", "apag",
	"riservat", "per errore", "vietat", "distrugg", "cancell",
	"vertrouwelijk", "geadresseerde", "ten onrechte", "abusievelijk", "verwijder", "bestemd voor", "vertroulik",
	"konfidentiell", "avsedd", "av misstag", "radera", "fortrolig", "tiltænkt", "ved en fejl", "slett", "slet ", "ved en feil", "luottamuksel", "tarkoitettu", "vahingossa", "poista", "trúnaðarm", "misgripum", "eyð",
	"poufn", "adresat", "omyłk", "usun", "zabronion", "důvěrn", "omylem", "určen", "smaž", "vymaž", "dôvern", "omylom", "povjerljiv", "pogreškom", "obriš", "поверљив", "грешком", "обриш", "zaupn", "pomotoma", "izbriš",
	"конфиденциальн", "предназначен", "по ошибке", "удалите", "конфіденційн", "призначен", "помилково", "видаліть", "поверителн", "по погрешка", "изтрийте",
	"εμπιστευτικ", "εκ παραδρομής", "παραλήπτη", "διαγρά", "gizli", "yanlışlıkla", "siliniz", "alıcı", "bizalmas", "tévedésből", "címzett", "töröl", "confidențial", "destinat", "din greșeală", "ștergeți", "konfidencial", "konfidentsiaalne", "eksituse", "kustuta", "konfidenciāl", "kļūdas", "dzēs", "konfidencial", "per klaidą", "ištrin",
	"机密", "保密", "收件人", "误", "删除", "機密", "刪除", "誤", "削除", "기밀", "수신인", "수신자", "삭제", "חסוי", "סודי", "בטעות", "למחוק", "מיועד", "سري", "عن طريق الخطأ", "حذف", "محرمانه", "اشتباه", "গোপনীয়", "গোপনীয়", "ভুলবশত", "মুছে", "गोपनीय", "गलती से", "हटा", "ความลับ", "ลบ", "ผู้รับ", "rahasia", "keliru", "hapus", "sulit", "padam", "bảo mật", "nhầm", "xóa",
)

// footers begin lines that programs and lists put below a mail, lower case.
var footers = []string{
	"please consider the environment", "consider the environment", "please think of the environment", "think before you print", "save paper", "bitte denken sie an die umwelt", "bitte prüfen sie, ob diese", "denken sie an die umwelt", "pensez à l'environnement", "pensez à l’environnement", "n'imprimez ce", "n’imprimez ce", "antes de imprimir", "pense antes de imprimir", "prima di stampare", "rispetta l'ambiente", "denk aan het milieu", "tänk på miljön", "tænk på miljøet", "tenk på miljøet",
	"this email has been checked for viruses", "this email has been scanned", "this e-mail has been scanned", "this message has been scanned", "scanned by ", "virus-free", "virenfrei", "sans virus", "libre de virus", "livre de vírus", "privo di virus", "virusvrij", "diese e-mail wurde von avast", "diese e-mail wurde auf viren", "cet e-mail a été vérifié", "este correo electrónico ha sido comprobado", "questa e-mail è stata controllata", "no virus found in this", "checked by avg", "без вирусов",
	"you received this message because", "you are receiving this because", "to unsubscribe from this group", "to unsubscribe, e", "to view this discussion", "reply to this email directly", "sie erhalten diese nachricht, weil", "do you yahoo!?", "___ sent with", "message sent using",
}

// wordSet makes a set of words given with | between them.
func wordSet(lists ...string) map[string]bool {
	out := map[string]bool{}
	for _, list := range lists {
		for _, w := range strings.Split(list, "|") {
			out[w] = true
		}
	}
	return out
}

// phraseList holds phrases to look for; plain are those in ASCII, with which all
// begins.
type phraseList struct{ all, plain []string }

func phrases(list ...string) (p phraseList) {
	var other []string
	for _, w := range list {
		if isASCII(w) {
			p.all = append(p.all, w)
		} else {
			other = append(other, w)
		}
	}
	p.all = append(p.all, other...)
	p.plain = p.all[:len(list)-len(other)]
	return p
}

// in returns the phrases that a text may hold.
func (p phraseList) in(text string) []string {
	if isASCII(text) {
		return p.plain
	}
	return p.all
}
