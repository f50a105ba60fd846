package pages_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"rapport/internal/browser"
	"rapport/web"
)

// hostileSite is a daemon whose records hold every vector: as a mail's body,
// subject, sender's name and attachments' names, in every field of a contact,
// and as a note; some also as the name of a stranger, in a mail that waits for
// a decision, and in names of organisations.
func hostileSite(t *testing.T, all []vector) *site {
	t.Helper()
	s := newSite(t, "ada")
	ctx := context.Background()
	s.know(ctx, all)
	at := time.Now().Add(-40 * 24 * time.Hour)
	for i, v := range all {
		h, at := hostile{v}, at.Add(time.Duration(i)*time.Minute)
		s.put("ada", "INBOX", h.mail(h.sender(), at), at)
		if i%10 != 0 {
			continue
		}
		s.put("ada", "INBOX", h.mail(h.stranger(), at), at)
		s.put("ada", "Sent", h.reply(h.stranger(), at.Add(time.Hour)), at)
		s.put("ada", "INBOX", h.mail(h.shared(), at), at)
	}
	if st := s.sync(); st.Totals.Stored < len(all) {
		t.Fatalf("only %d of %d mails are filed: %+v", st.Totals.Stored, len(all), st.Totals)
	}
	for _, v := range all {
		if _, err := s.client.AddNote(ctx, web.Note{Who: hostile{v}.sender(), Text: v.text}); err != nil {
			if _, err := s.client.AddNote(ctx, web.Note{Who: hostile{v}.sender(), Text: printable(v.text)}); err != nil {
				t.Fatalf("add the note of vector %d: %v", v.number, err)
			}
		}
	}
	return s
}

// know adds a contact for each vector, and organisations named by some.
func (s *site) know(ctx context.Context, all []vector) {
	s.t.Helper()
	var b bytes.Buffer
	write := json.NewEncoder(&b)
	for _, v := range all {
		text := printable(v.text)
		if err := write.Encode(map[string]any{
			"name": text, "addresses": []string{hostile{v}.sender()}, "kind": "customer",
			"role": text, "tags": []string{single(text)}, "phones": []string{single(text)}, "note": text,
			"custom": map[string]string{"field": text},
		}); err != nil {
			s.t.Fatal(err)
		}
	}
	res, err := s.client.Import(ctx, &b, web.ImportOptions{Name: "hostile.jsonl"})
	if err != nil || len(res.Errors) > 0 {
		s.t.Fatalf("import the contacts: %v, %v", err, res.Errors)
	}
	for i, v := range all[:12] {
		in := web.OrganisationInput{Name: printable(v.text), Domains: []string{fmt.Sprintf("o%d.example", i)}, Kind: "partner"}
		switch i {
		case 0:
			in.Domains = []string{"hostile.example"}
		case 1, 2:
			in.Domains, in.Shared = []string{"shared.example"}, true
		}
		if _, err := s.client.AddOrganisation(ctx, in); err != nil {
			s.t.Fatalf("add organisation %d: %v", i, err)
		}
	}
}

// printable is a vector where control characters are refused.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s))
}

// single is a vector where signs that separate values are refused.
func single(s string) string { return strings.NewReplacer(",", " ", ";", " ").Replace(s) }

// TestS4_NothingInRecordsRuns opens the pages of records full of hostile input:
// nothing of it runs, opens a dialog, is refused by the browser only, or covers
// what is ours.
func TestS4_NothingInRecordsRuns(t *testing.T) {
	t.Parallel()
	all := vectors(t)
	s := hostileSite(t, all)
	p := browser.Start(t).Open(t, browser.Options{Origin: s.origin})
	c := newCrawl(t, s.origin, perKindHostile)
	c.shuffle = rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 4))
	seen, tries := map[string]bool{}, 0
	c.walk(p, func(path string, v browser.Visit) {
		for _, fault := range v.Faults() {
			t.Error(fault)
		}
		faults := p.Covered("header a, header input, nav a")
		if !strings.HasSuffix(path, "/body") { // what a stranger wrote may be wider than its frame, which scrolls
			faults = append(faults, p.Overflow()...)
		}
		for _, fault := range faults {
			t.Errorf("%s: %s", path, fault)
		}
		for _, m := range shown.FindAllStringSubmatch(p.Text(), -1) {
			seen[m[1]+m[2]] = true
			tries++
		}
	})
	var unseen []string
	for _, v := range all {
		if bites(v) && !seen[strconv.Itoa(v.number)] {
			unseen = append(unseen, v.text)
		}
	}
	if len(unseen) > 0 {
		slices.Sort(unseen)
		t.Errorf("%d vectors were on no page as the text they are: %q", len(unseen), unseen[:min(5, len(unseen))])
	}
	t.Logf("%d pages of %d kinds held %d vectors %d times", len(c.paths), len(c.seen), len(seen), tries)
	t.Attr("tries", strconv.Itoa(tries))
}
