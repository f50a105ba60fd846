package intake

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"rapport/records/message"
	"rapport/records/timeline"
	"rapport/store"
)

// maxMeeting is the most mails that are looked at as being about one meeting.
// Nobody moves a meeting so often; what has more is no meeting.
const maxMeeting = 100

// meet has the last word about a meeting stand on the timelines as the
// meeting, and the other mails about it as mails, after one of them changed.
func (t *taking) meet(m message.Message) error { return meetOf(t.tx, m) }

func meetOf(tx store.Tx, m message.Message) error {
	if m.Verdict.Calendar == nil || m.Verdict.Calendar.UID == "" {
		return nil
	}
	ids, err := tx.Messages().OfMeeting(m.Verdict.Calendar.Meeting(), maxMeeting+1)
	if err != nil {
		return fmt.Errorf("find the mails about a meeting: %w", err)
	}
	type line struct {
		timeline.Entry
		mail message.Message
	}
	var lines []line
	last := -1
	for _, id := range ids {
		e, err := tx.Entries().OfMessage(id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read entry of message %s: %w", id, err)
		}
		mail, err := tx.Messages().Get(id)
		if err != nil {
			return fmt.Errorf("read message %s: %w", id, err)
		}
		lines = append(lines, line{e, mail})
		if last < 0 || laterWord(mail, lines[last].mail) > 0 {
			last = len(lines) - 1
		}
	}
	for n, l := range lines {
		kind := timeline.Message
		if n == last && len(ids) <= maxMeeting {
			kind = timeline.Meeting
		}
		if l.Kind == kind {
			continue
		}
		l.Kind = kind
		if err := tx.Entries().Put(l.Entry, nil); err != nil {
			return fmt.Errorf("put entry %s: %w", l.ID, err)
		}
	}
	return nil
}

// laterWord orders mails about one meeting, in whatever order they came.
func laterWord(a, b message.Message) int {
	return cmp.Or(a.Verdict.Calendar.Newer(*b.Verdict.Calendar), a.Time.Compare(b.Time), bytes.Compare(a.Raw[:], b.Raw[:]))
}
