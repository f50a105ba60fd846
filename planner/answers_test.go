package planner

import (
	"bytes"
	netmail "net/mail"
	"strings"
	"testing"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/records/survey"
	"rapport/store"
)

// asking is an office whose campaign is a survey that was launched and arrived.
func asking(t *testing.T, people ...contact.Contact) (*office, map[contact.Address]outbox.Delivery) {
	t.Helper()
	o := newOffice(t, people...)
	o.src.Kind, o.src.Purpose = campaign.Survey, "survey"
	o.src.Questions = []survey.Question{{ID: "nps", Kind: survey.NPS}}
	o.launch()
	of := map[contact.Address]outbox.Delivery{}
	for _, d := range o.deliveries(outbox.Frozen) {
		of[d.Address] = o.carry(d, false)
	}
	return o, of
}

// says has somebody reply to the mail that asked them.
func (o *office) says(d outbox.Delivery, id, text string, change func(*message.Message)) {
	m := message.Message{Head: message.Head{MessageID: id, Subject: "Re: Spring", InReplyTo: []string{d.MessageID}},
		Verdict: message.Verdict{Kind: message.Personal}, Reply: text}
	if change != nil {
		change(&m)
	}
	o.returned(message.Folder{Mailbox: "news"}, m)
}

func (o *office) results() survey.Results {
	o.t.Helper()
	r, err := o.Results(o.t.Context(), "spring")
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

func TestSurvey(t *testing.T) {
	o, of := asking(t, customer("Carl", "carl@press.example"), customer("Dora", "dora@press.example"), customer("Eve", "eve@press.example"),
		customer("Fred", "fred@press.example"), customer("Gil", "gil@press.example"))
	for n, folder := range []string{"news", "ada", "bob"} { // three mailboxes got it
		o.says(of["carl@press.example"], "r@press.example", "9\n\nAnna was quick.", func(m *message.Message) { m.Holdings = []message.Holding{{Mailbox: folder, UID: uint32(n + 1)}} })
	}
	token, err := o.o.Keys.Token(outbox.ForSurvey, of["dora@press.example"].ID)
	if err != nil {
		t.Fatal(err)
	}
	o.update(func(tx store.Tx) error { // its header alone was read
		return o.Returned(tx, message.Folder{Mailbox: "news"}, message.Head{MessageID: "m@press.example", Subject: "Re: 3 [" + token + "]"}, nil)
	})
	o.says(of["eve@press.example"], "a@press.example", "8", func(m *message.Message) { m.Verdict.Auto = true })
	o.says(of["fred@press.example"], "f@press.example", "10", func(m *message.Message) { m.Trust = message.TrustFail })
	o.says(of["gil@press.example"], "g@press.example", "8 or 9", nil)
	r := o.results()
	if r.Asked != 5 || r.Answered != 4 || r.Figure.N != 2 || r.Figure.Value != 0 || r.Apart != 1 || len(r.Review) != 1 || r.Review[0].Why != survey.Several {
		t.Fatalf("results: %+v", r)
	}
	if len(r.Comments) != 1 || !strings.Contains(r.Comments[0].Text, "Anna was quick") {
		t.Errorf("comments: %+v", r.Comments)
	}
	if a, err := o.Decide(t.Context(), "ada@example.com", r.Review[0].ID, 8); err != nil || !a.Counts() || a.By != "ada@example.com" {
		t.Errorf("decided: %+v, %v", a, err)
	}
	if _, err := o.Decide(t.Context(), "ada@example.com", r.Review[0].ID, 11); err == nil {
		t.Error("11 was taken")
	}
	if r := o.results(); r.Figure.N != 3 || len(r.Review) != 0 {
		t.Errorf("after the review: %+v", r)
	}
}

// Whoever thinks again is heard; a forger and thanks change nothing of it, and
// neither does what was heard before.
func TestSurveyAnswersChange(t *testing.T) {
	o, of := asking(t, customer("Carl", "carl@press.example"))
	d := of["carl@press.example"]
	o.says(d, "1@press.example", "6", nil)
	o.says(d, "4@press.example", "8 - better now", nil)
	o.says(d, "2@press.example", "0", func(m *message.Message) { m.Trust = message.TrustFail })
	o.says(d, "3@press.example", "Thank you!", nil)
	o.says(d, "1@press.example", "6", nil) // found again in another folder
	r := o.results()
	if r.Figure.N != 1 || r.Counts[8].N != 1 || r.Apart != 0 || len(r.Comments) != 1 || !strings.Contains(r.Comments[0].Text, "better now") || !strings.Contains(r.Comments[0].Text, "Thank you!") {
		t.Errorf("the answer is %+v, want 8 with both comments", r)
	}
}

// A link says one score and the text below it another: a person has to ask.
func TestSurveyLinkAndTextDisagree(t *testing.T) {
	o, of := asking(t, customer("Carl", "carl@press.example"))
	token, err := o.o.Keys.Token(outbox.ForSurvey, of["carl@press.example"].ID)
	if err != nil {
		t.Fatal(err)
	}
	o.returned(message.Folder{Mailbox: "news"}, message.Message{Head: message.Head{MessageID: "l@press.example", Subject: "9 [" + token + "]"},
		Verdict: message.Verdict{Kind: message.Personal}, Reply: "7"})
	if r := o.results(); len(r.Review) != 1 || r.Review[0].Why != survey.Several {
		t.Errorf("results: %+v", r)
	}
}

func TestSurveyMail(t *testing.T) {
	o, of := asking(t, customer("Carl", "carl@press.example"))
	var raw []byte
	if err := o.store.View(t.Context(), func(tx store.Tx) (err error) {
		raw, err = tx.Outbox().Bytes(of["carl@press.example"].ID)
		return err
	}); err != nil {
		raw = nil // dropped once it was taken
	}
	if raw == nil {
		var err error
		if raw, err = o.Preview(t.Context(), "spring", ""); err != nil {
			t.Fatal(err)
		}
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	p, err := message.Parse(bytes.NewReader(raw), message.Limits{})
	if err != nil || m.Header.Get("Reply-To") != "" {
		t.Fatal(err, m.Header)
	}
	for score, want := range []string{"mailto:news@example.com?subject=0%20%5Br", "mailto:news@example.com?subject=1%20%5Br"} {
		if !strings.Contains(p.HTML, want) {
			t.Errorf("no link for %d: %s", score, p.HTML)
		}
	}
	if !strings.Contains(p.Text, "How likely are you to recommend us?") || !strings.Contains(p.Text, "0 = not at all likely") {
		t.Errorf("the text part: %s", p.Text)
	}
	// What a reader quotes of it is no answer, and neither is a test's token.
	if got := survey.Read(o.src.Questions[0], message.NewText("> "+strings.ReplaceAll(p.Text, "\n", "\n> "), message.Head{})); got.Sure {
		t.Errorf("the quoted mail is read as %d", got.Score)
	}
}
