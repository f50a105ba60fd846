package web

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// An export is a tree of files streamed as a tar archive: records and history
// as JSON Lines, people and organisations as CSV besides, mail as .eml.

const (
	tarType      = "application/x-tar"
	aboutExports = "A tar archive: records and history as JSON Lines, people and organisations as CSV besides, mail as .eml files. An archive without an end was broken off."
)

func (s *Server) describeExport(api huma.API) {
	describeDownload(s, api, operation{id: "export-all", pattern: "GET /export", tag: "store", need: access.Manage, long: true,
		summary: "Export everything", detail: aboutExports}, tarType, s.exportAll)
}

func (s *Server) exportAll(_ context.Context, _ *struct{}, w http.ResponseWriter, r *http.Request) error {
	return s.export(w, r, selection{
		contacts: func(tx store.Tx, sl store.Slice) (store.Page[contact.Contact], error) {
			return tx.Contacts().List(store.Filter{}, sl)
		},
		organisations: func(tx store.Tx, sl store.Slice) (store.Page[contact.Organisation], error) {
			return tx.Organisations().List(store.Filter{}, sl)
		},
		objects: []string{""},
		all:     true,
	})
}

// selection is what an export holds.
type selection struct {
	contacts      func(store.Tx, store.Slice) (store.Page[contact.Contact], error)
	organisations func(store.Tx, store.Slice) (store.Page[contact.Organisation], error)
	subject       store.Subject // whose history; nobody: everybody's
	objects       []string      // of the audit trail
	all           bool          // members, suggestions and decisions too
}

// export spools one file of the tree at a time: a tar header wants the size
// first.
func (s *Server) export(w http.ResponseWriter, r *http.Request, sel selection) (err error) {
	w.Header().Set("Content-Type", tarType)
	if r.Method == http.MethodHead {
		return nil
	}
	spool, err := os.CreateTemp(s.spoolDir, "rapport-export-*")
	if err != nil {
		return fmt.Errorf("make a file for the export: %w", err)
	}
	defer os.Remove(spool.Name())
	defer spool.Close()
	out := &patient{ResponseWriter: w, control: http.NewResponseController(w)}
	x := &exporter{ctx: r.Context(), view: s.view, spool: spool, now: s.now(), tar: tar.NewWriter(out)}
	if err = x.run(sel, s.records); err == nil { // otherwise the archive gets no end
		err = x.tar.Close()
	}
	if err != nil {
		return s.answerInPart(w, r, out.sent, err)
	}
	return nil
}

// exporter writes one archive. Its context is that of the one request it serves.
type exporter struct {
	ctx   context.Context
	view  func(context.Context, func(store.Tx) error) error
	spool *os.File
	tar   *tar.Writer
	now   time.Time
	firm  map[contact.OrganisationID]contact.Organisation // seen, for the CSV of people
	known []contact.Contact                               // who is exported, where that is not everybody
}

func (x *exporter) run(sel selection, records Records) error {
	x.firm = map[contact.OrganisationID]contact.Organisation{}
	steps := []func() error{
		func() error { return x.people(sel) },
		func() error { return x.history(sel) },
		func() error { return x.followUps(sel) },
		func() error { return x.outreach(sel) },
		func() error {
			return x.file("audit.jsonl", func(w io.Writer) error {
				for _, object := range sel.objects {
					if err := writeRecords(x, w, func(tx store.Tx, sl store.Slice) (store.Page[store.AuditRecord], error) {
						return tx.Audit().List(object, sl)
					}, func(a store.AuditRecord) (any, bool) { return auditLine(a), true }); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	if sel.all {
		steps = append(steps, func() error { return x.rest(records) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// file adds one file, whose content write puts down.
func (x *exporter) file(name string, write func(io.Writer) error) error {
	if _, err := x.spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := x.spool.Truncate(0); err != nil {
		return err
	}
	if err := write(x.spool); err != nil {
		return fmt.Errorf("export %s: %w", name, err)
	}
	size, err := x.spool.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := x.spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := x.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: x.now.Truncate(time.Second)}); err != nil {
		return err
	}
	_, err = io.Copy(x.tar, x.spool)
	return err
}

// writeRecords writes what show gives of every item of a listing, one JSON
// object a line.
func writeRecords[T any](x *exporter, w io.Writer, list func(store.Tx, store.Slice) (store.Page[T], error), show func(T) (any, bool)) error {
	enc := json.NewEncoder(w)
	return recordsOf(x.ctx, x.view, list, func(items []T) error {
		for _, item := range items {
			if v, ok := show(item); ok {
				if err := enc.Encode(v); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (x *exporter) people(sel selection) error {
	if sel.organisations != nil {
		if err := x.firms(sel); err != nil {
			return err
		}
	}
	var rows []contact.Row
	err := x.file("contacts.jsonl", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		return recordsOf(x.ctx, x.view, sel.contacts, func(cs []contact.Contact) error {
			for _, c := range cs {
				if err := enc.Encode(c); err != nil {
					return err
				}
				if !sel.all {
					x.known = append(x.known, c)
				}
				row, err := x.row(c)
				if err != nil {
					return err
				}
				rows = append(rows, row)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	return x.file("contacts.csv", func(w io.Writer) error { return contact.WriteCSV(w, rows) })
}

// followUps writes those about whom is exported, those to do first.
func (x *exporter) followUps(sel selection) error {
	return x.file("followups.jsonl", func(w io.Writer) error {
		for _, done := range []bool{false, true} {
			if err := writeRecords(x, w, func(tx store.Tx, sl store.Slice) (store.Page[followup.FollowUp], error) {
				return tx.FollowUps().List(store.FollowUpFilter{Who: sel.subject, Done: done}, sl)
			}, func(f followup.FollowUp) (any, bool) { return f, true }); err != nil {
				return err
			}
		}
		return nil
	})
}

func (x *exporter) firms(sel selection) error {
	var rows []contact.Row
	err := x.file("organisations.jsonl", func(w io.Writer) error {
		return writeRecords(x, w, sel.organisations, func(o contact.Organisation) (any, bool) {
			x.firm[o.ID] = o
			rows = append(rows, contact.Row{Organisation: &o})
			return o, true
		})
	})
	if err != nil {
		return err
	}
	return x.file("organisations.csv", func(w io.Writer) error { return contact.WriteCSV(w, rows) })
}

// row makes a line of a contact as an import reads it, with the first
// organisation, which is looked up once.
func (x *exporter) row(c contact.Contact) (contact.Row, error) {
	row := contact.Row{Contact: &c}
	if len(c.Affiliations) == 0 {
		return row, nil
	}
	a := c.Affiliations[0]
	o, ok := x.firm[a.Organisation]
	if !ok {
		err := x.view(x.ctx, func(tx store.Tx) (err error) {
			o, err = tx.Organisations().Get(a.Organisation)
			return missing(err)
		})
		if err != nil {
			return row, err
		}
		x.firm[a.Organisation] = o
	}
	row.Title, row.DecisionRole = a.Title, a.Role
	if o.Name != "" {
		row.Organisation = &contact.Organisation{Name: o.Name, Domains: o.Domains}
	}
	return row, nil
}

// history writes the timeline and every message on it.
func (x *exporter) history(sel selection) error {
	var ids []message.ID
	err := x.file("timeline.jsonl", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		cursor := store.Cursor("")
		for {
			var shown []Entry
			err := x.view(x.ctx, func(tx store.Tx) error {
				page, err := entriesOf(tx, sel.subject, store.Slice{Cursor: cursor, Limit: 200})
				if err != nil {
					return err
				}
				cursor = page.Next
				shown, err = newViews(tx).entries(page.Items, sel.subject)
				return err
			})
			if err != nil {
				return err
			}
			for _, e := range shown {
				if err := enc.Encode(e); err != nil {
					return err
				}
				if e.Message != nil && e.Shown.Shows(access.Full) {
					ids = append(ids, e.Message.ID)
				}
			}
			if cursor == "" {
				return nil
			}
		}
	})
	if err != nil {
		return err
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := x.mail(id); err != nil {
			return err
		}
	}
	return nil
}

func entriesOf(tx store.Tx, who store.Subject, sl store.Slice) (store.Page[timeline.Entry], error) {
	if who == (store.Subject{}) {
		return tx.Entries().Recent(sl)
	}
	return tx.Entries().Of(who, sl)
}

// mail adds a message's original bytes. One that went since it was listed is
// left out.
func (x *exporter) mail(id message.ID) error {
	var raw io.ReadCloser
	err := x.view(x.ctx, func(tx store.Tx) (err error) {
		_, raw, err = original(tx, string(id))
		return err
	})
	if err != nil {
		return missing(err)
	}
	defer raw.Close()
	return x.file("messages/"+string(id)+".eml", func(w io.Writer) error {
		_, err := io.Copy(w, raw)
		return err
	})
}

// rest writes what belongs to nobody in particular.
func (x *exporter) rest(records Records) error {
	members, err := records.Members(x.ctx)
	if err != nil {
		return err
	}
	if err := x.file("members.jsonl", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for _, m := range members {
			if err := enc.Encode(m); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if err := x.file("suggestions.jsonl", func(w io.Writer) error {
		return writeRecords(x, w, func(tx store.Tx, sl store.Slice) (store.Page[store.Suggestion], error) {
			return tx.Suggestions().List(sl)
		}, func(s store.Suggestion) (any, bool) { return suggestion(s), true })
	}); err != nil {
		return err
	}
	return x.file("decisions.jsonl", func(w io.Writer) error {
		return writeRecords(x, w, func(tx store.Tx, sl store.Slice) (store.Page[store.Decision], error) {
			return tx.Decisions().List(sl)
		}, func(d store.Decision) (any, bool) { return d, true })
	})
}
