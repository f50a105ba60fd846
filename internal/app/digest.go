package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport/delivery"
	"rapport/internal/config"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/store"
	"rapport/web"
)

const (
	// stateDigest is where the store keeps the day of each member's last mail.
	stateDigest = "digest-sent"

	digestEvery = time.Minute     // how often is looked whether one is due
	digestAgain = 5 * time.Minute // after the sender could not be reached
	digestItems = 20              // of each part at most
)

// digestMail is the part of a sender that the daily mail needs.
type digestMail interface {
	Check(context.Context) error
	Send(context.Context, delivery.Mail) error
}

// digester sends each member a mail a day of what waits, on days of work. The
// day is marked as told before the mail is handed over: a crash in between
// costs a mail, and never sends one twice.
type digester struct {
	store  store.Store
	now    func() time.Time
	log    *slog.Logger
	faults *faults
	count  func(result string)
	config func() *config.Config
	sender func(*config.Config) (digestMail, error)
	today  func(ctx context.Context, member contact.Address) (web.Today, error)
}

// run blocks until ctx ends.
func (d *digester) run(ctx context.Context) {
	for {
		wait := digestEvery
		if err := d.turn(ctx); ctx.Err() == nil {
			d.faults.report("daily mail", err)
			if err != nil {
				wait = digestAgain
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// turn sends what is due.
func (d *digester) turn(ctx context.Context) error {
	cfg := d.config()
	hours := workingHours(cfg)
	now := d.now().In(hours.Location)
	if !hours.Works(now) {
		return nil
	}
	due, err := d.due(ctx, cfg, now)
	if err != nil || len(due) == 0 {
		return err
	}
	sender, err := d.sender(cfg)
	if err == nil {
		err = sender.Check(ctx)
	}
	if err != nil {
		return fmt.Errorf("send the daily mail: %w", err)
	}
	var failed error
	for _, member := range due {
		if err := d.tell(ctx, sender, cfg, member, now); err != nil {
			d.count("failed")
			failed = errors.Join(failed, fmt.Errorf("send the daily mail to %s: %w", member, err))
		}
	}
	return failed
}

// due lists the members whose mail of today has not been sent and whose hour
// has come.
func (d *digester) due(ctx context.Context, cfg *config.Config, now time.Time) ([]contact.Address, error) {
	book, err := upkeepBook[map[contact.Address]followup.Day](ctx, d.store, stateDigest)
	if err != nil {
		return nil, err
	}
	today := followup.DayOf(now)
	since := now.Sub(time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location()))
	var out []contact.Address
	for member, at := range cfg.DigestTo() {
		// A day further off than tomorrow was noted by a clock that was ahead.
		told := book[member] >= today && book[member] <= today.After(1)
		if since >= at && !told {
			out = append(out, member)
		}
	}
	slices.Sort(out)
	return out, nil
}

// tell sends one member's mail, where there is something to say.
func (d *digester) tell(ctx context.Context, sender digestMail, cfg *config.Config, member contact.Address, now time.Time) error {
	t, err := d.today(ctx, member)
	if errors.Is(err, store.ErrNotFound) { // who may not sign in is told nothing
		return d.mark(ctx, cfg, member, now)
	}
	if err != nil {
		return err
	}
	text := digestText(t, now, cfg.Digest.QuietDay() == now.Weekday())
	if err := d.mark(ctx, cfg, member, now); err != nil || text == "" {
		return err
	}
	team := ""
	if cfg.Ours.Name != "" {
		team = " (" + oneLine(cfg.Ours.Name) + ")"
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	err = sender.Send(ctx, delivery.Mail{
		To: string(member), Date: now, Subject: "Rapport: your day, " + now.Format("Monday 2 January") + team,
		MessageID: digestID(member, now), Text: text,
	})
	if err == nil {
		d.count("sent")
	}
	return err
}

// digestID names the mail of a day, so that a copy of it is known as such.
func digestID(member contact.Address, now time.Time) string {
	sum := sha256.Sum256([]byte(string(member) + "\x00" + now.Format(time.DateOnly)))
	return "day." + now.Format("20060102") + "." + hex.EncodeToString(sum[:8]) + "@" + cmp.Or(member.Domain(), "rapport.invalid")
}

// mark keeps that a member was told today, and forgets who gets no mail.
func (d *digester) mark(ctx context.Context, cfg *config.Config, member contact.Address, now time.Time) error {
	book, err := upkeepBook[map[contact.Address]followup.Day](ctx, d.store, stateDigest)
	if err != nil {
		return err
	}
	if book == nil {
		book = map[contact.Address]followup.Day{}
	}
	known := cfg.DigestTo()
	maps.DeleteFunc(book, func(m contact.Address, _ followup.Day) bool { _, kept := known[m]; return !kept })
	book[member] = followup.DayOf(now)
	return keepBook(ctx, d.store, stateDigest, book)
}

// digestText is the mail; "" where there is nothing to do.
func digestText(t web.Today, now time.Time, quiet bool) string {
	if !quiet {
		t.Quiet.Items = nil
	}
	if len(t.FollowUps.Items)+len(t.WaitingForUs.Items)+len(t.Quiet.Items) == 0 {
		return ""
	}
	var b strings.Builder
	section := func(title string, n int, more bool) {
		if n > 0 {
			fmt.Fprintf(&b, "%s\n", title)
			if more {
				b.WriteString("  (the first of more)\n")
			}
		}
	}
	section("To follow up", len(t.FollowUps.Items), t.FollowUps.Next != "")
	for _, f := range t.FollowUps.Items {
		line := oneLine(f.Name)
		if f.Note != "" {
			line += ": " + oneLine(f.Note)
		}
		if f.Overdue {
			line += " (was due " + string(f.Due) + ")"
		}
		fmt.Fprintf(&b, "  - %s\n", line)
	}
	waiting := func(title string, p web.Page[web.WaitingItem]) {
		section(title, len(p.Items), p.Next != "")
		for _, w := range p.Items {
			line := oneLine(w.Name) + ", since " + w.Since.In(now.Location()).Format("Mon 2 Jan 15:04")
			if w.Subject != "" {
				line += ": " + oneLine(w.Subject)
			}
			fmt.Fprintf(&b, "  - %s\n", line)
		}
	}
	waiting("They wait for your answer", t.WaitingForUs)
	waiting("You wait for their answer", t.WaitingForThem)
	section("Unusually quiet", len(t.Quiet.Items), t.Quiet.Next != "")
	for _, q := range t.Quiet.Items {
		fmt.Fprintf(&b, "  - %s, last contact %s\n", oneLine(q.Name), q.Last.In(now.Location()).Format("2 January 2006"))
	}
	b.WriteString("\n-- \nRapport sends this on days of work when there is something to do.\n")
	return b.String()
}

func (d *daemonRun) newDigester(api *web.Client) *digester {
	return &digester{
		store: d.store, now: d.now, log: d.log.With("component", "digest"), faults: d.faults, config: d.system.config,
		count: func(result string) { d.metrics.jobs.WithLabelValues("digest", result).Inc() },
		sender: func(cfg *config.Config) (digestMail, error) {
			c := cfg.DigestSender()
			if c == nil {
				return nil, errors.New("no sender takes it (set digest.sender)")
			}
			return d.newSender(cfg, *c)
		},
		today: func(ctx context.Context, member contact.Address) (web.Today, error) {
			var t web.Today
			err := d.store.View(ctx, func(tx store.Tx) error {
				who, err := web.ReaderOf(tx, member)
				ctx = web.WithPrincipal(ctx, who)
				return err
			})
			if err == nil {
				t, err = api.Today(ctx, "mine", digestItems)
			}
			return t, err
		},
	}
}
