package relation_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/relation"
	"rapport/records/timeline"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) // a Monday

// said reads a conversation: each word is a message an hour after the one
// before. i and o are theirs and ours, ! closes, m tells many, a is of another
// of theirs with cleo on copy, x is our answer to that other one.
func said(words string) []relation.Said {
	var out []relation.Said
	for n, w := range strings.Fields(words) {
		m := relation.Said{Time: start.Add(time.Duration(n) * time.Hour), Entry: timeline.ID(fmt.Sprint(n)), Way: relation.In, Turn: timeline.Asks, With: []relation.Who{"cleo"}}
		switch w[0] {
		case 'o':
			m.Way = relation.Out
		case 'm':
			m.Way, m.Turn = relation.Out, timeline.Told
		case 'a':
			m.With, m.Aside = []relation.Who{"dan"}, []relation.Who{"cleo"}
		case 'x':
			m.Way, m.With = relation.Out, []relation.Who{"dan"}
		}
		if strings.HasSuffix(w, "!") {
			m.Turn = timeline.Closes
		}
		out = append(out, m)
	}
	return out
}

// turns says whose turn it is of each: us or them and since which message, and
// in which hours answers took how long.
func turns(outcomes []relation.Outcome) string {
	var out []string
	for _, o := range outcomes {
		for _, open := range o.Open {
			out = append(out, fmt.Sprintf("%s:%s@%s", o.Who, open.Side, open.Entry))
		}
		for _, a := range o.Answers {
			out = append(out, fmt.Sprintf("%s:%s+%.0fh", o.Who, a.Side, a.Answered.Sub(a.Asked).Hours()))
		}
	}
	return strings.Join(out, " ")
}

func TestWhoseTurn(t *testing.T) {
	for _, tt := range []struct{ said, want string }{
		{"", ""},
		{"i", "cleo:us@0"},
		{"o", "cleo:them@0"},
		{"i i i", "cleo:us@0"},
		{"i o", "cleo:them@1 cleo:us+1h"},
		{"o i", "cleo:us@1 cleo:them+1h"},
		{"i i o", "cleo:them@2 cleo:us+2h"},
		{"i o i!", "cleo:us+1h cleo:them+1h"},
		{"i o!", "cleo:us+1h"},
		{"i i!", ""},
		{"i! i", "cleo:us@1"},
		{"o o i o", "cleo:them@3 cleo:them+2h cleo:us+1h"},
		{"m", ""},
		{"i m", "cleo:us+1h"},
		{"a", "dan:us@0"},
		{"a o", "dan:us+1h cleo:them@1"},
		{"i x", "cleo:us+1h dan:them@1"},
		{"o a", "cleo:them+1h dan:us@1"},
		{"i a x", "cleo:us+2h dan:them@2 dan:us+1h"},
	} {
		if got := turns(relation.Judge(said(tt.said))); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.said, got, tt.want)
		}
	}
}

// TestMomentsHaveAnOrder gives messages of one second in every order.
func TestMomentsHaveAnOrder(t *testing.T) {
	base := said("i o i!")
	for n := range base {
		base[n].Time = start
	}
	want := turns(relation.Judge(append([]relation.Said(nil), base...)))
	for _, order := range [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		var ms []relation.Said
		for _, n := range order {
			ms = append(ms, base[n])
		}
		if got := turns(relation.Judge(ms)); got != want {
			t.Errorf("order %v: %q, want %q", order, got, want)
		}
	}
}

func TestClosing(t *testing.T) {
	for _, text := range []string{
		"Thanks, that's all", "Thank you!", "Great, thanks a lot. Best regards Cleo Miller Client Ltd, Main Street 1", "ok", "Got it, thanks Ada",
		"Hi Ada, perfect, thank you very much for your help! Cleo", "Hallo Ada, vielen Dank, das war's. Viele Grüße, Cleo", "Alles klar, danke!", "Passt so.",
		"Merci beaucoup, c'est tout. Bonne journée, Cleo", "Parfait, merci pour votre aide", "Muchas gracias, eso es todo. Saludos", "Perfecto, gracias",
		"ধন্যবাদ", "ঠিক আছে, অনেক ধন্যবাদ।", "প্রিয় Ada, আপনাকে অনেক ধন্যবাদ। শুভেচ্ছান্তে, Cleo", "Thanks 👍", "Danke schön 🙂",
	} {
		if !relation.Closing(text, "Cleo Miller", "cleo", "Ada Byron", "ada") {
			t.Errorf("not taken as closing: %q", text)
		}
	}
	for _, text := range []string{
		"", "Cleo", "Hello Ada", "Thanks, but the invoice is wrong", "Thanks! When will it arrive?", "Thank you, please send me the plans", "Thanks, we order ten",
		"Danke, aber die Rechnung fehlt noch", "Vielen Dank. Können Sie mir das Angebot schicken", "Merci, mais il manque une page", "Gracias, pero falta la factura",
		"ধন্যবাদ, কিন্তু দাম কত", "Yes", "Ja gerne", "Best regards", "Perfect for our needs would be the large one", "Thanks " + strings.Repeat("thanks ", 60),
		"Thanks for the offer. We would like to …", "ok?", "ধন্যবাদ？",
	} {
		if relation.Closing(text, "Cleo Miller", "cleo", "Ada Byron", "ada") {
			t.Errorf("taken as closing: %q", text)
		}
	}
}

func TestTell(t *testing.T) {
	team := contact.Team{Domains: []string{"ours.example"}, Members: []contact.Member{{Name: "Ada", Addresses: []contact.Address{"ada@ours.example"}}}}
	party := func(a string) []message.Party { return []message.Party{{Address: contact.Address(a)}} }
	in := message.Message{
		Direction: message.In, Verdict: message.Verdict{Kind: message.Personal}, Snippet: "Could you call me?",
		Head:    message.Head{From: party("cleo@client.example"), To: party("ada@ours.example"), Cc: append(party("info@ours.example"), party("dan@client.example")...)},
		Matches: []message.Match{{Contact: "cleo", Organisation: "client", Role: "from"}, {Contact: "dan", Organisation: "client", Role: "cc"}, {Organisation: "other", Role: "inner"}},
	}
	tell := func(change func(*message.Message)) timeline.Entry {
		m := in
		change(&m)
		e := timeline.Entry{Kind: timeline.Message, Direction: m.Direction, Contacts: []contact.ID{"cleo", "dan"}, Organisations: []contact.OrganisationID{"client", "other"}}
		relation.Tell(&e, m, team)
		return e
	}
	e := tell(func(*message.Message) {})
	if e.Turn != timeline.Asks || !reflect.DeepEqual(e.Members, []contact.Address{"ada@ours.example"}) ||
		!reflect.DeepEqual(e.Aside, []contact.ID{"dan"}) || !reflect.DeepEqual(e.AsideOrganisations, []contact.OrganisationID{"other"}) {
		t.Errorf("Tell = %+v", e)
	}
	for name, tt := range map[string]struct {
		change func(*message.Message)
		want   timeline.Turn
	}{
		"thanks":                {func(m *message.Message) { m.Snippet = "Thanks, that's all" }, timeline.Closes},
		"thanks with a file":    {func(m *message.Message) { m.Snippet, m.Attachments = "Thanks", []message.Attachment{{Name: "a"}} }, timeline.Asks},
		"a list":                {func(m *message.Message) { m.Verdict.Kind = message.List }, ""},
		"automatic":             {func(m *message.Message) { m.Verdict.Auto = true }, ""},
		"a bounce":              {func(m *message.Message) { m.Verdict.Kind = message.Bounce }, ""},
		"a calendar's":          {func(m *message.Message) { m.Verdict.Kind = message.Calendar }, ""},
		"among ourselves":       {func(m *message.Message) { m.Direction = message.Within }, ""},
		"ours":                  {func(m *message.Message) { m.Direction = message.Out }, timeline.Asks},
		"ours to more than can": {func(m *message.Message) { m.Direction = message.Out; m.Head.Bcc = make([]message.Party, 30) }, timeline.Told},
	} {
		if got := tell(tt.change).Turn; got != tt.want {
			t.Errorf("%s: turn %q, want %q", name, got, tt.want)
		}
	}
}

func TestHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	h := relation.Hours{Location: berlin, Days: [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, From: 9 * time.Hour, To: 17 * time.Hour, Holidays: []string{"05-01", "2026-03-04"}}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		from, to string
		want     time.Duration
	}{
		{"2026-03-02 10:00", "2026-03-02 11:30", 90 * time.Minute},
		{"2026-03-02 10:00", "2026-03-02 10:00", 0},
		{"2026-03-02 11:00", "2026-03-02 10:00", 0},
		{"2026-03-02 07:00", "2026-03-02 10:00", time.Hour},
		{"2026-03-02 16:00", "2026-03-03 10:00", 2 * time.Hour},
		{"2026-03-03 16:00", "2026-03-05 10:00", 2 * time.Hour},        // over a holiday
		{"2026-03-06 16:00", "2026-03-09 10:00", 2 * time.Hour},        // over a weekend
		{"2026-03-07 10:00", "2026-03-08 20:00", 0},                    // a weekend
		{"2026-03-27 16:00", "2026-03-30 10:00", 2 * time.Hour},        // the clocks go forward
		{"2026-04-30 16:00", "2026-05-04 10:00", 2 * time.Hour},        // the first of May of every year
		{"2020-01-06 09:00", "2026-01-05 09:00", 313 * 40 * time.Hour}, // years, in whole weeks
	} {
		got := h.Between(at(tt.from), at(tt.to))
		if tt.want > 1000*time.Hour {
			if d := got - tt.want; d > 40*time.Hour || d < -120*time.Hour {
				t.Errorf("%s to %s: %v, want about %v", tt.from, tt.to, got, tt.want)
			}
			continue
		}
		if got != tt.want {
			t.Errorf("%s to %s: %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
	if got := (relation.Hours{}).Between(start, start.Add(50*time.Hour)); got != 50*time.Hour {
		t.Errorf("without hours: %v, want 50h", got)
	}
}

func TestSpeed(t *testing.T) {
	now := start.AddDate(1, 0, 0)
	took := func(age int, hours ...int) (out []relation.Answer) {
		for _, h := range hours {
			at := now.AddDate(0, 0, -age)
			out = append(out, relation.Answer{Asked: at.Add(-time.Duration(h) * time.Hour), Answered: at})
		}
		return out
	}
	join := func(lists ...[]relation.Answer) (out []relation.Answer) {
		for _, l := range lists {
			out = append(out, l...)
		}
		return out
	}
	for name, tt := range map[string]struct {
		answers []relation.Answer
		want    relation.Speed
	}{
		"none":         {nil, relation.Speed{}},
		"one":          {took(5, 3), relation.Speed{Answers: 1, Median: 3 * time.Hour}},
		"odd":          {took(5, 9, 1, 2), relation.Speed{Answers: 3, Median: 2 * time.Hour}},
		"even":         {took(5, 9, 1, 2, 4), relation.Speed{Answers: 4, Median: 3 * time.Hour}},
		"too old":      {took(400, 1), relation.Speed{}},
		"slower":       {join(took(5, 8, 8, 8), took(200, 4, 4, 4)), relation.Speed{Answers: 6, Median: 6 * time.Hour, Before: 4 * time.Hour, Trend: relation.Slower}},
		"faster":       {join(took(5, 2, 2, 2), took(200, 4, 4, 4)), relation.Speed{Answers: 6, Median: 3 * time.Hour, Before: 4 * time.Hour, Trend: relation.Faster}},
		"steady":       {join(took(5, 4, 5, 4), took(200, 4, 4, 4)), relation.Speed{Answers: 6, Median: 4 * time.Hour, Before: 4 * time.Hour, Trend: relation.Steady}},
		"too few ones": {join(took(5, 8, 8), took(200, 4, 4, 4)), relation.Speed{Answers: 5, Median: 4 * time.Hour}},
	} {
		if got := relation.SpeedOf(tt.answers, relation.Hours{}, now); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestRhythm(t *testing.T) {
	weekly, quarterly, once := relation.Record{}, relation.Record{}, relation.Record{}
	entry := func(days int) timeline.Entry {
		return timeline.Entry{Kind: timeline.Message, Time: start.AddDate(0, 0, days), Direction: message.In, Turn: timeline.Asks}
	}
	for n := range 52 {
		weekly.Count(entry(7*n), relation.In, 1)
	}
	for n := range 6 {
		quarterly.Count(entry(91*n), relation.In, 1)
	}
	once.Count(entry(0), relation.In, 1)
	for name, tt := range map[string]struct {
		r      relation.Record
		enough int // days
	}{"weekly": {weekly, 28}, "quarterly": {quarterly, 150}, "once": {once, 0}} {
		got := int(tt.r.Rhythm().Enough / (24 * time.Hour))
		if d := got - tt.enough; d < -5 || d > 5 {
			t.Errorf("%s: a silence of %d days is unusual, want about %d", name, got, tt.enough)
		}
		if at := tt.r.QuietAt(); at.IsZero() != (tt.enough == 0) {
			t.Errorf("%s: quiet at %v", name, at)
		}
	}
}

// TestCountedAndTakenAway adds entries in one order and takes some away in
// another; the sums are those of what is left, and pack and unpack whole.
func TestCountedAndTakenAway(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var kept, gone relation.Record
		for range r.IntN(60) {
			e := timeline.Entry{Time: start.Add(time.Duration(r.IntN(20000)-10000) * time.Hour).Truncate(time.Microsecond)}
			for range r.IntN(3) {
				e.Members = append(e.Members, contact.Address(fmt.Sprintf("m%d@ours.example", r.IntN(4))))
			}
			way := relation.Way(1 + r.IntN(3))
			gone.Count(e, way, 1)
			if r.IntN(3) == 0 {
				gone.Count(e, way, -1)
				continue
			}
			kept.Count(e, way, 1)
		}
		if fmt.Sprint(gone.Months, gone.Ties) != fmt.Sprint(kept.Months, kept.Ties) {
			t.Fatalf("seed %d:\n%v\n%v, want\n%v\n%v", seed, gone.Months, gone.Ties, kept.Months, kept.Ties)
		}
		got, err := relation.Unpack(kept.Pack())
		if err != nil || fmt.Sprint(got) != fmt.Sprint(kept) {
			t.Fatalf("seed %d: Unpack(Pack()) = %v, %v; want %v", seed, got, err, kept)
		}
		for n := range kept.Pack() {
			if _, err := relation.Unpack(kept.Pack()[:n]); err == nil {
				t.Fatalf("seed %d: the first %d bytes were read as a record", seed, n)
			}
		}
	}
}

func FuzzUnpack(f *testing.F) {
	var r relation.Record
	r.Count(timeline.Entry{Time: start, Members: []contact.Address{"ada@ours.example"}}, relation.In, 1)
	f.Add(r.Pack())
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := relation.Unpack(b); err == nil {
			r.Last()
		}
	})
}

func FuzzClosing(f *testing.F) {
	f.Add("Thanks, that's all", "Cleo")
	f.Fuzz(func(t *testing.T, text, name string) { relation.Closing(text, name) })
}
