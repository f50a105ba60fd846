package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"rapport/internal/app"
	"rapport/records/message"
	"rapport/web"
)

type messageShowCommand struct {
	ID  string `arg:"" name:"id"`
	Raw bool
}

// Run shows one message.
func (c *messageShowCommand) Run(s *session) error {
	if c.Raw && s.json {
		return usage("--raw gives the bytes as they are, so it cannot go with --json")
	}
	return s.online(func(api *web.Client) error {
		if c.Raw {
			return s.raw(func(w io.Writer) error { return api.RawMessage(s.ctx, c.ID, w) })
		}
		m, err := api.Message(s.ctx, c.ID)
		if err != nil {
			return err
		}
		return s.show(m, func() { s.message(m) })
	})
}

// raw prints a message's bytes as they are; only a terminal gets them without
// what would steer it.
func (s *session) raw(fetch func(io.Writer) error) error {
	if !s.screen.terminal {
		return fetch(s.out)
	}
	pr, fetched := piped(fetch)
	for lines := bufio.NewReader(pr); ; {
		line, err := lines.ReadString('\n')
		s.printf("%s", plainLines(line))
		if err != nil {
			return <-fetched
		}
	}
}

func (s *session) message(m web.Message) {
	s.mail(m.Mail)
	s.printf("\n")
	for i, match := range m.Matches {
		s.field(label("filed under", i), matchText(match))
	}
	if len(m.Matches) == 0 {
		s.field("filed under", "nobody")
	}
	for i, h := range m.Holdings {
		s.field(label("lies in", i), fmt.Sprintf("%s/%s/%d", h.Mailbox, h.Folder, h.UID))
	}
	s.field("sender", map[message.Trust]string{
		message.TrustPass: "verified by the provider", message.TrustFail: "unverified: the provider says it is forged",
		message.TrustNone: "the provider says nothing of it",
	}[m.Trust])
	s.field("noted", strings.Join(m.Flags, ", "))
	if m.Protected {
		s.field("protected", "seen by the mailbox's owner only")
	}
	s.field("thread", string(m.Thread))
	s.field("id", string(m.ID))
}

func matchText(m web.Match) string {
	var who []string
	for _, name := range []string{m.ContactName, m.OrganisationName} {
		if name != "" {
			who = append(who, name)
		}
	}
	if len(who) == 0 {
		who = append(who, string(m.Contact)+string(m.Organisation))
	}
	text := strings.Join(who, ", ") + ": by " + m.Rule
	if m.Address != "" {
		text += " " + string(m.Address)
	}
	if m.Role != "" {
		text += " in " + m.Role
	}
	if !m.Certain {
		text += ", uncertain"
	}
	return text
}

// mail prints a mail as it is read.
func (s *session) mail(m web.Mail) {
	s.mailFields(m)
	s.mailText(m)
}

// mailFields shows what is said of a mail before its text.
func (s *session) mailFields(m web.Mail) {
	s.field("from", partyList(m.From))
	s.field("to", partyList(m.To))
	s.field("cc", partyList(m.Cc))
	s.field("reply to", partyList(m.ReplyTo))
	if m.Date != nil {
		s.field("date", m.Date.In(s.loc).Format("Monday 2 January 2006 15:04 MST"))
	}
	s.field("subject", m.Subject)
	kind := string(m.Verdict.Kind)
	if m.Verdict.Auto {
		kind += ", automatic"
	}
	s.field("is", kind)
	for i, b := range m.Verdict.Bounces {
		s.field(label("bounced", i), strings.TrimSpace(fmt.Sprintf("%s %s %s: %s", b.Recipient, b.Status, b.Class, b.Reason)))
	}
	for i, a := range m.Attachments {
		s.field(label("attached", i), fmt.Sprintf("%s (%s, %s)", a.Name, a.Type, bytesText(a.Size)))
	}
	for i, d := range m.Defects {
		s.field(label("defects", i), d)
	}
}

// mailText shows a mail's text after a blank line.
func (s *session) mailText(m web.Mail) {
	s.printf("\n")
	for line := range strings.SplitSeq(strings.TrimRight(plainLines(m.Text), "\n "), "\n") {
		s.printf("%s\n", line)
	}
}

func partyList(ps []web.Party) string {
	var out []string
	for _, p := range ps {
		switch {
		case p.Address == "":
			out = append(out, p.Raw)
		case p.Name == "":
			out = append(out, p.Address)
		default:
			out = append(out, p.Name+" <"+p.Address+">")
		}
	}
	return strings.Join(out, ", ")
}

type explainCommand struct {
	ID string `arg:"" name:"id"`
}

// Run says why a message is filed where it is.
func (c *explainCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		e, err := api.Explain(s.ctx, c.ID)
		if err != nil {
			return err
		}
		return s.show(e, func() { s.explanation(e) })
	})
}

func (s *session) explanation(e web.Explanation) {
	for i, step := range e.Steps {
		mark, line := " ", ""
		if step.Decided {
			mark = "✓"
		}
		line = fmt.Sprintf("%s %2d  %s%s", mark, i+1, pad(plain(step.Rule), 14), plain(step.Said))
		if step.Decided {
			line = s.screen.paint(bold, line)
		}
		s.printf("%s\n", line)
	}
	s.printf("\n")
	s.field("decided", judged(e.Decided))
	for i, m := range e.Filed {
		s.field(label("filed under", i), matchText(m))
	}
	s.field("to review", e.Review)
	for i, d := range e.Hand {
		s.field(label("by hand", i), d.Kind+" by "+d.By+", "+s.local(d.At))
	}
}

type parseCommand struct {
	File []string `arg:""`
}

// Run reads mail files without a store.
func (c *parseCommand) Run(s *session) error {
	for i, name := range c.File {
		m, err := s.parse(name)
		if err != nil {
			return err
		}
		err = s.show(m, func() {
			if i > 0 {
				s.printf("\n")
			}
			if len(c.File) > 1 {
				s.printf("%s\n", s.screen.paint(bold, plain(name)))
			}
			s.reading(m)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *session) parse(name string) (message.Reading, error) {
	f, err := s.open(name)
	if err != nil {
		return message.Reading{}, err
	}
	defer f.Close()
	p, err := message.Parse(f, message.Limits{Documents: app.MaxDocuments})
	if err != nil {
		return message.Reading{}, fmt.Errorf("read %s: %w", name, err)
	}
	p.ReadDocuments(func(d message.Document) string {
		text, err := app.ReadDocument(s.ctx, d.Content)
		if err != nil {
			s.note("attached file %s %s: %v", d.Part, d.Name, err)
		}
		return text
	})
	return message.DescribeFile(name, p), nil
}

// meeting says on a line what a mail says of a meeting.
func (s *session) meeting(c *message.CalendarEvent) string {
	said := []string{c.State}
	if c.State == "" {
		said[0] = strings.ToLower(c.Method)
	}
	switch {
	case c.Start.IsZero():
	case c.AllDay:
		said = append(said, c.Start.Format("Monday 2 January 2006"))
	default:
		said = append(said, c.Start.In(s.loc).Format("Monday 2 January 2006 15:04 MST"))
	}
	if c.Repeats {
		said = append(said, "and again")
	}
	for _, text := range []string{c.Location, c.Summary} {
		if text = plain(text); text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, ", ")
}

// reading shows all that is read out of a mail file.
func (s *session) reading(m message.Reading) {
	s.mailFields(m.Description)
	v := m.Verdict
	if v.AwayUntil != nil {
		s.field("away until", v.AwayUntil.In(s.loc).Format("Monday 2 January 2006"))
	}
	s.field("write instead", v.Successor)
	if v.Complaint != nil {
		s.field("complaint", v.Complaint.Type+" "+v.Complaint.Recipient)
	}
	if v.Calendar != nil {
		s.field("meeting", s.meeting(v.Calendar))
	}
	s.field("about", v.Original.MessageID)
	if f := m.Forwarded; f != nil {
		s.field("forwards", partyList(f.From)+": "+f.Subject)
	}
	s.field("id", m.MessageID)
	for i, id := range m.InReplyTo {
		s.field(label("answers", i), id)
	}
	s.field("list", m.List)
	for i, p := range m.Parts {
		line := strings.Repeat("  ", p.Depth) + p.Path + " " + p.Type
		if !strings.HasPrefix(p.Type, "multipart/") {
			line += ", " + bytesText(p.Size)
		}
		s.field(label("parts", i), line)
	}
	for i, f := range m.Files {
		s.field(label("says", i), strings.TrimSpace(f.Part+" "+f.Name)+": "+cut(plain(f.Text), 200))
	}
	if m.Reply != "" && m.Reply != m.Text {
		s.printf("\n%s\n\n%s\n", s.screen.paint(bold, "new"), strings.TrimRight(plainLines(m.Reply), "\n "))
		s.printf("\n%s\n", s.screen.paint(bold, "whole text"))
	}
	s.mailText(m.Description)
}

// decisionFlags name a message and whom it is about.
type decisionFlags struct {
	Msg string `arg:""`
	Who string `arg:""`
}

type fileCommand struct{ decisionFlags }

// Run files a message by hand.
func (c *fileCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error { return s.audited(api.File(s.ctx, c.Msg, c.Who)) })
}

type unfileCommand struct{ decisionFlags }

// Run takes a message off a history by hand.
func (c *unfileCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error { return s.audited(api.Unfile(s.ctx, c.Msg, c.Who)) })
}

type withdrawCommand struct {
	Msg string `arg:""`
}

// Run takes a message off all histories.
func (c *withdrawCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error { return s.audited(api.Withdraw(s.ctx, c.Msg)) })
}

type privateCommand struct {
	Thread string `arg:""`
}

// Run hides a thread.
func (c *privateCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error { return s.audited(api.Private(s.ctx, c.Thread)) })
}

type undoCommand struct {
	Audit string `arg:""`
}

// Run takes a decision or merge back.
func (c *undoCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		a, err := api.Undo(s.ctx, c.Audit)
		if err != nil {
			return err
		}
		return s.show(a, func() {
			s.printf("undone\n")
			if a.Note != "" {
				s.printf("%s\n", plain(a.Note))
			}
		})
	})
}

type reviewListCommand struct{ listFlags }

// Run lists what waits for a decision.
func (c *reviewListCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.Review], error) {
			return api.Reviews(ctx, sl)
		}, func(rs []web.Review) {
			if len(rs) == 0 {
				s.printf("nothing waits for a decision\n")
			}
			for _, r := range rs {
				s.printf("%s  %s · %s\n", s.local(r.Time), s.screen.paint(bold, plain(people(r.From))), plain(r.Subject))
				s.field("  message", string(r.Message))
				s.field("  why", r.Reason)
				for i, m := range r.Candidates {
					s.field(label("  may be", i), matchText(m)+" "+string(m.Contact)+string(m.Organisation))
				}
			}
			if len(rs) > 0 {
				s.printf("\n`rapport file MSG WHO` decides\n")
			}
		})
	})
}

// bytesText writes a size for people.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
