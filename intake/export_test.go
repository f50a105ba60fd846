package intake

// SetMergeAtOnce bounds what one transaction moves between threads, so that
// small tests meet what only large threads meet otherwise.
func (i *Intake) SetMergeAtOnce(n int) { i.mergeAtOnce = n }
