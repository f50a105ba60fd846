package auth

import (
	"context"
	"time"
)

// OnWait replaces waiting before an answer.
func (s *Service) OnWait(f func(time.Duration)) {
	s.wait = func(_ context.Context, d time.Duration) error { f(d); return nil }
}

// Cheaply makes digests of passwords that cost next to nothing.
func (s *Service) Cheaply() { s.cost = cost{memory: 64, rounds: 1, threads: 1} }
