package oauth

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"

	"rapport/records/phrase"
)

// Fault is why there is no access token, in words.
type Fault struct {
	Code  string        // the issuer's: invalid_grant, AADSTS7000222 …; ours: not_signed_in
	Text  phrase.Phrase // what is wrong
	Fix   phrase.Phrase // what to do about it; empty where waiting is enough
	Final bool          // asking again changes nothing until somebody acts
	Wait  time.Duration // the issuer asked to be left alone for so long
	clock time.Time     // what the issuer's clock showed, where ours is the reason
	err   error
}

func (f *Fault) Error() string { return f.Phrase().String() }

// Phrase returns what the fault says, with its fix.
func (f *Fault) Phrase() phrase.Phrase {
	if f.Fix.Empty() {
		return f.Text
	}
	return phrase.New("{what} – {fix}", "what", f.Text, "fix", f.Fix)
}

func (f *Fault) Unwrap() error { return f.err }

const (
	maxText   = 300
	maxWait   = 24 * time.Hour
	notSigned = "not_signed_in"
)

// What helps, with holes for a page of an admin centre and for the name to
// sign in again with.
const (
	signAgain phrase.Form = "run: rapport auth login {name}"
	setClock  phrase.Form = "set the clock: timedatectl set-ntp true"
	exempt    phrase.Form = "exempt the app at {page}"
	consent   phrase.Form = "grant it at {page}"
)

// The pages, which bear their English names everywhere: what they are called
// in a reader's language is the provider's to say.
const (
	entra      = "Entra admin centre (entra.microsoft.com) > "
	entraApps  = entra + "App registrations > the app > "
	entraApp   = "Entra admin centre > Enterprise applications > the app > "
	entraUsers = "Entra admin centre > Users"
	entraRules = "Entra admin centre > Protection > Conditional Access"
	workspace  = "Google Admin console (admin.google.com) > Security > Access and data control > API controls > "
	googleAuth = "Google Cloud console (console.cloud.google.com) > Google Auth Platform > "
)

// meaning is what a code of an issuer means and what helps.
type meaning struct {
	text    phrase.Form
	fix     phrase.Form
	page    string // fills {page}
	again   bool   // then somebody has to sign in again
	passing bool   // it may be over by itself
}

// help is what to do about it, by whoever signs in under a name.
func (m meaning) help(name string) phrase.Phrase {
	fix := phrase.New(m.fix, "page", m.page, "name", name, "scope", scopeGoogle)
	if m.again {
		return phrase.New("{fix}, then run: rapport auth login {name}", "fix", fix, "name", name)
	}
	return fix
}

// entraCodes are the codes of Microsoft's issuer that a daemon meets, by number
// (learn.microsoft.com/entra/identity-platform/reference-error-codes).
var entraCodes = map[string]meaning{
	"50011":   {text: "the app does not allow the address the browser is to come back to", fix: "add http://localhost at {page}", page: entraApps + "Authentication > Mobile and desktop applications"},
	"50020":   {text: "this account is of another directory", fix: "set oauth.tenant to the account's directory, or sign in with another account: rapport auth login {name}"},
	"50034":   {text: "there is no such account in this directory", fix: "check user and oauth.tenant"},
	"50053":   {text: "the account is locked after too many sign-ins", fix: "unlock it at {page}", page: entraUsers, again: true},
	"50055":   {text: "the account's password has expired", fix: "set a new one", again: true},
	"50057":   {text: "the account is disabled", fix: "enable it at {page}, or remove the mailbox from the configuration", page: entraUsers},
	"50059":   {text: "Microsoft cannot tell the directory", fix: "set oauth.tenant to the directory's domain or id"},
	"50076":   {text: "a second factor is asked for", fix: signAgain},
	"50078":   {text: "the second factor has to be given again", fix: signAgain},
	"50079":   {text: "the account has to set up a second factor", fix: "set it up at {page}", page: "aka.ms/mfasetup", again: true},
	"50097":   {text: "only registered devices may sign in", fix: exempt, page: entraRules},
	"50105":   {text: "the account is not assigned to the app", fix: "assign it at {page}", page: entraApp + "Users and groups"},
	"50126":   {text: "user name or password is wrong", fix: signAgain},
	"50173":   {text: "the sign-in was taken back, mostly because the password was changed", fix: signAgain},
	"50196":   {text: "Microsoft sees the same request too often", passing: true},
	"53000":   {text: "only compliant devices may sign in", fix: exempt, page: entraRules},
	"53001":   {text: "only joined devices may sign in", fix: exempt, page: entraRules},
	"53003":   {text: "a Conditional Access policy blocks the sign-in", fix: "allow the app, and the device code flow where it is used, at {page}; Sign-in logs names the policy", page: entraRules},
	"530003":  {text: "only managed devices may sign in", fix: exempt, page: entraRules},
	"65001":   {text: "nobody has consented to what the app asks for", fix: consent, page: entraApps + "API permissions > Grant admin consent"},
	"65004":   {text: "the consent was declined", fix: signAgain},
	"70000":   {text: "the sign-in holds no longer", fix: signAgain},
	"70008":   {text: "the sign-in has expired", fix: signAgain},
	"700082":  {text: "the sign-in has expired because it was not used for 90 days", fix: signAgain},
	"70011":   {text: "the app asks for a scope that does not exist", fix: "remove oauth.scopes, or correct it"},
	"70019":   {text: "the code was not typed in time", fix: signAgain},
	"700016":  {text: "the directory does not know the app", fix: "check oauth.client_id and oauth.tenant against {page}", page: entraApps + "Overview"},
	"700024":  {text: "the certificate's signature is out of its time, mostly because this machine's clock is wrong", fix: setClock},
	"700027":  {text: "Microsoft does not know the certificate", fix: "upload it at {page}", page: entraApps + "Certificates & secrets > Certificates"},
	"7000112": {text: "the app is disabled", fix: "enable it at {page}", page: entraApp + "Properties"},
	"7000215": {text: "the client secret is wrong", fix: "write the secret's Value, not its Secret ID, into the file; a new one is made at {page}", page: entraApps + "Certificates & secrets"},
	"7000218": {text: "the app wants a secret", fix: "allow public client flows at {page}, or set oauth.client_secret_file", page: entraApps + "Authentication"},
	"7000222": {text: "the client secret has expired", fix: "make a new one at {page}, and write its Value into the file", page: entraApps + "Certificates & secrets"},
	"90002":   {text: "there is no such directory", fix: "check oauth.tenant"},
	"90014":   {text: "the request lacks something", fix: "check the keys of oauth"},
	"90033":   {text: "Microsoft's sign-in is out of order for a while", passing: true},
	"90055":   {text: "Microsoft asks for fewer requests", passing: true},
	"90094":   {text: "an administrator has to consent", fix: consent, page: entraApps + "API permissions > Grant admin consent"},
	"500011":  {text: "the directory has no Exchange Online", fix: "check oauth.tenant, and that the directory has mailboxes"},
	"500113":  {text: "the app has no address for the browser to come back to", fix: "add http://localhost at {page}", page: entraApps + "Authentication > Mobile and desktop applications"},
	"501051":  {text: "the app is not assigned the role it asks for", fix: "add it at {page}, then Grant admin consent", page: entraApps + "API permissions"},
}

// plain are the codes of RFC 6749, 5.2, and 8628, 3.5, with Google's own.
var plain = map[string]meaning{
	"invalid_grant":           {text: "the sign-in holds no longer", fix: signAgain},
	"invalid_client":          {text: "the issuer does not take the app's proof", fix: "check oauth.client_id and the client secret or key"},
	"unauthorized_client":     {text: "the app may not sign in this way", fix: "check oauth.flow and what the app is registered for"},
	"invalid_scope":           {text: "the app asks for a scope it may not have", fix: "check oauth.scopes and what the app is registered for"},
	"unsupported_grant_type":  {text: "the issuer does not know this way to sign in", fix: "choose another oauth.flow"},
	"invalid_request":         {text: "the issuer does not take the request", fix: "check the keys of oauth"},
	"access_denied":           {text: "the sign-in was declined", fix: signAgain},
	"expired_token":           {text: "the code was not typed in time", fix: signAgain},
	"admin_policy_enforced":   {text: "the administrator does not allow the app", fix: "trust it at {page}", page: workspace + "App access control"},
	"org_internal":            {text: "only accounts of the app's own organisation may sign in", fix: "sign in with such an account, or make the app External at {page}", page: googleAuth + "Audience"},
	"deleted_client":          {text: "the app was deleted", fix: "make a new one at {page}", page: googleAuth + "Clients"},
	"disabled_client":         {text: "the app is disabled", fix: "enable it at {page}", page: googleAuth + "Clients"},
	"temporarily_unavailable": {text: "the issuer is out of order for a while", passing: true},
	"server_error":            {text: "the issuer is out of order for a while", passing: true},
	"slow_down":               {text: "the issuer asks for fewer requests", passing: true},
}

// google tells what Google means where its code alone does not.
func google(c Client, code, said string) (meaning, bool) {
	low := strings.ToLower(said)
	switch {
	case strings.Contains(low, "invalid_rapt") || strings.Contains(low, "reauth"):
		return meaning{text: "Google wants the account to sign in again, as the session length of the organisation says",
			fix: exempt, page: "Google Admin console > Security > Access and data control > Google Cloud session control", again: true}, true
	case code == "invalid_grant" && (strings.Contains(low, "timeframe") || strings.Contains(low, "invalid jwt") && strings.Contains(low, "time")):
		return meaning{text: "the assertion is out of its time, mostly because this machine's clock is wrong", fix: setClock}, true
	case c.Method == Service && code == "unauthorized_client":
		return meaning{text: "the service account may not act for the mailbox",
			fix: "add its client ID with the scope {scope} at {page}; it may take some minutes to hold", page: workspace + "Domain-wide delegation"}, true
	case c.Method == Service && code == "invalid_grant" && strings.Contains(low, "signature"):
		return meaning{text: "Google does not know the service account's key", fix: "make a new key at {page}", page: "Google Cloud console > IAM & Admin > Service accounts > Keys"}, true
	case c.Method == Service && code == "invalid_grant":
		return meaning{text: "the organisation has no such mailbox", fix: "check user: it must be the account's own address"}, true
	case code == "invalid_grant":
		return meaning{text: "the sign-in was taken back or has expired; of an app in testing it does so after 7 days",
			fix: "publish the app at {page}", page: googleAuth + "Audience", again: true}, true
	}
	return meaning{}, false
}

var aadsts = regexp.MustCompile(`AADSTS(\d{4,8})`)

// explain turns what went wrong with a request into a fault. The secrets of
// the request are taken out: some issuers quote what they were sent.
func (c Client) explain(err error, secrets ...string) *Fault {
	var own *Fault
	if errors.As(err, &own) {
		return own
	}
	var said *oauth2.RetrieveError
	if !errors.As(err, &said) {
		return c.unreached(err)
	}
	text := clean(hush(said.ErrorDescription, secrets))
	f := &Fault{Code: clean(hush(said.ErrorCode, secrets))}
	m, known := plain[f.Code]
	if g, ok := google(c, f.Code, string(said.Body)); ok && c.Issuer == Google {
		m, known = g, true
	}
	if n := aadsts.FindStringSubmatch(said.ErrorDescription); n != nil {
		f.Code = n[0]
		if e, ok := entraCodes[n[1]]; ok {
			m, known = e, true
		}
	}
	status := 0
	if said.Response != nil {
		status = said.Response.StatusCode
		f.Wait = retryAfter(said.Response.Header)
	}
	switch {
	case m.passing:
		f.Text = phrase.New(m.text)
	case status == http.StatusTooManyRequests || status >= 500:
		f.Text = phrase.New("the issuer asks for patience")
	case known:
		f.Text, f.Fix, f.Final = phrase.New(m.text), m.help(c.Name), true
	case f.Code != "":
		f.Text, f.Fix, f.Final = phrase.New("the issuer refuses"), meaning{fix: "look the code up with the issuer", again: true}.help(c.Name), true
	default: // no answer of an issuer: a proxy, a captive portal, an outage
		f.Text = phrase.New("the issuer answered with status {status} and nothing to read", "status", strconv.Itoa(status))
	}
	if m.fix == setClock && said.Response != nil {
		f.clock, _ = http.ParseTime(said.Response.Header.Get("Date")) // zero where it says none
	}
	if more := strings.TrimSpace(f.Code + " " + firstLine(text)); more != "" {
		f.Text = phrase.New("{what} ({said})", "what", f.Text, "said", more)
	}
	return f
}

// hush takes secrets out of a text.
func hush(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.NewReplacer(secret, redacted, url.QueryEscape(secret), redacted).Replace(text)
		}
	}
	return text
}

const redacted = "[REDACTED]"

// unreached is the fault of an issuer that did not answer.
func (c Client) unreached(err error) *Fault {
	f := &Fault{Text: phrase.New("the issuer cannot be reached: {why}", "why", clean(err.Error())), err: err}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		f.Text = phrase.New("the issuer does not answer in time")
	}
	return f
}

// retryAfter reads how long to wait (RFC 9110, 10.2.3).
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseInt(v, 10, 32); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, maxWait)
	}
	at, err := http.ParseTime(v)
	now, errNow := http.ParseTime(h.Get("Date")) // by the issuer's clock, ours may be wrong
	if err == nil && errNow == nil && at.After(now) {
		return min(at.Sub(now), maxWait)
	}
	return 0
}

// clean bounds what an issuer says and takes out what steers a terminal.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// firstLine leaves out the numbers Microsoft puts behind its sentence; the
// code itself is said already.
func firstLine(text string) string {
	text, _, _ = strings.Cut(text, " Trace ID:")
	if n := aadsts.FindString(text); n != "" {
		text = strings.TrimPrefix(strings.TrimPrefix(text, n), ": ")
	}
	return strings.TrimSpace(text)
}
