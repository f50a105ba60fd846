package mailsync

import (
	"context"
	"fmt"
	"time"
)

// news is why idle came back.
type news int

// What ends an IDLE.
const (
	nothing news = iota // the time is over
	changes             // the server reports a change
	called              // somebody wants us to look
)

// pollWithoutIdle is how often a server without IDLE is asked.
const pollWithoutIdle = time.Minute

// idle waits until the server reports a change, wake is received from, d has
// passed, or the context ends.
func (s *session) idle(ctx context.Context, d time.Duration, wake <-chan struct{}) (news, error) {
	if !s.idled {
		return s.pollIdle(ctx, min(d, pollWithoutIdle), wake)
	}
	end := s.w.begin(silence, silence)
	cmd, err := s.c.Idle()
	end()
	if err != nil {
		f := s.fault(err)
		if kindOf(f) == Refused { // promised and refused: poll instead
			s.idled = false
			return nothing, nil
		}
		return nothing, fmt.Errorf("idle: %w", f)
	}
	end = s.w.begin(d+silence, d+silence)
	why := s.await(ctx, d, wake)
	end()
	if ctx.Err() != nil {
		s.w.Close()
	}
	return why, s.run(silence, silence, "end idle", func() error {
		if err := cmd.Close(); err != nil {
			return err
		}
		return cmd.Wait()
	})
}

// await waits for whatever comes first.
func (s *session) await(ctx context.Context, d time.Duration, wake <-chan struct{}) news {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.w.changed:
		return changes
	case <-wake:
		return called
	case <-timer.C:
	case <-ctx.Done():
	case <-s.c.Closed():
	}
	return nothing
}

func (s *session) pollIdle(ctx context.Context, d time.Duration, wake <-chan struct{}) (news, error) {
	why := s.await(ctx, d, wake)
	if ctx.Err() != nil {
		return why, ctx.Err()
	}
	return why, s.noop()
}
