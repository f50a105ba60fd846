package message

import (
	"strings"

	"github.com/emersion/go-msgauth/authres"

	"rapport/records/contact"
)

// Trust says whether the sender is who From claims, by what the mailbox's own
// provider wrote. authserv is the name under which that provider writes
// (RFC 8601), "microsoft" for servers of Microsoft 365, which leave the name
// out, and "" for a provider that writes nothing.
//
// Only the topmost field of that name counts: what stands below it came in
// with the mail and may be forged.
func (h Head) Trust(authserv string) Trust {
	if authserv == "" || len(h.From) != 1 || h.From[0].Address == "" {
		return TrustNone
	}
	for _, field := range h.AuthResults {
		id, results := readAuthResults(field, authserv == "microsoft")
		if !strings.EqualFold(id, authserv) {
			continue
		}
		return judgeAuth(results, h.From[0].Address.Domain())
	}
	return TrustNone
}

// readAuthResults reads one field. Comments and quoted strings, in which the
// separators may stand, are taken out first; so is a result the library
// cannot read, without losing the others.
func readAuthResults(field string, nameless bool) (id string, results []authres.Result) {
	var kept []string
	for i, part := range strings.Split(plainSyntax(field), ";") {
		part = strings.TrimSpace(part)
		if i == 0 {
			if nameless && strings.Contains(part, "=") {
				id = "microsoft"
			} else {
				if words := strings.Fields(part); len(words) > 0 {
					id = words[0] // behind it a version may stand
				}
				continue
			}
		}
		kept = append(kept, part)
	}
	for _, part := range kept {
		_, r, err := authres.Parse("x; " + part)
		if err == nil {
			results = append(results, r...)
		}
	}
	return id, results
}

// plainSyntax removes comments, nested ones too, and the separators inside
// quoted strings.
func plainSyntax(s string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case quoted && c == '"':
			quoted = false
		case quoted:
			if strings.IndexByte("; ()=\t", c) >= 0 {
				c = '_'
			}
			b.WriteByte(c)
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
			b.WriteByte(' ')
		case depth > 0:
		case c == '"':
			quoted = true
		default:
			b.WriteByte(c)
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(b.String(), " =", "="), "= ", "=")
}

// judgeAuth weighs the results for a sender's domain. DMARC decides where it
// was tried; else a DKIM signature or an envelope of an aligned domain.
func judgeAuth(results []authres.Result, from string) Trust {
	aligned := func(domain string) bool {
		if i := strings.LastIndexByte(domain, '@'); i >= 0 {
			domain = domain[i+1:]
		}
		domain = strings.ToLower(strings.Trim(domain, " .<>"))
		if domain == "" {
			return false
		}
		reg := contact.Registrable(domain)
		return domain == from || reg != "" && reg == contact.Registrable(from)
	}
	verdict := TrustNone
	note := func(v authres.ResultValue, ok bool) {
		switch {
		case v == authres.ResultPass && ok:
			verdict = TrustPass
		case (v == authres.ResultFail || v == authres.ResultHardFail) && ok && verdict == TrustNone:
			verdict = TrustFail
		}
	}
	for _, r := range results {
		switch r := r.(type) {
		case *authres.DMARCResult:
			switch {
			case r.Value == authres.ResultPass && (r.From == "" || aligned(r.From)):
				return TrustPass
			case r.Value == authres.ResultFail:
				return TrustFail
			}
		case *authres.DKIMResult:
			domain := r.Domain
			if domain == "" {
				domain = r.Identifier
			}
			note(r.Value, aligned(domain))
		case *authres.SPFResult:
			note(r.Value, aligned(r.From))
		}
	}
	return verdict
}
