package message

import (
	"strings"
)

// judge completes one recipient of a delivery report: code, class, reason and
// whether the address is dead. Text outranks the code where they disagree; text
// is what the report says of the recipient, or of all.
func judge(b BouncedTo, text string) BouncedTo {
	if b.Diagnostic == "" {
		b.Diagnostic = explanation(text)
	}
	diag := b.Diagnostic
	if b.Status == "" || strings.HasSuffix(b.Status, ".0.0") {
		if code := findEnhanced(diag); code != "" {
			b.Status = code
		}
	}
	b.ReplyCode = findReply(diag)
	b.Diagnostic = clipText(diag, 1000)
	b.Reason, b.Class = reasonOf(b.Status, b.ReplyCode, b.Diagnostic)
	if b.Class == "unknown" && b.Status == "" && b.ReplyCode == "" {
		b.Reason, b.Class = reasonOf("", "", quotedOriginalOff(clip(text, 4<<10)))
	}
	switch {
	case b.Action == "delayed":
		b.Class = "transient"
	case b.Class == "address" && b.Reason == "unknown user" && !strings.HasPrefix(b.Status, "5.1.") && refusedAfterData(text):
		// The server had accepted the address and read the mail: it is a filter
		// that speaks, whatever it says.
		b.Reason, b.Class = "filtered", "mailbox"
	}
	b.Hard = b.Class == "address"
	return b
}

// refusedAfterData reports whether a report says that the recipient's server
// refused the mail once it had all of it. Sendmail sends DATA together with the
// recipients, so that its transcript shows a refused recipient below DATA; what
// the server then says of DATA itself tells the two apart.
func refusedAfterData(text string) bool {
	low := strings.ToLower(squeeze(clip(text, 16<<10)))
	for _, phrase := range []string{"in reply to end of data", "after end of data", "remote server for text command", "smtp command data"} {
		if strings.Contains(low, phrase) {
			return true
		}
	}
	_, after, found := strings.Cut(low, ">>> data <<< 5")
	if !found {
		return false
	}
	for _, refused := range []string{"<<< 503", "need rcpt", "no valid recipients", "no recipients"} {
		if strings.Contains(after, refused) {
			return false
		}
	}
	return true
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
		if !containsAny(low, r.words) {
			continue
		}
		switch {
		case temporary && !r.firm && (r.class == "policy" || r.class == "address"):
			return r.reason, "transient"
		case r.class == "transient" && !r.firm && codeClass(status, reply) == "address":
			return "unknown user", "address"
		}
		return r.reason, r.class
	}
	if bareRejection(low) && !temporary {
		return "unknown user", "address"
	}
	class = codeClass(status, reply)
	return class, class
}

// bareRejection reports whether a server says that it rejected the address and
// gives no reason beside the code.
func bareRejection(low string) bool {
	_, after, found := strings.Cut(low, "address rejected")
	return found && len(strings.TrimLeft(after, " .!)(")) == 0
}

// containsAny reports whether s contains one of words.
func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
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
