package boltstore

import (
	"errors"

	"rapport/records/survey"
	"rapport/store"
)

var surveyAnswers = &table[survey.Answer]{
	name: tableSurvey, what: "survey answer", counted: true,
	key: func(a *survey.Answer) []byte { return appendID(nil, a.ID) },
	indexes: []index[survey.Answer]{
		{indexSurveyOf, func(a *survey.Answer, add func(k, v []byte)) {
			add(appendID(appendText(nil, shorten(a.Campaign)), a.ID), nil)
		}},
	},
}

type surveysOf struct{ tx *Tx }

// Surveys implements [store.Tx].
func (tx *Tx) Surveys() store.Surveys { return surveysOf{tx} }

func (s surveysOf) Get(id string) (survey.Answer, error) {
	return surveyAnswers.must(s.tx, appendID(nil, id), id)
}

func (s surveysOf) Put(a survey.Answer) error {
	if a.ID == "" || a.Campaign == "" {
		return errors.New("write survey answer: it answers nothing")
	}
	return surveyAnswers.put(s.tx, &a)
}

func (s surveysOf) Delete(id string) error { return surveyAnswers.del(s.tx, appendID(nil, id)) }

func (s surveysOf) List(campaign string, sl store.Slice) (store.Page[survey.Answer], error) {
	var prefix []byte
	if campaign != "" {
		prefix = appendText(nil, shorten(campaign))
	}
	l := s.tx.listing(indexSurveyOf, prefix)
	l.newest = true
	return pageOf(s.tx, l, sl, func(rest, _ []byte) (survey.Answer, bool, error) {
		if campaign == "" {
			var err error
			if _, rest, err = readText(rest); err != nil {
				return survey.Answer{}, false, err
			}
		}
		return surveyAnswers.get(s.tx, rest)
	})
}
