package matcher_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
)

// pool is whom random messages name.
var pool = []contact.Address{
	"ada@acme.example", "ada.home@gmail.com", "bo@freelance.example", "bo+x@freelance.example", "cy@acme.example",
	"office@acme.example", "new@acme.example", "x@branch.beta.example", "x@hub.example", "y@hub.example", "x@a.park.example",
	"gone@acme.example", "x@stranger.example", "y@stranger.example", "me@example.com", "me+tag@example.com",
	"boss@example.com", "x@lawyer.example", "log@in.example", "someone@gmail.com", "tag@tags.example", "",
}

func parties(t *rapid.T, label string) []message.Party {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) message.Party {
		return message.Party{Name: rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "name"), Address: rapid.SampledFrom(pool).Draw(t, "address")}
	}), 0, 3).Draw(t, label)
}

func randomHead(t *rapid.T) message.Head {
	return message.Head{
		From: parties(t, "from"), Sender: parties(t, "sender"), ReplyTo: parties(t, "reply-to"), To: parties(t, "to"),
		Cc: parties(t, "cc"), Bcc: parties(t, "bcc"), Resent: parties(t, "resent"), DeliveredTo: parties(t, "delivered-to"),
		Subject:   rapid.SampledFrom([]string{"hello", "Fwd: hello"}).Draw(t, "subject"),
		MediaType: rapid.SampledFrom([]string{"text/plain", "multipart/report"}).Draw(t, "type"),
	}
}

func randomKnown(t *rapid.T) matcher.Known {
	match := rapid.Custom(func(t *rapid.T) message.Match {
		return message.Match{
			Contact:      contact.ID(rapid.SampledFrom([]string{"", "ada", "bo"}).Draw(t, "contact")),
			Organisation: contact.OrganisationID(rapid.SampledFrom([]string{"acme", "hub1"}).Draw(t, "organisation")),
			Rule:         "address",
		}
	})
	return matcher.Known{
		BodyRead: rapid.Bool().Draw(t, "read"),
		Inner: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) message.Inner {
			return message.Inner{Head: randomHead(t)}
		}), 0, 2).Draw(t, "inner"),
		Hand: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) matcher.ByHand {
			return matcher.ByHand{Kind: rapid.SampledFrom([]string{"file", "unfile", "unfile", "private"}).Draw(t, "kind"), Match: match.Draw(t, "match")}
		}), 0, 2).Draw(t, "hand"),
		Thread: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) matcher.Mate {
			return matcher.Mate{Theirs: rapid.SliceOfN(rapid.SampledFrom(pool), 0, 3).Draw(t, "theirs"), Matches: rapid.SliceOfN(match, 0, 2).Draw(t, "matches")}
		}), 0, 3).Draw(t, "thread"),
	}
}

func shuffled[T any](r *rand.Rand, list []T) []T {
	out := slices.Clone(list)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func shuffleHead(r *rand.Rand, h message.Head) message.Head {
	for _, list := range []*[]message.Party{&h.From, &h.Sender, &h.ReplyTo, &h.To, &h.Cc, &h.Bcc, &h.Resent, &h.DeliveredTo} {
		*list = shuffled(r, *list)
	}
	return h
}

func shuffleKnown(r *rand.Rand, k matcher.Known) matcher.Known {
	k.Inner, k.Hand, k.Thread = shuffled(r, k.Inner), shuffled(r, k.Hand), shuffled(r, k.Thread)
	for i := range k.Inner {
		k.Inner[i].Head = shuffleHead(r, k.Inner[i].Head)
	}
	for i := range k.Thread {
		k.Thread[i].Theirs, k.Thread[i].Matches = shuffled(r, k.Thread[i].Theirs), shuffled(r, k.Thread[i].Matches)
	}
	return k
}

// TestOrderDoesNotMatter shuffles whatever is handed in, and the directory:
// the verdict is the same to the last word.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	m := matcher.New(rules())
	rapid.Check(t, func(rt *rapid.T) {
		h, k := randomHead(rt), randomKnown(rt)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		want, err := m.Judge(town(), h, k)
		if err != nil {
			rt.Fatal(err)
		}
		checkSteps(t, want)
		b := town()
		b.contacts, b.orgs = shuffled(r, b.contacts), shuffled(r, b.orgs)
		got, err := m.Judge(b, shuffleHead(r, h), shuffleKnown(r, k))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("Judge(%+v, %+v) depends on order (-first +shuffled):\n%s", h, k, diff)
		}
	})
}

// TestInvariants holds what no message may break.
func TestInvariants(t *testing.T) {
	t.Parallel()
	m := matcher.New(rules())
	rapid.Check(t, func(rt *rapid.T) {
		h, k := randomHead(rt), randomKnown(rt)
		v, err := m.Judge(town(), h, k)
		if err != nil {
			rt.Fatal(err)
		}
		participants := make(map[contact.Address]bool)
		for _, list := range [][]message.Party{h.From, h.Sender, h.ReplyTo, h.To, h.Cc, h.Bcc, h.Resent} {
			for _, p := range list {
				participants[p.Address] = true
			}
		}
		if participants["x@lawyer.example"] && v.Reason != message.Excluded {
			rt.Errorf("a blocked participant, and yet %+v", v.Decision)
		}
		for _, match := range v.Matches {
			if match.Address == "" && match.Rule != matcher.RuleHand {
				rt.Errorf("match %+v was made by no address", match)
			}
			if match.Address == "gone@acme.example" {
				rt.Errorf("match %+v was made by somebody erased", match)
			}
			if match.Certain && !participants[match.Address] && match.Rule != matcher.RuleHand {
				rt.Errorf("match %+v is certain without its participant", match)
			}
			for _, d := range k.Hand {
				if d.Kind == "unfile" && d.Match.Contact != "" && d.Match.Contact == match.Contact {
					rt.Errorf("match %+v stands though a person took it away", match)
				}
			}
		}
		for _, s := range v.Strangers {
			if !participants[s.Address] || s.Address == "gone@acme.example" || s.Address == "ada@acme.example" || s.Address == "me@example.com" {
				rt.Errorf("%q is called a stranger", s.Address)
			}
		}
		if v.Action == message.Log && len(v.Matches) == 0 && v.Rule != matcher.RuleInternal {
			rt.Errorf("logged under nobody: %+v", v.Decision)
		}
	})
}

// TestManyParticipants bounds what a message with a huge header costs: each
// address and each domain is asked for at most once.
func TestManyParticipants(t *testing.T) {
	t.Parallel()
	var h message.Head
	for i := range 2000 {
		p := message.Party{Address: contact.Address(fmt.Sprintf("u%d@acme.example", i))}
		h.To, h.Cc = append(h.To, p), append(h.Cc, p)
	}
	h.From = []message.Party{{Address: "me@example.com"}}
	b := town()
	v, err := matcher.New(rules()).Judge(b, h, matcher.Known{})
	if err != nil || short(v.Matches) != "domain to @acme" {
		t.Fatalf("Judge = %s, %v", short(v.Matches), err)
	}
	if b.calls > 3*2000+2 {
		t.Errorf("Judge asked the directory %d times for 2,000 people", b.calls)
	}
	for _, s := range v.Steps {
		if len(s.Said.String()) > 2000 {
			t.Errorf("rule %s says %d bytes", s.Rule, len(s.Said.String()))
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("ada@acme.example", "me@example.com", "Fwd: x", "Private", "hr-*@*.x")
	f.Add("x@[IPv6:::1]", "a@b", "", `\Draft`, "***")
	f.Fuzz(func(t *testing.T, from, to, subject, flag, pattern string) {
		r := rules()
		r.Exclusions = append(r.Exclusions, matcher.Exclusion{Pattern: pattern, Mode: matcher.Protected})
		h := message.Head{Subject: subject, From: []message.Party{party(from)}, To: []message.Party{party(to), {Address: contact.Address(to)}}}
		v, err := matcher.New(r).Judge(town(), h, matcher.Known{Flags: []string{flag}, BodyRead: true, Inner: []message.Inner{{Head: h}}})
		if err != nil {
			t.Fatal(err)
		}
		checkSteps(t, v)
	})
}

func party(s string) message.Party {
	a, err := contact.ParseAddress(s)
	if err != nil {
		return message.Party{Raw: s}
	}
	return message.Party{Address: a}
}
