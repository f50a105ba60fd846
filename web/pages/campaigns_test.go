package pages

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/planner"
	"rapport/records/access"
	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// posted are the tests that campaigns sent.
type posted struct {
	to  contact.Address
	raw string
}

// newPlanner makes a planner that knows one campaign, spring, and one whose
// file has a fault.
func (w *world) newPlanner() *planner.Planner {
	w.t.Helper()
	subject, err := campaign.ParseTemplate("subject", "Spring for {{.Contact.Name}}", "")
	if err != nil {
		w.t.Fatal(err)
	}
	body, err := campaign.ParseTemplate("spring.md", "Dear {{.Contact.Name}},\n\nit is **spring**.\n", "")
	if err != nil {
		w.t.Fatal(err)
	}
	spring := planner.Source{Definition: campaign.Definition{Name: "spring", Kind: campaign.Newsletter, Sender: "news", Purpose: "newsletter",
		Letters: map[string]campaign.Letter{"": {Subject: subject, Body: body}}}}
	if spring.Audience, err = campaign.ParseAudience(`kind == "customer"`); err != nil {
		w.t.Fatal(err)
	}
	autumn := planner.Source{Definition: campaign.Definition{Name: "autumn", Kind: campaign.Newsletter}, Faults: []string{"autumn.md:3:1: there is no sender <b>x</b>"}}
	clock := func() time.Time { return w.now }
	return planner.New(planner.Options{
		Store: w.store, Keys: outbox.Keys{{ID: 1, Secret: [32]byte{1}}}, Key: bytes.Repeat([]byte{2}, 32), Now: clock,
		Settings: func() planner.Settings {
			return planner.Settings{Team: "Ours", Senders: map[string]planner.Sender{"news": {Name: "news", From: "News <news@ours.example>", Replies: "ada@ours.example", Mailbox: "ada", Address: "1 Our Street", PerMinute: 30}}}
		},
		Campaigns: func() ([]planner.Source, error) { return []planner.Source{autumn, spring}, nil },
		Campaign: func(name string) (planner.Source, error) {
			switch name {
			case "spring":
				return spring, nil
			case "autumn":
				return autumn, nil
			}
			return planner.Source{}, store.ErrNotFound
		},
		Send: func(_ context.Context, _ string, _, to contact.Address, raw []byte) error {
			w.tests = append(w.tests, posted{to, string(raw)})
			return nil
		},
	})
}

// reader of newsletters: a customer who agreed, or did not.
func (w *world) customer(name string, agreed bool) contact.Contact {
	w.t.Helper()
	return w.person(name, func(c *contact.Contact) {
		c.Kind = contact.Customer
		if agreed {
			c.Consents = []contact.Consent{{Purpose: "newsletter", State: contact.Given, At: w.now}}
		}
	})
}

var planHash = regexp.MustCompile(`name="hash" value="([0-9a-f]+)"`)

// TestCampaignFromPlanToResults does what somebody does who sends a newsletter:
// reads the plan, looks at the mail, sends a test, launches, pauses, lets it go
// on, and reads who got it and why somebody did not.
func TestCampaignFromPlanToResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carl, dora := w.customer("Carl Weber", true), w.customer("Dora Maar", false)
	w.wants(w.get(member, "/campaigns"), "spring", "never sent", "autumn", "1 fault in its files")
	w.wants(w.get(member, "/campaigns/spring"), "It was not sent yet", "Read the plan")
	w.wants(w.get(member, "/campaigns/autumn"), "there is no sender &lt;b&gt;x", "-Read the plan")
	plan := w.get(member, "/campaigns/spring/plan")
	w.wants(plan, "Carl Weber", "Dora Maar", "has not agreed", "Send it to 1 person", `/contacts/`+string(dora.ID))
	w.wants(w.get(reader, "/campaigns/spring/plan"), "Carl Weber", "-Send it to 1 person")

	hash := planHash.FindStringSubmatch(plan)
	if hash == nil {
		t.Fatalf("the plan has no hash to launch:\n%s", plain(plan))
	}
	w.wants(w.post(member, "/campaigns/spring/launch", url.Values{"hash": {hash[1]}}), "Tick that you are sure")
	w.wants(w.post(member, "/campaigns/spring/launch", url.Values{"hash": {"0123456789abcdef"}, "sure": {"1"}}), "Not done:", "the plan is another by now")
	w.wants(w.post(member, "/campaigns/spring/launch", url.Values{"hash": {hash[1]}, "sure": {"1"}}), "Launched: 2 mails", "running", "1 of 2 settled", "to be sent")
	w.wants(w.post(member, "/campaigns/spring/launch", url.Values{"hash": {hash[1]}, "sure": {"1"}}), "running already")
	steer := func(do string, more ...string) string {
		form := url.Values{"do": {do}}
		for _, m := range more {
			form.Set(m, "1")
		}
		return w.post(member, "/campaigns/spring/steer", form)
	}
	w.wants(steer("pause"), "nothing more leaves", "Let it go on", "paused")
	w.wants(steer("resume"), "It goes on.", "running")
	w.wants(steer("cancel"), "Tick that you are sure", "running")
	w.wants(w.get(member, "/campaigns/spring/recipients"), "carl@client.example", "to be sent", "dora@client.example", "has not agreed")
	w.wants(w.get(member, "/campaigns/spring/recipients?state=skipped"), "dora@client.example", "-carl@client.example")
	w.wants(w.get(member, "/contacts/"+string(carl.ID)), "agreed", "Spring for Carl Weber", "to be sent")
	w.wants(w.get(member, "/contacts/"+string(dora.ID)+"/mailing"), "has not agreed", "held back")
	w.wants(steer("cancel", "sure"), "Ended: what had not left stays here")
	w.wants(w.get(member, "/campaigns/spring/recipients"), "cancelled")
	if r := ask(w, member, "/campaigns/spring/steer", url.Values{"do": {"explode"}}, nil); r.Code != http.StatusNotFound {
		t.Errorf("a deed there is not: %d", r.Code)
	}
}

// TestCampaignIsLookedAt shows the mail somebody would get, as wide as a screen
// and as a telephone, and sends a test of it.
func TestCampaignIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carl := w.customer("Carl <i>Weber", true)
	page := w.get(member, "/campaigns/spring/preview?width=phone&to="+string(carl.ID))
	w.wants(page, "Spring for Carl &lt;i&gt;Weber", "carl@client.example", "it is spring", `class="mail tall phone"`, `src="/campaigns/spring/body?to=`)
	w.wants(w.get(member, "/campaigns/spring/preview"), "Spring for Carl", "-mail tall phone")
	body := ask(w, member, "/campaigns/spring/body?to="+string(carl.ID), nil, nil)
	if policy := body.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox allow-popups") {
		t.Errorf("the mail may do: %q", policy)
	}
	w.wants(body.Body.String(), "<strong>spring</strong>", "prefers-color-scheme: dark", "-<i>Weber")
	sent := w.post(member, "/campaigns/spring/test", url.Values{"to": {"ada@ours.example"}, "as": {string(carl.ID)}})
	w.wants(sent, "A test went to ada@ours.example.")
	if len(w.tests) != 1 || w.tests[0].to != "ada@ours.example" || !strings.Contains(w.tests[0].raw, "[TEST]") {
		t.Errorf("tests sent: %+v", w.tests)
	}
	w.wants(w.post(member, "/campaigns/spring/test", url.Values{"to": {"nobody"}}), "Not done:")
	for path, want := range map[string]int{"/campaigns/spring/preview?to=nobody@client.example": http.StatusNotFound, "/campaigns/winter": http.StatusNotFound,
		"/campaigns/winter/plan": http.StatusNotFound, "/campaigns/winter/body": http.StatusNotFound, "/campaigns/spring/recipients": http.StatusNotFound} {
		if r := ask(w, member, path, nil, nil); r.Code != want {
			t.Errorf("GET %s: %d, want %d", path, r.Code, want)
		}
	}
}

// TestDoubtsAreDecided puts a mail off and loses the answer of another, and has
// somebody say what is to become of them.
func TestDoubtsAreDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.customer("Carl Weber", true)
	w.customer("Dora Maar", true)
	if _, err := w.plans.Launch(t.Context(), "ada", "spring", "", false); err != nil {
		t.Fatal(err)
	}
	ids := map[contact.Address]outbox.ID{}
	page, err := w.plans.Deliveries(t.Context(), "spring", store.OutboxFilter{}, store.Slice{})
	if err != nil {
		t.Fatal(err)
	}
	err = w.store.Update(t.Context(), func(tx store.Tx) error {
		for i, d := range page.Items {
			ids[d.Address] = d.ID
			events := []outbox.Event{{What: outbox.Commit}, {What: outbox.Lose}}
			if d.Address == "dora@client.example" {
				events = []outbox.Event{{What: outbox.Commit}, {What: outbox.Defer, Reply: &outbox.Reply{Code: 451, Text: "451 <b>later</b>"}}}
			}
			for _, e := range events {
				var err error
				if d, err = d.Apply(e, w.now.Add(time.Duration(i))); err != nil {
					return err
				}
				if err := tx.Outbox().Put(d); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const back = "/campaigns/spring/recipients"
	w.wants(w.get(member, back), "in doubt", "put off", "451 &lt;b&gt;later", "Try now", "Decide")
	w.wants(w.get(reader, back), "in doubt", "-Try now")
	w.wants(w.post(member, "/deliveries/"+string(ids["dora@client.example"])+"/retry", url.Values{"back": {back}}), "It is tried now.")
	w.wants(w.post(member, "/deliveries/"+string(ids["dora@client.example"])+"/resolve", url.Values{"back": {back}, "as": {"sent"}}), "Not done:", "there is no doubt")
	w.wants(w.post(member, "/deliveries/"+string(ids["carl@client.example"])+"/resolve", url.Values{"back": {back}, "as": {"sent"}}), "Noted: it was sent.")
	w.wants(w.get(member, "/campaigns/spring"), "Of 1 mail that a server took")
}

// TestWhoIsNotWrittenTo stops writing to somebody, and begins again only where
// it is said that they want it.
func TestWhoIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carl := w.customer("Carl Weber", false)
	at := "/contacts/" + string(carl.ID)
	w.wants(w.get(member, at), "No consent is on record")
	w.wants(w.post(member, at+"/consent", url.Values{"purpose": {"newsletter"}, "state": {contact.Given}, "source": {"at the fair"}}), "Noted.", "agreed", "at the fair")
	w.wants(w.get(member, "/campaigns/spring/plan"), "Send it to 1 person")
	w.wants(w.post(member, at+"/consent", url.Values{"purpose": {"newsletter"}, "state": {contact.Withdrawn}, "source": {"by phone"}}), "took it back")
	w.wants(w.get(member, at+"/mailing"), "took the consent back")
	w.wants(w.post(member, "/suppressions", url.Values{"address": {"carl@client.example"}, "back": {at}}), "gets no more campaigns", "Gets no campaigns:")
	w.wants(w.get(member, "/suppressions"), "carl@client.example", "said so", "for everything")
	form := url.Values{"address": {"carl@client.example"}, "back": {"/suppressions"}}
	w.wants(w.post(member, "/suppressions/remove", form), "Tick that they want it", "for everything")
	form.Set("sure", "1")
	w.wants(w.post(member, "/suppressions/remove", form), "may be written to again", "Nobody.")
	w.wants(w.post(member, "/suppressions", url.Values{"address": {"no address"}, "back": {"/suppressions"}}), "Not done:")
}

// TestCampaignsInEveryLanguage opens every page of a campaign in every language,
// and as somebody who may not.
func TestCampaignsInEveryLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	carl := w.customer("Carl Weber", true)
	w.customer("Dora Maar", false)
	if _, err := w.plans.Launch(t.Context(), "ada", "spring", "", false); err != nil {
		t.Fatal(err)
	}
	lacks := regexp.MustCompile(`\b(campaigns?|run|plan|preview|recipients|delivery|outcome|held|suppressions|stop|mailing)\.[a-z_.]+\b`)
	for _, path := range []string{"/campaigns", "/campaigns/spring", "/campaigns/autumn", "/campaigns/spring/plan?again=1", "/campaigns/spring/preview",
		"/campaigns/spring/recipients", "/suppressions", "/contacts/" + string(carl.ID), "/contacts/" + string(carl.ID) + "/mailing"} {
		for _, lang := range embedded {
			r := ask(w, root, path, nil, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: languageCookie, Value: lang}) })
			said := strings.ReplaceAll(plain(r.Body.String()), "campaigns/spring", "")
			if r.Code != http.StatusOK || lacks.MatchString(said) && !slices.Contains([]string{"/campaigns/spring/preview"}, path) {
				t.Errorf("%s in %s: %d, shows %q", path, lang, r.Code, lacks.FindAllString(said, -1))
			}
		}
		if r := ask(w, access.Principal{}, path, nil, nil); r.Code != http.StatusSeeOther {
			t.Errorf("%s to a stranger: %d", path, r.Code)
		}
	}
	for _, path := range []string{"/campaigns/spring/launch", "/campaigns/spring/steer", "/campaigns/spring/test", "/suppressions", "/suppressions/remove", "/deliveries/x/retry", "/deliveries/x/resolve", "/contacts/" + string(carl.ID) + "/consent"} {
		if r := ask(w, reader, path, url.Values{"sure": {"1"}}, nil); r.Code != http.StatusForbidden {
			t.Errorf("POST %s as a reader: %d", path, r.Code)
		}
	}
}

// TestLongPlansGoOn reads a plan of more people than a page shows.
func TestLongPlansGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := make([]campaign.Recipient, 250)
	for i := range all {
		all[i].Name = string(rune('a' + i%26))
	}
	v := func(path string) *visit {
		r, err := http.NewRequest(http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.visit(nil, r)
	}
	seen, path := 0, "/campaigns/spring/plan?again=1"
	for path != "" {
		part := v(path).roll(all, "to")
		seen += len(part.List)
		path = part.More
	}
	if seen != len(all) {
		t.Errorf("read %d of %d", seen, len(all))
	}
	for _, odd := range []string{"-1", "999999", "x"} {
		if part := v("/p?to="+odd).roll(all, "to"); len(part.List) != perPlan {
			t.Errorf("from %s: %d", odd, len(part.List))
		}
	}
}
