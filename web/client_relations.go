package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Relation says how things stand with a contact or organisation.
func (c *Client) Relation(ctx context.Context, who string) (Relation, error) {
	return call[Relation](ctx, c, http.MethodGet, at("/relations/%s", who), nil, nil)
}

// Today says what is to be done: of mine, everybody, or a member; "" is mine
// where whoever asks is a member.
func (c *Client) Today(ctx context.Context, whose string, limit int) (Today, error) {
	return call[Today](ctx, c, http.MethodGet, "/today", todayQuery(whose, "", limit), nil)
}

// TodayPart continues one part of today: waiting_for_us, waiting_for_them,
// quiet or follow_ups.
func (c *Client) TodayPart(ctx context.Context, part, whose string, s Slice) (TodayPart, error) {
	return call[TodayPart](ctx, c, http.MethodGet, at("/today/%s", part), todayQuery(whose, s.Cursor, s.Limit), nil)
}

func todayQuery(whose, cursor string, limit int) url.Values {
	q := url.Values{}
	if whose != "" {
		q.Set("for", whose)
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return q
}

// FollowUpFilter narrows a list of follow-ups.
type FollowUpFilter struct {
	Owner, Who, Message, Until string
	Done, Cases                bool
}

// FollowUps lists follow-ups by the day they are due.
func (c *Client) FollowUps(ctx context.Context, f FollowUpFilter, s Slice) (Page[FollowUpItem], error) {
	q := s.query()
	for name, value := range map[string]string{"owner": f.Owner, "who": f.Who, "message": f.Message, "until": f.Until} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, set := range map[string]bool{"done": f.Done, "cases": f.Cases} {
		if set {
			q.Set(name, "true")
		}
	}
	return call[Page[FollowUpItem]](ctx, c, http.MethodGet, "/follow-ups", q, nil)
}

// CaseFigures say how the cases of so many days come out; 0: of a year.
func (c *Client) CaseFigures(ctx context.Context, days int) (CaseFigures, error) {
	q := url.Values{}
	if days > 0 {
		q.Set("days", strconv.Itoa(days))
	}
	return call[CaseFigures](ctx, c, http.MethodGet, "/follow-ups/figures", q, nil)
}

// FollowUp shows one.
func (c *Client) FollowUp(ctx context.Context, id string) (FollowUpItem, error) {
	return call[FollowUpItem](ctx, c, http.MethodGet, at("/follow-ups/%s", id), nil, nil)
}

// AddFollowUp writes one down.
func (c *Client) AddFollowUp(ctx context.Context, in FollowUpInput) (FollowUpItem, error) {
	return call[FollowUpItem](ctx, c, http.MethodPost, "/follow-ups", nil, in)
}

// EditFollowUp puts one off, hands it over, or says that it is done.
func (c *Client) EditFollowUp(ctx context.Context, id string, e FollowUpEdit) (FollowUpItem, error) {
	return call[FollowUpItem](ctx, c, http.MethodPatch, at("/follow-ups/%s", id), nil, e)
}

// Calendars lists the calendar feeds that are handed out.
func (c *Client) Calendars(ctx context.Context) (Page[Calendar], error) {
	return call[Page[Calendar]](ctx, c, http.MethodGet, "/calendars", nil, nil)
}

// AddCalendar hands out a calendar feed; "" is that of whoever asks.
func (c *Client) AddCalendar(ctx context.Context, member string) (Calendar, error) {
	return call[Calendar](ctx, c, http.MethodPost, "/calendars", nil, CalendarInput{Member: member})
}

// RevokeCalendars takes all feeds of a member back.
func (c *Client) RevokeCalendars(ctx context.Context, member string) (Revoked, error) {
	return call[Revoked](ctx, c, http.MethodPost, "/calendars/revoke", nil, CalendarInput{Member: member})
}
