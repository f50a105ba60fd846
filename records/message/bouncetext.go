package message

import (
	"slices"
	"strings"
)

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
	for _, r := range to {
		said, about := diag, text
		if tells(r.text) {
			said = squeeze(r.text)
		} else if len(to) == 1 || len(p.failed) > 0 {
			said = diagnosticFor(r.address, text, diag)
		}
		if len(to) > 1 {
			about = r.text
		}
		v.Bounces = append(v.Bounces, judge(BouncedTo{Recipient: r.address, Diagnostic: said}, about))
	}
	if len(v.Bounces) == 0 {
		v.Bounces = []BouncedTo{judge(BouncedTo{Diagnostic: diag}, text)}
	}
	return v, true
}

// named is a recipient of a plain report with what it says of them.
type named struct{ address, text string }

// tells reports whether a passage says why a delivery failed.
func tells(passage string) bool {
	_, class := reasonOf(findEnhanced(passage), findReply(passage), passage)
	return class != "unknown"
}

// failedRecipients finds whom a plain report is about.
func failedRecipients(p Parsed, text string) []named {
	var out []named
	for _, f := range p.failed {
		for _, a := range parseParties(f, "") {
			if a.Address != "" && len(out) < maxRecipients && !slices.ContainsFunc(out, func(r named) bool { return r.address == string(a.Address) }) {
				out = append(out, named{address: string(a.Address)})
			}
		}
	}
	listed := listedRecipients(text, p.ownAddresses())
	if len(out) > 0 && (len(out) > 1 || len(listed) < 2 || !slices.ContainsFunc(listed, func(r named) bool { return r.address == out[0].address })) {
		return out
	}
	if len(listed) > 1 || len(listed) == 1 && tells(listed[0].text) {
		return listed
	}
	if len(out) > 0 {
		return out
	}
	if a := anyRecipient(text, p.ownAddresses()); a != "" {
		return []named{{address: a}}
	}
	if p.about != nil && len(p.about.To) == 1 {
		return []named{{address: string(p.about.To[0].Address)}}
	}
	return nil
}

// ownAddresses returns the addresses of the report itself, which it is not about.
func (p Parsed) ownAddresses() map[string]bool {
	own := map[string]bool{}
	for _, list := range [][]Party{p.Head.From, p.Head.To, p.Head.DeliveredTo} {
		for _, a := range list {
			own[string(a.Address)] = true
		}
	}
	return own
}

// listedRecipients finds the recipients a report lists: each at the beginning
// of a line, alone, after a reply code or before what is said of it. One that
// stands apart from the others counts only if the report says why the delivery
// to it failed, for reports also name whom to ask.
func listedRecipients(text string, own map[string]bool) []named {
	var out []named
	var before []string // a transcript's lines on the recipient that is to come
	cur, adjacent := -1, false
	drop := func() { // the last one, if nothing is said of it and it stands apart
		if n := len(out) - 1; n > 0 && cur == n && !adjacent && !tells(out[n].text) {
			out = out[:n]
		}
	}
	for line := range strings.SplitSeq(quotedOriginalOff(text), "\n") {
		address, rest, coded := leadingAddress(line)
		if address == "" || own[address] {
			blank := strings.TrimSpace(line) == ""
			switch {
			case cur >= 0 && blank && out[cur].text != "":
				drop()
				cur = -1
			case cur >= 0 && !blank:
				out[cur].text = clipText(out[cur].text+"\n"+line, 1000)
			}
			if before = append(before, line); blank || strings.HasPrefix(line, "While talking to") {
				before = nil
			}
			continue
		}
		i := slices.IndexFunc(out, func(r named) bool { return r.address == address })
		if i < 0 {
			drop()
			if len(out) == maxRecipients {
				break
			}
			adjacent = cur >= 0 && out[cur].text == "" || coded
			out, i = append(out, named{address: address}), len(out)
		}
		cur = i
		if coded {
			rest = strings.Join(before, "\n") + "\n" + line
		}
		out[cur].text, before = clipText(strings.TrimSpace(out[cur].text+"\n"+rest), 1000), nil
		if coded {
			cur = -1
		}
	}
	drop()
	return out
}

// leadingAddress returns the address a line of a report begins with, what
// follows it, and whether a reply code stands before it, as in transcripts.
func leadingAddress(line string) (address, rest string, coded bool) {
	if len(line) > 1000 || strings.IndexByte(line, '@') < 0 {
		return "", "", false
	}
	line = strings.TrimLeft(line, " \t*•-")
	if len(line) > 4 && line[3] == ' ' && findReply(line[:3]) != "" {
		line, coded = strings.TrimLeft(line[4:], " "), true
	}
	word := line
	if strings.HasPrefix(line, "<") {
		word, rest, _ = strings.Cut(line[1:], ">")
	} else if n := strings.IndexAny(line, " \t,;"); n >= 0 {
		word, rest = line[:n], line[n:]
	}
	a, ok := readAddress(strings.Trim(word, "\"'<>()[]:;,."))
	if !ok || coded && !strings.HasPrefix(rest, "...") {
		return "", "", false
	}
	return string(a), strings.Trim(rest, " \t:"), coded
}

// anyRecipient returns the first address of a report's text that is not its
// own: in brackets, before a colon or among words.
func anyRecipient(text string, own map[string]bool) string {
	for line := range strings.SplitSeq(quotedOriginalOff(text), "\n") {
		line = strings.TrimSpace(line)
		if at := strings.IndexByte(line, '@'); at <= 0 || len(line) > 300 {
			continue
		}
		word := line
		if i := strings.IndexByte(line, '<'); i >= 0 && strings.IndexByte(line[i:], '>') > 0 {
			word = line[i+1 : i+strings.IndexByte(line[i:], '>')]
		} else {
			for w := range strings.FieldsSeq(line) {
				if strings.Contains(w, "@") {
					word = w
					break
				}
			}
		}
		word = strings.Trim(word, "\"'<>()[]:;,.")
		if a, ok := readAddress(word); ok && !own[string(a)] {
			return string(a)
		}
	}
	return ""
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
