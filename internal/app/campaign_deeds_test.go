package app

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"rapport/records/outbox"
	"rapport/records/survey"
	"rapport/store"
	"rapport/web"
)

// writes lays down a campaign to Carl.
func (o *office) writes(name string) {
	o.t.Helper()
	file := filepath.Join(filepath.Dir(o.file()), "campaigns", name+".md")
	text := "---\nsubject: News\naudience: 'email == \"carl@press.example\"'\nlegal_basis: a customer\n---\nDear {{.Contact.Name}}\n"
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// launched is the one delivery of a campaign that runs, after events.
func (o *office) launched(name string, events ...outbox.Event) string {
	o.t.Helper()
	o.writes(name)
	if _, err := o.client.LaunchCampaign(o.local, name, web.CampaignLaunch{}); err != nil {
		o.t.Fatal(err)
	}
	page, err := o.client.Deliveries(o.local, web.DeliveryFilter{Campaign: name}, web.Slice{})
	if err != nil || len(page.Items) != 1 {
		o.t.Fatalf("%d deliveries, %v", len(page.Items), err)
	}
	id := page.Items[0].ID
	err = o.s.store.Update(o.t.Context(), func(tx store.Tx) error {
		d, err := tx.Outbox().Get(outbox.ID(id))
		for _, e := range events {
			if err == nil {
				d, err = d.Apply(e, o.time())
			}
		}
		if err != nil {
			return err
		}
		return tx.Outbox().Put(d)
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return string(id)
}

func (o *office) deedsOfCampaigns() map[string]func() deed {
	of := func(path, name string, pairs ...string) deed {
		return deed{path: strings.ReplaceAll(path, "{name}", name), form: fields(pairs...)}
	}
	return map[string]func() deed{
		"/campaigns/{name}/launch": func() deed {
			o.writes("spring")
			plan, err := o.client.PlanCampaign(o.local, "spring", false)
			if err != nil || len(plan.Recipients) != 1 {
				o.t.Fatalf("the plan is %+v, %v", plan, err)
			}
			return of("/campaigns/{name}/launch", "spring", "hash", plan.Hash, "sure", "1")
		},
		"/campaigns/{name}/steer": func() deed {
			o.launched("summer")
			return of("/campaigns/{name}/steer", "summer", "do", "pause")
		},
		"/campaigns/{name}/test": func() deed {
			o.writes("autumn")
			d := of("/campaigns/{name}/test", "autumn", "to", "mag@example.com", "as", "carl@press.example")
			d.sends = true
			return d
		},
		"/campaigns/{name}/answers": func() deed {
			id := o.launched("asked")
			err := o.s.store.Update(o.t.Context(), func(tx store.Tx) error {
				return tx.Surveys().Put(survey.Answer{ID: id, Campaign: "asked", Question: "nps", Kind: survey.NPS, Why: survey.Several, Comment: "8 or 9", Channel: survey.ByMail, At: o.time()})
			})
			if err != nil {
				o.t.Fatal(err)
			}
			return of("/campaigns/{name}/answers", "asked", "answer", id, "score", "8")
		},
		"/deliveries/{id}/retry": func() deed {
			id := o.launched("late", outbox.Event{What: outbox.Defer, Until: o.time().Add(time.Hour)})
			return about("/deliveries/{id}/retry", id, fields("back", "/campaigns/late/recipients"))
		},
		"/deliveries/{id}/resolve": func() deed {
			id := o.launched("lost", outbox.Event{What: outbox.Commit}, outbox.Event{What: outbox.Lose})
			return about("/deliveries/{id}/resolve", id, fields("as", "sent", "back", "/campaigns/lost/recipients"))
		},
		"/suppressions": func() deed {
			return deed{path: "/suppressions", form: fields("address", "never@press.example", "back", "/suppressions")}
		},
		"/suppressions/remove": func() deed {
			if _, err := o.client.Suppress(o.local, web.NewSuppression{Address: "again@press.example"}); err != nil {
				o.t.Fatal(err)
			}
			return deed{path: "/suppressions/remove", form: fields("address", "again@press.example", "sure", "1", "back", "/suppressions")}
		},
		"/contacts/{id}/consent": func() deed {
			return about("/contacts/{id}/consent", o.id("Ask Me"), fields("purpose", "newsletter", "state", "given", "source", "at the fair"))
		},
	}
}
