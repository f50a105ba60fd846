package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/campaign"
	"rapport/records/message"
	"rapport/records/survey"
)

// answerers are the mailboxes that get a copy of each answer.
var answerers = []string{postUser, "ada@example.com", "bob@example.com"}

// answering is one who is asked, and what they say.
type answering struct {
	score   int
	comment string
	raw     []byte // of the mail
}

// TestM71_SurveyAnswersOnce asks people over SMTP and has them answer into
// three mailboxes of a real Dovecot, by replies and by links; some answers are
// delivered again later, and the program is killed at random all the while.
// Every answer is recorded once, as it was given.
func TestM71_SurveyAnswersOnce(t *testing.T) {
	t.Parallel()
	n, kills := answerings()
	p := newPost(t, n, 3)
	p.write("spring.md", []byte("---\nkind: survey\npurpose: survey\nsubject: How did we do?\naudience: kind == \"customer\"\nlegal_basis: customers\nquestions: [{id: nps, type: nps}]\n---\nDear {{.Contact.Name}},\n\none question.\n"))
	for _, user := range answerers[1:] {
		name, _, _ := strings.Cut(user, "@")
		p.setting("mailboxes:\n", fmt.Sprintf("mailboxes:\n  - {name: %s, host: %q, tls: none, user: %s, password_file: password}\n", name, p.dovecot.PlainAddr, user))
	}
	p.launch()
	p.until("all are asked", func(c campaign.Progress) bool { return c.State == campaign.Finished })
	p.daemon.inSync()
	p.checkOnce(n)

	rnd := rand.New(rand.NewPCG(8, uint64(n)))
	var all []answering
	for i, r := range p.server.Taken() {
		all = append(all, p.answers(i, r, rnd.IntN(11)))
	}
	for turn := range kills {
		for _, a := range all[turn*n/kills : (turn+1)*n/kills] {
			for _, user := range answerers {
				p.comesIn(user, "INBOX", a.raw)
			}
			if turn%2 == 0 { // a provider that delivers twice
				p.comesIn(answerers[turn%3], "INBOX", a.raw)
			}
		}
		if turn > 0 { // an answer of before turns up elsewhere
			p.comesIn(answerers[turn%3], "Archive", all[rnd.IntN(turn*n/kills)].raw)
		}
		time.Sleep(time.Duration(rnd.IntN(150)) * time.Millisecond) // a kill is at a random moment
		p.kill()
		p.again()
	}
	p.recorded(all)
	t.Logf("%d answers in %d mailboxes with %d kills, each recorded once", n, len(answerers), kills)
	t.Attr("tries", strconv.Itoa(kills))
}

// comesIn delivers a mail.
func (p *post) comesIn(user, folder string, raw []byte) {
	p.t.Helper()
	_, err := p.dovecot.Deliver(user, folder, raw, time.Now())
	p.must(err)
}

// answers is what one who was asked writes: every other one replies, and the
// others use the link of their score.
func (p *post) answers(i int, asked mailtest.Received, score int) answering {
	p.t.Helper()
	a := answering{score: score, comment: fmt.Sprintf("word number %d", 1000+i)}
	head := fmt.Sprintf("Date: %s\r\nFrom: <%s>\r\nTo: <%s>\r\nCc: <%s>, <%s>\r\nMessage-ID: <answer%d@press.example>\r\n",
		time.Now().Format(time.RFC1123Z), asked.To[0], answerers[0], answerers[1], answerers[2], i)
	id := headerOf(asked.Data, "Message-ID")
	if i%2 == 0 {
		a.raw = fmt.Appendf(nil, "%sSubject: Re: How did we do?\r\nIn-Reply-To: %s\r\nReferences: %s\r\n\r\n%d\r\n\r\n%s\r\n", head, id, id, score, a.comment)
		return a
	}
	m, err := message.Parse(bytes.NewReader(asked.Data), message.Limits{})
	p.must(err)
	for _, found := range regexp.MustCompile(`href="mailto:[^"?]*\?subject=([^"&]+)"`).FindAllStringSubmatch(m.HTML, -1) {
		subject, err := url.PathUnescape(html.UnescapeString(found[1]))
		p.must(err)
		if strings.HasPrefix(subject, strconv.Itoa(score)+" [") {
			a.raw = fmt.Appendf(nil, "%sSubject: %s\r\n\r\n%s\r\n", head, subject, a.comment)
			return a
		}
	}
	p.t.Fatalf("the mail to %s has no link for %d:\n%s", asked.To[0], score, m.HTML)
	return a
}

// recorded waits until every answer is, and wants each to be there once.
func (p *post) recorded(all []answering) {
	p.t.Helper()
	var got survey.Results
	p.daemon.until("all answers are recorded", func(context.Context) bool {
		got = survey.Results{}
		out := p.try(p.command("survey", "results", "spring", "--json"))
		return out.code == 0 && json.Unmarshal([]byte(out.out), &got) == nil && got.Answered >= len(all)
	})
	p.daemon.inSync() // whatever is there has been read
	p.must(json.Unmarshal([]byte(p.run("survey", "results", "spring", "--json")), &got))
	if got.Asked != len(all) || got.Answered != len(all) || got.Figure.N != len(all) || len(got.Review) != 0 || got.Apart != 0 {
		p.t.Errorf("%d asked, %d answered, %d counted, %d to review, %d apart; want %d counted", got.Asked, got.Answered, got.Figure.N, len(got.Review), got.Apart, len(all))
	}
	want, said := map[string]int{}, map[string]int{}
	for _, a := range all {
		want[a.comment] = a.score
	}
	for _, c := range got.Comments {
		text := strings.TrimSpace(strings.TrimPrefix(c.Text, strconv.Itoa(c.Score))) // a reply begins with it
		said[text]++
		if score, asked := want[text]; !asked || score != c.Score {
			p.t.Errorf("recorded %q with %d, said with %d", c.Text, c.Score, score)
		}
	}
	if len(said) != len(want) {
		p.t.Errorf("%d comments are recorded, want %d", len(said), len(want))
	}
	for text, times := range said {
		if times != 1 {
			p.t.Errorf("%q is recorded %d times", text, times)
		}
	}
}
