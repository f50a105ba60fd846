package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/survey"
)

// Listening knows what was answered to surveys; planner implements it.
type Listening interface {
	// Results sums up the answers to a campaign, of all its runs.
	Results(ctx context.Context, name string) (survey.Results, error)
	// Decide says what an answer means that the program did not dare to read.
	Decide(ctx context.Context, actor, id string, score int) (survey.Answer, error)
}

func (s *Server) describeSurveys(api huma.API) {
	const tag = "surveys"
	describe(s, api, operation{id: "survey-results", pattern: "GET /surveys/{name}/results", tag: tag, need: access.Read,
		summary: "Sum up what was answered to a survey",
		detail: "A survey is a campaign of the kind `survey`. The figure is the NPS, the share of the satisfied or the mean, with the interval in which it lies at 95 %. " +
			"What could not be read for certain waits in `review`; what is not verified does not count."}, s.surveyResults)
	describe(s, api, operation{id: "decide-answer", pattern: "POST /survey-answers/{id}", tag: tag, need: access.Write,
		summary: "Say which score an answer means"}, s.decideAnswer)
}

// AnswerScore is the score that an answer means.
type AnswerScore struct {
	Score int `json:"score" minimum:"0" maximum:"10" example:"8"`
}

func (s *Server) surveyResults(ctx context.Context, in *CampaignPath) (survey.Results, error) {
	r, err := s.listening.Results(ctx, in.Name)
	return r, refused(err)
}

func (s *Server) decideAnswer(ctx context.Context, in *struct {
	ID   string `path:"id" doc:"of the answer"`
	Body AnswerScore
}) (survey.Answer, error) {
	a, err := s.listening.Decide(ctx, actor(ctx), in.ID, in.Body.Score)
	return a, refused(err)
}
