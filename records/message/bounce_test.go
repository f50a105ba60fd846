package message

import (
	"strings"
	"testing"
)

// plainReport is a delivery report without machine-readable part.
func plainReport(body string) string {
	return "From: MAILER-DAEMON@mail.example.org\r\nTo: sales@example.com\r\nSubject: failure notice\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\n" + strings.ReplaceAll(body, "\n", "\r\n")
}

// statusReport is one by RFC 3464 whose text and diagnostic are given.
func statusReport(text, status, diagnostic string) string {
	return "From: postmaster@mail.example.org\r\nTo: sales@example.com\r\nSubject: Undelivered Mail\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=bb\r\n\r\n--bb\r\n\r\n" +
		strings.ReplaceAll(text, "\n", "\r\n") + "\r\n--bb\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.org\r\n\r\nFinal-Recipient: rfc822; ada@example.net\r\nAction: failed\r\nStatus: " +
		status + "\r\nDiagnostic-Code: " + diagnostic + "\r\n\r\n--bb--\r\n"
}

func TestWhatAReportSays(t *testing.T) {
	for _, tt := range []struct{ name, raw, class, reason string }{
		{"a plain refusal", statusReport("", "5.1.1", "smtp; 550 5.1.1 no such user"), "address", "unknown user"},
		{"an unknown user, once the mail was read", statusReport("<ada@example.net>: host mx said: 550 User unknown (in reply to end of DATA\n    command)", "5.0.0", "smtp; 550 User unknown"), "mailbox", "filtered"},
		{"the same in a transcript", statusReport(">>> DATA\n<<< 550 Unknown user ada\n554 5.0.0 Service unavailable", "5.0.0", "smtp; 550 Unknown user ada"), "mailbox", "filtered"},
		{"a refused recipient in a pipelined transcript", statusReport(">>> DATA\n<<< 550 5.7.1 <ada@example.net>: User unknown\n<<< 554 5.5.1 Error: no valid recipients", "5.7.1", "smtp; 550 5.7.1 <ada@example.net>: User unknown"), "address", "unknown user"},
		{"an unknown user by code, though after the data", statusReport("(in reply to end of DATA command)", "5.1.1", "smtp; 550 5.1.1 user unknown"), "address", "unknown user"},
		{"a rejection for a reason we do not know", statusReport("", "5.3.0", "smtp; 554 5.3.0 <ada@example.net>: Recipient address rejected: Frobnication error"), "unknown", "unknown"},
		{"a rejection without a reason", statusReport("", "5.0.0", "smtp; 550 <ada@example.net>: Recipient address rejected"), "address", "unknown user"},
		{"no mail there, whatever the code", statusReport("", "4.0.0", "smtp; The domain example.net doesn't receive email: returned Null MX"), "address", "no mail there"},
		{"a user who gets too much", statusReport("", "5.2.1", "smtp; 550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents"), "transient", "rate"},
		{"we sent too much", statusReport("", "5.1.1", "smtp; 550 5.1.1 <ada@example.net> - 192.0.2.1 has sent to too many recipients this hour"), "quota", "quota"},
		{"a locked account", statusReport("", "5.7.1", "smtp; 550 5.7.1 Recipient address rejected: User temporarily locked. Please try again later"), "mailbox", "disabled"},
		{"the name of a relay is no refusal", statusReport("", "5.4.4", "X-Outbound-Mail-Relay; Host or domain name not found"), "address", "unknown host"},
		{"a virus that was refused", statusReport("", "5.7.1", "smtp; 550 Virus detected; content rejected by policy"), "content", "virus"},
		{"nothing heard", plainReport("Your message was not delivered within 0 days and 1 hours.\nRemote host is not responding.\n\nThe following recipients did not receive this message:\n\n<ada@example.net>\n"), "transient", "temporary"},
	} {
		v := Classify(read(t, tt.raw))
		if v.Kind != Bounce || len(v.Bounces) != 1 {
			t.Errorf("%s: kind %s, recipients %+v", tt.name, v.Kind, v.Bounces)
			continue
		}
		if b := v.Bounces[0]; b.Class != tt.class || b.Reason != tt.reason || b.Recipient != "ada@example.net" || b.Hard != (tt.class == "address") {
			t.Errorf("%s: %+v, want %s, %s", tt.name, b, tt.class, tt.reason)
		}
	}
}

// TestExchangeNamesItsFaults: what its store driver says is of one side or the
// other, and of what was sent or of how much; never of a quota by default.
func TestExchangeNamesItsFaults(t *testing.T) {
	t.Parallel()
	const failed = "; Failed to process message due to a permanent exception with message "
	for _, c := range []struct{ status, reply, text, class string }{
		{"5.2.0", "554", "STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied" + failed + "Cannot submit message.", "config"},
		{"5.2.0", "554", "STOREDRV.Submission.Exception:SubmissionQuotaExceededException" + failed + "The message can't be submitted because the sender's submission quota was exceeded.", "quota"},
		{"5.2.2", "554", "STOREDRV.Submission.Exception:ShutoffQuotaExceededException.MapiExceptionShutoffQuotaExceeded" + failed + "Cannot submit message.", "quota"},
		{"5.2.0", "554", "STOREDRV.Submission.Exception:MessageSubmissionExceededException.MapiExceptionMaxSubmissionExceeded" + failed + "Cannot submit message.", "content"},
		{"5.2.2", "554", "mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded" + failed + "Cannot open mailbox.", "mailbox"},
		{"5.2.0", "554", "STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded" + failed + "Cannot open mailbox.", "mailbox"},
		{"5.2.2", "550", "STOREDRV.Deliver: mailbox full. The following information should help identify the cause: \"MapiExceptionShutoffQuotaExceeded:00.00\"", "mailbox"},
		{"5.2.1", "554", "STOREDRV.Deliver.Exception:AccountDisabledException.MapiExceptionLogonFailed" + failed + "Cannot open mailbox.", "mailbox"},
		{"5.2.0", "554", "STOREDRV.Deliver.Exception:MailboxUnavailableException.MapiExceptionUnknownUser" + failed + "Cannot open mailbox.", "address"},
		{"5.6.0", "554", "STOREDRV.Deliver.Exception:ConversionFailedException" + failed + "Content conversion failed.", "content"},
		{"4.3.2", "432", "STOREDRV.Deliver; recipient thread limit exceeded", "transient"},
		{"4.3.2", "432", "STOREDRV.ClientSubmit; sender thread limit exceeded", "transient"},
		{"4.2.0", "450", "STOREDRV.Submission.Exception:StorageTransientException.MapiExceptionRpcServerTooBusy", "transient"},
	} {
		if class, reason := ClassOf(c.status, c.reply, c.text); class != c.class {
			t.Errorf("%s %s %.60s: %s (%s), want %s", c.reply, c.status, c.text, class, reason, c.class)
		}
	}
}

func TestRecipientsOfPlainReports(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"each with a paragraph", "I wasn't able to deliver your message to the following addresses.\n\n<ada@example.net>:\nRemote host said: 550 5.1.1 user unknown\nGiving up.\n\n<bob@example.net>:\nRemote host said: 552 5.2.2 mailbox full\n\n--- Below this line is a copy of the message.\n\nTo: carol@example.net\n",
			"ada@example.net address 5.1.1, bob@example.net mailbox 5.2.2"},
		{"a transcript", "   ----- Transcript of session follows -----\nWhile talking to mx.example.net:\n>>> MAIL From:<sales@example.com>\n<<< 550 Insecure mail relay\n554 <ada@example.net>... Remote protocol error\n550 example.edu (smtp)... 550 Host unknown\n554 <bob@example.edu>... 550 Host unknown\nWhile talking to mx.example.org:\n>>> RCPT To:<carol@example.org>\n<<< 550 no such user here\n550 <carol@example.org>... User unknown\n",
			"ada@example.net policy , bob@example.edu address , carol@example.org address "},
		{"a line each", "did not reach the following recipient(s):\n\nada@example.net on Sun, 22 Nov 2026 16:51:51 -0500\n    The recipient name is not recognized\nbob@example.net on Sun, 22 Nov 2026 16:51:51 -0500\n    The recipient name is not recognized\n",
			"ada@example.net address , bob@example.net address "},
		{"whom to ask is no recipient", "Delivery failed.\n\n<ada@example.net>: user unknown\n\nFor help write to\nhelpdesk@example.org\nat any time.\n",
			"ada@example.net address "},
	} {
		v := Classify(read(t, plainReport(tt.body)))
		var got []string
		for _, b := range v.Bounces {
			got = append(got, b.Recipient+" "+b.Class+" "+b.Status)
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, s, tt.want)
		}
	}
}
