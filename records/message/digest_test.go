package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// digestOf is a digest of all that is read out of a mail, what only this
// package sees included.
func digestOf(tb testing.TB, raw []byte) string {
	tb.Helper()
	p, err := Parse(bytes.NewReader(raw), Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	all := struct {
		Parsed            Parsed
		Own               string
		Failed            []string
		About             *Head
		Token             string
		Feedback          string
		Calendar, Method  string
		Verdict           Verdict
		HeadAlone         Head
		Identities        []Sum
		Trust             Trust
		Roles             []RoledParty
		Looks             [4]bool
		Subjects, Threads []string
	}{
		Parsed: p, Own: p.own, Failed: p.failed, About: p.about, Token: p.token, Feedback: fmt.Sprintf("%+v", p.feedback), Calendar: p.calendar, Method: p.method,
		Verdict: Classify(p), HeadAlone: ParseHead(raw), Identities: IdentityKeys(p.Head, &p.TextSum), Trust: p.Head.Trust("mx.example.com"), Roles: p.Head.Roles(),
		Looks:    [4]bool{p.Head.LooksReport(), p.Head.LooksForwarded(), p.Head.LooksAutomatic(), p.Head.LooksList()},
		Subjects: []string{p.Head.BaseSubject(), p.Head.ReplySubject()}, Threads: p.Head.ThreadIDs(),
	}
	text, err := json.Marshal(all)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))[:16]
}

// TestCorporaDigests compares all that is read out of every mail of the corpora
// with what was read when testdata/corpora.sums was written, so that no change
// made for speed alters a word unseen. A change that means to read something
// otherwise rewrites the file with -update, and the difference names the mails
// it concerns.
func TestCorporaDigests(t *testing.T) {
	var got []string
	for _, folder := range []string{"mime", "bounce/mails", "reply", "bulk"} {
		eachMail(t, folder, func(name string, raw []byte) {
			got = append(got, digestOf(t, raw)+" "+folder+"/"+name)
		})
	}
	slices.SortFunc(got, func(a, b string) int { return strings.Compare(a[17:], b[17:]) })
	const golden = "testdata/corpora.sums"
	if *update {
		if err := os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, line := range got {
		have[line] = true
	}
	differ := 0
	for line := range strings.Lines(string(want)) {
		if line = strings.TrimSuffix(line, "\n"); !have[line] {
			if differ++; differ <= 20 {
				t.Errorf("read otherwise: %s", line[17:])
			}
		}
	}
	t.Logf("%d mails, %d read otherwise", len(got), differ)
}
