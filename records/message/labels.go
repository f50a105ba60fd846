package message

import "strings"

// labels maps the names of header lines, as mail programs translate them in
// forward and reply blocks, to the field they stand for; lower case.
var labels = func() map[string]string {
	out := map[string]string{}
	for field, names := range labelNames {
		for name := range strings.SplitSeq(names, "|") {
			out[name] = field
		}
	}
	return out
}()

// labelNames are the names by field.
var labelNames = map[string]string{
	"from":       "from|von|de|da|van|från|fra|lähettäjä|od|от|від|από|kimden|gönderen|feladó|expediteur|expéditeur|remitente|mittente|remetente|afzender|odesílatel|odosielateľ|差出人|发件人|寄件者|寄件人|보낸 사람|보낸사람|보낸 이|מאת|من|از|فرستنده|প্রেরক|থেকে|absender|di|送信者|送信元|发送人|发自|प्रेषक|से|அனுப்புநர்|จาก|ผู้ส่ง|từ|người gửi|dari|pengirim|daripada|mula kay|kutoka kwa|saatja|kellelt|no|sūtītājs|nuo|siuntėjas|šalje|pošiljatelj|шаље|подател|испраќа|posiljalac|expeditor|de la|frá|sendandi|nork|igorlea|oddelwrth|ó|from (sender)|avsändare|afsender|avsender|nadawca|отправитель|відправник|αποστολέας|sender|von (absender)|desde|remitent|emissor|dërguesi|nga",
	"to":         "to|an|à|a|para|aan|till|til|vastaanottaja|do|кому|до|προς|kime|kime(ler)|címzett|destinataire|destinataires|destinatario|destinatari|destinatário|komu|宛先|收件人|收件者|받는 사람|받는사람|받는 이|אל|إلى|به|প্রাপক|প্রতি|empfänger|pour|प्रति|प्राप्तकर्ता|பெறுநர்|ถึง|đến|tới|người nhận|kepada|ke|untuk|kay|kwa|kellele|adressaat|прима|прималац|primalac|kam|saņēmējs|adresat|gavėjas|prima|za|primatelj|prejemnik|către|catre|viðtakandi|nori|hartzailea|chuig|mottagare|modtager|mottaker|получатель|одержувач|получател|παραλήπτης|per a|alıcı|për",
	"cc":         "cc|kopie|kopi|copie|copie à|copia|cópia|копия|копія|kopia|dw|抄送|副本|참조|másolatot kap|másolat|kopio|c.c|másolatban|kópia|kopija|koopia|kopie an|כהעתק|עותק|نسخة|نسخة إلى|رونوشت|অনুলিপি|สำเนา|tembusan|bilgi|κοιν|κοινοποίηση|afrit|в копии|cópia para|kopi til|kopia till",
	"subject":    "subject|betreff|betr|objet|sujet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe|temat|тема|θέμα|konu|tárgy|předmět|predmet|件名|主题|主題|主旨|标题|제목|נושא|الموضوع|موضوع|বিষয়|বিষয়|विषय|பொருள்|หัวเรื่อง|เรื่อง|chủ đề|tiêu đề|v/v|perihal|subjek|subyek|judul|paksa|mada|teema|temats|tēma|tema|naslov|zadeva|предмет|наслов|относно|subiect|efni|gaia|ábhar|pwnc|assumpte|subjekt|titel|tittel|rubrik|aanhef|subjecte|konu başlığı",
	"date":       "date|sent|datum|gesendet|gesendet am|envoyé|envoyé le|envoyée|date d'envoi|date d’envoi|fecha|enviado|enviado el|enviado em|enviada em|data|inviato|inviata|data invio|verzonden|verzonden op|skickat|sendt|dato|lähetetty|päiväys|päivämäärä|wysłano|wysłany|wysłane|data wysłania|дата|отправлено|надіслано|изпратено|ημερομηνία|στάλθηκε|εστάλη|tarih|gönderildi|gönderilen|gönderme tarihi|elküldve|dátum|küldve|odesláno|odoslané|poslané|日時|送信日時|日付|发送时间|发送日期|日期|寄件日期|傳送時間|보낸 날짜|날짜|보낸시간|תאריך|נשלח|התקבל|التاريخ|تاريخ الإرسال|تم الإرسال|تاریخ|ارسال شده|তারিখ|প্রেরিত|पर भेजा गया|भेजा गया|दिनांक|तारीख|தேதி|அனுப்பியது|วันที่|ส่งเมื่อ|ส่ง|ngày|đã gửi|gửi|gửi lúc|tanggal|dikirim|terkirim|tarikh|dihantar|petsa|tarehe|saadetud|kuupäev|nosūtīts|datums|išsiųsta|poslano|послато|датум|poslato|trimis|trimisă|trimis la|dagsetning|bidalia|noiz|enviat|enviat el|seolta|anfonwyd|message du|gestuur|dërguar|received|empfangen",
	"reply-to":   "reply-to|reply to|antwort an|répondre à|responder a|responder para|rispondi a|antwoord aan|svara till|odpowiedz do|ответить|yanıtla",
	"message-id": "message-id",
}

// forwardMarks stand on the line before a forward block, lower case.
var forwardMarks = []string{
	"forwarded message", "begin forwarded message", "forwarded by", "forwarded mail", "start of forwarded", "weitergeleitete nachricht", "anfang der weitergeleiteten", "weitergeleitet von", "weitergeleitete mail", "message transféré", "message réexpédié", "transféré par", "début du message", "mensaje reenviado", "inicio del mensaje", "mensaje remitido", "messaggio inoltrato", "inizio messaggio", "mensagem encaminhada", "mensagem reencaminhada", "início da mensagem", "doorgestuurd bericht", "begin doorgestuurd", "vidarebefordrat", "vidarebefordrade", "videresendt", "videresendte", "välitetty viesti", "edelleenlähetetty", "przekazana wiadomość", "wiadomość przekazana", "przesłana dalej", "пересылаемое сообщение", "перенаправленное сообщение", "пересланное сообщение", "переслане повідомлення", "пересилається повідомлення", "препратено съобщение", "προωθημένο μήνυμα", "iletilen ileti", "iletilmiş", "yönlendirilen", "yönlendirilmiş", "továbbított üzenet", "továbbított levél", "přeposlaná zpráva", "předávaná zpráva", "preposlaná správa", "mesaj redirecționat", "proslijeđena poruka", "prosleđena poruka", "прослеђена порука", "posredovano sporočilo", "persiųstas laiškas", "persiunčiamas", "pārsūtīts", "edastatud", "framsent", "áframsent", "missatge reenviat", "mensaxe reenviada", "birbidalitako", "转发的邮件", "转发邮件", "轉寄郵件", "轉寄的郵件", "转发的消息", "転送メッセージ", "転送されたメッセージ", "전달된 메시지", "전달된 메일", "הודעה שהועברה", "رسالة معاد توجيهها", "رسالة محولة", "پیام هدایت شده", "ফরওয়ার্ড করা বার্তা", "ফরোয়ার্ড করা", "फ़ॉरवर्ड किया गया", "अग्रेषित संदेश", "ข้อความที่ส่งต่อ", "thư được chuyển tiếp", "tin nhắn được chuyển tiếp", "pesan terusan", "pesan yang diteruskan", "mesej dimajukan", "ipinasang mensahe", "ujumbe uliosambazwa",
}

// originalMarks stand on the line before the mail that is answered, lower case.
var originalMarks = []string{
	"original message", "original email", "original mail", "original appointment", "reply message", "previous message", "ursprüngliche nachricht", "ursprüngliche mail", "ursprünglicher termin", "originalnachricht", "original-nachricht", "original nachricht", "message d'origine", "message d’origine", "message original", "message initial", "mail original", "courriel original", "mensaje original", "correo original", "messaggio originale", "messaggio di origine", "mensagem original", "oorspronkelijk bericht", "origineel bericht", "oorspronkelike boodskap", "ursprungligt meddelande", "originalmeddelande", "oprindelig meddelelse", "oprindelig besked", "original meddelelse", "opprinnelig melding", "original melding", "alkuperäinen viesti", "wiadomość oryginalna", "oryginalna wiadomość", "wiadomość pierwotna", "исходное сообщение", "оригинальное сообщение", "початкове повідомлення", "вихідне повідомлення", "оригінальне повідомлення", "оригинално съобщение", "първоначално съобщение", "αρχικό μήνυμα", "orijinal mesaj", "orijinal ileti", "özgün ileti", "özgün mesaj", "eredeti üzenet", "eredeti levél", "původní zpráva", "původní e-mail", "pôvodná správa", "mesaj original", "mesajul original", "izvorna poruka", "originalna poruka", "оригинална порука", "изворна порука", "izvirno sporočilo", "pradinis pranešimas", "pirminis pranešimas", "originalus laiškas", "sākotnējais ziņojums", "oriģinālais ziņojums", "algne kiri", "algne sõnum", "algteade", "upprunaleg skilaboð", "upphaflegt skeyti", "missatge original", "mensaxe orixinal", "jatorrizko mezua", "原始邮件", "邮件原件", "原始郵件", "原始信件", "原邮件", "元のメッセージ", "オリジナルメッセージ", "원본 메시지", "원본 메일", "הודעה מקורית", "الرسالة الأصلية", "پیام اصلی", "মূল বার্তা", "मूल संदेश", "அசல் செய்தி", "ข้อความต้นฉบับ", "thư gốc", "tin nhắn gốc", "pesan asli", "mesej asal", "orihinal na mensahe", "ujumbe asili",
}

// labelled returns the field a name of a header line stands for, "" for none.
func labelled(name string) string {
	var low [60]byte
	if !isASCII(name) || len(name) > len(low) {
		return labels[strings.ToLower(name)]
	}
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	return labels[string(low[:len(name)])]
}
