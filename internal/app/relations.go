package app

import (
	"slices"

	"rapport/internal/config"
	"rapport/records/relation"
	"rapport/web"
)

// relationSettings tells web what the configuration in force says of relations.
func (s *system) relationSettings() web.RelationSettings {
	cfg := s.config()
	return web.RelationSettings{Hours: workingHours(cfg), Staff: string(cfg.Staff)}
}

// workingHours are when the team works.
func workingHours(cfg *config.Config) relation.Hours {
	h := relation.Hours{Location: cfg.Hours.Location(), Days: cfg.Hours.WorkDays()}
	h.From, _ = config.Clock(cfg.Hours.From) // validation has read both
	h.To, _ = config.Clock(cfg.Hours.To)
	h.Holidays = slices.Sorted(slices.Values(cfg.Holidays))
	return h
}
