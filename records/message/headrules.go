package message

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"

	"rapport/records/contact"
)

// RoledParty is a participant with the field it stands in: from, sender,
// reply_to, to, cc, bcc or resent.
type RoledParty struct {
	Role string
	Party
}

// Roles returns everybody From, Sender, Reply-To, To, Cc, Bcc and the Resent
// fields name, each address once, under the first role it has.
func (h Head) Roles() []RoledParty {
	lists := [...]struct {
		role string
		list []Party
	}{{"from", h.From}, {"sender", h.Sender}, {"reply_to", h.ReplyTo}, {"to", h.To}, {"cc", h.Cc}, {"bcc", h.Bcc}, {"resent", h.Resent}}
	n := 0
	for _, l := range lists {
		n += len(l.list)
	}
	out := make([]RoledParty, 0, n)
	var seen map[string]bool
	if n > 16 {
		seen = make(map[string]bool, n)
	}
	for _, l := range lists {
		for _, p := range l.list {
			key := string(p.Address)
			if key == "" {
				key = p.Raw
			}
			if known(out, seen, key) {
				continue
			}
			if seen != nil {
				seen[key] = true
			}
			out = append(out, RoledParty{l.role, p})
		}
	}
	return out
}

func known(list []RoledParty, seen map[string]bool, key string) bool {
	if seen != nil {
		return seen[key]
	}
	for _, p := range list {
		if string(p.Address) == key || p.Address == "" && p.Raw == key {
			return true
		}
	}
	return false
}

// Participants is [Head.Roles] without the roles.
func (h Head) Participants() []Party {
	roles := h.Roles()
	out := make([]Party, len(roles))
	for i, r := range roles {
		out[i] = r.Party
	}
	return out
}

// ThreadIDs returns the ids by which a message joins its conversation: its
// own, its aliases, then In-Reply-To and References, then the hints; each once.
func (h Head) ThreadIDs() []string {
	out := make([]string, 0, 2+len(h.Aliases)+len(h.InReplyTo)+len(h.References)+len(h.Hints))
	seen := make(map[string]bool, cap(out))
	add := func(id string) {
		if id != "" && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	add(h.MessageID)
	for _, list := range [][]string{h.Aliases, h.InReplyTo, h.References, h.Hints} {
		for _, id := range list {
			add(id)
		}
	}
	return out
}

// IdentityKeys returns the keys under which a message is found again: two
// copies are one message when they share a key. A key covers one Message-ID —
// the own one first, then the aliases —, the Date to the second in UTC and
// the first From address. Without a Message-ID there is one key over Date,
// From, Subject and the digest of the text; it needs the body, so the result
// is nil while textSum is. An absent Date or From counts as empty, so that
// every message has a key once its body was read.
func IdentityKeys(h Head, textSum *Sum) []Sum {
	from := ""
	if len(h.From) > 0 {
		if from = string(h.From[0].Address); from == "" {
			from = h.From[0].Raw
		}
	}
	if h.MessageID == "" {
		if textSum == nil {
			return nil
		}
		return []Sum{identityKey("text", h.Date, from, h.Subject, string(textSum[:]))}
	}
	out := make([]Sum, 0, 1+len(h.Aliases))
	out = append(out, identityKey("id", h.Date, from, h.MessageID))
	for _, id := range h.Aliases {
		out = append(out, identityKey("id", h.Date, from, id))
	}
	return out
}

// identityKey digests its parts, each with its length, so that no two lists
// of parts run together.
func identityKey(kind string, date time.Time, parts ...string) Sum {
	b := make([]byte, 0, 256)
	b = append(b, kind...)
	unix := int64(0)
	if !date.IsZero() {
		unix = date.Unix()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(unix))
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return sha256.Sum256(b)
}

// Slack allowed between the clocks that date a mail. A mail may wait in a
// queue, or be written long before it is sent, but it is not written after it
// has arrived.
const (
	clockSlack = 26 * time.Hour
	queueSlack = 45 * 24 * time.Hour
)

// SaneTime returns where a message stands in a history: its Date, unless that
// lies after its arrival or long before the first server had it; then the
// time of that server, else received, else now. So a wrong clock puts no
// message at the top of a timeline for ever.
func SaneTime(h Head, received, now time.Time) time.Time {
	latest := now
	if sane(received) && received.Before(now.Add(clockSlack)) {
		latest = received
	} else {
		received = time.Time{}
	}
	relayed := h.Relayed
	if !sane(relayed) || relayed.After(latest.Add(clockSlack)) {
		relayed = time.Time{}
	}
	switch {
	case sane(h.Date) && !h.Date.After(latest.Add(clockSlack)) && (relayed.IsZero() || relayed.Sub(h.Date) < queueSlack && h.Date.Sub(relayed) < clockSlack):
		return h.Date
	case !relayed.IsZero():
		return relayed
	case !received.IsZero():
		return received
	}
	return now
}

// ReplySubject returns the subject an answer to the message bears.
func (h Head) ReplySubject() string {
	if base, _ := cutPrefixes(h.Subject); base != "" {
		return "Re: " + base
	}
	return "Re:"
}

// BaseSubject returns the subject without the prefixes answers and forwards
// put before it.
func (h Head) BaseSubject() string {
	base, _ := cutPrefixes(h.Subject)
	return base
}

type prefixKind int

const (
	replyPrefix prefixKind = 1 << iota
	forwardPrefix
)

// prefixes are what mail programs write before subjects, lower case.
var prefixes = map[string]prefixKind{
	"re": replyPrefix, "aw": replyPrefix, "sv": replyPrefix, "antw": replyPrefix, "antwort": replyPrefix, "ref": replyPrefix, "rif": replyPrefix, "r": replyPrefix, "res": replyPrefix, "rép": replyPrefix, "ynt": replyPrefix, "odp": replyPrefix, "vá": replyPrefix, "ats": replyPrefix, "απ": replyPrefix, "σχετ": replyPrefix, "на": replyPrefix, "отв": replyPrefix, "ответ": replyPrefix, "回复": replyPrefix, "回覆": replyPrefix, "答复": replyPrefix, "返信": replyPrefix, "답장": replyPrefix, "vs": replyPrefix | forwardPrefix, "bls": replyPrefix, "השב": replyPrefix, "رد": replyPrefix, "উত্তর": replyPrefix,
	"fwd": forwardPrefix, "fw": forwardPrefix, "wg": forwardPrefix, "tr": forwardPrefix, "rv": forwardPrefix, "i": forwardPrefix, "enc": forwardPrefix, "vb": forwardPrefix, "vl": forwardPrefix, "doorst": forwardPrefix, "pd": forwardPrefix, "továbbítás": forwardPrefix, "tov": forwardPrefix, "ilt": forwardPrefix, "πρθ": forwardPrefix, "προωθ": forwardPrefix, "пересл": forwardPrefix, "перенапр": forwardPrefix, "转发": forwardPrefix, "轉寄": forwardPrefix, "转寄": forwardPrefix, "転送": forwardPrefix, "전달": forwardPrefix, "הועבר": forwardPrefix, "ফরওয়ার্ড": forwardPrefix,
}

// cutPrefixes removes leading reply and forward prefixes, numbered ones like
// Re[2]: too, and says which kinds there were; the outermost only counts once.
func cutPrefixes(s string) (base string, outer prefixKind) {
	for range 32 {
		s = strings.TrimSpace(s)
		i := strings.IndexByte(s, ':')
		if k := strings.Index(clip(s, 60), "："); k > 0 && (i < 0 || k < i) {
			i = k
		}
		if i <= 0 || i > 40 {
			break
		}
		word := strings.ToLower(strings.TrimSpace(s[:i]))
		if j := strings.IndexAny(word, "[("); j > 0 {
			word = strings.TrimSpace(word[:j])
		}
		kind, ok := prefixes[word]
		if !ok {
			break
		}
		if outer == 0 {
			outer = kind
		}
		s = strings.TrimPrefix(strings.TrimPrefix(s[i:], ":"), "：")
	}
	return s, outer
}

// LooksForwarded reports whether the header hints at a forwarded message, so
// that the body is worth reading for whom it was from: a forward's subject,
// or a digest or mixed content whose subject was kept in brackets.
func (h Head) LooksForwarded() bool {
	if _, kind := cutPrefixes(h.Subject); kind&forwardPrefix != 0 {
		return true
	}
	s := strings.ToLower(h.Subject)
	return strings.HasSuffix(s, "(fwd)") || strings.HasPrefix(s, "[fwd") || isMessageType(h.MediaType) || h.MediaType == "multipart/digest"
}

// reporters are local parts that send delivery reports.
var reporters = []string{"mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon", "maildaemon", "mailer", "microsoftexchange", "mmdf", "mdaemon", "mail-system", "mailsystem", "bounce", "bounces", "mailadministrator", "mail_delivery", "mail.delivery", "maildeliverysubsystem", "delivery-failure", "daemon"}

// reportSubjects begin the subjects of delivery reports, lower case.
var reportSubjects = []string{
	"undeliver", "undelivered", "returned mail", "returned email", "returned message", "mail delivery fail", "mail delivery stat", "mail delivery sub", "mail delivery sys", "mail delivery notif", "mail delivery report", "mail delivery err", "mail could not", "mail not deliv", "mail undel",
	"delivery status notif", "delivery notif", "delivery fail", "delivery report", "delivery status", "delivery has failed", "delivery error", "delivery problem", "delivery unsuccess", "delivery delay", "delayed mail", "failure notice", "failure delivery", "failed delivery", "failed mail", "failed message", "failure to deliver",
	"non-delivery", "nondeliverable", "nondelivery", "ndn:", "ndr:", "message delivery", "message status", "message undel", "message not deliv", "message could not", "message delayed", "message you sent", "mail system error", "mail failure", "mail failed", "mail error", "email deliv", "e-mail deliv", "error sending", "error delivering", "warning: could not send", "warning: message", "unable to deliver", "could not deliver", "unzustellbar", "nicht zugestellt", "nachricht nicht zugestellt", "rückläufer", "fehlerhafte zustellung", "zustellung", "zustellbericht", "échec de la remise", "non remis", "remise impossible", "message non distribué", "mancato recapito", "notifica di mancato", "non recapitabile", "no se puede entregar", "no se pudo entregar", "error de entrega", "entrega fallida", "no entregado", "não é possível entregar", "falha na entrega", "não entregue", "onbestelbaar", "niet bezorgd", "olevererbart", "kunne ikke leveres", "ikke leveret", "ei voida toimittaa", "niedostarczona", "nie można dostarczyć", "недоставленное", "не доставлено", "не удалось доставить", "未送達", "配信不能", "配達", "送信エラー", "メールエラー", "エラーメール", "退信", "系统退信", "無法傳遞", "无法传递", "未传递", "배달 실패", "전송 실패", "반송",
}

// LooksReport reports whether the header may be that of a delivery or
// feedback report, so that the body must be read to tell whose mail it is
// about.
func (h Head) LooksReport() bool {
	if h.MediaType == "multipart/report" || h.ReportType != "" || h.Auto.NullReturn {
		return true
	}
	return byReporter(h.From, reporters) || byReporter(h.Sender, reporters) || h.reportSubject()
}

// byReporter reports whether one of the parties is a machine of these names.
func byReporter(list []Party, names []string) bool {
	for _, p := range list {
		local := strings.ToLower(p.Address.Local())
		if p.Address == "" {
			local = strings.ToLower(p.Raw)
		}
		if isReporter(local, names) {
			return true
		}
	}
	return false
}

// reportSubject reports whether the subject is one delivery reports bear.
func (h Head) reportSubject() bool {
	s := strings.ToLower(clip(h.Subject, 200))
	if _, kind := cutPrefixes(s); kind&replyPrefix != 0 {
		return false // somebody answers a report
	}
	for at := range min(len(s), 25) {
		if at > 0 && isLetter(s[at-1]) {
			continue
		}
		for _, start := range reportSubjectsBy[s[at]] {
			if strings.HasPrefix(s[at:], start) && strings.Index(s, start) == at {
				return true
			}
		}
	}
	return false
}

// reportSubjectsBy holds reportSubjects by their first byte.
var reportSubjectsBy = func() (by [256][]string) {
	for _, s := range reportSubjects {
		by[s[0]] = append(by[s[0]], s)
	}
	return by
}()

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }

// fromReporter reports whether the sender is a machine whose only trade is
// reports.
func (h Head) fromReporter() bool { return byReporter(h.From, reporters[:7]) }

// isReporter reports whether a local part is one of names, or one with a
// number or tag behind it.
func isReporter(local string, names []string) bool {
	for _, r := range names {
		if rest, ok := strings.CutPrefix(local, r); ok && (rest == "" || !isLetter(rest[0]) || r == "microsoftexchange") {
			return true
		}
	}
	return false
}

// LooksAutomatic reports whether a machine wrote the message, as far as the
// header says: auto-submitted, responders, a null return path, a sender that
// takes no replies.
func (h Head) LooksAutomatic() bool {
	a := h.Auto
	switch {
	case a.Submitted != "" && a.Submitted != "no", a.Responder, a.NullReturn:
		return true
	case strings.HasPrefix(a.Precedence, "auto"), a.Precedence == "junk":
		return true
	case a.Precedence == "bulk" && a.ListID == "":
		return true
	case h.MediaType == "multipart/report":
		return true
	}
	for _, p := range h.From {
		if noReply(p.Address) {
			return true
		}
	}
	return h.fromReporter() || h.autoReplySubject()
}

// wordJoiner removes what separates the words of a local part.
var wordJoiner = strings.NewReplacer("-", "", "_", "", ".", "")

// noReply reports whether an address says that nobody reads it.
func noReply(a contact.Address) bool {
	local := a.Local()
	if strings.ContainsAny(local, "-_.") {
		local = wordJoiner.Replace(local)
	}
	for _, s := range []string{"noreply", "donotreply", "dontreply", "noanswer", "nichtantworten", "nepasrepondre", "keineantwort", "nonrispondere", "noresponder", "naoresponda", "autoreply", "autoresponder"} {
		if strings.HasPrefix(local, s) || strings.HasSuffix(local, s) {
			return true
		}
	}
	return false
}

// autoSubjects begin the subjects programs give to automatic replies, lower
// case.
var autoSubjects = []string{
	"auto:", "auto reply", "auto-reply", "autoreply", "auto response", "auto-response", "autoresponse", "automatic reply", "automatic response", "automated reply", "automated response", "out of office autoreply", "out of office reply", "ooo:",
	"automatische antwort", "abwesenheitsnotiz", "abwesenheitsnachricht", "automatisch antwoord", "automatisch:", "réponse automatique", "respuesta automática", "risposta automatica", "resposta automática", "automatiskt svar", "autosvar", "automatisk svar", "automaattinen vastaus", "automatyczna odpowiedź", "odpowiedź automatyczna", "автоответ", "автоматический ответ", "自动回复", "自動回覆", "自動返信", "자동 회신", "automatikus válasz", "automatická odpověď", "otomatik yanıt", "স্বয়ংক্রিয়",
}

// awaySubjects begin the subjects of absence notes, but people use the same
// words: the header must give another hint.
var awaySubjects = []string{
	"out of office", "out of the office", "out-of-office", "away from", "away until", "on vacation", "vacation", "on leave", "abwesend", "abwesenheit", "urlaub", "afwezig", "absence", "absent", "fuera de la oficina", "ausente", "fuori sede", "fuori ufficio", "fora do escritório", "frånvarande", "fraværende", "fravær", "poissa", "nieobecn", "в отпуске", "不在",
}

// autoReplySubject reports whether the subject is one automatic replies bear.
func (h Head) autoReplySubject() bool {
	s := strings.ToLower(clip(h.Subject, 200))
	base, _ := cutPrefixes(s)
	for _, start := range autoSubjects {
		if strings.HasPrefix(s, start) || strings.HasPrefix(base, start) && len(h.InReplyTo) == 0 {
			return true
		}
	}
	a := h.Auto
	if a.Precedence == "" && a.Submitted == "" && !a.NullReturn && (len(h.InReplyTo) == 0 || base != s) {
		return false
	}
	for _, start := range awaySubjects {
		if strings.HasPrefix(base, start) {
			return true
		}
	}
	return false
}

// LooksList reports whether the message came over a list or as a mass mail.
func (h Head) LooksList() bool {
	return h.Auto.ListID != "" || h.Auto.Precedence == "list" || h.Auto.Precedence == "bulk"
}
