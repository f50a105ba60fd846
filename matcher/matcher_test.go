package matcher_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
)

type judged struct {
	name  string
	lines []string
	known matcher.Known
	rules func(*matcher.Rules)

	verdict   string // "log", "inspect", or the reason to skip
	rule      string
	matches   string
	dir       message.Direction
	strangers string
	protected bool
	hidden    bool
	review    bool
}

func (tt judged) run(t *testing.T) {
	t.Parallel()
	r := rules()
	if tt.rules != nil {
		tt.rules(&r)
	}
	v, err := matcher.New(r).Judge(town(), head(t, tt.lines...), tt.known)
	if err != nil {
		t.Fatal(err)
	}
	got := judged{
		name: tt.name, lines: tt.lines, known: tt.known,
		verdict: string(v.Action), rule: v.Rule, matches: short(v.Matches), dir: v.Direction,
		strangers: strangers(v.Strangers), protected: v.Protected, hidden: v.Hidden, review: v.Review != "",
	}
	if v.Action == message.Skip {
		got.verdict = string(v.Reason)
	}
	if tt.dir == "" {
		tt.dir = got.dir
	}
	tt.rules = nil
	if diff := cmp.Diff(tt, got, cmp.AllowUnexported(judged{})); diff != "" {
		t.Errorf("Judge(%q) differs (-want +got):\n%s\n%s", tt.lines, diff, explain(v))
	}
	checkSteps(t, v)
}

func explain(v matcher.Verdict) string {
	var b strings.Builder
	for _, s := range v.Steps {
		b.WriteString(s.Rule + ": " + s.Said.String() + "\n")
	}
	return b.String()
}

// checkSteps holds for every verdict: each rule speaks once, in order, and at
// most one decided, the one the decision names.
func checkSteps(t testing.TB, v matcher.Verdict) {
	t.Helper()
	want := []string{"excluded", "hand", "address", "folded", "domain", "forward", "thread", "internal"}
	var got []string
	decided := ""
	for _, s := range v.Steps {
		got = append(got, s.Rule)
		if s.Said.Empty() {
			t.Errorf("rule %s says nothing", s.Rule)
		}
		if s.Decided {
			decided += s.Rule
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps differ (-want +got):\n%s", diff)
	}
	if decided != v.Rule {
		t.Errorf("steps say that %q decided, the decision %q", decided, v.Rule)
	}
	if (v.Action == message.Skip) != (v.Reason != "") {
		t.Errorf("action %q with reason %q", v.Action, v.Reason)
	}
	if v.Action != message.Log && len(v.Matches) > 0 {
		t.Errorf("action %q with matches", v.Action)
	}
}

// addressCases are of the rules address, folded and domain.
var addressCases = []judged{
	{name: "from a contact", lines: []string{"from: Ada <ada@acme.example>", "to: me@example.com"},
		verdict: "log", rule: "address", matches: "address from ada@acme", dir: message.In},
	{name: "to a contact", lines: []string{"from: me@example.com", "to: ada@acme.example"},
		verdict: "log", rule: "address", matches: "address to ada@acme", dir: message.Out},
	{name: "from our plus-tag", lines: []string{"from: me+x@example.com", "to: bo@freelance.example"},
		verdict: "log", rule: "address", matches: "address to bo", dir: message.Out},
	{name: "from a member's own gmail", lines: []string{"from: mehome+a@googlemail.com", "to: bo@freelance.example"},
		verdict: "log", rule: "address", matches: "address to bo", dir: message.Out},
	{name: "by cc only", lines: []string{"from: x@stranger.example", "to: me@example.com", "cc: bo@freelance.example"},
		verdict: "log", rule: "address", matches: "address cc bo", dir: message.In, strangers: "x@stranger.example"},
	{name: "by bcc only", lines: []string{"from: me@example.com", "to: x@stranger.example", "bcc: bo@freelance.example"},
		verdict: "log", rule: "address", matches: "address bcc bo", strangers: "x@stranger.example"},
	{name: "by reply-to", lines: []string{"from: x@stranger.example", "reply-to: bo@freelance.example", "to: me@example.com"},
		verdict: "log", rule: "address", matches: "address from bo", strangers: "x@stranger.example"},
	{name: "by sender", lines: []string{"from: x@stranger.example", "sender: bo@freelance.example", "to: me@example.com"},
		verdict: "log", rule: "address", matches: "address from bo", strangers: "x@stranger.example"},
	{name: "resent", lines: []string{"from: x@stranger.example", "to: y@stranger.example", "resent: bo@freelance.example, me@example.com"},
		verdict: "log", rule: "address", matches: "address cc bo", dir: message.In, strangers: "x@stranger.example, y@stranger.example"},
	{name: "several contacts, roles kept", lines: []string{"from: me@example.com", "to: ada@acme.example, bo@freelance.example", "cc: cy@acme.example, ada@acme.example"},
		verdict: "log", rule: "address", matches: "address to ada@acme, address to bo, address cc cy@acme"},
	{name: "one contact by two addresses", lines: []string{"from: ada.home@gmail.com", "to: me@example.com", "cc: ada@acme.example"},
		verdict: "log", rule: "address", matches: "address from ada@acme"},
	{name: "two contacts share an address", lines: []string{"from: office@acme.example", "to: me@example.com"},
		verdict: "log", rule: "address", matches: "address from twin1@acme, address from twin2@beta"},
	{name: "plus-tag folded", lines: []string{"from: bo+shop@freelance.example", "to: me@example.com"},
		verdict: "log", rule: "folded", matches: "folded from bo"},
	{name: "contact known by a plus-tag", lines: []string{"from: tag@tags.example", "to: me@example.com"},
		verdict: "log", rule: "folded", matches: "folded from tag"},
	{name: "gmail dots", lines: []string{"from: adahome@googlemail.com", "to: me@example.com"},
		verdict: "log", rule: "folded", matches: "folded from ada@acme"},
	{name: "dots elsewhere count", lines: []string{"from: b.o@freelance.example", "to: me@example.com"},
		verdict: "no_match", dir: message.In, strangers: "b.o@freelance.example"},
	{name: "exact before folded for each", lines: []string{"from: bo+a@freelance.example", "to: ada@acme.example", "cc: me@example.com"},
		verdict: "log", rule: "address", matches: "address to ada@acme, folded from bo"},
	{name: "unknown at a known domain", lines: []string{"from: new@acme.example", "to: me@example.com"},
		verdict: "log", rule: "domain", matches: "domain from @acme", strangers: "new@acme.example"},
	{name: "subdomain of a registrable domain", lines: []string{"from: x@mail.eu.acme.example", "to: me@example.com"},
		verdict: "log", rule: "domain", matches: "domain from @acme", strangers: "x@mail.eu.acme.example"},
	{name: "exact subdomain before its parent", lines: []string{"from: x@branch.beta.example", "to: me@example.com"},
		verdict: "log", rule: "domain", matches: "domain from @branch", strangers: "x@branch.beta.example"},
	{name: "multi-label suffix", lines: []string{"from: x@a.beta.co.uk", "to: me@example.com"},
		verdict: "log", rule: "domain", matches: "domain from @beta", strangers: "x@a.beta.co.uk"},
	{name: "neighbour under a public suffix", lines: []string{"from: x@other.co.uk", "to: me@example.com"},
		verdict: "no_match", strangers: "x@other.co.uk"},
	{name: "look-alike of a domain", lines: []string{"from: ada@notacme.example, ada@acme.example.evil.example", "to: me@example.com"},
		verdict: "no_match", strangers: "ada@acme.example.evil.example, ada@notacme.example"},
	{name: "look-alike of ours", lines: []string{"from: x@notexample.com", "to: bo@freelance.example"},
		verdict: "log", rule: "address", matches: "address to bo", dir: message.Sideways, strangers: "x@notexample.com"},
	{name: "homograph", lines: []string{"from: x@bсher.example", "to: me@example.com"}, // with a Cyrillic es
		verdict: "no_match", strangers: "x@xn--bher-l6d.example"},
	{name: "unicode domain", lines: []string{"from: X@Bücher.example", "to: me@example.com"},
		verdict: "log", rule: "address", matches: "address from idn"},
	{name: "freemail listed by mistake", lines: []string{"from: someone@gmail.com", "to: me@example.com"},
		verdict: "no_match", strangers: "someone@gmail.com"},
	{name: "freemail by configuration", lines: []string{"from: someone@sub.local-isp.example, a@local-isp.example", "to: me@example.com"},
		verdict: "no_match", strangers: "a@local-isp.example, someone@sub.local-isp.example"},
	{name: "address and domain together", lines: []string{"from: new@beta.example", "to: me@example.com", "cc: ada@acme.example"},
		verdict: "log", rule: "address", matches: "address cc ada@acme, domain from @beta", strangers: "new@beta.example"},
	{name: "display names never match", lines: []string{"from: ada@acme.example <x@stranger.example>", "to: Bo bo@freelance.example <me@example.com>"},
		verdict: "no_match", strangers: "x@stranger.example"},
	{name: "unreadable matches nobody", lines: []string{"from: ada at acme.example", "to: undisclosed-recipients:;"},
		verdict: "no_match", dir: message.Sideways},
	{name: "nobody at all", lines: nil, verdict: "no_match", dir: message.Sideways},
	{name: "delivered-to is no participant", lines: []string{"from: x@stranger.example", "to: y@stranger.example", "delivered-to: bo@freelance.example"},
		verdict: "no_match", dir: message.Sideways, strangers: "x@stranger.example, y@stranger.example"},
	{name: "one of several authors is ours", lines: []string{"from: me@example.com, x@stranger.example", "to: bo@freelance.example"},
		verdict: "log", rule: "address", matches: "address to bo", dir: message.Sideways, strangers: "x@stranger.example"},
	{name: "secretary for a member", lines: []string{"sender: me@example.com", "to: bo@freelance.example"},
		verdict: "log", rule: "address", matches: "address to bo", dir: message.Out},
}

func TestAddressAndDomain(t *testing.T) {
	t.Parallel()
	for _, tt := range addressCases {
		t.Run(tt.name, tt.run)
	}
}

func TestSharedDomains(t *testing.T) {
	t.Parallel()
	filed := []matcher.Mate{{Theirs: []contact.Address{"x@hub.example"}, Matches: []message.Match{{Organisation: "hub2", Rule: "hand"}}}}
	for _, tt := range []judged{
		{name: "two organisations list it", lines: []string{"from: x@hub.example", "to: me@example.com"},
			verdict: "log", rule: "domain", matches: "domain from @hub1?, domain from @hub2?", review: true, strangers: "x@hub.example"},
		{name: "one lists it as shared", lines: []string{"from: x@a.park.example", "to: me@example.com"},
			verdict: "log", rule: "domain", matches: "domain from @park?", review: true, strangers: "x@a.park.example"},
		{name: "somebody else decides", lines: []string{"from: x@hub.example", "to: me@example.com", "cc: bo@freelance.example"},
			verdict: "log", rule: "address", matches: "address cc bo", strangers: "x@hub.example"},
		{name: "the thread decides", lines: []string{"from: x@hub.example", "to: me@example.com"}, known: matcher.Known{Thread: filed},
			verdict: "log", rule: "thread", matches: "thread from @hub2?", strangers: "x@hub.example"},
		{name: "taken from whom else it found, it still waits", lines: []string{"from: x@hub.example", "to: me@example.com", "cc: new@acme.example"}, known: hand("unfile", "", "acme"),
			verdict: "log", rule: "domain", matches: "domain from @hub1?, domain from @hub2?", review: true, strangers: "x@hub.example, new@acme.example"},
		{name: "the thread is not asked against a person", lines: []string{"from: x@hub.example", "to: me@example.com"},
			known:   matcher.Known{Thread: filed, Hand: hand("unfile", "", "hub1").Hand},
			verdict: "log", rule: "domain", matches: "domain from @hub2?", review: true, strangers: "x@hub.example"},
		{name: "a person took one away", lines: []string{"from: x@hub.example", "to: me@example.com"}, known: hand("unfile", "", "hub1"),
			verdict: "log", rule: "domain", matches: "domain from @hub2?", review: true, strangers: "x@hub.example"},
	} {
		tt.known.BodyRead = true
		t.Run(tt.name, tt.run)
	}
}

// hand is one decision by hand.
func hand(kind string, c contact.ID, o contact.OrganisationID) matcher.Known {
	return matcher.Known{Hand: []matcher.ByHand{{Kind: kind, Match: message.Match{Contact: c, Organisation: o}}}}
}

func TestExclusions(t *testing.T) {
	t.Parallel()
	for _, tt := range []judged{
		{name: "blocked domain", lines: []string{"from: x@office.lawyer.example", "to: me@example.com", "cc: ada@acme.example"},
			verdict: "excluded", rule: "excluded"},
		{name: "not quite the blocked domain", lines: []string{"from: x@mylawyer.example", "to: me@example.com", "cc: ada@acme.example"},
			verdict: "log", rule: "address", matches: "address cc ada@acme", strangers: "x@mylawyer.example"},
		{name: "blocked beats protected", lines: []string{"from: ada@acme.example", "to: both@staff.example, boss@example.com"},
			verdict: "excluded", rule: "excluded"},
		{name: "protected member", lines: []string{"from: ada@acme.example", "to: me@example.com", "cc: boss+x@example.com, x@stranger.example"},
			verdict: "log", rule: "address", matches: "address from ada@acme", protected: true},
		{name: "protected pattern", lines: []string{"from: hr-one@eu.staff.example", "to: me@example.com", "cc: ada@acme.example"},
			verdict: "log", rule: "address", matches: "address cc ada@acme", protected: true},
		{name: "pattern is over the whole address", lines: []string{"from: hr-one@eu.staff.example.org", "to: me@example.com"},
			verdict: "no_match", strangers: "hr-one@eu.staff.example.org"},
		{name: "private folder", lines: []string{"from: ada@acme.example", "to: me@example.com"},
			known: matcher.Known{Folder: message.Folder{Role: message.RolePrivate}}, verdict: "private", rule: "excluded"},
		{name: "private label", lines: []string{"from: ada@acme.example", "to: me@example.com"},
			known: matcher.Known{Flags: []string{`\Seen`, "Mine/private"}}, verdict: "private", rule: "excluded"},
		{name: "a label that only sounds private", lines: []string{"from: ada@acme.example", "to: me@example.com"},
			known: matcher.Known{Flags: []string{"Private-Clients", "NotDraft"}}, verdict: "log", rule: "address", matches: "address from ada@acme"},
		{name: "draft flag", lines: []string{"from: me@example.com", "to: ada@acme.example"},
			known: matcher.Known{Flags: []string{`\Draft`}}, verdict: "draft", rule: "excluded"},
		{name: "drafts label", lines: []string{"from: me@example.com", "to: ada@acme.example"},
			known: matcher.Known{Flags: []string{"[Gmail]/Drafts"}}, verdict: "draft", rule: "excluded"},
		{name: "blocked though filed by hand", lines: []string{"from: x@lawyer.example", "to: me@example.com"},
			known: hand("file", "bo", ""), verdict: "excluded", rule: "excluded"},
		{name: "erased alone", lines: []string{"from: gone@acme.example", "to: me@example.com"},
			verdict: "erased", rule: "excluded"},
		{name: "erased with a plus-tag", lines: []string{"from: gone+x@acme.example", "to: me@example.com"},
			verdict: "erased", rule: "excluded"},
		{name: "erased beside a stranger", lines: []string{"from: gone@acme.example", "to: me@example.com", "cc: x@stranger.example"},
			verdict: "erased", rule: "excluded", strangers: "x@stranger.example"},
		{name: "erased beside a contact", lines: []string{"from: gone@acme.example", "to: me@example.com", "cc: bo@freelance.example"},
			verdict: "log", rule: "address", matches: "address cc bo"},
	} {
		t.Run(tt.name, tt.run)
	}
	t.Run("an empty exclusion names nobody", judged{
		lines: []string{"from: ada@acme.example", "to: me@example.com"},
		rules: func(r *matcher.Rules) {
			r.Exclusions = []matcher.Exclusion{{Mode: matcher.Blocked}, {Address: "ada+x@acme.example"}}
		},
		verdict: "log", rule: "address", matches: "address from ada@acme",
	}.run)
}

func TestPrivateHeader(t *testing.T) {
	t.Parallel()
	h := head(t, "from: ada@acme.example", "to: me@example.com")
	h.Private = true
	v, err := matcher.New(rules()).Judge(town(), h, matcher.Known{})
	if err != nil || v.Reason != message.IsPrivate {
		t.Errorf("Judge of a message marked private = %+v, %v", v.Decision, err)
	}
}

func TestByHand(t *testing.T) {
	t.Parallel()
	both := matcher.Known{Hand: append(hand("file", "bo", "").Hand, hand("unfile", "bo", "").Hand...)}
	private := matcher.Known{Hand: append(hand("file", "bo", "").Hand, hand("private", "", "").Hand...)}
	ada := []string{"from: ada@acme.example", "to: me@example.com"}
	for _, tt := range []judged{
		{name: "withdrawn", lines: ada, known: hand("withdraw", "", ""), verdict: "withdrawn", rule: "hand"},
		{name: "filed instead of the rules", lines: ada, known: hand("file", "bo", ""), verdict: "log", rule: "hand", matches: "hand  bo"},
		{name: "filed though nobody matches", lines: []string{"from: x@stranger.example", "to: me@example.com"}, known: hand("file", "", "beta"),
			verdict: "log", rule: "hand", matches: "hand  @beta", strangers: "x@stranger.example"},
		{name: "filed though internal", lines: []string{"from: me@example.com", "to: boss@example.com"}, known: hand("file", "bo", ""),
			verdict: "log", rule: "hand", matches: "hand  bo", protected: true},
		{name: "taken away", lines: ada, known: hand("unfile", "ada", ""), verdict: "no_match", rule: "hand"},
		{name: "taken from the organisation alone", lines: ada, known: hand("unfile", "", "acme"), verdict: "log", rule: "address", matches: "address from ada"},
		{name: "taken away by domain", lines: []string{"from: new@acme.example", "to: me@example.com"}, known: hand("unfile", "", "acme"),
			verdict: "no_match", rule: "hand", strangers: "new@acme.example"},
		{name: "taken from one of two", lines: []string{"from: ada@acme.example", "to: bo@freelance.example"}, known: hand("unfile", "ada", ""),
			verdict: "log", rule: "address", matches: "address to bo"},
		{name: "private by hand", lines: ada, known: hand("private", "", ""), verdict: "log", rule: "address", matches: "address from ada@acme", hidden: true},
		{name: "filed and taken away", lines: ada, known: both, verdict: "log", rule: "address", matches: "address from ada@acme"},
		{name: "filed and private", lines: ada, known: private, verdict: "log", rule: "hand", matches: "hand  bo", hidden: true},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestThread(t *testing.T) {
	t.Parallel()
	mate := matcher.Mate{
		Theirs:  []contact.Address{"bo@freelance.example", "x@stranger.example", "gone@acme.example"},
		Matches: []message.Match{{Contact: "bo", Rule: "address", Certain: true, Role: "from", Address: "bo@freelance.example"}},
	}
	known := matcher.Known{Thread: []matcher.Mate{mate}}
	for _, tt := range []judged{
		{name: "somebody of both sides remains", lines: []string{"from: x@stranger.example", "to: me@example.com"},
			verdict: "log", rule: "thread", matches: "thread from bo?", strangers: "x@stranger.example"},
		{name: "we write to the one who remains", lines: []string{"from: me@example.com", "to: y@stranger.example", "cc: x@stranger.example"},
			verdict: "log", rule: "thread", matches: "thread cc bo?", strangers: "y@stranger.example, x@stranger.example"},
		{name: "nobody of theirs remains", lines: []string{"from: y@stranger.example", "to: me@example.com"},
			verdict: "no_match", strangers: "y@stranger.example"},
		{name: "nobody of ours remains", lines: []string{"from: x@stranger.example", "to: y@stranger.example"},
			verdict: "no_match", strangers: "x@stranger.example, y@stranger.example"},
		{name: "only among ourselves", lines: []string{"from: me@example.com", "to: y@example.com"},
			verdict: "internal", rule: "internal"},
		{name: "an address rule comes first", lines: []string{"from: ada@acme.example", "to: me@example.com", "cc: x@stranger.example"},
			verdict: "log", rule: "address", matches: "address from ada@acme", strangers: "x@stranger.example"},
		{name: "the erased bring nothing back", lines: []string{"from: gone@acme.example", "to: me@example.com"},
			verdict: "erased", rule: "excluded"},
	} {
		tt.known = known
		t.Run(tt.name, tt.run)
	}
}

func TestInternal(t *testing.T) {
	t.Parallel()
	keep := func(r *matcher.Rules) { r.LogInternal = true }
	for _, tt := range []judged{
		{name: "among ourselves", lines: []string{"from: me@example.com", "to: x@example.com, me.home@gmail.com"},
			verdict: "internal", rule: "internal", dir: message.Within},
		{name: "kept by configuration", lines: []string{"from: me@example.com", "to: x@example.com"}, rules: keep,
			verdict: "log", rule: "internal", dir: message.Within},
		{name: "a forward, header read", lines: []string{"from: me@example.com", "to: x@example.com", "subject: Fwd: order"},
			verdict: "inspect", rule: "forward", dir: message.Within},
		{name: "a forward, header read, internal mail kept", lines: []string{"from: me@example.com", "to: x@example.com", "subject: Fwd: order"}, rules: keep,
			verdict: "inspect", rule: "forward", dir: message.Within},
		{name: "to the log address, header read", lines: []string{"from: me@example.com", "to: log+1@in.example"},
			verdict: "inspect", rule: "forward", dir: message.Within},
		{name: "bcc to the log address of mail to a contact", lines: []string{"from: me@example.com", "to: bo@freelance.example", "delivered-to: log@in.example"},
			verdict: "log", rule: "address", matches: "address to bo", dir: message.Out},
		{name: "bcc to the log address of mail to a stranger", lines: []string{"from: me@example.com", "to: x@stranger.example", "delivered-to: log@in.example"},
			verdict: "inspect", rule: "forward", dir: message.Out, strangers: "x@stranger.example"},
		{name: "a stranger writes to the log address", lines: []string{"from: x@stranger.example", "to: log@in.example"},
			verdict: "no_match", dir: message.In, strangers: "x@stranger.example"},
		{name: "a stranger names one of us beside himself", lines: []string{"from: me@example.com, x@stranger.example", "to: log@in.example"},
			verdict: "no_match", dir: message.In, strangers: "x@stranger.example"},
		{name: "a report, header read", lines: []string{"from: mailer-daemon@isp.example", "to: me@example.com", "type: multipart/report delivery-status"},
			verdict: "inspect", rule: "forward", strangers: "mailer-daemon@isp.example"},
		{name: "a report of our own server", lines: []string{"from: mailer-daemon@example.com", "to: me@example.com", "type: multipart/report delivery-status"},
			verdict: "inspect", rule: "forward"},
		{name: "a report from a known domain", lines: []string{"from: mailer-daemon@acme.example", "to: me@example.com", "type: multipart/report delivery-status"},
			verdict: "log", rule: "domain", matches: "domain from @acme", strangers: "mailer-daemon@acme.example"},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestInnerMessages(t *testing.T) {
	t.Parallel()
	within := func(lines ...string) matcher.Known {
		return matcher.Known{BodyRead: true, Inner: []message.Inner{{Head: head(t, lines...)}}}
	}
	fwd := []string{"from: me@example.com", "to: x@example.com", "subject: Fwd: order"}
	report := []string{"from: mailer-daemon@isp.example", "to: me@example.com", "type: multipart/report delivery-status"}
	for _, tt := range []judged{
		{name: "forward of a contact's", lines: fwd, known: within("from: ada@acme.example", "to: me@example.com"),
			verdict: "log", rule: "forward", matches: "forward inner ada@acme?"},
		{name: "forward by domain", lines: fwd, known: within("from: new@beta.example", "to: me@example.com"),
			verdict: "log", rule: "forward", matches: "forward inner @beta?"},
		{name: "forward of a stranger's", lines: fwd, known: within("from: x@stranger.example", "to: me@example.com"),
			verdict: "not_ours", rule: "internal"},
		{name: "forward with nothing inside", lines: fwd, known: matcher.Known{BodyRead: true},
			verdict: "internal", rule: "internal"},
		{name: "forward of a blocked one's", lines: fwd, known: within("from: x@lawyer.example", "to: me@example.com", "cc: ada@acme.example"),
			verdict: "excluded", rule: "excluded"},
		{name: "forward of a protected one's", lines: fwd, known: within("from: ada@acme.example", "to: boss@example.com"),
			verdict: "log", rule: "forward", matches: "forward inner ada@acme?", protected: true},
		{name: "forward of an erased one's", lines: fwd, known: within("from: gone@acme.example", "to: me@example.com"),
			verdict: "erased", rule: "excluded"},
		{name: "forward of a shared domain's", lines: fwd, known: within("from: x@hub.example", "to: me@example.com"),
			verdict: "log", rule: "domain", matches: "domain inner @hub1?, domain inner @hub2?", review: true},
		{name: "mail to the log address", lines: []string{"from: me@example.com", "to: log@in.example"}, known: within("from: bo@freelance.example"),
			verdict: "log", rule: "forward", matches: "forward inner bo?"},
		{name: "what a stranger forwards is no evidence", lines: []string{"from: x@stranger.example", "to: me@example.com", "subject: Fwd: hi"}, known: within("from: ada@acme.example"),
			verdict: "no_match", strangers: "x@stranger.example"},
		{name: "report on mail to a contact", lines: report, known: within("from: me@example.com", "to: ada@acme.example"),
			verdict: "log", rule: "forward", matches: "forward inner ada@acme?", strangers: "mailer-daemon@isp.example"},
		{name: "report on mail to a stranger", lines: report, known: within("from: me@example.com", "to: x@stranger.example"),
			verdict: "not_ours", rule: "forward", strangers: "mailer-daemon@isp.example"},
		{name: "report taken away by hand", lines: report,
			known:   matcher.Known{BodyRead: true, Inner: within("to: ada@acme.example").Inner, Hand: hand("unfile", "ada", "").Hand},
			verdict: "no_match", rule: "hand", strangers: "mailer-daemon@isp.example"},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestDirectoryErrors(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"ByAddress", "ByFolded", "ByDomain", "Erased"} {
		b := town()
		b.fail = method
		_, err := matcher.New(rules()).Judge(b, head(t, "from: x@stranger.example", "to: me@example.com"), matcher.Known{})
		if !errors.Is(err, errBook) {
			t.Errorf("Judge with a failing %s = %v; want the directory's error", method, err)
		}
	}
}
