package planner

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/records/survey"
	"rapport/store"
)

// caseRun is the run of the mails that tell a member of a low score.
const caseRun = "~case"

// caseDays is how many working days a case of a low score is due after.
const caseDays = 2

// answeredWith keeps an answer, and opens a case where it says that somebody is
// unhappy: once for each answer, whose owner gets a mail.
func (p *Planner) answeredWith(tx store.Tx, d outbox.Delivery, run campaign.Run, a survey.Answer) error {
	if err := keepAnswer(tx, a); err != nil || !a.Counts() || !a.Kind.Low(a.Score) || p.o.OpenCase == nil {
		return err
	}
	c, err := liveContact(tx, d.Contact)
	if err != nil || c == nil {
		return err
	}
	f := followup.FollowUp{Kind: followup.Complaint, Contact: c.ID, Source: "answer:" + a.ID, Due: p.workday(caseDays), Note: scoreNote(a)}
	if known, err := caseOf(tx, f); err != nil || known {
		return err
	}
	if f.Owner, err = p.ownerOf(tx, *c, run); err != nil || f.Owner == "" {
		return err
	}
	if f, err = p.o.OpenCase(tx, "survey", f); err != nil {
		return fmt.Errorf("open a case for answer %s: %w", a.ID, err)
	}
	return p.tellOwner(tx, d, run, a, *c, f)
}

// caseOf reports whether there is a case that the same thing opened.
func caseOf(tx store.Tx, f followup.FollowUp) (bool, error) {
	for _, done := range []bool{false, true} {
		found, err := store.Where(func(s store.Slice) (store.Page[followup.FollowUp], error) {
			return tx.FollowUps().List(store.FollowUpFilter{Who: store.Subject{Contact: f.Contact}, Cases: true, Done: done}, s)
		}, func(other followup.FollowUp) (bool, error) { return other.Source == f.Source, nil })
		if err != nil || len(found) > 0 {
			return len(found) > 0, err
		}
	}
	return false, nil
}

// ownerOf is the member who looks after somebody: their own, their
// organisation's, else who launched the campaign, else the first of the team.
func (p *Planner) ownerOf(tx store.Tx, c contact.Contact, run campaign.Run) (contact.Address, error) {
	members := p.o.Settings().Members
	owners := []contact.Address{c.Owner}
	for _, a := range c.Affiliations {
		o, err := tx.Organisations().Get(a.Organisation)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
		owners = append(owners, o.Owner)
	}
	owners = append(owners, contact.Address(run.By))
	owners = append(owners, slices.Sorted(maps.Keys(members))...)
	for _, a := range owners {
		if _, ours := members[a]; ours {
			return a, nil
		}
	}
	return "", nil
}

// workday is the day so many working days from now, where the team is.
func (p *Planner) workday(days int) followup.Day {
	at := p.o.Now().In(p.zone())
	for days > 0 {
		at = at.AddDate(0, 0, 1)
		if day := at.Weekday(); day != time.Saturday && day != time.Sunday {
			days--
		}
	}
	return followup.DayOf(at)
}

// scoreNote is what the case of an answer says.
func scoreNote(a survey.Answer) string {
	_, high, _ := a.Kind.Scale()
	note := fmt.Sprintf("%s: %d of %d", a.Campaign, a.Score, high)
	if a.Comment != "" {
		note += "\n" + a.Comment
	}
	if r := []rune(note); len(r) > followup.MaxNote {
		note = string(r[:followup.MaxNote-1]) + "…"
	}
	return note
}

// tellOwner puts the mail about a low score into the outbox, for a member.
func (p *Planner) tellOwner(tx store.Tx, asked outbox.Delivery, run campaign.Run, a survey.Answer, c contact.Contact, f followup.FollowUp) error {
	sender, from, err := p.sender(run.Sender)
	if err != nil {
		return p.note(tx, "survey", "survey.untold", a.Campaign, err.Error()) // the case is open, and shown
	}
	now := p.moment()
	d := outbox.Delivery{ID: outbox.ID(store.NewID(now)), Address: f.Owner, Sender: sender.Name, From: from,
		State: outbox.Frozen, Changed: now, Lifetime: outbox.Lifetime(lifetime)}
	body, err := p.lowScore(tx, asked, a, c, f)
	if err != nil {
		return err
	}
	token, err := p.o.Keys.Token(outbox.ForReply, d.ID)
	if err != nil {
		return err
	}
	d.Subject = fmt.Sprintf("%s is unhappy: %d in %s", cmp.Or(c.Name, string(asked.Address)), a.Score, a.Campaign)
	d.MessageID = "d." + token + "@" + from.Domain()
	raw, err := Compose(Envelope{From: sender.From, To: f.Owner, ToName: p.o.Settings().Members[f.Owner], ReplyTo: asked.Address, Date: now, MessageID: d.MessageID, Token: token, Language: "en"},
		campaign.Rendered{Subject: d.Subject, Text: body, HTML: asHTML(body)})
	if err != nil {
		return fmt.Errorf("write to %s of a low score: %w", f.Owner, err)
	}
	m, err := p.sign(made{raw: raw, subject: d.Subject, messageID: d.MessageID}, sender)
	if err != nil {
		return err
	}
	d.Sum, d.Size = message.Sum(sha256.Sum256(m.raw)), int64(len(m.raw))
	house, err := p.houseRun(tx, caseRun, sender.Name)
	if err != nil {
		return err
	}
	d.Run, d.Epoch = house.ID, house.Recipients
	house.Recipients++
	return errors.Join(tx.Outbox().Add(d), tx.Outbox().Freeze(d.ID, m.raw), tx.Runs().Put(house))
}

// gateCase decides whether a mail about a case may still leave: its case may be
// closed by now.
func (p *Planner) gateCase(tx store.Tx, d outbox.Delivery, now time.Time) (outbox.Event, error) {
	if _, ours := p.o.Settings().Members[d.Address]; !ours {
		return outbox.Event{What: outbox.Cancel, Reason: "whom it is for is no member any more"}, nil
	}
	return p.refusing(tx, d.Address, now)
}

// lastLines is how many lines of a history a mail about a low score shows.
const lastLines = 6

// lowScore is the text of the mail: what was said, what was before, and the
// beginning of an answer, which a click opens in the reader's mail program.
func (p *Planner) lowScore(tx store.Tx, asked outbox.Delivery, a survey.Answer, c contact.Contact, f followup.FollowUp) (string, error) {
	_, high, _ := a.Kind.Scale()
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s) answered %d of %d to %s.\n\n", cmp.Or(c.Name, "somebody"), asked.Address, a.Score, high, a.Campaign)
	if a.Comment != "" {
		fmt.Fprintf(&b, "%s\n\n", quoted(a.Comment))
	}
	page, err := tx.Entries().Of(store.Subject{Contact: c.ID}, store.Slice{Limit: lastLines})
	if err != nil {
		return "", fmt.Errorf("read the timeline of %s: %w", c.ID, err)
	}
	if len(page.Items) > 0 {
		b.WriteString("What was before:\n")
		for _, e := range page.Items {
			if e.Private {
				continue
			}
			way := map[message.Direction]string{message.In: "from them", message.Out: "from us"}[e.Direction]
			fmt.Fprintf(&b, "  %s  %s  %s\n", e.Time.In(p.zone()).Format("2006-01-02"), cmp.Or(way, string(e.Kind)), campaign.OneLine(cmp.Or(e.Subject, e.Text)))
		}
		b.WriteString("\n")
	}
	text := draft(c.Language, c.Name)
	fmt.Fprintf(&b, "A case is open for you until %s. It closes by itself once you have written to them, or: rapport case close %s\n\n", f.Due, f.ID)
	fmt.Fprintf(&b, "The beginning of an answer:\n\n%s\n\n", quoted(text))
	fmt.Fprintf(&b, "Begin it in your mail program: mailto:%s?subject=%s&body=%s\n", asked.Address, url.PathEscape("Re: "+asked.Subject), url.PathEscape(text))
	return b.String(), nil
}

// quoted sets a text off from what stands around it.
func quoted(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ")
}

// asHTML shows a text as it is, with its last line's link to click on.
func asHTML(text string) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\"><body>\n")
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if before, link, found := strings.Cut(line, "mailto:"); found {
			fmt.Fprintf(&b, "<p><a href=\"%s\">%s</a></p>\n", html.EscapeString("mailto:"+link), html.EscapeString(strings.TrimSuffix(strings.TrimSpace(before), ":")))
			continue
		}
		fmt.Fprintf(&b, "%s<br>\n", strings.ReplaceAll(html.EscapeString(line), "  ", "&nbsp; "))
	}
	b.WriteString("</body></html>\n")
	return b.String()
}

// drafts are the beginnings of answers to who is unhappy, by language.
var drafts = map[string]string{
	"en": "Dear %s,\n\nthank you for your honest answer. I am sorry that it was not as it should have been. May I ask what went wrong, and what would put it right for you?\n\n",
	"de": "Guten Tag %s,\n\ndanke für Ihre ehrliche Antwort. Es tut mir leid, dass es nicht so war, wie es sein sollte. Darf ich fragen, was schiefgegangen ist, und womit wir es gutmachen können?\n\n",
	"fr": "Bonjour %s,\n\nmerci pour votre réponse sincère. Je regrette que tout ne se soit pas passé comme il faut. Puis-je vous demander ce qui n’a pas été, et comment nous pouvons y remédier ?\n\n",
	"es": "Hola, %s:\n\ngracias por su respuesta sincera. Siento que no haya sido como debía. ¿Puedo preguntarle qué falló y cómo podemos arreglarlo?\n\n",
	"bn": "প্রিয় %s,\n\nআপনার খোলামেলা উত্তরের জন্য ধন্যবাদ। সবকিছু যেমন হওয়া উচিত ছিল তেমন হয়নি বলে দুঃখিত। কী ভুল হয়েছে, আর আমরা কীভাবে তা ঠিক করতে পারি, জানাবেন কি?\n\n",
}

// draft begins an answer to somebody in their language, English where there is none.
func draft(language, name string) string {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	return fmt.Sprintf(cmp.Or(drafts[base], drafts["en"]), cmp.Or(name, strconv.Quote("")))
}
