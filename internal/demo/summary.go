package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport/internal/app"
)

// relation is one customer or partner with what was filed.
type relation struct {
	id, name, what string
	rank           int
	lines          []line
}

// line is one entry of a history as the summary shows it.
type line struct {
	at                  time.Time
	arrow, who, subject string
	attached, auto      bool
	came                string // of a mail of a campaign: what became of it
}

// shown is how many entries of each history the summary shows.
const shown = 4

// summary prints customers and partners with their conversations.
func (d *demo) summary(ctx context.Context, conn *app.Conn) error {
	relations, err := relations(ctx, conn)
	if err != nil {
		return err
	}
	group := ""
	for _, r := range relations {
		if title := titles[r.rank]; title != group {
			group = title
			fmt.Fprintf(d.Out, "\n%s\n", strings.ToUpper(title))
		}
		fmt.Fprintf(d.Out, "\n  %s (%s) – %s\n", r.name, r.what, plural(len(r.lines), "message", "messages"))
		for _, l := range r.lines[:min(len(r.lines), shown)] {
			d.line(l)
		}
		if more := len(r.lines) - shown; more > 0 {
			fmt.Fprintf(d.Out, "    … and %d before\n", more)
		}
	}
	return d.untouched(ctx, conn)
}

var titles = []string{"Customers", "Partners", "Customers and partners at once"}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (d *demo) line(l line) {
	mark := ""
	if l.attached {
		mark = " [attachment]"
	}
	if l.auto && l.came == "" {
		mark += " (automatic)"
	}
	if l.came != "" {
		l.subject = l.came + ": " + l.subject
	}
	fmt.Fprintf(d.Out, "    %s  %s %s  %s%s\n", l.at.Local().Format("02 Jan 15:04"), l.arrow, pad(l.who, 16), l.subject, mark)
}

// pad fills a text up to a width in characters.
func pad(s string, width int) string {
	r := []rune(s)
	if len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s + strings.Repeat(" ", width-len(r))
}

// relations asks for everybody and what is filed under them.
func relations(ctx context.Context, conn *app.Conn) ([]relation, error) {
	organisations, err := conn.Client.Organisations(ctx, app.Filter{}, app.Slice{})
	if err != nil {
		return nil, fmt.Errorf("list organisations: %w", err)
	}
	var out []relation
	for _, o := range organisations.Items {
		r := relation{id: string(o.ID), name: o.Name, what: string(o.Kind)}
		if o.Role != "" {
			r.what = o.Role
		}
		r.rank = map[string]int{"customer": 0, "partner": 1, "both": 2}[string(o.Kind)]
		out = append(out, r)
	}
	contacts, err := conn.Client.Contacts(ctx, app.Filter{}, app.Slice{})
	if err != nil {
		return nil, fmt.Errorf("list contacts: %w", err)
	}
	for _, c := range contacts.Items {
		if len(c.Organisations) == 0 {
			out = append(out, relation{id: string(c.ID), name: c.Name, what: "private " + string(c.Kind)})
		}
	}
	for i := range out {
		if out[i].lines, err = history(ctx, conn, out[i].id); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b relation) int {
		return cmp.Or(a.rank-b.rank, strings.Compare(a.name, b.name))
	})
	return out, nil
}

// history returns one timeline, newest first.
func history(ctx context.Context, conn *app.Conn, who string) ([]line, error) {
	page, err := conn.Client.Timeline(ctx, who, app.Slice{})
	if err != nil {
		return nil, fmt.Errorf("read the timeline of %s: %w", who, err)
	}
	var out []line
	for _, e := range page.Items {
		l := line{at: e.Time, subject: e.Subject, auto: e.Auto, came: e.Came(), arrow: "←"}
		if e.Direction == "out" {
			l.arrow = "→"
		}
		if m := e.Message; m != nil {
			l.attached = len(m.Attachments) > 0
			if len(m.From) > 0 {
				l.who = cmp.Or(m.From[0].Name, m.From[0].Address)
			}
		}
		out = append(out, l)
	}
	return out, nil
}

// untouched says what Rapport left where it was, having made sure of it.
func (d *demo) untouched(ctx context.Context, conn *app.Conn) error {
	var left []string
	for _, n := range notFiled {
		m, _ := sample(n.key)
		page, err := conn.Client.Search(ctx, `"`+m.subject+`"`, app.Slice{})
		if err != nil {
			return fmt.Errorf("search for %q: %w", m.subject, err)
		}
		if len(page.Items) == 0 {
			left = append(left, n.what)
		}
	}
	fmt.Fprintf(d.Out, "\nLeft alone, and no word of it kept: %s.\n", strings.Join(left, ", "))
	suggested, err := conn.Client.Suggestions(ctx, app.Slice{})
	if err != nil {
		return fmt.Errorf("list suggestions: %w", err)
	}
	var who []string
	for _, s := range suggested.Items {
		who = append(who, cmp.Or(s.Name, string(s.Address)))
	}
	if len(who) > 0 {
		fmt.Fprintf(d.Out, "Suggested, should one of them be a customer to be: %s.\n", strings.Join(who, ", "))
	}
	return nil
}

// arrival delivers one more mail and waits until it is on the timeline.
func (d *demo) arrival(ctx context.Context, conn *app.Conn) error {
	const who = "lindenhof.example"
	before, err := history(ctx, conn, who)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := d.deliver(live, began); err != nil {
		return fmt.Errorf("deliver the live mail: %w", err)
	}
	nudge := time.After(3 * time.Second)
	for {
		now, err := history(ctx, conn, who)
		if err != nil {
			return err
		}
		if len(now) > len(before) {
			fmt.Fprintf(d.Out, "\nJust now a mail arrived, and was on the timeline %d ms later:\n\n", time.Since(began).Milliseconds())
			d.line(now[0])
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the live mail: %w", ctx.Err())
		case <-nudge: // a busy machine may have missed the announcement
			if _, err := conn.Client.Sync(ctx, nil, nil); err != nil {
				return fmt.Errorf("read the mailboxes again: %w", err)
			}
		case <-time.After(10 * time.Millisecond):
		}
	}
}
