package app

import (
	"context"
	"time"

	"rapport/intake"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
	"rapport/web"
)

// records shows intake to web: engines do not know each other's types.
type records struct {
	*intake.Intake
	store store.Store
	now   func() time.Time
}

var _ web.Records = records{}

// physical says when an erased person's bytes leave the disk.
const physical = "in the following night, by the daemon, or at once with rapport store compact"

// stateErased is set while bytes of somebody erased are still on the disk.
const stateErased = "erased-not-compacted"

// Erase implements web.Records.
func (r records) Erase(ctx context.Context, actor string, id contact.ID) (web.EraseResult, error) {
	return r.erase(ctx, func() (intake.Erased, error) { return r.Intake.Erase(ctx, actor, id) })
}

// EraseOrganisation implements web.Records.
func (r records) EraseOrganisation(ctx context.Context, actor string, id contact.OrganisationID) (web.EraseResult, error) {
	return r.erase(ctx, func() (intake.Erased, error) { return r.Intake.EraseOrganisation(ctx, actor, id) })
}

// erase notes that bytes are to leave the disk, then erases.
func (r records) erase(ctx context.Context, do func() (intake.Erased, error)) (web.EraseResult, error) {
	// Before the erasure: a compaction too many is harmless.
	if err := noteErasure(ctx, r.store, r.now()); err != nil {
		return web.EraseResult{}, err
	}
	e, err := do()
	return web.EraseResult{Messages: e.Messages, Shared: e.Shared, Entries: e.Entries, Physical: physical}, err
}

// Rematch implements web.Records.
func (r records) Rematch(ctx context.Context, progress func(done, total int)) (web.RematchResult, error) {
	m, err := r.Intake.Rematch(ctx, progress)
	return rematched(m), err
}

func rematched(m intake.Rematched) web.RematchResult {
	return web.RematchResult{Messages: m.Messages, Gained: m.Gained, Lost: m.Lost, Moved: m.Moved, Removed: m.Removed}
}

// Explain implements web.Records.
func (r records) Explain(ctx context.Context, id message.ID) (web.Explanation, error) {
	e, err := r.Intake.Explain(ctx, id)
	if err != nil {
		return web.Explanation{}, err
	}
	out := web.Explanation{
		Message: e.Message.ID, Decided: e.Verdict.Decision, Matches: e.Verdict.Matches,
		Review: e.Verdict.Review, Hand: e.Hand,
	}
	for _, s := range e.Verdict.Steps {
		out.Steps = append(out.Steps, web.ExplanationStep{Rule: s.Rule, Said: s.Said.String(), Phrase: s.Said, Decided: s.Decided})
	}
	return out, nil
}
