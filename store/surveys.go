package store

import "rapport/records/survey"

// Surveys are the answers to surveys, by the delivery that asked.
type Surveys interface {
	Get(id string) (survey.Answer, error)
	Put(survey.Answer) error
	// Delete of what is not there is no error.
	Delete(id string) error
	// List goes through the answers to a campaign, or with "" to all, by the ids
	// of what asked, newest first.
	List(campaign string, s Slice) (Page[survey.Answer], error)
}
