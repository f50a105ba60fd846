package public

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"rapport/internal/browser"
	"rapport/records/outbox"
	"rapport/records/survey"
)

// surveyed is what a survey asks in these tests.
var surveyed = []survey.Question{{ID: "nps", Kind: survey.NPS},
	{ID: "why", Kind: survey.Choices, Text: words("What did you <b>like?", "Was gefiel Ihnen?", "কী ভালো লেগেছে?"), Options: []survey.Option{{ID: "tea", Text: words("The tea", "Der Tee", "চা")}, {ID: "tins", Text: words("The tins", "Die Dosen", "টিন")}}},
	{ID: "way", Kind: survey.Choice, Text: words("How do you drink it?", "Wie trinken Sie ihn?", "কীভাবে পান করেন?"), Options: []survey.Option{{ID: "hot", Text: words("Hot", "Heiß", "গরম")}, {ID: "iced", Text: words("Iced", "Kalt", "ঠান্ডা")}}},
	{ID: "csat", Kind: survey.CSAT}, {ID: "ces", Kind: survey.CES},
	{ID: "wish", Kind: survey.Text, Text: words("What do you wish for?", "Was wünschen Sie sich?", "আপনি কী চান?")}}

func words(en, de, bn string) map[string]string {
	return map[string]string{"": en, "de": de, "bn": bn}
}

// surveys only note what is answered.
func (w *world) surveys() Surveys {
	return Surveys{
		Asks: func(context.Context, outbox.ID) ([]survey.Question, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return surveyed, w.choice
		},
		Answer: func(_ context.Context, a Answered) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(a.Values["nps"]) == 0 {
				return ErrBad
			}
			if w.choice == nil {
				w.answers = append(w.answers, a)
			}
			return w.choice
		},
	}
}

var stampField = regexp.MustCompile(`name="shown" value="([a-z2-7]*)"`)

// stampAt is a stamp of a page that was shown so long ago.
func (w *world) stampAt(t testing.TB, id outbox.ID, ago time.Duration) string {
	t.Helper()
	stamp, err := w.keys.Stamp(outbox.ForSurvey, id, time.Now().Add(-ago))
	if err != nil {
		t.Fatal(err)
	}
	return stamp
}

func TestSurveyPage(t *testing.T) {
	w := newWorld(t)
	page := "/s/" + w.token(t, outbox.ForSurvey, first)
	res := w.do("GET", page+"/9%27)", "", nil)
	body := res.Body.String()
	if res.Code != http.StatusOK || strings.Count(body, " checked") != 1 || !strings.Contains(body, `name="q.nps" value="9" checked required`) ||
		!strings.Contains(body, "What did you &lt;b&gt;like?") || !strings.Contains(body, `type="checkbox" name="q.why" value="tea"`) || !strings.Contains(body, `action="`+page+`"`) {
		t.Errorf("%d\n%s", res.Code, body)
	}
	for _, path := range []string{page, page + "/", page + "/11", page + "/x", page + "/-1", page + "/99999999999999999999"} {
		if res := w.do("GET", path, "", nil); res.Code >= 500 || strings.Contains(res.Body.String(), " checked") {
			t.Errorf("%s: %d\n%s", path, res.Code, res.Body)
		}
	}
	fill := func(stamp string, more url.Values) *httptest.ResponseRecorder {
		v := url.Values{"shown": {stamp}, "q.nps": {"9"}, "q.why": {"tea", "tins"}, "comment": {"So <quick>"}}
		for key, value := range more {
			v[key] = value
		}
		return w.posts(page, v)
	}
	for what, stamp := range map[string]string{"none": "", "forged": "aaaa", "at once": stampField.FindStringSubmatch(body)[1],
		"old": w.stampAt(t, first, longest+time.Minute), "of tomorrow": w.stampAt(t, first, -time.Hour), "another's": w.stampAt(t, first[:25]+"W", time.Minute)} {
		res := fill(stamp, nil)
		again := res.Body.String()
		if len(w.answers) > 0 || res.Code != http.StatusOK || !strings.Contains(again, "once more") || !strings.Contains(again, `value="9" checked`) || !strings.Contains(again, "So &lt;quick&gt;") || strings.Count(again, " checked") != 3 {
			t.Errorf("stamp %s: %d, %+v\n%s", what, res.Code, w.answers, again)
		}
	}
	good := w.stampAt(t, first, time.Minute)
	if res := fill(good, url.Values{"website": {"https://spam.example"}}); len(w.answers) > 0 {
		t.Errorf("a program answered: %d", res.Code)
	}
	if res := fill(good, url.Values{"q.nps": nil}); res.Code != http.StatusUnprocessableEntity || !strings.Contains(res.Body.String(), `role="alert"`) {
		t.Errorf("no score: %d", res.Code)
	}
	if res := fill(good, nil); res.Code != http.StatusOK || !strings.Contains(res.Body.String(), "Thank you") || !strings.Contains(res.Body.String(), `href="`+page+`"`) ||
		len(w.answers) != 1 || w.answers[0].Delivery != first || !slices.Equal(w.answers[0].Values["why"], []string{"tea", "tins"}) || w.answers[0].Comment != "So <quick>" {
		t.Errorf("%d %+v\n%s", res.Code, w.answers, res.Body)
	}
	for err, code := range map[error]int{ErrGone: http.StatusGone, errors.New("disk full"): http.StatusServiceUnavailable} {
		w.choice = err
		if res := fill(good, nil); res.Code != code {
			t.Errorf("%v: %d", err, res.Code)
		}
	}
}

// TestS11_LookingIsNoAnswer has the links of a survey opened by whatever opens
// links, and by tokens that are none of a survey.
func TestS11_LookingIsNoAnswer(t *testing.T) {
	w := newWorld(t)
	page := "/s/" + w.token(t, outbox.ForSurvey, first)
	form := url.Values{"shown": {w.stampAt(t, first, time.Minute)}, "q.nps": {"0"}}.Encode()
	tries := 0
	for i := range 3400 {
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			tries++
			path := page + "/" + strconv.Itoa(i%11)
			if i%3 == 0 {
				path = page
			}
			if res := w.do(method, path+"?"+form, formType, strings.NewReader(form)); res.Code >= 500 {
				t.Fatalf("%s: %d", method, res.Code)
			}
		}
	}
	for _, token := range []string{w.token(t, outbox.ForUnsubscribe, first), w.token(t, outbox.ForReply, first), w.token(t, outbox.ForTest, first), page[3:len(page)-1] + "_"} {
		tries++
		if res := w.do("POST", "/s/"+token, formType, strings.NewReader(form)); res.Code != http.StatusNotFound {
			t.Errorf("%s: %d", token, res.Code)
		}
	}
	if len(w.answers) > 0 || len(w.take()) > 0 {
		t.Errorf("%d answers of who only looked", len(w.answers))
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestSurveyInABrowser opens the page as readers do: it can be read in every
// language, and answered by the keyboard alone; and a program that runs scripts
// and opens every link of the mail at once answers nothing.
func TestSurveyInABrowser(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	page := "/s/" + w.token(t, outbox.ForSurvey, first)
	b := browser.Start(t)
	for _, language := range []string{"en", "de", "bn", "ar", "fr"} {
		for _, width := range []int{320, 800} {
			p := b.Open(t, browser.Options{Origin: server.URL, Width: width, Dark: width == 800 && language == "de", Language: language})
			for score := range 11 {
				if score > 0 && (language != "en" || width == 320) {
					continue
				}
				p.Goto(page + "/" + strconv.Itoa(score))
				p.Settle()
			}
			for _, fault := range slices.Concat(p.Heard().Faults(), p.Axe(), p.Overflow()) {
				t.Errorf("%s, %d: %s", language, width, fault)
			}
			if *screenshots != "" {
				p.Screenshot(fmt.Sprintf("%s/survey-%s-%d.png", *screenshots, language, width))
			}
		}
	}
	if got := w.changes(); got != "0 0 0 0" || len(w.answers) > 0 {
		t.Fatalf("looking changed something: %s %+v", got, w.answers)
	}
	p := b.Open(t, browser.Options{Origin: server.URL, Width: 320})
	p.Goto(page + "/3")
	opened := time.Now()
	p.Keys("\t")
	p.Keys(kb.ArrowRight) // 4
	for range 40 {
		there := false
		if p.Eval(`document.activeElement.tagName === "BUTTON"`, &there); there {
			break
		}
		p.Keys("\t")
	}
	<-time.After(soonest - time.Since(opened)) // nobody is quicker
	p.Follow(browser.Press("\r"))
	p.Until("the answer", `document.querySelector("form") === null`)
	if len(w.answers) != 1 || !slices.Equal(w.answers[0].Values["nps"], []string{"4"}) {
		t.Errorf("by the keyboard: %+v", w.answers)
	}
	for _, fault := range slices.Concat(p.Heard().Faults(), p.Axe(), p.Overflow()) {
		t.Error(fault)
	}
}
