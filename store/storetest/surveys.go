package storetest

import (
	"testing"

	"rapport/records/survey"
	"rapport/store"
)

func testSurveys(t *testing.T, s store.Store) {
	first := survey.Answer{ID: newID[string](0), Campaign: "after", Run: "r", Question: "nps", Kind: survey.NPS, Sure: true, Score: 9, Channel: survey.ByMail, At: at(0), Changed: at(0), Sources: []string{"a@example.com"}}
	second, other := first, first
	second.ID, second.Sure, second.Score, second.Why, second.Comment = newID[string](1), false, 0, survey.Several, "8 or 9"
	other.ID, other.Campaign, other.Contact = newID[string](2), "other", "cleo"
	put := func(list ...survey.Answer) {
		update(t, s, func(tx store.Tx) error {
			for _, a := range list {
				if err := tx.Surveys().Put(a); err != nil {
					return err
				}
			}
			return nil
		})
	}
	put(first, second, other)
	list := func(campaign string, sl store.Slice) store.Page[survey.Answer] {
		return view(t, s, func(tx store.Tx) (store.Page[survey.Answer], error) { return tx.Surveys().List(campaign, sl) })
	}
	equal(t, "Get", view(t, s, func(tx store.Tx) (survey.Answer, error) { return tx.Surveys().Get(second.ID) }), second)
	missing(t, s, "Get of none", func(tx store.Tx) (survey.Answer, error) { return tx.Surveys().Get(newID[string](9)) })
	equal(t, "List of a campaign", list("after", store.Slice{}).Items, []survey.Answer{second, first})
	equal(t, "List of all", len(list("", store.Slice{}).Items), 3)
	page := list("after", store.Slice{Limit: 1})
	equal(t, "the first page", page.Items, []survey.Answer{second})
	equal(t, "the next page", list("after", store.Slice{Limit: 1, Cursor: page.Next}).Items, []survey.Answer{first})
	second.Sure, second.Score, second.Why = true, 8, ""
	put(second)
	equal(t, "Put again", list("after", store.Slice{}).Items, []survey.Answer{second, first})
	update(t, s, func(tx store.Tx) error { return tx.Surveys().Delete(first.ID) })
	update(t, s, func(tx store.Tx) error { return tx.Surveys().Delete(first.ID) })
	equal(t, "Delete", list("after", store.Slice{}).Items, []survey.Answer{second})
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Surveys().Put(survey.Answer{ID: newID[string](5)}) }); err == nil {
		t.Error("an answer to nothing was written")
	}
}
