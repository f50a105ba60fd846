package mailtest

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// SMTPProvider is a scripted submission server of a provider: it takes access
// tokens, grants one account so many connections and mails, and refuses what is
// too much in the words of the one it resembles. Fields are set before it
// serves, but for Lock, which guards Disabled; methods may be used concurrently.
type SMTPProvider struct {
	*SMTPScript
	Style Style
	Now   func() time.Time // nil: time.Now
	// Takes tells whether a token opens a mailbox; nil: every one does.
	Takes func(mailbox, token string) bool

	Connections int // at once; 0: any number
	PerMinute   int // mails in any 60 s; 0: any number
	PerDay      int // mails in any 24 h; 0: any number

	mu       sync.Mutex // guards what follows
	disabled bool
	signedIn map[int]bool // sessions
	mails    []time.Time  // of the last day, oldest first
	refused  map[string]int
}

// NewSMTPProvider returns a server that behaves as the one it resembles.
func NewSMTPProvider(style Style) *SMTPProvider {
	p := &SMTPProvider{Style: style, PerDay: 2000, signedIn: map[int]bool{}, refused: map[string]int{}}
	if style == StyleMicrosoft {
		p.Connections, p.PerMinute, p.PerDay = 3, 30, 10_000
	}
	p.SMTPScript = NewSMTPScript(p.answer)
	p.Auth, p.Ended = "XOAUTH2", func(session int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.signedIn, session)
	}
	return p
}

// Disable has an administrator forbid signing in to send, or allow it again.
func (p *SMTPProvider) Disable(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.disabled = yes
}

// Refused returns how often what was refused: "sign-in", "connection", "rate"
// or "day".
func (p *SMTPProvider) Refused(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused[what]
}

func (p *SMTPProvider) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

func (p *SMTPProvider) answer(at SMTPStep) *SMTPFault {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch at.Verb {
	case "AUTH":
		return p.signIn(at)
	case "MAIL":
		if !p.signedIn[at.Session] {
			return p.refuse("sign-in", "530 5.7.57 Client not authenticated to send mail.", "530-5.7.0 Authentication Required. For more information, go to\r\n530 5.7.0 https://support.google.com/accounts/troubleshooter/2402620 x1 - gsmtp")
		}
	case "DOT":
		return p.take()
	}
	return nil
}

// refuse says no as the provider does.
func (p *SMTPProvider) refuse(what, microsoft, gmail string) *SMTPFault {
	p.refused[what]++
	if p.Style == StyleMicrosoft {
		return &SMTPFault{Reply: microsoft}
	}
	return &SMTPFault{Reply: gmail}
}

func (p *SMTPProvider) signIn(at SMTPStep) *SMTPFault {
	user, token, _ := strings.Cut(at.Arg, " ")
	switch {
	case p.disabled:
		return p.refuse("sign-in", "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.",
			"534-5.7.14 Please log in via your web browser and then try again.\r\n534 5.7.14  https://support.google.com/mail/answer/78754 x1 - gsmtp")
	case p.Takes != nil && !p.Takes(user, token):
		return p.refuse("sign-in", "535 5.7.3 Authentication unsuccessful [QQBBAA.example.outlook.com]",
			"535-5.7.8 Username and Password not accepted. For more information, go to\r\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials x1 - gsmtp")
	case p.Connections > 0 && len(p.signedIn) >= p.Connections:
		f := p.refuse("connection", "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. [QQBBAA.example.outlook.com]",
			"421 4.7.0 Too many concurrent SMTP connections; please try again later.")
		f.Close = true
		return f
	}
	p.signedIn[at.Session] = true
	return nil
}

// take decides on one more mail.
func (p *SMTPProvider) take() *SMTPFault {
	now := p.now()
	for len(p.mails) > 0 && now.Sub(p.mails[0]) >= 24*time.Hour {
		p.mails = p.mails[1:]
	}
	lately := 0
	for i := len(p.mails) - 1; i >= 0 && now.Sub(p.mails[i]) < time.Minute; i-- {
		lately++
	}
	switch {
	case p.PerDay > 0 && len(p.mails) >= p.PerDay:
		return p.refuse("day", "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception with message "+
			"The message can't be submitted because the sender's submission quota was exceeded. [Hostname=QQBBAA.example.outlook.com]",
			"550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\r\n550-5.4.5 sending limits go to\r\n550 5.4.5  https://support.google.com/a/answer/166852 x1 - gsmtp")
	case p.PerMinute > 0 && lately >= p.PerMinute:
		return p.refuse("rate", "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=QQBBAA.example.outlook.com]",
			"421 4.7.28 Gmail has detected an unusual rate of mail. Try again later.")
	}
	p.mails = append(p.mails, now)
	return nil
}

// Mailed sums up what was taken, for failures of tests.
func (p *SMTPProvider) Mailed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%d within a day, refused %v", len(p.mails), p.refused)
}
