package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"rapport/store"

	"rapport/records/sale"
)

// TestEveryRoute calls every operation of the client once, and holds that this
// reaches every route there is.
func TestEveryRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	calls := map[string]func() (any, error){}
	callRecords(w, calls)
	callDaemon(w, calls)
	callRelations(w, calls)
	callWebhooks(w, calls)
	callCampaigns(w, calls)
	grantCalls(w, calls)
	maps.Copy(calls, accessCalls(w))
	s := New(Options{Store: w.store, Records: w.records, Daemon: w.daemon})
	var patterns []string
	s.Handler()
	for _, op := range s.operations {
		pattern := op.pattern
		patterns = append(patterns, pattern)
		call, ok := calls[pattern]
		if !ok {
			t.Errorf("no call of %s", pattern)
			continue
		}
		got, err := call()
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if raw, _ := json.Marshal(got); strings.Contains(string(raw), `"items":null`) {
			t.Errorf("%s answers a null list: %s", pattern, raw)
		}
	}
	if len(calls) != len(patterns) {
		t.Errorf("%d calls of %d routes", len(calls), len(patterns))
	}
}

// callRecords are the client's calls about records and mail.
func callRecords(w *world, calls map[string]func() (any, error)) {
	ctx, c := context.Background(), w.client
	carl, press, mail := string(w.carl), string(w.press), string(w.mail)
	calls["GET /contacts"] = func() (any, error) { return c.Contacts(ctx, Filter{Tag: "vip"}, Slice{Limit: 5}) }
	calls["POST /contacts"] = func() (any, error) {
		return c.AddContact(ctx, ContactInput{Name: "New", Organisation: "Press Works", Owner: "ada"})
	}
	calls["GET /contacts/{who}"] = func() (any, error) { return c.Contact(ctx, "carl@press.example") }
	calls["PATCH /contacts/{who}"] = func() (any, error) { return c.EditContact(ctx, carl, Edit{Set: map[string]string{"stage": "active"}}) }
	calls["DELETE /contacts/{who}"] = func() (any, error) { return c.EraseContact(ctx, carl, true) }
	calls["POST /contacts/{who}/merge"] = func() (any, error) { return c.MergeContacts(ctx, carl, string(w.cara)) }
	calls["GET /contacts/{who}/export"] = func() (any, error) { return nil, c.ExportContact(ctx, carl, io.Discard) }
	calls["POST /import"] = func() (any, error) {
		return c.Import(ctx, strings.NewReader("name,email\nX,x@y.example\n"), ImportOptions{Name: "a.csv", Dry: true})
	}
	calls["GET /organisations"] = func() (any, error) { return c.Organisations(ctx, Filter{Kind: "customer"}, Slice{}) }
	calls["POST /organisations"] = func() (any, error) {
		return c.AddOrganisation(ctx, OrganisationInput{Name: "O", Domains: []string{"o.example"}})
	}
	calls["GET /organisations/{who}"] = func() (any, error) { return c.Organisation(ctx, "press.example") }
	calls["PATCH /organisations/{who}"] = func() (any, error) {
		return c.EditOrganisation(ctx, press, Edit{Add: map[string][]string{"tags": {"x"}}})
	}
	calls["DELETE /organisations/{who}"] = func() (any, error) { return c.EraseOrganisation(ctx, press, false) }
	calls["POST /organisations/{who}/merge"] = func() (any, error) {
		o, err := c.AddOrganisation(ctx, OrganisationInput{Name: "Other", Domains: []string{"other.example"}})
		if err != nil {
			return nil, err
		}
		return c.MergeOrganisations(ctx, press, string(o.ID))
	}
	calls["GET /organisations/{who}/export"] = func() (any, error) { return nil, c.ExportOrganisation(ctx, press, io.Discard) }
	calls["GET /members"] = func() (any, error) { return c.Members(ctx) }
	calls["POST /members/away"] = func() (any, error) { return c.Away(ctx, Away{Member: "ada", Until: noon, Deputy: "bob@example.com"}) }
	calls["POST /members/leave"] = func() (any, error) { return c.Leave(ctx, Leave{Member: "ada", To: "bob boole"}) }
	calls["GET /timeline"] = func() (any, error) { return c.Timeline(ctx, "", Slice{}) }
	calls["GET /search"] = func() (any, error) { return c.Search(ctx, "press", Slice{}) }
	calls["POST /notes"] = func() (any, error) { return c.AddNote(ctx, Note{Who: carl, Kind: "call", Text: "rang", At: noon}) }
	calls["GET /messages/{id}"] = func() (any, error) { return c.Message(ctx, "<one@press.example>") }
	calls["GET /messages/{id}/raw"] = func() (any, error) { return nil, c.RawMessage(ctx, mail, io.Discard) }
	calls["GET /messages/{id}/html"] = func() (any, error) { return c.MessageHTML(ctx, mail) }
	calls["GET /messages/{id}/parts/{part}"] = func() (any, error) {
		if err := c.MessagePart(ctx, mail, "1", io.Discard); !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("a mail without attachments: %w", err)
		}
		return nil, nil
	}
	calls["GET /messages/{id}/explain"] = func() (any, error) { return c.Explain(ctx, "ada/INBOX/11") }
	calls["POST /messages/{id}/file"] = func() (any, error) { return c.File(ctx, mail, "Press Works") }
	calls["POST /messages/{id}/unfile"] = func() (any, error) { return c.Unfile(ctx, mail, carl) }
	calls["POST /messages/{id}/withdraw"] = func() (any, error) { return c.Withdraw(ctx, mail) }
	calls["POST /threads/{id}/private"] = func() (any, error) { return c.Private(ctx, mail) }
	calls["POST /undo/{audit}"] = func() (any, error) { return c.Undo(ctx, "AUDIT") }
	calls["GET /reviews"] = func() (any, error) { return c.Reviews(ctx, Slice{}) }
	calls["GET /audit"] = func() (any, error) { return c.Audit(ctx, "carl@press.example", Slice{}) }
	calls["GET /suggestions"] = func() (any, error) { return c.Suggestions(ctx, Slice{}) }
	calls["POST /suggestions/accept"] = func() (any, error) { return c.AcceptSuggestion(ctx, Accept{Who: "@firm.example"}) }
	calls["POST /suggestions/ignore"] = func() (any, error) { return c.IgnoreSuggestion(ctx, "new@firm.example") }
}

// callDaemon are the client's calls about everything else.
func callDaemon(w *world, calls map[string]func() (any, error)) {
	ctx, c := context.Background(), w.client
	calls["GET /openapi.json"] = func() (any, error) { return c.Document(ctx) }
	calls["GET /docs"] = func() (any, error) { return nil, c.DocumentPage(ctx, io.Discard) }
	calls["GET /version"] = func() (any, error) { return c.Version(ctx) }
	calls["GET /status"] = func() (any, error) { return c.Status(ctx) }
	calls["POST /sync"] = func() (any, error) { return c.Sync(ctx, nil, nil) }
	calls["POST /preview"] = func() (any, error) { return c.Preview(ctx) }
	calls["POST /reconcile"] = func() (any, error) { return c.Reconcile(ctx) }
	calls["POST /rematch"] = func() (any, error) { return c.Rematch(ctx, nil) }
	calls["POST /discover"] = func() (any, error) { return c.Discover(ctx, Discover{Accept: "exchanges >= 3"}, nil) }
	calls["POST /doctor"] = func() (any, error) { return c.Doctor(ctx) }
	calls["POST /config/plan"] = func() (any, error) { return c.Plan(ctx, "/etc/x.yaml") }
	calls["GET /config"] = func() (any, error) { return c.Configuration(ctx) }
	calls["POST /reload"] = func() (any, error) { return nil, c.Reload(ctx) }
	calls["POST /store/check"] = func() (any, error) { return c.CheckStore(ctx) }
	calls["GET /store/backup"] = func() (any, error) { return nil, c.Backup(ctx, io.Discard) }
	calls["POST /store/reindex"] = func() (any, error) { return nil, c.Reindex(ctx, nil) }
	calls["POST /store/reindex/search"] = func() (any, error) { return nil, c.ReindexSearch(ctx, nil) }
	calls["POST /store/compact"] = func() (any, error) { return c.Compact(ctx) }
	calls["GET /upkeep"] = func() (any, error) { return c.Upkeep(ctx) }
	calls["POST /backup"] = func() (any, error) { return c.BackUpNow(ctx) }
	calls["POST /retention"] = func() (any, error) { return c.Retain(ctx, true, nil) }
	calls["GET /views"] = func() (any, error) { return c.SavedViews(ctx, "contacts") }
	calls["POST /views"] = func() (any, error) {
		return c.SaveView(ctx, SavedViewInput{List: "contacts", Name: "Important", Query: "tag=vip"})
	}
	calls["DELETE /views/{id}"] = func() (any, error) {
		v, err := c.SaveView(ctx, SavedViewInput{List: "contacts", Name: "Passing", Query: "tag=vip"})
		if err != nil {
			return nil, err
		}
		return nil, c.DeleteView(ctx, v.ID)
	}
	calls["GET /events"] = func() (any, error) { // nothing is told in this world
		err := c.Watch(ctx, "", func(Happened) error { return nil })
		var p *Problem
		if !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable {
			return nil, fmt.Errorf("Watch without news: %w", err)
		}
		return nil, nil
	}
	calls["GET /export"] = func() (any, error) { return nil, c.Export(ctx, io.Discard) }
}

// callRelations are the client's calls about how things stand and what is to be done.
func callRelations(w *world, calls map[string]func() (any, error)) {
	ctx, c := context.Background(), w.client
	carl := string(w.carl)
	added := func() (string, error) {
		f, err := c.AddFollowUp(ctx, FollowUpInput{Who: carl, Due: "2026-11-30", Owner: "ada"})
		return string(f.ID), err
	}
	calls["GET /relations/{who}"] = func() (any, error) { return c.Relation(ctx, carl) }
	calls["GET /today"] = func() (any, error) { return c.Today(ctx, "", 5) }
	calls["GET /today/{part}"] = func() (any, error) { return c.TodayPart(ctx, "quiet", "", Slice{}) }
	calls["GET /follow-ups"] = func() (any, error) { return c.FollowUps(ctx, FollowUpFilter{}, Slice{}) }
	calls["POST /follow-ups"] = func() (any, error) { return added() }
	calls["GET /follow-ups/figures"] = func() (any, error) { return c.CaseFigures(ctx, 90) }
	calls["GET /follow-ups/{id}"] = func() (any, error) {
		id, err := added()
		if err != nil {
			return nil, err
		}
		return c.FollowUp(ctx, id)
	}
	calls["PATCH /follow-ups/{id}"] = func() (any, error) {
		id, err := added()
		if err != nil {
			return nil, err
		}
		done := true
		return c.EditFollowUp(ctx, id, FollowUpEdit{Done: &done})
	}
	sold := func() (string, error) {
		v, err := c.PutSale(ctx, sale.Input{Number: "RE-1", Email: "carl@press.example", Date: "2026-03-01", Amount: 10_0000, Currency: "EUR", Items: []sale.Item{{Product: "tea"}}})
		return string(v.ID), err
	}
	calls["GET /sales"] = func() (any, error) { return c.Sales(ctx, SaleFilter{Who: carl, Overdue: true}, Slice{}) }
	calls["POST /sales"] = func() (any, error) { return sold() }
	calls["GET /sales/{id}"] = func() (any, error) {
		id, err := sold()
		if err != nil {
			return nil, err
		}
		return c.Sale(ctx, id)
	}
	calls["DELETE /sales/{id}"] = func() (any, error) {
		id, err := sold()
		if err != nil {
			return nil, err
		}
		return c.RemoveSale(ctx, id)
	}
	calls["GET /sales/figures"] = func() (any, error) { return c.SaleFigures(ctx, carl, "") }
	calls["GET /sales/report"] = func() (any, error) { return c.SaleReport(ctx, "", "2026-01-01", "") }
	calls["POST /sales/import"] = func() (any, error) {
		return c.ImportSales(ctx, strings.NewReader("number,email,date,amount,currency\n1,carl@press.example,2026-03-01,1,EUR\n"), SaleImport{Dry: true})
	}
	calls["GET /calendars"] = func() (any, error) { return c.Calendars(ctx) }
	calls["POST /calendars"] = func() (any, error) { return c.AddCalendar(ctx, "ada") }
	calls["POST /calendars/revoke"] = func() (any, error) { return c.RevokeCalendars(ctx, "ada") }
}
