package pages

import (
	"net/url"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/web"
)

// todayRoutes are the first page.
func (p *Pages) todayRoutes() []route {
	return []route{{pattern: "GET /{$}", need: access.Read, serve: today}}
}

// todayLines is how many of each part the page shows.
const todayLines = 12

// day is the first page.
type day struct {
	web.Today
	Mine    bool // only what the reader looks after
	Member  bool // the reader is one
	Boxes   []box
	Synced  int // mailboxes in sync
	Members []web.Member
}

func today(v *visit) error {
	whose := v.Query("for")
	if whose != "everybody" && whose != "mine" || v.Who.Address == "" {
		whose = ""
	}
	out := day{Member: v.Who.Address != ""}
	var err error
	if out.Today, err = v.client().Today(v.ctx(), whose, todayLines); err != nil {
		return err
	}
	out.Mine = out.For != "everybody"
	st, err := v.client().Status(v.ctx())
	if err != nil {
		return err
	}
	for _, b := range boxes(st) {
		if b.InSync() && b.Error == "" {
			out.Synced++
		} else {
			out.Boxes = append(out.Boxes, b)
		}
	}
	members, err := v.client().Members(v.ctx())
	if err != nil {
		return err
	}
	out.Members = members.Items
	return v.show("today", "nav.today", out)
}

// Name names a member by an address.
func (d day) Name(a contact.Address) string { return memberName(d.Members, a) }

// More is the list that goes on where a part of the page ends.
func (d day) More(waiting string) string {
	q := url.Values{"waiting": {waiting}}
	if d.Mine {
		q.Set("owner", d.For)
	}
	return address("/contacts", q)
}

// AllSynced reports whether every mailbox is in sync, and there is one.
func (d day) AllSynced() bool { return d.Synced > 0 && len(d.Boxes) == 0 }

// whoPath is the page of whom a line is about: a contact, an organisation, or
// the message itself.
func whoPath(c contact.ID, o contact.OrganisationID, m message.ID) string {
	switch {
	case c != "":
		return "/contacts/" + string(c)
	case o != "":
		return "/organisations/" + string(o)
	}
	return "/messages/" + string(m)
}

// Waited is how long somebody has waited since a time.
func (v *visit) Waited(since time.Time) string { return v.Span(v.Now.Sub(since)) }

// Seconds writes a length of time given in seconds.
func (v *visit) Seconds(n int64) string { return v.Span(time.Duration(n) * time.Second) }

// late is how long somebody waits before it stands out, in working time: two
// days of eight hours.
const late = 16 * time.Hour

// Late reports whether so many seconds of working time are long to wait.
func (v *visit) Late(seconds int64) bool { return time.Duration(seconds)*time.Second >= late }
