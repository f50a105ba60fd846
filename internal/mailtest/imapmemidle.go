package mailtest

import (
	"time"

	"github.com/emersion/go-imap/v2/imapserver"
)

// idleCatchUp is after how long IDLE tells what happened before it began.
const idleCatchUp = 50 * time.Millisecond

// Idle tells of changes until stop is closed. The library's server keeps
// silent about what was queued between the last command and the start of
// IDLE, which no real server does; a look shortly after the start makes up
// for it.
func (s *memSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	ended := make(chan struct{})
	caught := make(chan error, 1)
	go func() {
		timer := time.NewTimer(idleCatchUp)
		defer timer.Stop()
		select {
		case <-timer.C:
			caught <- s.Poll(w, true)
		case <-ended:
			caught <- nil
		}
	}()
	err := s.UserSession.Idle(w, stop)
	close(ended)
	if late := <-caught; err == nil {
		err = late
	}
	return err
}
