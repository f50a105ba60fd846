package mailsync

import (
	"context"
	"time"
)

// How often the clock is looked at, and by how much it may have gone on
// beyond that before we must have slept.
const (
	wakeLook  = 20 * time.Second
	wakeSlack = 20 * time.Second
)

// stayAwake ends with a fault when this machine slept, by the clock on the
// wall: timers do not run in sleep, and whether a server is still at the other
// end of a connection would show only when the next one rings. So within
// wakeLook of waking all connections are opened anew.
func (s *Syncer) stayAwake(ctx context.Context) error {
	for {
		before := s.o.Now().Round(0) // without the clock that stands still in sleep
		if err := sleep(ctx, wakeLook, nil); err != nil {
			return err
		}
		if slept := s.o.Now().Round(0).Sub(before) - wakeLook; slept > wakeSlack {
			s.o.Log.Info("the machine slept; connections are opened anew", "mailbox", s.o.Mailbox.Name, "slept", slept)
			return errReplan
		}
	}
}
