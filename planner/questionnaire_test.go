package planner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rapport/records/campaign"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/records/survey"
	"rapport/store"
)

// TestQuestionnaire answers on the page of a survey: the last answer counts,
// stands on the timeline once, and says what was said before.
func TestQuestionnaire(t *testing.T) {
	o := newOffice(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"))
	o.public = "https://mail.example.com"
	o.src.Kind, o.src.Purpose = campaign.Survey, "survey"
	o.src.Questions = []survey.Question{{ID: "nps", Kind: survey.NPS},
		{ID: "why", Kind: survey.Choices, Text: map[string]string{"": "What did you like?"}, Options: []survey.Option{{ID: "tea", Text: map[string]string{"": "Tea"}}, {ID: "tins", Text: map[string]string{"": "Tins"}}}},
		{ID: "more", Kind: survey.Text, Text: map[string]string{"": "What else?"}}}
	o.launch()
	of := map[string]outbox.Delivery{}
	for _, d := range o.deliveries(outbox.Frozen) {
		o.update(func(tx store.Tx) error {
			raw, err := tx.Outbox().Bytes(d.ID)
			token, _ := o.o.Keys.Token(outbox.ForSurvey, d.ID)
			for _, link := range []string{"https://mail.example.com/s/" + token + "/10", "mailto:news@example.com?subject=3D%5B" + token + "%5D"} {
				if !strings.Contains(strings.ReplaceAll(string(raw), "=\r\n", ""), link) {
					t.Errorf("the mail has no link %s:\n%s", link, raw)
				}
			}
			return err
		})
		of[string(d.Address)] = o.carry(d, false)
	}
	carl := of["carl@press.example"].ID
	if q, err := o.Questionnaire(t.Context(), carl); err != nil || len(q) != 3 {
		t.Fatalf("asked: %+v, %v", q, err)
	}
	if r := o.results(); r.Answered != 0 {
		t.Errorf("looking was an answer: %+v", r)
	}
	give := func(comment string, values map[string][]string) error {
		return o.AnswerOnPage(t.Context(), carl, values, comment)
	}
	for _, bad := range []map[string][]string{nil, {"nps": {"11"}}, {"nps": {"x"}}, {"why": {"tea"}}} {
		if err := give("", bad); !errors.Is(err, ErrRefused) {
			t.Errorf("%v was taken: %v", bad, err)
		}
	}
	for _, v := range []map[string][]string{{"nps": {"3"}}, {"nps": {"9"}, "why": {"tins", "gold", "tea"}, "more": {" A card "}, "other": {"x"}}} {
		if err := give("So quick", v); err != nil {
			t.Fatal(err)
		}
	}
	r := o.results()
	if r.Answered != 1 || r.Figure.N != 1 || r.Counts[9].N != 1 || len(r.Comments) != 1 || len(r.Further) != 2 || r.Further[0].N != 1 ||
		r.Further[0].Options[1].N != 1 || r.Further[1].Texts[0].Text != "A card" {
		t.Errorf("results: %+v", r)
	}
	if err := o.store.View(t.Context(), func(tx store.Tx) error {
		a, err := tx.Surveys().Get(string(carl))
		if err != nil || len(a.Earlier) != 1 || a.Earlier[0].Score != 3 || a.Channel != survey.ByPage {
			t.Errorf("the answer: %+v", a)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if got := o.history("carl@press.example"); !slices.Equal(got, []string{"answer 9 / 10\n\nSo quick", "delivery"}) {
		t.Errorf("the timeline says %q", got)
	}
	o.says(of["carl@press.example"], "later@press.example", "4", nil)
	if r := o.results(); r.Counts[4].N != 1 || r.Answered != 1 {
		t.Errorf("a reply after the page: %+v", r)
	}
	for n, subject := range []string{"[%s]", "2 [%s]"} { // the page cannot be opened, and they write
		token, _ := o.o.Keys.Token(outbox.ForSurvey, of["dora@press.example"].ID)
		o.returned(message.Folder{Mailbox: "news"}, message.Message{Head: message.Head{MessageID: fmt.Sprint(n, "@press.example"), Subject: fmt.Sprintf(subject, token)},
			Verdict: message.Verdict{Kind: message.Personal}, Reply: []string{"7", "The page is blocked here."}[n]})
		if r := o.results(); r.Counts[[]int{7, 2}[n]].N != 1 || r.Answered != 2 {
			t.Errorf("a mail %s: %+v", subject, r)
		}
	}
	o.now = o.now.Add(SurveyOpen + 1)
	if _, err := o.Questionnaire(t.Context(), of["dora@press.example"].ID); !errors.Is(err, ErrLate) {
		t.Errorf("after the survey: %v", err)
	}
	if err := give("", map[string][]string{"nps": {"1"}}); !errors.Is(err, ErrLate) {
		t.Errorf("an answer after the survey: %v", err)
	}
	if _, err := o.Questionnaire(t.Context(), outbox.ID(store.NewID(o.now))); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of a delivery nobody knows: %v", err)
	}
}
