package message

import (
	"strings"
	"unicode/utf8"
)

// labels maps the names of header lines, as mail programs translate them in
// forward and reply blocks, to the field they stand for; lower case.
var labels = map[string]string{
	"from": "from", "von": "from", "de": "from", "da": "from", "van": "from", "från": "from", "fra": "from", "lähettäjä": "from", "od": "from", "от": "from", "від": "from", "από": "from", "kimden": "from", "gönderen": "from", "feladó": "from", "expediteur": "from", "expéditeur": "from", "remitente": "from", "mittente": "from", "remetente": "from", "afzender": "from", "odesílatel": "from", "差出人": "from", "发件人": "from", "寄件者": "from", "寄件人": "from", "보낸 사람": "from", "보낸사람": "from", "מאת": "from", "من": "from", "প্রেরক": "from", "থেকে": "from", "absender": "from", "di": "from", "送信者": "from",
	"to": "to", "an": "to", "à": "to", "a": "to", "para": "to", "aan": "to", "till": "to", "til": "to", "vastaanottaja": "to", "do": "to", "кому": "to", "προς": "to", "kime": "to", "címzett": "to", "destinataire": "to", "destinatario": "to", "komu": "to", "宛先": "to", "收件人": "to", "收件者": "to", "받는 사람": "to", "받는사람": "to", "אל": "to", "إلى": "to", "প্রাপক": "to", "প্রতি": "to", "empfänger": "to", "pour": "to",
	"cc": "cc", "kopie": "cc", "kopi": "cc", "copie": "cc", "copie à": "cc", "копия": "cc", "kopia": "cc", "dw": "cc", "抄送": "cc", "副本": "cc", "참조": "cc", "másolatot kap": "cc", "kopio": "cc",
	"subject": "subject", "betreff": "subject", "objet": "subject", "sujet": "subject", "asunto": "subject", "oggetto": "subject", "assunto": "subject", "onderwerp": "subject", "ämne": "subject", "emne": "subject", "aihe": "subject", "temat": "subject", "тема": "subject", "θέμα": "subject", "konu": "subject", "tárgy": "subject", "předmět": "subject", "件名": "subject", "主题": "subject", "主題": "subject", "主旨": "subject", "제목": "subject", "נושא": "subject", "الموضوع": "subject", "বিষয়": "subject",
	"date": "date", "sent": "date", "datum": "date", "gesendet": "date", "gesendet am": "date", "envoyé": "date", "envoyé le": "date", "date d'envoi": "date", "fecha": "date", "enviado": "date", "enviado el": "date", "enviado em": "date", "enviada em": "date", "data": "date", "inviato": "date", "verzonden": "date", "skickat": "date", "sendt": "date", "dato": "date", "lähetetty": "date", "päiväys": "date", "wysłano": "date", "дата": "date", "отправлено": "date", "ημερομηνία": "date", "στάλθηκε": "date", "tarih": "date", "gönderildi": "date", "elküldve": "date", "dátum": "date", "odesláno": "date", "日時": "date", "送信日時": "date", "日付": "date", "发送时间": "date", "发送日期": "date", "日期": "date", "寄件日期": "date", "보낸 날짜": "date", "날짜": "date", "תאריך": "date", "التاريخ": "date", "তারিখ": "date",
	"reply-to": "reply-to", "antwort an": "reply-to", "répondre à": "reply-to", "responder a": "reply-to", "message-id": "message-id",
}

// forwardMarks stand on the line before a forward block, lower case.
var forwardMarks = []string{
	"forwarded message", "begin forwarded message", "original message", "weitergeleitete nachricht", "anfang der weitergeleiteten", "ursprüngliche nachricht", "originalnachricht", "weitergeleitet von", "forwarded by", "message transféré", "message réexpédié", "message d'origine", "transféré par", "mensaje reenviado", "mensaje original", "messaggio inoltrato", "messaggio originale", "mensagem encaminhada", "mensagem original", "doorgestuurd bericht", "oorspronkelijk bericht", "vidarebefordrat", "vidarebefordrade", "ursprungligt meddelande", "videresendt", "videresendte", "oprindelig meddelelse", "opprinnelig melding", "välitetty viesti", "edelleenlähetetty", "alkuperäinen viesti", "przekazana wiadomość", "wiadomość przekazana", "wiadomość oryginalna", "пересылаемое сообщение", "перенаправленное сообщение", "пересланное сообщение", "исходное сообщение", "προωθημένο μήνυμα", "iletilen ileti", "yönlendirilen", "továbbított üzenet", "eredeti üzenet", "přeposlaná zpráva", "původní zpráva", "preposlaná správa", "转发的邮件", "转发邮件", "原始邮件", "轉寄郵件", "原始郵件", "转发的消息", "転送メッセージ", "転送されたメッセージ", "元のメッセージ", "전달된 메시지", "원본 메시지", "הודעה שהועברה", "رسالة معاد توجيهها", "ফরওয়ার্ড করা বার্তা",
}

// maxForwards bounds the forward blocks read of one text.
const maxForwards = 8

// forwardBlocks finds the messages that were forwarded inside the text: a
// block of header lines in any language that names From and two more fields.
// In an answer, where such a block quotes what is answered, it counts only
// behind a forward's mark.
func forwardBlocks(text string, lines []string, h Head) []Inner {
	if !strings.Contains(text, "@") {
		return nil
	}
	_, kind := cutPrefixes(h.Subject)
	answer := kind&forwardPrefix == 0 && (kind&replyPrefix != 0 || len(h.InReplyTo) > 0)
	var out []Inner
	starts, ends := []int{}, []int{}
	for i := 0; i < len(lines) && len(starts) < maxForwards; i++ {
		if len(lines[i]) > 1000 {
			continue
		}
		head, end, ok := headerBlock(lines, i)
		if !ok {
			continue
		}
		if !answer || marked(lines, i) {
			starts, ends = append(starts, i), append(ends, end)
			out = append(out, Inner{Head: head, Inline: true})
		}
		i = end
	}
	for k := range out {
		stop := len(lines)
		if k+1 < len(starts) {
			stop = starts[k+1]
		}
		out[k].Text = clipText(strings.TrimSpace(unquoteAll(lines[ends[k]:stop])), 256<<10)
	}
	return out
}

// unquoteAll joins lines; where all are quoted, as Apple's forwards are, one
// level of marks comes off.
func unquoteAll(lines []string) string {
	bare := make([]string, len(lines))
	for i, line := range lines {
		rest, ok := strings.CutPrefix(line, ">")
		if !ok && line != "" {
			return strings.Join(lines, "\n")
		}
		bare[i] = strings.TrimPrefix(rest, " ")
	}
	return strings.Join(bare, "\n")
}

// marked reports whether a forward's mark stands in the lines before i.
func marked(lines []string, i int) bool {
	for k := i - 1; k >= 0 && k >= i-3; k-- {
		low := strings.ToLower(clip(unquote(lines[k]), 200))
		for _, m := range forwardMarks {
			if strings.Contains(low, m) && !strings.Contains(low, "original") && !strings.Contains(low, "ursprüng") {
				return true
			}
		}
	}
	return false
}

// unquote removes the quote marks and emphasis around a line.
func unquote(line string) string {
	return strings.Trim(strings.TrimLeft(line, "> \t\u00a0|"), "* \t\u00a0")
}

// headerBlock reads header lines beginning at lines[i] with From; it returns
// the index after them.
func headerBlock(lines []string, i int) (h Head, end int, ok bool) {
	field, value := headerLine(lines[i])
	if field != "from" && field != "date" && field != "subject" {
		return h, 0, false
	}
	found := map[string]string{field: value}
	last := field
	k, blanks := i+1, 0
	for ; k < len(lines) && k < i+24; k++ {
		line := unquote(lines[k])
		if line == "" {
			// HTML clients put a blank line between the fields.
			if blanks++; blanks > 1 || len(found) >= 4 || k+1 < len(lines) && !isHeaderLine(lines[k+1]) {
				break
			}
			continue
		}
		f, v := headerLine(lines[k])
		switch {
		case f == "" && blanks == 0 && (last == "to" || last == "cc") && strings.Contains(line, "@"):
			found[last] += " " + line // a long list goes on
			continue
		case f == "":
		case found[f] == "":
			found[f], last, blanks = v, f, 0
			continue
		}
		break
	}
	if found["from"] == "" || len(found) < 3 || !strings.Contains(found["from"]+found["to"], "@") {
		return h, 0, false
	}
	h.From = parseParties(clip(found["from"], 2000), "")
	h.To = parseParties(clip(found["to"], 16<<10), "")
	h.Cc = parseParties(clip(found["cc"], 16<<10), "")
	h.ReplyTo = parseParties(clip(found["reply-to"], 2000), "")
	h.Subject = clipText(squeeze(found["subject"]), 4<<10)
	h.Date, _ = parseDate(found["date"])
	if ids := messageIDs(found["message-id"], 1, 1); len(ids) > 0 {
		h.MessageID = ids[0]
	}
	return h, k, true
}

func isHeaderLine(line string) bool {
	f, _ := headerLine(line)
	return f != ""
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

// headerLine reads one line "Von: Ada <ada@example.com>".
func headerLine(line string) (field, value string) {
	if start := clip(line, 100); strings.IndexByte(start, ':') < 0 && !strings.Contains(start, "：") {
		return "", ""
	}
	line = clip(line, 4<<10)
	line = unquote(line)
	i := strings.IndexByte(line, ':')
	if k := strings.Index(line, "："); k > 0 && (i < 0 || k < i) {
		i = k
	}
	if i <= 0 || i > 60 {
		return "", ""
	}
	field = labelled(strings.Trim(line[:i], "* \t\u00a0"))
	if field == "" {
		return "", ""
	}
	_, n := utf8.DecodeRuneInString(line[i:])
	return field, strings.Trim(line[i+n:], "* \t\u00a0")
}
