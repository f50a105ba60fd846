package message

import (
	"strings"
)

// judge completes one recipient of a delivery report: code, class, reason and
// whether the address is dead. Text outranks the code where they disagree.
func judge(b BouncedTo, text string) BouncedTo {
	diag := b.Diagnostic
	if b.Status == "" || strings.HasSuffix(b.Status, ".0.0") {
		if code := findEnhanced(diag); code != "" {
			b.Status = code
		}
	}
	b.ReplyCode = findReply(diag)
	if diag == "" {
		diag = explanation(text)
		b.Diagnostic = diag
		if b.Status == "" || strings.HasSuffix(b.Status, ".0.0") {
			if code := findEnhanced(diag); code != "" {
				b.Status = code
			}
		}
		b.ReplyCode = findReply(diag)
	}
	b.Diagnostic = clipText(b.Diagnostic, 1000)
	b.Reason, b.Class = reasonOf(b.Status, b.ReplyCode, b.Diagnostic)
	if b.Action == "delayed" {
		b.Class = "transient"
	}
	b.Hard = b.Class == "address"
	return b
}

// rule ties words of a diagnostic to a reason and class.
type rule struct {
	reason, class string
	words         []string
}

// rules are asked in order; the first that has a word in the text decides.
var rules = []rule{
	{"quota", "quota", []string{"daily user sending", "daily smtp relay", "sending limit", "sending quota", "storedrv.submission", "message submission rate", "exceeded your sending", "too many messages sent", "messages per hour"}},
	{"config", "config", []string{"sendasdenied", "smtpclientauthentication is disabled", "client was not authenticated", "authentication required", "authentication unsuccessful", "must issue a starttls"}},
	{"sender refused", "policy", []string{"sender address rejected", "after mail from", "unroutable sender", "sender rejected", "sender verify", "invalid sender", "domain of sender", "senders not allowed", "sender denied", "sender not allowed"}},
	{"unknown user", "address", []string{"recipient address rejected: access denied", "invalid final delivery", "rejected: user unknown", "user unknown in", "not listed in", "inactive email address"}},
	{"disabled", "mailbox", []string{"disabled", "suspended", "inactive", "deactivated", "frozen", "receiving mail at a rate", "receiving mail too quickly"}},
	{"full", "mailbox", []string{"mailbox full", "mailbox is full", "over quota", "overquota", "quota exceeded", "exceeded quota", "exceeds quota", "mailbox size limit", "insufficient storage", "storage space", "disk quota", "inbox is full", "box is full", "user is over the quota", "out of storage", "full mailbox", "quota has been", "mailfolder is full", "maildir over", "exceeds allowed size"}},
	{"policy", "policy", []string{"spam", "blocked", "blacklist", "block list", "blocklist", "denylist", "rejected for policy", "policy", "spf", "dkim", "dmarc", "reputation", "relay", "not authorized", "not authorised", "access denied", "not permitted", "administrative prohibition", "ptr", "reverse dns", "banned", "listed", "listed at", "dnsbl", "rbl", "unsolicited", "bulk mail", "not allowed", "protocol violation", "refused due", "content rejected", "recipient preferences"}},
	{"unknown user", "address", []string{"user unknown", "unknown user", "no such user", "unknown recipient", "recipient unknown", "unknown address", "unknown mailbox", "no such mailbox", "no such recipient", "no such address", "mailbox not found", "mailbox unavailable", "mailbox does not exist", "does not exist", "doesn't exist", "doesn't have", "user not found", "not found in directory", "recipientnotfound", "recipnotfound", "recipient not found", "no mailbox", "invalid recipient", "invalid mailbox", "invalid address", "undeliverable address", "not a valid", "unrouteable", "unroutable", "no longer in use", "no longer valid", "no longer available", "user doesn", "not our customer", "nicht bekannt", "unbekannt", "not listed in", "unknown local", "unknown or illegal", "no account", "address unknown", "no valid recipients", "wasn't found", "couldn't be found", "isn't known", "is not known", "not known", "bad address", "bad destination mailbox", "email account that you tried"}},
	{"unknown host", "address", []string{"host unknown", "unknown host", "unknown domain", "domain not found", "no such domain", "host not found", "name or service not known", "domain does not", "domain name not found", "couldn't find any host", "can't find", "nxdomain", "no mx", "null mx", "nullmx", "does not accept mail", "doesn't accept mail", "no route to host for domain"}},
	{"content", "content", []string{"message size", "too large", "too big", "size exceeds", "message exceeds", "maximum message size", "virus", "malware", "attachment", "bad content", "message length", "message header"}},
	{"temporary", "transient", []string{"temporar", "try again", "greylist", "graylist", "timed out", "timeout", "connection refused", "too many connections", "too many recipients", "rate limit", "throttl", "deferred", "delayed", "service unavailable", "retry", "could not connect", "no route", "network", "connection lost", "expired", "retry timeout", "could not deliver for the last", "system problem", "out of memory", "queue", "mail loop", "loops back", "too many hops"}},
	{"unknown user", "address", []string{"address rejected", "unable to deliver message to"}},
}

// ClassOf says what a server's refusal is about: its enhanced code (RFC 3463),
// its reply code and its text, any of which may be empty. The text outranks the
// codes where they disagree. The classes are those of [BouncedTo].
func ClassOf(status, reply, text string) (class, reason string) {
	reason, class = reasonOf(status, reply, text)
	return class, reason
}

// reasonOf judges by text, then by enhanced code, then by reply code.
func reasonOf(status, reply, diag string) (reason, class string) {
	low := strings.ToLower(clip(diag, 4<<10))
	temporary := strings.HasPrefix(status, "4") || status == "" && strings.HasPrefix(reply, "4")
	for _, r := range rules {
		for _, w := range r.words {
			if !strings.Contains(low, w) {
				continue
			}
			switch {
			case temporary && (r.class == "policy" || r.class == "address"):
				return r.reason, "transient"
			case r.class == "transient" && codeClass(status, reply) == "address":
				return "unknown user", "address"
			}
			return r.reason, r.class
		}
	}
	class = codeClass(status, reply)
	return class, class
}

// codeClass judges by the codes alone (RFC 3463, RFC 5321).
func codeClass(status, reply string) string {
	switch status {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4", "5.4.310":
		return "address"
	case "4.2.2", "5.2.2", "4.2.1", "5.2.0":
		return "mailbox"
	case "5.3.4", "5.2.3":
		return "content"
	case "5.4.5", "4.5.3":
		return "quota"
	case "5.7.60", "5.7.57":
		return "config"
	}
	switch {
	case strings.HasPrefix(status, "4."):
		return "transient"
	case strings.HasPrefix(status, "5.6."):
		return "content"
	case strings.HasPrefix(status, "5.7."):
		return "policy"
	case strings.HasPrefix(status, "5.4."):
		return "transient"
	case reply == "521", reply == "556":
		return "address"
	case reply == "552":
		return "content"
	case reply == "530", reply == "535":
		return "config"
	case strings.HasPrefix(reply, "4"):
		return "transient"
	}
	return "unknown"
}

// enhancedCode reads an enhanced status code at the beginning of s.
func enhancedCode(s string) string {
	s = strings.TrimSpace(s)
	n := 0
	for n < len(s) && (s[n] == '.' || s[n] >= '0' && s[n] <= '9') {
		n++
	}
	if code := strings.TrimRight(s[:n], "."); isEnhanced(code) {
		return code
	}
	return ""
}

// isEnhanced reports whether s is an enhanced status code (RFC 3463).
func isEnhanced(s string) bool {
	a, rest, ok1 := strings.Cut(s, ".")
	b, c, ok2 := strings.Cut(rest, ".")
	if !ok1 || !ok2 || len(a) != 1 || len(b) < 1 || len(b) > 3 || len(c) < 1 || len(c) > 3 {
		return false
	}
	_, okb := number(b)
	_, okc := number(c)
	return (a == "2" || a == "4" || a == "5") && okb && okc
}

// findEnhanced returns the first enhanced code among the words of s.
func findEnhanced(s string) string {
	for f := range strings.FieldsFuncSeq(clip(s, 4<<10), notCode) {
		if f = strings.Trim(f, "."); isEnhanced(f) {
			return f
		}
	}
	return ""
}

// findReply returns the first SMTP reply code of failure among the words of s.
func findReply(s string) string {
	for f := range strings.FieldsFuncSeq(clip(s, 4<<10), notCode) {
		if f = strings.Trim(f, "."); len(f) == 3 && (f[0] == '4' || f[0] == '5') && f[1] <= '5' {
			if _, ok := number(f); ok {
				return f
			}
		}
	}
	return ""
}

// notCode separates the words that may be codes.
func notCode(r rune) bool { return strings.ContainsRune(" \t\n()[]<>,;:#\"'-=", r) }

// failurePhrases are said by delivery reports and by little else, lower case.
var failurePhrases = []string{
	"could not be delivered", "couldn't be delivered", "cannot be delivered", "can not be delivered", "can't be delivered", "not be delivered", "was not delivered", "wasn't delivered", "were not delivered", "has not been delivered", "not delivered to", "unable to deliver", "undeliverable", "undelivered", "delivery to the following", "delivery has failed", "delivery failed", "delivery failure", "failed to deliver", "failed permanently", "permanent fatal errors", "permanent error", "fatal errors", "could not deliver", "couldn't deliver", "did not reach the following", "non-delivery", "returned to sender", "returned mail", "message returned", "user unknown", "unknown user", "no such user", "unknown recipient", "mailbox full", "over quota", "quota exceeded", "mailbox is full", "does not exist", "transcript of session follows", "host unknown", "unknown host", "failed addresses", "no valid recipients", "trouble delivering", "your message was rejected", "mail was rejected", "has been rejected", "delivery error", "not able to deliver", "delivery attempt", "error has occurred", "the following addresses", "following recipient", "this is a permanent", "has been delayed", "message undeliver", "mail delivery system", "i wasn't able", "i'm afraid", "recipient address", "user not found", "mailbox unavailable",
	"konnte nicht zugestellt", "nicht zugestellt werden", "unzustellbar", "n'a pas pu être", "impossible de remettre", "no se pudo entregar", "no se ha podido entregar", "non è stato possibile", "non è stato recapitato", "não pôde ser entregue", "não foi possível", "kon niet worden", "kunde inte levereras", "не удалось доставить", "не доставлено", "送信できません", "配信できません", "配送できません", "届けできません", "存在しません", "届きません", "不存在", "无法投递", "無法傳送", "退回", "発見できません", "エラー", "배달되지", "전송하지 못",
}

// plainBounce reads a report that is none by RFC 3464: the sender or subject
// makes it a candidate, its text must tell of a failure.
func plainBounce(p Parsed) (Verdict, bool) {
	h := p.Head
	strong := h.fromReporter() || h.reportSubject() || len(p.failed) > 0 || h.ReportType == "delivery-status"
	if !strong && !h.Auto.NullReturn {
		return Verdict{}, false
	}
	text := clip(p.own, 16<<10)
	if strings.TrimSpace(text) == "" {
		text = clip(p.Text, 16<<10)
	}
	low := strings.ToLower(text)
	told := false
	for _, phrase := range failurePhrases {
		if strings.Contains(low, phrase) {
			told = true
			break
		}
	}
	diag := explanation(text)
	coded := findEnhanced(diag) != "" && findReply(diag) != ""
	if !strong && !told && !coded {
		return Verdict{}, false
	}
	if !told && !coded && len(p.failed) == 0 && !(h.reportSubject() && h.fromReporter()) {
		return Verdict{}, false
	}
	to := failedRecipients(p, text)
	if !h.fromReporter() && !h.Auto.NullReturn && len(p.failed) == 0 {
		// A person may complain of deliveries too: code or address must be named.
		if h.Auto.ListID != "" || len(h.InReplyTo) > 0 && !told || !coded && len(to) == 0 {
			return Verdict{}, false
		}
	}
	v := Verdict{Kind: Bounce, Auto: true, Original: originalOf(p)}
	for _, address := range to {
		v.Bounces = append(v.Bounces, judge(BouncedTo{Recipient: address, Diagnostic: diagnosticFor(address, text, diag)}, text))
	}
	if len(v.Bounces) == 0 {
		v.Bounces = []BouncedTo{judge(BouncedTo{Diagnostic: diag}, text)}
	}
	return v, true
}

// failedRecipients finds whom a plain report is about.
func failedRecipients(p Parsed, text string) []string {
	var out []string
	for _, f := range p.failed {
		for _, a := range parseParties(f, "") {
			if a.Address != "" && len(out) < maxRecipients {
				out = appendNew(out, string(a.Address))
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	own := map[string]bool{}
	for _, list := range [][]Party{p.Head.From, p.Head.To, p.Head.DeliveredTo} {
		for _, a := range list {
			own[string(a.Address)] = true
		}
	}
	// An address on a line of its own, in brackets or before a colon.
	for line := range strings.SplitSeq(quotedOriginalOff(text), "\n") {
		line = strings.TrimSpace(line)
		if at := strings.IndexByte(line, '@'); at <= 0 || len(line) > 300 {
			continue
		}
		word := line
		if i := strings.IndexByte(line, '<'); i >= 0 && strings.IndexByte(line[i:], '>') > 0 {
			word = line[i+1 : i+strings.IndexByte(line[i:], '>')]
		} else if f := strings.Fields(line); len(f) > 0 {
			for _, w := range f {
				if strings.Contains(w, "@") {
					word = w
					break
				}
			}
		}
		word = strings.Trim(word, "\"'<>()[]:;,.")
		if a, ok := readAddress(word); ok && !own[string(a)] {
			return append(out, string(a))
		}
	}
	if p.about != nil && len(p.about.To) == 1 {
		return append(out, string(p.about.To[0].Address))
	}
	return out
}

// quotedOriginalOff cuts the returned mail off a report's text.
func quotedOriginalOff(text string) string {
	low := strings.ToLower(text)
	for _, mark := range []string{"\n--- below this line is a copy", "\n------ this is a copy", "\n--- original message", "\n----- original message", "\n-----original message", "\n   ----- unsent message", "\n   ----- original message", "\n   ----- message header", "\nreceived: from", "\nreturn-path:", "\n---------- message"} {
		if i := strings.Index(low, mark); i > 0 {
			text, low = text[:i], low[:i]
		}
	}
	return text
}

// diagnosticFor returns what a report says beside a recipient.
func diagnosticFor(to, text, otherwise string) string {
	i := strings.Index(strings.ToLower(text), strings.ToLower(to))
	if to == "" || i < 0 {
		return otherwise
	}
	after := clip(text[i+len(to):], 600)
	if j := strings.Index(after, "\n\n"); j > 30 {
		after = after[:j]
	}
	after = squeeze(strings.Trim(after, " \t\r\n<>:\"'"))
	if findReply(after) == "" && findEnhanced(after) == "" && otherwise != "" {
		return otherwise
	}
	return strings.ToValidUTF8(after, "")
}

// explanation returns the passage of a report's text that gives the reason:
// around the first reply or enhanced code, else the beginning.
func explanation(text string) string {
	text = quotedOriginalOff(clip(text, 16<<10))
	paragraph := ""
	for para := range strings.SplitSeq(text, "\n\n") {
		if findReply(para) != "" && (findEnhanced(para) != "" || paragraph == "") {
			paragraph = para
			if findEnhanced(para) != "" {
				break
			}
		}
	}
	if paragraph == "" {
		paragraph = clip(text, 1000)
	}
	return squeeze(strings.ToValidUTF8(paragraph, ""))
}
