package demo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"mime/quotedprintable"
	"net/http"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"

	"rapport/internal/app"
	"rapport/internal/mailtest"
	"rapport/web"
)

// surveyFile asks everybody a week after they bought something.
const surveyFile = `---
kind: survey
purpose: survey
trigger: sale
after: 7d
subject: "How was {{.Sale.Products}}?"
audience: 'kind == "customer"'
legal_basis: they bought tea from us, and may object at any time
questions:
  - {id: nps, type: nps}
  - id: liked
    type: choices
    text: What did you like?
    options: [{id: tea, text: The tea}, {id: tins, text: The tins}, {id: service, text: The service}]
---
Dear {{.Contact.Name}},

a week ago you bought {{.Sale.Products}}. Would you tell us how it was?
`

const surveyName = "after-a-sale"

// publicURL is where the demo's links lead. Nobody outside can open them: who
// answers by the page asks the listener itself.
const publicURL = "https://tea.kestrel.example"

// delay is how far the clock is put ahead: the latest sales are two days old.
const delay = 6 * 24 * time.Hour

// clock is the daemon's: that of the machine, put ahead for the survey.
func (d *demo) clock() time.Time { return time.Now().Add(time.Duration(d.ahead.Load())) }

// askAll launches the survey, lets days pass, has people answer, and shows what
// they said.
func (d *demo) askAll(ctx context.Context, conn *app.Conn) error {
	if _, err := conn.Client.LaunchCampaign(ctx, surveyName, app.CampaignLaunch{}); err != nil {
		return fmt.Errorf("launch the survey: %w", err)
	}
	d.ahead.Store(int64(delay))
	fmt.Fprintf(d.Out, "\nA survey, one file: campaigns/%s.md. It asks whoever bought something, seven days after. Six days pass.\n", surveyName)
	asked := 0
	for asked < len(answering) {
		select {
		case r := <-d.asked:
			if err := d.respond(ctx, r); err != nil {
				return err
			}
			asked++
		case <-ctx.Done():
			return fmt.Errorf("wait for the mails of the survey, %d of %d came: %w", asked, len(answering), ctx.Err())
		}
	}
	return d.answers(ctx, conn)
}

// answering is who is asked, and how they answer.
var answering = map[string]func(*demo, context.Context, *invitation) error{
	address(grace): func(d *demo, _ context.Context, in *invitation) error {
		return d.mailed(in, "Re: "+in.subject, "", "9 - the tins are a joy.\n\nGrace\n")
	},
	address(jonas): func(d *demo, _ context.Context, in *invitation) error {
		way, err := url.Parse(in.mailto)
		if err != nil {
			return fmt.Errorf("read the link of the survey: %w", err)
		}
		return d.mailed(in, "3 "+way.Query().Get("subject"), "", "Der letzte Assam war bitter.\n\nJonas Weber\n")
	},
	address(nusrat): (*demo).onPage,
	address(oona): func(d *demo, _ context.Context, in *invitation) error {
		return d.mailed(in, "Automatic reply: "+in.subject, "Auto-Submitted: auto-replied\r\n", "I am out of office until the 8th.\n\nOona\n")
	},
}

// invitation is a mail that asks.
type invitation struct {
	to, id, subject string
	mailto, page    string // its links: by mail, and to the page with the score 10
}

var (
	mailLink = regexp.MustCompile(`href="(mailto:[^"]*subject=%5B[^"]*)"`)
	pageLink = regexp.MustCompile(`href="` + publicURL + `(/s/[a-z0-9]+/10)"`)
)

// respond files the provider's copy of a mail of the survey, and has its
// recipient answer.
func (d *demo) respond(ctx context.Context, r mailtest.Received) error {
	if err := d.imap.Append(address(ada), "Sent", r.Data, d.clock(), `\Seen`); err != nil {
		return err
	}
	head, err := netmail.ReadMessage(bytes.NewReader(r.Data))
	if err != nil {
		return fmt.Errorf("read a mail of the survey: %w", err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(head.Body)) // its parts are, and what stands between them reads the same
	if err != nil {
		return fmt.Errorf("read a mail of the survey: %w", err)
	}
	in := &invitation{to: r.To[0], id: head.Header.Get("Message-ID"), subject: head.Header.Get("Subject")}
	mail, page := mailLink.FindStringSubmatch(string(body)), pageLink.FindStringSubmatch(string(body))
	if mail == nil || page == nil {
		return fmt.Errorf("the mail to %s has no links to answer by", in.to)
	}
	in.mailto, in.page = html.UnescapeString(mail[1]), page[1]
	answer, known := answering[in.to]
	if !known {
		return fmt.Errorf("%s is asked, who bought nothing", in.to)
	}
	return answer(d, ctx, in)
}

// mailed has somebody write back.
func (d *demo) mailed(in *invitation, subject, headers, text string) error {
	reference := "In-Reply-To: " + in.id + "\r\nReferences: " + in.id + "\r\n"
	if strings.Contains(subject, "[") {
		reference = "" // begun by a link
	}
	now := d.clock()
	raw := fmt.Sprintf("Date: %s\r\nFrom: %s\r\nTo: ada@kestrel.example\r\nSubject: %s\r\nMessage-ID: <survey.%s>\r\n%s%sContent-Type: text/plain; charset=utf-8\r\n\r\n%s",
		now.Format(time.RFC1123Z), in.to, subject, in.to, reference, headers, strings.ReplaceAll(text, "\n", "\r\n"))
	return d.imap.Append(address(ada), "INBOX", []byte(raw), now)
}

var hidden = regexp.MustCompile(`name="shown" value="([^"]*)"`)

// onPage opens the link of a score, reads, and presses the button.
func (d *demo) onPage(ctx context.Context, in *invitation) error {
	page := "http://" + d.public + in.page
	body, err := fetch(ctx, http.MethodGet, page, nil)
	if err != nil {
		return err
	}
	shown := hidden.FindStringSubmatch(body)
	if shown == nil {
		return errors.New("the page of the survey has no form")
	}
	select {
	case <-time.After(1200 * time.Millisecond): // a person takes longer
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err = fetch(ctx, http.MethodPost, page[:strings.LastIndexByte(page, '/')], url.Values{
		"shown": {shown[1]}, "q.nps": {"10"}, "q.liked": {"tea", "service"}, "comment": {"মশলা চা অসাধারণ!"}})
	return err
}

// fetch asks a page and returns what it says.
func fetch(ctx context.Context, method, address string, form url.Values) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", fmt.Errorf("open the page of the survey: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the page of the survey answers %s", res.Status)
	}
	return string(body), err
}

// ofSurvey reports whether a mail of ours asks something.
func ofSurvey(sent *netmail.Message) bool {
	return strings.Contains(sent.Header.Get("List-ID"), "<survey.")
}

// answers waits until everybody is heard, and shows the result.
func (d *demo) answers(ctx context.Context, conn *app.Conn) error {
	nudge := time.After(3 * time.Second)
	for {
		r, err := conn.Client.SurveyResults(ctx, surveyName)
		if err != nil {
			return fmt.Errorf("ask what was answered: %w", err)
		}
		if r.Answered == 3 && r.Figure.N == 3 {
			fmt.Fprintf(d.Out, "%d were asked. One replied, one wrote by the link, one answered on the page, and one is out of office, which is no answer: "+
				"%d answers, an NPS of %.0f, which is between %.0f and %.0f at 95 %%.\n", r.Asked, r.Answered, r.Figure.Value, r.Figure.Low, r.Figure.High)
			for _, c := range r.Comments {
				fmt.Fprintf(d.Out, "    %2d  %s\n", c.Score, cmp.Or(firstOf(c.Text), "-"))
			}
			return d.unhappy(ctx, conn)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the answers (%+v): %w", r, ctx.Err())
		case <-nudge: // a busy machine may have missed the announcement
			if _, err := conn.Client.Sync(ctx, nil, nil); err != nil {
				return fmt.Errorf("read the mailboxes again: %w", err)
			}
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// unhappy waits for the mail that tells an owner of a low score, and shows it
// with the case it opened.
func (d *demo) unhappy(ctx context.Context, conn *app.Conn) error {
	var told mailtest.Received
	select {
	case told = <-d.alerts:
	case <-ctx.Done():
		return fmt.Errorf("wait for the mail about a low score: %w", ctx.Err())
	}
	head, err := netmail.ReadMessage(bytes.NewReader(told.Data))
	if err != nil {
		return fmt.Errorf("read the mail about a low score: %w", err)
	}
	open, err := conn.Client.FollowUps(ctx, web.FollowUpFilter{Cases: true}, app.Slice{})
	if err != nil {
		return fmt.Errorf("list cases: %w", err)
	}
	fmt.Fprintf(d.Out, "A low score opens a case, and its owner is told: %q to %s.\n", head.Header.Get("Subject"), told.To[0])
	for _, c := range open.Items {
		fmt.Fprintf(d.Out, "    %s  %s of %s, for %s by %s\n", c.ID, c.Kind, c.Name, c.Owner, c.Due)
	}
	return nil
}

// firstOf is the first line of a text.
func firstOf(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}
