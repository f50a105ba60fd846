package pages

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"rapport/records/access"
	"rapport/records/message"
	"rapport/web"
)

// mailboxRoutes show how the mailboxes are, and how the store is looked after.
func (p *Pages) mailboxRoutes() []route {
	return []route{{pattern: "GET /mailboxes", need: access.Read, serve: mailboxes}}
}

// mailboxList is the page of mailboxes.
type mailboxList struct {
	Boxes  []box
	Totals message.FolderStatus
	Grants []grant     // sign-ins; nil: not for this reader, or none
	Upkeep *web.Upkeep // nil: not for this reader
}

// Stopped is the sign-in a mailbox waits for somebody to make; nil: none.
func (l mailboxList) Stopped(name string) *grant {
	for i, g := range l.Grants {
		if g.Name == name && !g.Sends() && g.ByHand() && g.State == web.GrantStopped {
			return &l.Grants[i]
		}
	}
	return nil
}

// box is one mailbox with what its folders add up to.
type box struct {
	message.MailboxStatus
	Exists, Stored, Quarantined, Missing int
	Skipped                              []skipped
	Folders                              []folder
}

// folder is one folder of a mailbox.
type folder struct {
	message.FolderStatus
	SkippedAll int
	Skipped    []skipped
	Missing    int // that are in no state yet
}

// skipped is how many messages are not kept for a reason.
type skipped struct {
	Reason message.Reason
	N      int
}

func mailboxes(v *visit) error {
	st, err := v.client().Status(v.ctx())
	if err != nil {
		return err
	}
	out := mailboxList{Totals: st.Totals, Boxes: boxes(st)}
	if v.MayManage() {
		up, err := v.client().Upkeep(v.ctx())
		if err != nil {
			return err
		}
		out.Upkeep = &up
		if out.Grants, err = v.grants(); err != nil {
			return err
		}
	}
	return v.show("mailboxes", "nav.mailboxes", out)
}

// boxes adds up the folders of each mailbox; what needs a hand comes first.
func boxes(st web.Status) []box {
	var out []box
	for _, m := range st.Mailboxes {
		b := box{MailboxStatus: m}
		all := map[message.Reason]int{}
		for _, f := range m.Folders {
			one := folder{FolderStatus: f, Skipped: reasons(f.Skipped), Missing: missing(f)}
			for reason, n := range f.Skipped {
				all[reason] += n
				one.SkippedAll += n
			}
			b.Exists, b.Stored, b.Quarantined, b.Missing = b.Exists+f.Exists, b.Stored+f.Stored, b.Quarantined+f.Quarantined, b.Missing+one.Missing
			b.Folders = append(b.Folders, one)
		}
		b.Skipped = reasons(all)
		slices.SortStableFunc(b.Folders, func(x, y folder) int { return cmp.Compare(y.Missing, x.Missing) })
		out = append(out, b)
	}
	slices.SortStableFunc(out, func(x, y box) int { return cmp.Compare(x.rank(), y.rank()) })
	return out
}

// missing is how many messages the server lists that are in no state.
func missing(f message.FolderStatus) int {
	n := f.Exists - f.Stored - f.Quarantined
	for _, skipped := range f.Skipped {
		n -= skipped
	}
	return max(0, n)
}

func (b box) rank() int {
	switch {
	case b.State == message.StateStopped:
		return 0
	case b.Error != "":
		return 1
	case b.Missing > 0:
		return 2
	}
	return 3
}

// InSync reports whether every message the server lists is settled.
func (b box) InSync() bool {
	return b.Missing == 0 && len(b.Folders) > 0 &&
		!slices.ContainsFunc(b.Folders, func(f folder) bool { return !f.InSync })
}

// Percent is how far a pass has come, from 0 to 100.
func (b box) Percent() int {
	if b.Backfill == nil || b.Backfill.Total <= 0 {
		return 0
	}
	return min(100, b.Backfill.Done*100/b.Backfill.Total)
}

// ETA is how long the pass will take still; 0: unknown.
func (b box) ETA() time.Duration {
	if b.Backfill == nil {
		return 0
	}
	return b.Backfill.ETA
}

// Class says in which colour a state is shown.
func (b box) Class() string {
	switch {
	case b.State == message.StateStopped:
		return "fault"
	case b.Error != "" || b.State == message.StateWaiting:
		return "warning"
	case b.InSync():
		return "good"
	}
	return ""
}

// reasons lists why messages are not kept, in one order everywhere.
func reasons(of map[message.Reason]int) []skipped {
	var out []skipped
	for _, reason := range slices.Sorted(maps.Keys(of)) {
		if of[reason] > 0 {
			out = append(out, skipped{reason, of[reason]})
		}
	}
	return out
}
