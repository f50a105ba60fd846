package mailsync

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rapport/records/phrase"
)

// Kind says what sort of fault ended or held up the work on a mailbox.
type Kind string

// The kinds of faults.
const (
	Lost      Kind = "lost"      // the connection broke
	Silent    Kind = "silent"    // the server stopped answering
	Malformed Kind = "malformed" // the server sent what is not IMAP
	Hostile   Kind = "hostile"   // the server sent more than we are willing to hold
	Throttled Kind = "throttled" // the server asks for patience
	TooMany   Kind = "too_many"  // too many connections
	Expired   Kind = "expired"   // the access token ran out while connected
	Refused   Kind = "refused"   // a command was answered NO or BAD
	Insecure  Kind = "insecure"  // TLS cannot be had or trusted
	Spent     Kind = "spent"     // the byte budget of the day is used up
)

// Fault is what went wrong with a mailbox, in words.
type Fault struct {
	Kind Kind
	Text phrase.Phrase
	Fix  phrase.Phrase // what to do about it; empty where waiting is enough
	Wait time.Duration // the server asked to be left alone for so long
	err  error
}

func (f *Fault) Error() string { return f.Phrase().String() }

// Phrase is what went wrong and what to do about it.
func (f *Fault) Phrase() phrase.Phrase {
	if f.Fix.Empty() {
		return f.Text
	}
	return phrase.New("{what} – {fix}", "what", f.Text, "fix", f.Fix)
}

func (f *Fault) Unwrap() error { return f.err }

// AuthError is a refused sign-in. Trying again without a change only locks
// the account, so the supervisor stops after three.
type AuthError struct {
	Login  string
	Server phrase.Phrase // what the server said
	Fix    phrase.Phrase
	Final  bool // not even a second try may help: nobody has to be asked to know
}

func (e *AuthError) Error() string { return e.Phrase().String() }

// Phrase is who was refused, in whose words, and what to do about it.
func (e *AuthError) Phrase() phrase.Phrase {
	return phrase.New("{what} – {fix}", "what", e.refused(), "fix", e.Fix)
}

func (e *AuthError) refused() phrase.Phrase {
	return phrase.New("sign-in as {login} refused: {said}", "login", e.Login, "said", e.Server)
}

func hostile(form phrase.Form, args ...any) error {
	return &Fault{Kind: Hostile, Text: phrase.New("the server sends more than is reasonable: {what}", "what", phrase.New(form, args...))}
}

func malformed(form phrase.Form, args ...any) error {
	return &Fault{Kind: Malformed, Text: phrase.New("the server sent what is not IMAP: {what}", "what", phrase.New(form, args...))}
}

var suggested = regexp.MustCompile(`(?i)suggested backoff time:?\s*(\d{1,12})\s*(milliseconds|ms|seconds|s|minutes)?`)

// Waits for faults in which a server names no time of its own.
const (
	throttledWait = time.Minute
	overQuotaWait = 10 * time.Minute
	maxSuggested  = 24 * time.Hour
	maxBackoff    = 5 * time.Minute
)

// classify finds what a server means by the text of a refusal or farewell,
// which the fault tells as said. Where the text means nothing special the
// fault is a refusal.
func classify(text string, said phrase.Phrase) *Fault {
	f := &Fault{Kind: Refused, Text: said}
	low := strings.ToLower(text)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(low, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("accesstokenexpired", "session invalidated", "token expired", "session expired"):
		f.Kind = Expired
	case has("login failures", "failed login", "login attempts"):
		f.Kind, f.Wait = Throttled, overQuotaWait
	case has("too many", "maximum number of connections", "simultaneous connections", "connection limit", "[limit]", "concurrent connections"):
		f.Kind, f.Wait = TooMany, throttledWait
	case has("overquota", "bandwidth", "exceeded command"):
		f.Kind, f.Wait = Throttled, overQuotaWait
	case has("throttl", "rate limit", "suggested backoff", "server busy", "server unavailable", "[unavailable]", "not connected",
		"try again", "temporar", "[inuse]", "internal error", "[serverbug]", "server error", "error=\"", "backend"):
		f.Kind, f.Wait = Throttled, throttledWait
		if has("not connected", "[inuse]", "try again", "temporar", "[serverbug]", "internal error") && !has("throttl") {
			f.Wait = 0 // the usual doubling wait
		}
	}
	if has("authenticated but not connected") {
		f.Fix = phrase.New("where this lasts, the account is no mailbox, or whoever signs in may not open it: {place}",
			"place", "https://admin.exchange.microsoft.com, Mailboxes, the mailbox, Delegation, Read and manage")
	}
	if m := suggested.FindStringSubmatch(text); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		unit := time.Millisecond
		switch strings.ToLower(m[2]) {
		case "seconds", "s":
			unit = time.Second
		case "minutes":
			unit = time.Minute
		}
		f.Kind, f.Wait = Throttled, min(time.Duration(min(n, int64(maxSuggested/unit)))*unit, maxSuggested)
	}
	return f
}

// farewell is the fault behind a BYE: where it gives no special reason, the
// connection is simply lost.
func farewell(text string) error {
	f := classify(text, phrase.New("the server closed the connection: {said}", "said", text))
	if f.Kind == Refused {
		f.Kind = Lost
	}
	return f
}

// backoff returns how long to wait after the nth fault in a row: from a
// second doubling to five minutes, spread so that mailboxes do not come back
// all at once, and never less than the server asked for.
func backoff(n int, err error) time.Duration {
	d := time.Second << min(max(n-1, 0), 9)
	d = min(d, maxBackoff)
	d = d/2 + rand.N(d/2+1)
	var f *Fault
	if !errors.As(err, &f) {
		return d
	}
	if f.Kind == Hostile {
		d = max(d, maxBackoff/2)
	}
	if f.Wait > 0 {
		d = max(d, f.Wait+rand.N(min(f.Wait/10, maxBackoff)+time.Second))
	}
	return d
}

// dialFault says in words why no connection came about.
func dialFault(host string, err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return &Fault{Kind: TooMany, err: err, Text: phrase.New("this process may have no more files open, so {host} is not called", "host", host),
			Fix: phrase.New("raise the limit: LimitNOFILE= of the service, or ulimit -n")}
	case errors.As(err, &dns) && dns.IsNotFound:
		return &Fault{Kind: Lost, err: err, Text: phrase.New("no such host: {host}", "host", host), Fix: phrase.New("check the host name in the configuration")}
	case errors.As(err, &dns):
		return &Fault{Kind: Lost, err: err, Text: phrase.New("the name service does not answer for {host}", "host", host)}
	case strings.Contains(err.Error(), "refused"):
		return &Fault{Kind: Lost, err: err, Text: phrase.New("{host} refuses the connection", "host", host),
			Fix: phrase.New("check the port (993 for implicit TLS, 143 for STARTTLS), and that IMAP is switched on")}
	}
	return &Fault{Kind: Lost, err: err, Text: phrase.New("connect to {host}: {why}", "host", host, "why", err.Error())}
}

// tlsFault says in words why TLS did not come about.
func tlsFault(host string, err error) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	f := &Fault{Kind: Insecure, err: err}
	says := func(text, fix phrase.Form, why string) {
		f.Text, f.Fix = phrase.New(text, "host", host, "why", why), phrase.New(fix)
	}
	switch {
	case errors.As(err, &unknown):
		says("the certificate of {host} is signed by an authority this machine does not know", "for a private CA set ca_file to its certificate", "")
	case errors.As(err, &name):
		says("the certificate of {host} is for another host: {why}", "use the host name that the certificate names", name.Error())
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		says("the certificate of {host} has expired or is not valid yet", "renew it on the server, or set this machine's clock", "")
	case errors.As(err, &record):
		says("{host} does not speak TLS on this port", "use tls: starttls with port 143, or tls: implicit with port 993", "")
	case errors.As(err, &invalid):
		says("the certificate of {host} is not valid: {why}", "have the server's certificate put right", err.Error())
	case strings.Contains(err.Error(), "protocol version"):
		says("TLS with {host}: {why}", "the server must offer TLS 1.2 or newer", err.Error())
	default:
		f.Kind, f.Text = Lost, phrase.New("TLS with {host}: {why}", "host", host, "why", err.Error())
	}
	return f
}

// refusal says in words why a sign-in was refused, and what helps.
func refusal(m Mailbox, said string) error {
	low, host := strings.ToLower(said), strings.ToLower(m.Host)
	f := classify(said, phrase.Verbatim(said))
	if f.Kind != Refused && (f.Wait > 0 || !blamesPassword(low)) {
		f.Text = phrase.New("sign-in put off: {said}", "said", said)
		return f
	}
	return &AuthError{Login: m.login(), Server: phrase.Verbatim(said), Fix: cure(m, low, host)}
}

// cure says what helps against a refused sign-in; low is what the server said.
func cure(m Mailbox, low, host string) phrase.Phrase {
	switch {
	case strings.Contains(low, "application-specific") || strings.Contains(low, "app password"):
		return phrase.New("the provider wants an app password: make one in the account's security settings (Google: {place})", "place", "https://myaccount.google.com/apppasswords")
	case strings.Contains(low, "imap access is disabled") || strings.Contains(low, "not enabled for imap") || strings.Contains(low, "imap is disabled"):
		return phrase.New("IMAP is switched off for this account: switch it on in the account's or the administrator's settings{place}", "place", pageOf(m, host,
			" (Gmail, Settings, Forwarding and POP/IMAP; Workspace: https://admin.google.com, Apps, Gmail, End user access)",
			" (https://admin.exchange.microsoft.com, Mailboxes, the mailbox, Manage email apps settings, IMAP)"))
	case strings.Contains(low, "web browser") || strings.Contains(low, "webalert"):
		return phrase.New("Google wants a person to look: sign in with a browser as this user and confirm, {place}", "place", "https://accounts.google.com/DisplayUnlockCaptcha")
	case m.Token != nil:
		return phrase.New("sign in again to renew the authorisation, and check that it covers IMAP for this mailbox{place}", "place", pageOf(m, host,
			" (https://admin.google.com, Apps, Google Workspace, Gmail, End user access)",
			" (https://admin.exchange.microsoft.com, Mailboxes, the mailbox, Manage email apps settings, IMAP)"))
	case strings.Contains(host, "gmail") || strings.Contains(host, "google") || m.Provider == "gmail":
		return phrase.New("Gmail wants an app password (with two-step verification on: {place}), or OAuth", "place", "https://myaccount.google.com/apppasswords")
	case strings.Contains(host, "outlook") || strings.Contains(host, "office365") || m.Provider == "outlook":
		return phrase.New("Microsoft 365 takes no passwords over IMAP: use OAuth, with an app of {place}", "place", "https://entra.microsoft.com, App registrations")
	}
	return phrase.New("check user name and password; a provider may want an app password")
}

// pageOf adds where to look at a provider, "" at others.
func pageOf(m Mailbox, host, google, microsoft string) string {
	switch {
	case m.Provider == "gmail" || strings.Contains(host, "gmail") || strings.Contains(host, "google"):
		return google
	case m.Provider == "outlook" || strings.Contains(host, "outlook") || strings.Contains(host, "office365"):
		return microsoft
	}
	return ""
}

// blamesPassword tells whether a refusal is about who signs in, whatever
// politeness ("please try again") goes with it.
func blamesPassword(low string) bool {
	for _, w := range []string{"authenticationfailed", "authorizationfailed", "credential", "password", "username", "invalid login"} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return false
}

// sinkError marks an error of the Sink: no fault of the server's.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

func kindOf(err error) Kind {
	var f *Fault
	if errors.As(err, &f) {
		return f.Kind
	}
	return ""
}
