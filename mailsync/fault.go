package mailsync

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
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
	Text string
	Fix  string        // what to do about it; "" where waiting is enough
	Wait time.Duration // the server asked to be left alone for so long
	err  error
}

func (f *Fault) Error() string {
	if f.Fix != "" {
		return f.Text + " – " + f.Fix
	}
	return f.Text
}

func (f *Fault) Unwrap() error { return f.err }

// AuthError is a refused sign-in. Trying again without a change only locks
// the account, so the supervisor stops after three.
type AuthError struct {
	Login  string
	Server string // what the server said
	Fix    string
	Final  bool // not even a second try may help: nobody has to be asked to know
}

func (e *AuthError) Error() string {
	return fmt.Sprintf("sign-in as %s refused: %s – %s", e.Login, e.Server, e.Fix)
}

func hostile(format string, args ...any) error {
	return &Fault{Kind: Hostile, Text: "the server sends more than is reasonable: " + fmt.Sprintf(format, args...)}
}

func malformed(format string, args ...any) error {
	return &Fault{Kind: Malformed, Text: "the server sent what is not IMAP: " + fmt.Sprintf(format, args...)}
}

var suggested = regexp.MustCompile(`(?i)suggested backoff time:?\s*(\d{1,12})\s*(milliseconds|ms|seconds|s|minutes)?`)

// Waits for faults in which a server names no time of its own.
const (
	throttledWait = time.Minute
	overQuotaWait = 10 * time.Minute
	maxSuggested  = 24 * time.Hour
	maxBackoff    = 5 * time.Minute
)

// classify finds what a server means by the text of a refusal or farewell.
// cause is returned in the fault; where the text means nothing special the
// fault is a refusal.
func classify(text string, cause error) *Fault {
	f := &Fault{Kind: Refused, Text: cause.Error(), err: cause}
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
		f.Fix = "where this lasts, the account is no mailbox, or whoever signs in may not open it: https://admin.exchange.microsoft.com, Mailboxes, the mailbox, Delegation, Read and manage"
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
	f := classify(text, fmt.Errorf("the server closed the connection: %s", text))
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
		return &Fault{Kind: TooMany, Text: "this process may have no more files open, so " + host + " is not called", Fix: "raise the limit: LimitNOFILE= of the service, or ulimit -n", err: err}
	case errors.As(err, &dns) && dns.IsNotFound:
		return &Fault{Kind: Lost, Text: "no such host: " + host, Fix: "check the host name in the configuration", err: err}
	case errors.As(err, &dns):
		return &Fault{Kind: Lost, Text: "the name service does not answer for " + host, err: err}
	case strings.Contains(err.Error(), "refused"):
		return &Fault{Kind: Lost, Text: host + " refuses the connection", Fix: "check the port (993 for implicit TLS, 143 for STARTTLS), and that IMAP is switched on", err: err}
	}
	return &Fault{Kind: Lost, Text: fmt.Sprintf("connect to %s: %v", host, err), err: err}
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
	switch {
	case errors.As(err, &unknown):
		f.Text = "the certificate of " + host + " is signed by an authority this machine does not know"
		f.Fix = "for a private CA set ca_file to its certificate"
	case errors.As(err, &name):
		f.Text = "the certificate of " + host + " is for another host: " + name.Error()
		f.Fix = "use the host name that the certificate names"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		f.Text = "the certificate of " + host + " has expired or is not valid yet"
		f.Fix = "renew it on the server, or set this machine's clock"
	case errors.As(err, &record):
		f.Text = host + " does not speak TLS on this port"
		f.Fix = "use tls: starttls with port 143, or tls: implicit with port 993"
	case errors.As(err, &invalid):
		f.Text = "the certificate of " + host + " is not valid: " + err.Error()
		f.Fix = "have the server's certificate put right"
	default:
		f.Kind, f.Text = Lost, fmt.Sprintf("TLS with %s: %v", host, err)
		if strings.Contains(err.Error(), "protocol version") {
			f.Kind, f.Fix = Insecure, "the server must offer TLS 1.2 or newer"
		}
	}
	return f
}

// refusal says in words why a sign-in was refused, and what helps.
func refusal(m Mailbox, said string) error {
	low, host := strings.ToLower(said), strings.ToLower(m.Host)
	f := classify(said, errors.New(said))
	if f.Kind != Refused && (f.Wait > 0 || !blamesPassword(low)) {
		f.Text = "sign-in put off: " + said
		return f
	}
	e := &AuthError{Login: m.login(), Server: said, Fix: "check user name and password; a provider may want an app password"}
	switch {
	case strings.Contains(low, "application-specific") || strings.Contains(low, "app password"):
		e.Fix = "the provider wants an app password: make one in the account's security settings (Google: https://myaccount.google.com/apppasswords)"
	case strings.Contains(low, "imap access is disabled") || strings.Contains(low, "not enabled for imap") || strings.Contains(low, "imap is disabled"):
		e.Fix = "IMAP is switched off for this account: switch it on in the account's or the administrator's settings" + pageOf(m, host,
			" (Gmail, Settings, Forwarding and POP/IMAP; Workspace: https://admin.google.com, Apps, Gmail, End user access)",
			" (https://admin.exchange.microsoft.com, Mailboxes, the mailbox, Manage email apps settings, IMAP)")
	case strings.Contains(low, "web browser") || strings.Contains(low, "webalert"):
		e.Fix = "Google wants a person to look: sign in with a browser as this user and confirm, https://accounts.google.com/DisplayUnlockCaptcha"
	case m.Token != nil:
		e.Fix = "sign in again to renew the authorisation, and check that it covers IMAP for this mailbox"
	case strings.Contains(host, "gmail") || strings.Contains(host, "google") || m.Provider == "gmail":
		e.Fix = "Gmail wants an app password (with two-step verification on), or OAuth"
	case strings.Contains(host, "outlook") || strings.Contains(host, "office365") || m.Provider == "outlook":
		e.Fix = "Microsoft 365 takes no passwords over IMAP: use OAuth"
	}
	return e
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
