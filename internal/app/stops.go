package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"rapport/internal/rescue"
)

// stops is what has to be undone when the program ends, in reverse order.
type stops struct {
	log   *slog.Logger
	steps []stop
}

type stop struct {
	name string
	do   func(context.Context) error
}

func (s *stops) push(name string, do func(context.Context) error) {
	s.steps = append(s.steps, stop{name, do})
}

// unwind runs every step, the latest first, whatever the others say. A step
// must heed ctx; one that does not is left behind when ctx ends, so that the
// later ones still get their turn.
func (s *stops) unwind(ctx context.Context) error {
	var faults []error
	for len(s.steps) > 0 {
		step := s.steps[len(s.steps)-1]
		s.steps = s.steps[:len(s.steps)-1]
		began := time.Now()
		done := make(chan error, 1)
		go func() { done <- rescue.Do(func() error { return step.do(ctx) }) }()
		var err error
		select {
		case err = <-done:
		case <-ctx.Done():
			select { // a step that needs no time may still be done
			case err = <-done:
			case <-time.After(time.Second):
				err = ctx.Err()
			}
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("stop %s: %w", step.name, err))
		}
		s.log.Debug("stopped", "step", step.name, "took", time.Since(began))
	}
	return errors.Join(faults...)
}
