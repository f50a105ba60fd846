package main

import (
	"context"
	"io"
	"strings"
	"time"

	"rapport/web"
)

type timelineCommand struct {
	Who string `arg:"" optional:""`
	listFlags
	All bool
}

// Run shows a history.
func (c *timelineCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.Entry], error) {
			return api.Timeline(ctx, c.Who, sl)
		}, func(es []web.Entry) { s.history(es, c.All) })
	})
}

type searchCommand struct {
	Query []string `arg:""`
	Best  bool
	listFlags
}

// Run searches all histories.
func (c *searchCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		return pages(s, c.listFlags, func(ctx context.Context, sl web.Slice) (web.Page[web.Entry], error) {
			if c.Best {
				if sl.Cursor != "" {
					return web.Page[web.Entry]{}, usage("a list with the best first goes on nowhere: leave --cursor out")
				}
				return api.SearchBest(ctx, strings.Join(c.Query, " "), sl.Limit)
			}
			return api.Search(ctx, strings.Join(c.Query, " "), sl)
		}, func(es []web.Entry) {
			if len(es) == 0 {
				s.printf("nothing found\n")
				return
			}
			s.history(es, true)
		})
	})
}

// handFlags are those of an entry by hand.
type handFlags struct {
	Who  string   `arg:""`
	Text []string `arg:""`
	At   string   `placeholder:"TIME"`
}

type noteCommand struct{ handFlags }

// Run writes a note.
func (c *noteCommand) Run(s *session) error { return c.write(s, "note") }

type callCommand struct{ handFlags }

// Run writes down a call.
func (c *callCommand) Run(s *session) error { return c.write(s, "call") }

func (c *handFlags) write(s *session, kind string) error {
	text := strings.Join(c.Text, " ")
	if text == "-" {
		raw, err := io.ReadAll(io.LimitReader(s.in, 1<<20))
		if err != nil {
			return err
		}
		text = string(raw)
	}
	var at time.Time
	if c.At != "" {
		var err error
		if at, err = s.time(c.At); err != nil {
			return err
		}
	}
	return s.online(func(api *web.Client) error {
		e, err := api.AddNote(s.ctx, web.Note{Who: c.Who, Kind: kind, Text: text, At: at})
		if err != nil {
			return err
		}
		return s.show(e, func() { s.history([]web.Entry{e}, true) })
	})
}

// time reads a time as people type it; a date alone is its beginning here.
func (s *session) time(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, s.loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("no time %q, write it as 2026-03-31 or 2026-03-31T14:30", text)
}
