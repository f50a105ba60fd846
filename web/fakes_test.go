package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/sale"
	"rapport/records/timeline"
	"rapport/store"
)

// plainRecords writes what it is asked to, with none of intake's rules, and
// notes the calls.
type plainRecords struct {
	s   store.Store
	now time.Time

	mu       sync.Mutex // guards calls
	calls    []string
	undoable string // an audit line that can be undone
	fail     error  // what every change returns, when set
}

func (p *plainRecords) called(format string, args ...any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, fmt.Sprintf(format, args...))
	return p.fail
}

func (p *plainRecords) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.calls) == 0 {
		return ""
	}
	return p.calls[len(p.calls)-1]
}

func (p *plainRecords) AddContact(ctx context.Context, actor string, c contact.Contact) (contact.Contact, error) {
	c.ID, c.Created, c.Updated = contact.ID(store.NewID(p.now)), p.now, p.now
	if err := p.called("add %s by %s", c.Name, actor); err != nil {
		return c, err
	}
	return c, p.s.Update(ctx, func(tx store.Tx) error { return tx.Contacts().Put(c) })
}

func (p *plainRecords) EditContact(ctx context.Context, actor string, c contact.Contact) (contact.Contact, error) {
	if err := p.called("edit %s by %s", c.Name, actor); err != nil {
		return c, err
	}
	return c, p.s.Update(ctx, func(tx store.Tx) error { return tx.Contacts().Put(c) })
}

func (p *plainRecords) AddOrganisation(ctx context.Context, actor string, o contact.Organisation) (contact.Organisation, error) {
	o.ID, o.Created, o.Updated = contact.OrganisationID(store.NewID(p.now)), p.now, p.now
	if err := p.called("add %s by %s", o.Name, actor); err != nil {
		return o, err
	}
	return o, p.s.Update(ctx, func(tx store.Tx) error { return tx.Organisations().Put(o) })
}

func (p *plainRecords) EditOrganisation(ctx context.Context, actor string, o contact.Organisation) (contact.Organisation, error) {
	if err := p.called("edit %s by %s", o.Name, actor); err != nil {
		return o, err
	}
	return o, p.s.Update(ctx, func(tx store.Tx) error { return tx.Organisations().Put(o) })
}

func (p *plainRecords) MergeContacts(_ context.Context, actor string, keep, lose contact.ID) (string, error) {
	return "AUDIT", p.called("merge %s %s by %s", keep, lose, actor)
}

func (p *plainRecords) MergeOrganisations(_ context.Context, actor string, keep, lose contact.OrganisationID) (string, error) {
	return "AUDIT", p.called("merge %s %s by %s", keep, lose, actor)
}

func (p *plainRecords) Undo(_ context.Context, actor, audit string) error {
	if audit != "AUDIT" && audit != p.undoable {
		return store.ErrNotFound
	}
	return p.called("undo %s by %s", audit, actor)
}

func (p *plainRecords) Import(_ context.Context, actor string, rows []contact.Row, dry bool) (contact.ImportResult, error) {
	return contact.ImportResult{Added: len(rows), Dry: dry}, p.called("import %d dry=%v by %s", len(rows), dry, actor)
}

func (p *plainRecords) Erase(_ context.Context, actor string, id contact.ID) (EraseResult, error) {
	return EraseResult{Messages: 2, Shared: 1, Physical: "within 24 hours"}, p.called("erase %s by %s", id, actor)
}

func (p *plainRecords) EraseOrganisation(_ context.Context, actor string, id contact.OrganisationID) (EraseResult, error) {
	return EraseResult{Messages: 3}, p.called("erase %s by %s", id, actor)
}

func (p *plainRecords) File(_ context.Context, actor string, id message.ID, who store.Subject) (string, error) {
	return "AUDIT", p.called("file %s %s%s by %s", id, who.Contact, who.Organisation, actor)
}

func (p *plainRecords) Unfile(_ context.Context, actor string, id message.ID, who store.Subject) (string, error) {
	return "AUDIT", p.called("unfile %s %s%s by %s", id, who.Contact, who.Organisation, actor)
}

func (p *plainRecords) Withdraw(_ context.Context, actor string, id message.ID) (string, error) {
	return "AUDIT", p.called("withdraw %s by %s", id, actor)
}

func (p *plainRecords) Private(_ context.Context, actor string, t message.ThreadID) (string, error) {
	return "AUDIT", p.called("private %s by %s", t, actor)
}

func (p *plainRecords) Note(_ context.Context, actor string, who store.Subject, kind timeline.Kind, text string, at time.Time) (timeline.Entry, error) {
	e := timeline.Entry{ID: timeline.ID(store.NewID(p.now)), Time: at, Kind: kind, Text: text, By: "ada@example.com"}
	if who.Contact != "" {
		e.Contacts = []contact.ID{who.Contact}
	}
	return e, p.called("%s %q by %s", kind, text, actor)
}

func (p *plainRecords) Away(_ context.Context, actor string, m contact.Address, away *contact.Away) error {
	if away == nil {
		return p.called("back %s by %s", m, actor)
	}
	return p.called("away %s until %s deputy %s by %s", m, away.Until.Format(time.DateOnly), away.Deputy, actor)
}

func (p *plainRecords) Leave(_ context.Context, actor string, m, to contact.Address) error {
	return p.called("leave %s to %s by %s", m, to, actor)
}

func (p *plainRecords) Members(context.Context) ([]contact.Member, error) {
	return []contact.Member{
		{Name: "Ada Byron", Addresses: []contact.Address{"ada@example.com", "a.byron@example.com"}},
		{Name: "Bob Boole", Addresses: []contact.Address{"bob@example.com"}},
		{Name: "Bob Babbage", Addresses: []contact.Address{"babbage@example.com"}},
	}, nil
}

func (p *plainRecords) Accept(_ context.Context, actor, who string, kind contact.Kind) ([]contact.Contact, []string, error) {
	if err := p.called("accept %s as %s by %s", who, kind, actor); err != nil {
		return nil, nil, err
	}
	return []contact.Contact{{ID: "C", Name: who, Kind: kind}}, []string{"AUDIT"}, nil
}

func (p *plainRecords) Ignore(_ context.Context, actor, who string) ([]string, error) {
	return []string{"AUDIT"}, p.called("ignore %s by %s", who, actor)
}

func (p *plainRecords) SaveView(ctx context.Context, v store.SavedView) (store.SavedView, error) {
	v.ID, v.Created = store.NewID(p.now), p.now
	if err := p.called("save view %s of %q", v.Name, v.Owner); err != nil {
		return v, err
	}
	return v, p.s.Update(ctx, func(tx store.Tx) error { return tx.Views().Put(v) })
}

func (p *plainRecords) DeleteView(ctx context.Context, id string) error {
	if err := p.called("delete view %s", id); err != nil {
		return err
	}
	return p.s.Update(ctx, func(tx store.Tx) error { return tx.Views().Delete(id) })
}

func (p *plainRecords) AddFollowUp(ctx context.Context, actor string, f followup.FollowUp) (followup.FollowUp, error) {
	f.ID, f.By, f.Created, f.Updated = followup.ID(store.NewID(p.now)), actor, p.now, p.now
	if err := errors.Join(p.called("add follow-up by %s", actor), f.Normalize()); err != nil {
		return f, err
	}
	return f, p.s.Update(ctx, func(tx store.Tx) error { return tx.FollowUps().Put(f) })
}

func (p *plainRecords) EditFollowUp(ctx context.Context, actor string, f followup.FollowUp) (followup.FollowUp, error) {
	f.Updated = f.Updated.Add(time.Second)
	if err := p.called("edit follow-up by %s", actor); err != nil {
		return f, err
	}
	return f, p.s.Update(ctx, func(tx store.Tx) error { return tx.FollowUps().Put(f) })
}

func (p *plainRecords) ImportSales(ctx context.Context, actor string, rows []sale.Row, o sale.ImportOptions) (sale.ImportResult, error) {
	out := sale.ImportResult{Added: len(rows), Dry: o.Dry}
	if err := p.called("import %d sales by %s", len(rows), actor); err != nil || o.Dry {
		return out, err
	}
	return out, p.s.Update(ctx, func(tx store.Tx) error {
		for _, r := range rows {
			v := r.Sale
			v.ID, v.By, v.Created, v.Updated = sale.ID(store.NewID(p.now)), actor, p.now, p.now
			found, err := tx.Contacts().ByAddress(r.Email)
			if err != nil || len(found) == 0 {
				out.Errors = append(out.Errors, contact.RowError{Line: r.Line, What: "nobody is known as " + string(r.Email)})
				return err
			}
			v.Contact = found[0].ID
			if err := tx.Sales().Put(v); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *plainRecords) RemoveSale(ctx context.Context, actor string, id sale.ID) error {
	if err := p.called("remove sale by %s", actor); err != nil {
		return err
	}
	return p.s.Update(ctx, func(tx store.Tx) error { return tx.Sales().Delete(id) })
}

func (p *plainRecords) AddFeed(ctx context.Context, actor string, f store.Feed) error {
	if err := p.called("add calendar of %s by %s", f.Member, actor); err != nil {
		return err
	}
	return p.s.Update(ctx, func(tx store.Tx) error { return tx.Feeds().Put(f) })
}

func (p *plainRecords) RevokeFeeds(ctx context.Context, actor string, member contact.Address) (n int, err error) {
	if err := p.called("revoke calendars of %s by %s", member, actor); err != nil {
		return 0, err
	}
	err = p.s.Update(ctx, func(tx store.Tx) error {
		found, err := tx.Feeds().Of(member)
		for _, f := range found {
			err = errors.Join(err, tx.Feeds().Delete(f.Token))
		}
		n = len(found)
		return err
	})
	return n, err
}

func (p *plainRecords) Rematch(_ context.Context, progress func(done, total int)) (RematchResult, error) {
	for i := range 10 {
		progress(i+1, 10)
	}
	return RematchResult{Messages: 10, Gained: 1}, p.called("rematch")
}

func (p *plainRecords) Explain(_ context.Context, id message.ID) (Explanation, error) {
	return Explanation{Message: id, Steps: []ExplanationStep{{Rule: "address", Said: "known", Decided: true}}}, nil
}

// quietDaemon answers with fixed facts.
type quietDaemon struct {
	fail   error // what Sync and Backup return
	block  bool  // Sync waits for its context
	reload error
}

var errDoctor = errors.New("the doctor is out")

func (d *quietDaemon) status() message.SyncStatus {
	return message.SyncStatus{
		Mailboxes: []message.MailboxStatus{{Name: "ada", State: message.StateWatching, Folders: []message.FolderStatus{
			{Name: "INBOX", UIDValidity: 7, Exists: 3, Stored: 2, Skipped: map[message.Reason]int{message.NoMatch: 1}, InSync: true},
		}}},
		Totals: message.FolderStatus{Exists: 3, Stored: 2, Skipped: map[message.Reason]int{message.NoMatch: 1}, InSync: true},
	}
}

func (d *quietDaemon) Status(context.Context) (message.SyncStatus, error) { return d.status(), nil }

func (d *quietDaemon) Sync(ctx context.Context, mailboxes []string, progress func(message.SyncStatus)) (message.SyncStatus, error) {
	st := d.status()
	st.Mailboxes[0].State = message.StateSyncing
	progress(st)
	if d.block {
		<-ctx.Done()
		return message.SyncStatus{}, ctx.Err()
	}
	if len(mailboxes) > 0 && mailboxes[0] != "ada" {
		return message.SyncStatus{}, fmt.Errorf("mailbox %s: %w", mailboxes[0], store.ErrNotFound)
	}
	return d.status(), d.fail
}

func (d *quietDaemon) Preview(context.Context) (Preview, error) {
	return Preview{Counts: map[string]int{"log": 2}, Samples: []PreviewSample{{Subject: "hello"}}}, nil
}

func (d *quietDaemon) Reconcile(context.Context) ([]Reconciled, error) {
	return []Reconciled{{Mailbox: "ada", Folder: d.status().Mailboxes[0].Folders[0], Agrees: true}}, nil
}

func (d *quietDaemon) Discover(_ context.Context, o DiscoverOptions, progress func(done, total int)) (Discovered, error) {
	progress(1, 2)
	if o.Accept == "nonsense" {
		return Discovered{}, errors.New("no word nonsense")
	}
	return Discovered{Proposals: []store.Suggestion{{Address: "new@firm.example", Exchange: 3}}, Accepted: 1, Read: 2}, nil
}

func (d *quietDaemon) Doctor(context.Context) ([]Finding, error) {
	if d.fail != nil {
		return nil, errDoctor
	}
	return []Finding{{Object: "mailbox ada", OK: true, What: "signed in"}}, nil
}

func (d *quietDaemon) Plan(_ context.Context, file string) (RematchResult, error) {
	return RematchResult{Messages: len(file)}, nil
}

func (d *quietDaemon) Reload(context.Context) error { return d.reload }

func (d *quietDaemon) Configuration(context.Context) (Configuration, error) {
	return Configuration{File: "/etc/rapport/config.yaml", Settings: []Setting{{Path: "team.name", Value: "Example", Doc: "Name of the team.", Line: 3}}}, nil
}

func (d *quietDaemon) CheckStore(context.Context) ([]string, error) { return nil, nil }

func (d *quietDaemon) Backup(_ context.Context, w io.Writer) error {
	if d.fail != nil {
		return d.fail
	}
	_, err := io.WriteString(w, "a whole store")
	return err
}

func (d *quietDaemon) Reindex(_ context.Context, progress func(done, total int)) error {
	progress(1, 1)
	return nil
}

func (d *quietDaemon) ReindexSearch(_ context.Context, progress func(done, total int)) error {
	progress(1, 1)
	return nil
}

func (d *quietDaemon) Upkeep(context.Context) (Upkeep, error) {
	return Upkeep{Backup: &BackupState{Dir: "/backups", Kept: 3}}, nil
}

func (d *quietDaemon) Retain(_ context.Context, dry bool, progress func(int)) (Retained, error) {
	progress(1)
	return Retained{Dry: dry, Held: 2}, nil
}

func (d *quietDaemon) BackUpNow(context.Context) (BackupState, error) {
	return BackupState{Kept: 4}, nil
}

func (d *quietDaemon) Compact(context.Context) (before, after int64, err error) { return 200, 100, nil }
