package main

import (
	"rapport/internal/demo"
)

type demoCommand struct {
	Once bool
}

// Run shows the product with everything around it embedded and fake.
func (c *demoCommand) Run(s *session) error {
	err := demo.Run(s.ctx, demo.Options{Once: c.Once, Out: s.out, Version: buildVersion()})
	if s.ctx.Err() != nil && !c.Once {
		return nil // interrupting is how it ends
	}
	return err
}
