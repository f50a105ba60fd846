package web

import (
	"context"
	"net/http"

	"rapport/records/survey"
)

// SurveyResults sums up what was answered to a survey.
func (c *Client) SurveyResults(ctx context.Context, name string) (survey.Results, error) {
	return call[survey.Results](ctx, c, http.MethodGet, at("/surveys/%s/results", name), nil, nil)
}

// DecideAnswer says which score an answer means.
func (c *Client) DecideAnswer(ctx context.Context, id string, score int) (survey.Answer, error) {
	return call[survey.Answer](ctx, c, http.MethodPost, at("/survey-answers/%s", id), nil, AnswerScore{Score: score})
}

// SurveyResults are what was answered to a survey.
type SurveyResults = survey.Results

// SurveyFurther is what was answered to a further question of a survey.
type SurveyFurther = survey.Further

// SurveyCount is how many gave a score.
type SurveyCount = survey.Count

// SurveyComment is what somebody wrote to a score.
type SurveyComment = survey.Comment

// SurveyEstimate is a figure with its interval.
type SurveyEstimate = survey.Estimate
