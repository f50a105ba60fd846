package message

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Whoever writes that they want no more mail is written to no more, so it must
// be found in the words people use; but a customer who is taken for one of
// them is lost, so it counts only at the beginning of a short mail, never in
// what is quoted, and a sentence has to name both the deed and the list.

// outWords are what people write who write nothing else.
var outWords = []string{
	"unsubscribe", "stop", "opt out", "opt-out", "please unsubscribe", "no more emails", "no more mails", "do not contact me", "stop emailing me", "stop sending",
	"abmelden", "abbestellen", "austragen", "bitte abmelden", "bitte austragen", "bitte entfernen", "newsletter abmelden", "keine weiteren mails", "keine mails mehr", "bitte keine weiteren",
	"désabonner", "désinscrire", "desabonner", "désinscription", "désabonnement", "se désinscrire", "me désinscrire", "baja", "darse de baja", "dar de baja", "darme de baja", "cancelar suscripción", "disiscrivi", "cancellami", "disiscrivimi", "cancelar inscrição", "descadastrar", "remover", "uitschrijven", "afmelden", "avregistrera", "avsluta prenumeration", "afmeld", "avmeld", "wypisz", "отписаться", "отписка", "отпишите", "退订", "退訂", "配信停止", "購読解除", "수신거부", "আনসাবস্ক্রাইব", "odhlásit", "leiratkozás", "abonelikten çık",
}

// outAlone are those that say it only where nothing follows.
var outAlone = []string{"remove me", "take me off", "please remove me", "please take me off", "please stop"}

// outSentences are what people write who write a sentence, by language: en,
// de, fr, es, it, pt, nl, Scandinavian, pl, cs, ru and uk, tr, hu, fi, el, ro,
// ja, zh, ko, bn, hi, ar, he, fa, th, vi, id.
var outSentences = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[^\p{L}])(?:` + strings.Join([]string{
		`(?:remove|delete|take|get) (?:me|us|(?:my|our|this) [\p{L} -]{0,20}address) (?:from|off) [\p{L} -]{0,30}(?:list|mailing|newsletter|distribution|database|mails)`, `unsubscribe (?:me|us|my|our|this) `, `(?:please|to|i) unsubscribe`, `(?:no longer|don['’]?t|do not|never) (?:wish|want) (?:to (?:receive|get|hear)|(?:any )?(?:more|further))[^.?]{0,30}(?:mail|newsletter|message|from you)`, `stop (?:sending|e-?mailing) (?:me|us|these|this|your)`, `(?:do not|don['’]?t) e-?mail (?:me|us) (?:again|any)`,
		`(?:nehmen|streichen|löschen|entfernen|tragen)[^.?]{0,50}(?:verteiler|mailingliste|adressliste|newsletter)`, `(?:verteiler|mailingliste|adressliste|newsletter)[^.?]{0,40}(?:streichen|löschen|entfernen|nehmen|austragen|abmelden|abbestellen|kündigen)`, `(?:möchte|will|wollen|möchten|wünsche|wünschen)[^.?]{0,40}kein(?:e|en)? [^.?]{0,30}(?:mails?|newsletter|werbung|nachrichten)[^.?]{0,20}(?:mehr|erhalten|bekommen)`, `(?:schicken|senden) sie (?:mir|uns) (?:bitte )?keine`, `melden sie (?:mich|uns)[^.?]{0,40} ab`,
		`(?:retirer|retirez|supprimer|supprimez|enlever|enlevez|désinscrire|désabonner|radier|ôter)[^.?]{0,50}(?:liste|newsletter|envois|fichier|base de)`, `ne (?:souhaite|veux|désire|souhaitons|voulons)[^.?]{0,10}plus (?:recevoir|être)`, `(?:me|nous) (?:désabonner|désinscrire)`,
		`(?:dar(?:me|nos)?|d[ée]n?(?:me|nos)|dadme) de baja`, `(?:quit|elimin|borr|bórr|saqu|sác)\p{L}{0,8} [^.?]{0,40}(?:lista|boletín|correos)`, `no (?:deseo|quiero|queremos|deseamos) (?:seguir )?recib[^.?]{0,30}(?:correo|mail|mensaje|boletín|publicidad)`,
		`(?:cancell|rimuov|elimin|togli)\p{L}{0,8} [^.?]{0,40}(?:lista|newsletter|mailing)`, `non (?:desidero|voglio|desideriamo|vogliamo) (?:più )?ricevere`,
		`(?:remov|retir|exclu|descadastr|tir)[\p{L}-]{0,10} [^.?]{0,40}(?:lista|newsletter|e-?mails)`, `não (?:quero|desejo|queremos|desejamos) (?:mais )?receber`,
		`(?:uitschrijven|afmelden|verwijder|verwijderen|haal|schrijf)[^.?]{0,40}(?:lijst|nieuwsbrief|bestand)`, `(?:wil|wens|willen) geen [^.?]{0,30}(?:mails?|nieuwsbrie\p{L}+|berichten) meer`,
		`(?:ta bort|avregistrera|avprenumerera|avmeld|afmeld|meld|fjern|slett|stryk)[^.?]{0,40}(?:listan|listen|sändlist|mailliste|maillista|nyhetsbrev|nyhedsbrev|utskick)`, `(?:vill|vil|ønsker) (?:inte|ikke) [^.?]{0,20}(?:få|ha|motta|modtage|have) [^.?]{0,10}(?:fler|flere|mer)`,
		`(?:wypisa\p{L}|wypisz|usun\p{L}+|usuń)[^.?]{0,40}(?:list[yęi]|bazy|newsletter)`, `nie (?:chcę|życzę sobie|chcemy)[^.?]{0,20}(?:otrzymywać|dostawać|maili|wiadomości)`,
		`(?:odhla|odhlá|vyřa|odstra|smaž|vymaž)\p{L}{0,6} [^.?]{0,40}(?:seznam|newsletter|databáz|odběr)`, `nechci [^.?]{0,20}(?:dostávat|e-?maily|newsletter)`,
		`(?:удалите|исключите|уберите|отпишите|вычеркните|видаліть|вилучіть|приберіть|відпишіть)[^.?]{0,50}(?:рассыл|списк|баз|розсил)`, `(?:не хочу|прошу не|не желаю|больше не|не бажаю|більше не|не надсилайте|не присылайте)[^.?]{0,30}(?:писем|письма|рассыл|получать|присылать|листів|розсил|отримувати|надсилати)`,
		`(?:listenizden|listeden|bültenden|listesinden|aboneliğimi|üyeliğimi)[^.?]{0,40}(?:çıkar|sil|iptal|çık)`, `(?:mail|e-posta|ileti)[^.?]{0,20} istemiyor`,
		`leiratkoz`, `(?:töröl|vegyen)\p{L}{0,8} [^.?]{0,40}(?:list|hírlevél|adatbázis)`,
		`(?:poista|poistakaa|peruuta|peruuttaa|lopettakaa)[^.?]{0,40}(?:lista|uutiskirje|tilau)`, `en halua enää [^.?]{0,30}(?:viestejä|posteja|uutiskirje|sähköposti)`,
		`(?:διαγρά|αφαιρέσ)\p{L}{0,8} [^.;]{0,40}(?:λίστα|newsletter|ενημερωτικ)`, `δεν (?:επιθυμώ|θέλω) [^.;]{0,15}λαμβάνω`,
		`dezabon`, `(?:șterge|sterge|scoate|elimina)\p{L}{0,6} [^.?]{0,40}(?:list|newsletter|baza)`, `nu mai (?:doresc|vreau) să primesc`,
		`(?:berhenti|batal) (?:ber)?langganan`, `(?:hapus|keluarkan)[^.?]{0,30} dari (?:daftar|milis)`, `(?:hủy|huỷ) đăng ký`, `(?:không muốn nhận|đừng gửi)[^.?]{0,20}(?:thư|mail)`,
	}, `|`) + `)|` + strings.Join([]string{
		`配信(?:を|の)?(?:停止|解除|止め)`, `購読(?:を)?(?:解除|停止|中止)`, `(?:メール|メルマガ)[^。]{0,12}(?:送らないで|不要です|停止し|解除し|解除を|停止を)`,
		`退订|退訂|取消订阅|取消訂閱|(?:不要|请勿|請勿|别)再[^。]{0,6}(?:发|發|寄)|不想再收到|从[^。]{0,12}(?:名单|列表)[^。]{0,6}(?:删除|移除|移出|去掉)`,
		`수신\s?거부|구독\s?(?:취소|해지)|메일[^.]{0,12}(?:보내지 마|받고 싶지 않)|수신을 원(?:하지|치) 않`,
		`মেইল[^।]{0,12}(?:পাঠাবেন না|পেতে চাই না|চাই না)|তালিকা থেকে[^।]{0,24}(?:বাদ|সরিয়ে|মুছে)|সাবস্ক্রিপশন[^।]{0,12}বাতিল`,
		`सदस्यता[^।]{0,12}(?:रद्द|समाप्त)|मेल[^।]{0,10}(?:न|मत|नहीं) भेज|सूची से[^।]{0,24}(?:हटा|निकाल)`,
		`(?:إلغاء|الغاء) (?:الاشتراك|اشتراكي)|(?:احذف|أزل|إزالة|حذف|ازالة)[^.؟]{0,40}قائمة|لا (?:أرغب|أريد|اريد)[^.؟]{0,20}(?:استلام|تلقي|استقبال)`,
		`(?:להסיר|הסר|הסירו|הסירי|תסירו)[^.?]{0,40}(?:רשימ|תפוצה|דיוור)`, `لغو (?:اشتراک|عضویت)|حذف[^.؟]{0,30}(?:لیست|فهرست)`, `ยกเลิกการ(?:รับ|สมัคร|เป็นสมาชิก)`,
	}, `|`))
})

// outDenied are sentences that name it and do not ask for it: they deny it, or
// tell others how.
var outDenied = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:not|n't|n’t|never|nicht|no need to) (?:unsubscribe|remove|delete|take|abmelden|streichen|löschen|austragen)|(?:you|he|she|they|customers?|people|kunden|sie) (?:can|want|wants|wanted|wish|asked|können|möchten|wollen|wollten) |^to unsubscribe|(?:if|should|unless) you |(?:wenn|falls|sollten) sie |si vous |pour vous |si (?:usted|no desea|ya no)|se (?:non desider|você|não)|als u |jeśli |если |якщо |dacă |ha nem |pokud `)
})

// Bounds on where a wish to be written to no more is looked for.
const (
	outLines = 4   // lines newly written
	outReply = 600 // bytes newly written, of a mail that has it as a sentence
	outLine  = 200 // characters of the line
)

// wantsOut reports whether a message asks to be written to no more: as its
// whole subject, or in the first lines newly written.
func wantsOut(p Parsed) bool {
	base, kind := cutPrefixes(p.Head.Subject)
	if kind == 0 && isOutPhrase(base) {
		return true
	}
	n := 0
	for line := range strings.SplitSeq(p.Reply, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, ">") {
			continue
		}
		if n == 0 && isOutPhrase(line) || len(p.Reply) <= outReply && asksOut(line) {
			return true
		}
		if n++; n == outLines {
			break
		}
	}
	return false
}

// asksOut reports whether a line holds a sentence that asks for it.
func asksOut(line string) bool {
	if utf8.RuneCountInString(line) > outLine {
		return false
	}
	line = strings.ToLower(line)
	return outSentences().MatchString(line) && !outDenied().MatchString(line)
}

// isOutPhrase reports whether a line says nothing but stop, give or take
// courtesies. A long line is a sentence with a meaning of its own.
func isOutPhrase(line string) bool {
	line = strings.ToLower(strings.Trim(line, " \t.!?*\"'<>[]()-_,:;。！"))
	if len(line) > 60 {
		return false
	}
	if slices.Contains(outAlone, line) {
		return true
	}
	for _, w := range outWords {
		if line == w {
			return true
		}
		if rest, ok := strings.CutPrefix(line, w); ok && len(w) > 4 && !isLetter(rest[0]) && len(strings.Fields(rest)) <= 5 {
			return true
		}
	}
	return false
}
