package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rapport/internal/app"
	"rapport/internal/mailtest"
)

// newsletter is the campaign of the demo: all of it is this one file.
const newsletter = `---
subject: "{{.Contact.FirstName}}, the second flush is here"
audience: 'kind == "customer"'
legal_basis: they buy tea from us, and may object at any time
---
Dear {{.Contact.Name}},

the **second flush** has arrived: darker than the first, with a little more
muscatel. What we like best this year:

- Hillcrest H-11, for the afternoon
- a gyokuro that won our tasting by a mile

[Read how it was picked](https://kestrel.example/second-flush), or answer this
mail: {{.Owner.Name | default "one of us"}} reads it.
`

const newsletterName = "second-flush"

// senderYAML is the demo's sender, as an administrator would write it.
const senderYAML = `senders:
  - name: news
    host: %q
    tls: none
    from: "Kestrel & Finch <ada@kestrel.example>"
    mailbox: ada
    postal_address: 3 Quay Street, Leith
    limits: {per_minute: 6000}
    settle: 1s
campaigns: campaigns/
`

// serveSMTP starts the server that takes the newsletter, and the world behind
// it: the provider keeps a copy of what is sent, one recipient is gone, one
// answers, and one has had enough.
func (d *demo) serveSMTP() (err error) {
	d.smtp, err = mailtest.NewSink(func(s *mailtest.Sink) {
		s.Arrived = func(r mailtest.Received) {
			sent, err := netmail.ReadMessage(bytes.NewReader(r.Data))
			switch {
			case err != nil:
				d.answered <- fmt.Errorf("read a mail of a campaign: %w", err)
			case ofSurvey(sent):
				d.asked <- r
			case strings.HasSuffix(r.To[0], "@kestrel.example"):
				d.alerts <- r
			default:
				d.answered <- d.answer(r, sent)
			}
		}
	})
	return err
}

// answer does what the world does with one mail of the newsletter.
func (d *demo) answer(r mailtest.Received, sent *netmail.Message) error {
	now := time.Now()
	if err := d.imap.Append(address(ada), "Sent", r.Data, now, `\Seen`); err != nil {
		return err
	}
	var back string
	switch r.To[0] {
	case address(petra):
		back = bounce(sent, r.To[0])
	case address(grace):
		back = reply(sent)
	case address(yuki):
		back = objection(sent)
	default:
		return nil
	}
	back = "Date: " + now.Format(time.RFC1123Z) + "\r\n" + strings.ReplaceAll(back, "\n", "\r\n")
	return d.imap.Append(address(ada), "INBOX", []byte(back), now)
}

// bounce is the report of a mailbox that is gone (RFC 3464).
func bounce(sent *netmail.Message, to string) string {
	return `From: Mail Delivery System <mailer-daemon@lindenhof.example>
To: ada@kestrel.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce.1@lindenhof.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Nobody of this name works here any more.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.lindenhof.example

Final-Recipient: rfc822; ` + to + `
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown

--b
Content-Type: text/rfc822-headers

Message-ID: ` + sent.Header.Get("Message-ID") + `
X-Rapport-Id: ` + sent.Header.Get("X-Rapport-Id") + `
Subject: ` + sent.Header.Get("Subject") + `

--b--
`
}

func reply(sent *netmail.Message) string {
	return `From: ` + grace + `
To: ada@kestrel.example
Subject: Re: the second flush is here
Message-ID: <second-flush.1@harbourbooks.example>
In-Reply-To: ` + sent.Header.Get("Message-ID") + `
References: ` + sent.Header.Get("Message-ID") + `
Content-Type: text/plain; charset=utf-8

Muscatel, you say? Twelve tins of it, please, for the reading on Thursday.

Grace
`
}

// objection is what a mail program sends for who clicks on "unsubscribe".
func objection(sent *netmail.Message) string {
	way := strings.Trim(sent.Header.Get("List-Unsubscribe"), "<>")
	_, subject, _ := strings.Cut(way, "?subject=")
	subject = strings.NewReplacer("%20", " ", "%5B", "[", "%5D", "]").Replace(subject)
	return `From: ` + yuki + `
To: ada@kestrel.example
Subject: ` + subject + `
Message-ID: <out.1@bluekettle.example>
Content-Type: text/plain

`
}

// sendNewsletter does what the README says of a first newsletter, and waits for
// what comes back.
func (d *demo) sendNewsletter(ctx context.Context, conn *app.Conn) error {
	plan, err := conn.Client.PlanCampaign(ctx, newsletterName, false)
	if err != nil {
		return fmt.Errorf("plan the newsletter: %w", err)
	}
	fmt.Fprintf(d.Out, "\nA newsletter, one file: campaigns/%s.md. The plan: %s", newsletterName, plural(len(plan.Recipients), "person", "people"))
	for _, r := range plan.Left {
		fmt.Fprintf(d.Out, "; not %s: %s", r.Name, r.Reason)
	}
	fmt.Fprintf(d.Out, ".\n")
	run, err := conn.Client.LaunchCampaign(ctx, newsletterName, app.CampaignLaunch{Hash: plan.Hash})
	if err != nil {
		return fmt.Errorf("launch the newsletter: %w", err)
	}
	for range plan.Recipients {
		select {
		case err := <-d.answered:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return fmt.Errorf("wait for the newsletter: %w", ctx.Err())
		}
	}
	return d.cameBack(ctx, conn, run.Recipients)
}

// cameBack waits until what came back is filed, and shows it.
func (d *demo) cameBack(ctx context.Context, conn *app.Conn, recipients int) error {
	nudge := time.After(3 * time.Second)
	for {
		p, err := conn.Client.Campaign(ctx, newsletterName)
		if err != nil {
			return fmt.Errorf("ask how the newsletter stands: %w", err)
		}
		if p.State == "finished" && p.Bounced == 1 && p.Replied == 1 && p.Unsubs == 1 {
			fmt.Fprintf(d.Out, "Of %d it was sent to %d; %d bounced, %d replied, %d unsubscribed by mail, and will not get another.\n",
				recipients, p.Accepted, p.Bounced, p.Replied, p.Unsubs)
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for what comes back of the newsletter (%+v): %w", p, ctx.Err())
		case <-nudge: // a busy machine may have missed the announcement
			if _, err := conn.Client.Sync(ctx, nil, nil); err != nil {
				return fmt.Errorf("read the mailboxes again: %w", err)
			}
		case <-time.After(20 * time.Millisecond):
		}
	}
	for _, who := range []string{address(petra), address(grace), address(yuki)} {
		lines, err := history(ctx, conn, who)
		if err != nil {
			return err
		}
		for _, l := range lines[:min(len(lines), 3)] {
			d.line(l)
		}
	}
	return nil
}

// writeCampaigns writes the files of the newsletter and the survey.
func writeCampaigns(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "campaigns"), 0o700); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "campaigns", newsletterName+".md"), []byte(newsletter), 0o600),
		os.WriteFile(filepath.Join(dir, "campaigns", surveyName+".md"), []byte(surveyFile), 0o600))
}
