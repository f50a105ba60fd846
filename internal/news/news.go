package news

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport/records/contact"
	"rapport/records/event"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/sale"
	"rapport/store"
)

// Mark is how far the store was looked at. The zero Mark is the beginning.
type Mark struct {
	Message message.ID   `json:"message"`
	Audit   string       `json:"audit"`
	Day     followup.Day `json:"day"`
}

// Options are what a [Watch] works with. Store must be set.
type Options struct {
	Store store.Store
	Now   func() time.Time // nil: time.Now
	// Mark is where the watch goes on; zero: from now on.
	Mark Mark
	// Heard, when not nil, takes the events in their order before anybody who
	// watches gets them, with the mark behind them. Where it fails they come
	// again.
	Heard func(ctx context.Context, es []event.Event, behind Mark) error
}

// Watch looks for news. Its methods may be called concurrently, Run once.
type Watch struct {
	*ring
	o         Options
	wake      chan struct{} // one place: something was committed
	mark      Mark
	suggested map[contact.Address]bool
	told      map[message.ID]bool // messages of the mark's millisecond
}

// New returns a Watch that has seen nothing yet.
func New(o Options) *Watch {
	if o.Now == nil {
		o.Now = time.Now
	}
	w := &Watch{ring: newRing(), o: o, wake: make(chan struct{}, 1), mark: o.Mark}
	if w.mark == (Mark{}) {
		w.mark = MarkAt(o.Now())
	}
	return w
}

// MarkAt is the mark of whoever has heard of everything up to a time.
func MarkAt(now time.Time) Mark {
	return Mark{Message: message.ID(store.NewID(now)), Audit: store.NewID(now), Day: followup.DayOf(now)}
}

// Over returns a store whose every commit is looked at.
func (w *Watch) Over(s store.Store) store.Store { return noticing{s, w} }

type noticing struct {
	store.Store
	watch *Watch
}

func (n noticing) Update(ctx context.Context, fn func(store.Tx) error) error {
	err := n.Store.Update(ctx, fn)
	if err == nil {
		n.watch.Wake()
	}
	return err
}

// Wake says that something may be new. It does not block.
func (w *Watch) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake
	}
}

// The pauses between two looks: a first sync commits all the time, and days
// begin without a commit.
const (
	shortest = 250 * time.Millisecond
	longest  = time.Minute
)

// Run looks until ctx ends; an error is the store's, and Run may be called
// again.
func (w *Watch) Run(ctx context.Context) error {
	for {
		if err := w.look(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		for _, pause := range []struct {
			last time.Duration
			wake <-chan struct{}
		}{{shortest, nil}, {longest, w.wake}} {
			t := time.NewTimer(pause.last)
			select {
			case <-ctx.Done():
				t.Stop()
				return nil
			case <-pause.wake:
			case <-t.C:
			}
			t.Stop()
		}
	}
}

// atOnce bounds what one look takes; what is left comes with the next.
const atOnce = 500

// look passes on what is new.
func (w *Watch) look(ctx context.Context) error {
	for {
		var es []event.Event
		var behind Mark
		var suggested map[contact.Address]bool
		var told map[message.ID]bool
		err := w.o.Store.View(ctx, func(tx store.Tx) (err error) {
			l := looking{tx: tx, now: w.o.Now(), mark: w.mark, told: maps.Clone(w.told)}
			if err = errors.Join(l.messages(), l.changes(), l.due()); err == nil {
				suggested, err = l.suggestions(w.suggested)
			}
			es, behind, told = l.events, l.mark, l.told
			return err
		})
		if err != nil {
			return fmt.Errorf("look for news: %w", err)
		}
		if (len(es) > 0 || behind != w.mark) && w.o.Heard != nil {
			if err := w.o.Heard(ctx, es, behind); err != nil {
				return fmt.Errorf("pass news on: %w", err)
			}
		}
		w.mark, w.suggested, w.told = behind, suggested, told
		w.add(es)
		if len(es) < atOnce {
			return nil
		}
	}
}

// looking is one look at a store.
type looking struct {
	tx     store.Tx
	now    time.Time
	mark   Mark
	told   map[message.ID]bool
	events []event.Event
}

// inTime is how much of an id is its time, in milliseconds.
const inTime = 10

func millisecond(id message.ID) message.ID { return id[:min(inTime, len(id))] }

// messages are new by their ids, which grow with time, but within one
// millisecond in no order.
func (l *looking) messages() error {
	from := millisecond(l.mark.Message) + "0000000000000000"
	ids, err := l.tx.Messages().After(from, atOnce+len(l.told))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if l.told[id] {
			continue
		}
		if l.told == nil || millisecond(id) != millisecond(l.mark.Message) {
			l.told = map[message.ID]bool{}
		}
		l.told[id] = true
		l.mark.Message = max(l.mark.Message, id)
		e, err := l.tx.Entries().OfMessage(id)
		if errors.Is(err, store.ErrNotFound) {
			continue // on nobody's timeline
		}
		if err != nil {
			return err
		}
		l.events = append(l.events, event.Event{
			ID: string(id), Type: event.MessageFiled, Time: l.now.UTC(), Message: id, Thread: e.Thread, Sent: e.Time.UTC(),
			Direction: e.Direction, Contacts: e.Contacts, Organisations: e.Organisations,
		})
	}
	return nil
}

// changes are the lines of the trail.
func (l *looking) changes() error {
	var fresh []store.AuditRecord
	for s := (store.Slice{Limit: 100}); ; {
		page, err := l.tx.Audit().List("", s)
		if err != nil {
			return err
		}
		for _, r := range page.Items {
			if r.ID <= l.mark.Audit {
				page.Next = ""
				break
			}
			fresh = append(fresh, r)
		}
		if s.Cursor = page.Next; s.Cursor == "" {
			break
		}
	}
	slices.SortFunc(fresh, func(a, b store.AuditRecord) int { return strings.Compare(a.ID, b.ID) })
	for _, r := range fresh {
		l.mark.Audit = r.ID
		e := event.Event{ID: r.ID, Time: r.At.UTC()}
		switch kind, _, _ := strings.Cut(r.Action, "."); {
		case r.Action == store.ActionUndo:
			if e.Type = l.undone(r, &e); e.Type == "" {
				continue
			}
		case kind == "contact":
			e.Type = event.ContactChanged
			if r.Object != "" {
				e.Contacts = []contact.ID{contact.ID(r.Object)}
			}
		case kind == "organisation":
			e.Type, e.Organisations = event.OrganisationChanged, []contact.OrganisationID{contact.OrganisationID(r.Object)}
		case kind == "sale":
			e.Type, e.Sale = event.SaleChanged, sale.ID(r.Object)
		case r.Action == "suggestion.accept":
			e.Type, e.Contacts = event.ContactChanged, []contact.ID{contact.ID(r.Detail)}
		default:
			continue
		}
		l.events = append(l.events, e)
	}
	return nil
}

// undone says what a line that takes another back changed.
func (l *looking) undone(r store.AuditRecord, e *event.Event) event.Type {
	if _, err := l.tx.Contacts().Get(contact.ID(r.Object)); err == nil {
		e.Contacts = []contact.ID{contact.ID(r.Object)}
		return event.ContactChanged
	}
	if _, err := l.tx.Organisations().Get(contact.OrganisationID(r.Object)); err == nil {
		e.Organisations = []contact.OrganisationID{contact.OrganisationID(r.Object)}
		return event.OrganisationChanged
	}
	return ""
}

// due are the follow-ups of the days that have begun, and the sales that were
// to be paid before.
func (l *looking) due() error {
	today := followup.DayOf(l.now)
	if today <= l.mark.Day {
		return nil
	}
	list := func(s store.Slice) (store.Page[followup.FollowUp], error) {
		return l.tx.FollowUps().List(store.FollowUpFilter{Until: today}, s)
	}
	due, err := store.Where(list, func(f followup.FollowUp) (bool, error) { return f.Due > l.mark.Day, nil })
	if err != nil {
		return err
	}
	late, err := l.late(today)
	if err != nil {
		return err
	}
	l.mark.Day = today
	for _, s := range late {
		l.events = append(l.events, event.Event{ID: store.NewID(l.now), Type: event.SaleOverdue, Time: l.now.UTC(), Sale: s.ID})
	}
	for _, f := range due {
		l.events = append(l.events, event.Event{ID: store.NewID(l.now), Type: event.FollowUpDue, Time: l.now.UTC(), FollowUp: f.ID})
	}
	return nil
}

// late are the sales of ours that became overdue with the days that have begun.
func (l *looking) late(today followup.Day) ([]sale.Sale, error) {
	list := func(s store.Slice) (store.Page[sale.Sale], error) {
		return l.tx.Sales().Owed(sale.Sold, today.After(-1), s)
	}
	late, err := store.Where(list, func(s sale.Sale) (bool, error) { return s.Overdue(today) && s.Due >= l.mark.Day, nil })
	if err != nil {
		return nil, fmt.Errorf("list what is overdue: %w", err)
	}
	return late, nil
}

// suggestedMost is how many suggestions, the best ones, are looked at.
const suggestedMost = 200

// suggestions are those that were not among the best before.
func (l *looking) suggestions(before map[contact.Address]bool) (now map[contact.Address]bool, err error) {
	page, err := l.tx.Suggestions().List(store.Slice{Limit: suggestedMost})
	if err != nil {
		return nil, err
	}
	now = map[contact.Address]bool{}
	for _, s := range page.Items {
		now[s.Address] = true
		if before != nil && !before[s.Address] {
			l.events = append(l.events, event.Event{ID: store.NewID(l.now), Type: event.SuggestionMade, Time: l.now.UTC(), Suggestion: s.Address})
		}
	}
	for a := range before {
		if len(now) < 10*suggestedMost { // whoever drops out and comes back is no news
			now[a] = true
		}
	}
	return now, nil
}
