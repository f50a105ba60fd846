package web

import (
	"context"
	"net/http"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/records/survey"
	"rapport/store"
)

// plainOutreach has one campaign, spring, and notes what it is asked.
type plainOutreach struct{ last string }

var carlsMail = outbox.Delivery{ID: "D1", Run: "R1", Address: "carl@press.example", State: outbox.Ambiguous}

func (p *plainOutreach) known(name string) error {
	if name != "spring" {
		return store.ErrNotFound
	}
	return nil
}

func (p *plainOutreach) List(context.Context) ([]campaign.Summary, error) {
	return []campaign.Summary{{Name: "spring", Faults: []string{}}}, nil
}

func (p *plainOutreach) Results(_ context.Context, name string) (survey.Results, error) {
	return survey.Sum(name, []survey.Question{{ID: "nps", Kind: survey.NPS}}, 3, nil), p.known(name)
}

func (p *plainOutreach) Decide(_ context.Context, actor, id string, score int) (survey.Answer, error) {
	p.last = actor
	return survey.Answer{ID: id, Campaign: "spring", Kind: survey.NPS, Sure: true, Score: score}, nil
}

func (p *plainOutreach) Plan(_ context.Context, name string, again bool) (campaign.Plan, error) {
	plan := campaign.Plan{Name: name, Hash: "0123", Recipients: []campaign.Recipient{{Address: "carl@press.example"}}, Left: []campaign.Recipient{}}
	if again {
		plan.Hash = "again"
	}
	return plan, p.known(name)
}

func (p *plainOutreach) Preview(_ context.Context, name string, who contact.ID) ([]byte, error) {
	return []byte("To: " + string(who) + "\r\n\r\n"), p.known(name)
}

func (p *plainOutreach) Test(_ context.Context, actor, name string, _ contact.ID, to contact.Address) error {
	p.last = "test to " + string(to) + " by " + actor
	return p.known(name)
}

func (p *plainOutreach) Launch(_ context.Context, actor, name, hash string, _ bool) (campaign.Run, error) {
	p.last = "launch " + hash + " by " + actor
	return campaign.Run{ID: "R1", Campaign: name, State: campaign.Running}, p.known(name)
}

func (p *plainOutreach) steer(name string, s campaign.RunState) (campaign.Run, error) {
	return campaign.Run{ID: "R1", Campaign: name, State: s}, p.known(name)
}

func (p *plainOutreach) Pause(_ context.Context, _, name string) (campaign.Run, error) {
	return p.steer(name, campaign.Paused)
}

func (p *plainOutreach) Resume(_ context.Context, _, name string) (campaign.Run, error) {
	return p.steer(name, campaign.Running)
}

func (p *plainOutreach) Cancel(_ context.Context, _, name string) (campaign.Run, error) {
	return p.steer(name, campaign.Cancelled)
}

func (p *plainOutreach) Status(_ context.Context, name string) (campaign.Progress, error) {
	return campaign.Progress{Name: name, State: campaign.Running, Recipients: 1, Ambiguous: 1, Reasons: map[string]int{}}, p.known(name)
}

func (p *plainOutreach) Deliveries(_ context.Context, name string, f store.OutboxFilter, _ store.Slice) (out store.Page[outbox.Delivery], err error) {
	if f.State == "" || f.State == carlsMail.State {
		out.Items = []outbox.Delivery{carlsMail}
	}
	if name != "" {
		err = p.known(name)
	}
	return out, err
}

func (p *plainOutreach) Delivery(_ context.Context, id outbox.ID) (outbox.Delivery, error) {
	if id != carlsMail.ID {
		return outbox.Delivery{}, store.ErrNotFound
	}
	return carlsMail, nil
}

func (p *plainOutreach) Retry(ctx context.Context, _ string, id outbox.ID) (outbox.Delivery, error) {
	return p.Delivery(ctx, id)
}

func (p *plainOutreach) Resolve(ctx context.Context, _ string, id outbox.ID, sent bool) (outbox.Delivery, error) {
	d, err := p.Delivery(ctx, id)
	if d.State = outbox.Frozen; sent {
		d.State = outbox.Accepted
	}
	return d, err
}

func (p *plainOutreach) Why(context.Context, contact.Address, bool) ([]store.Suppression, []campaign.Receipt, map[string]campaign.Hold, error) {
	return nil, []campaign.Receipt{{Campaign: "spring"}}, map[string]campaign.Hold{"spring": {Why: campaign.HadIt}, "autumn": {}}, nil
}

func (p *plainOutreach) Suppress(_ context.Context, actor string, a contact.Address, scope string) (store.Suppression, error) {
	return store.Suppression{Address: string(a), Scope: scope, Why: "objection", At: time.Now(), By: actor}, nil
}

func (p *plainOutreach) Unsuppress(_ context.Context, _ string, a contact.Address, _ string) (int, error) {
	if a != "carl@press.example" {
		return 0, store.ErrNotFound
	}
	return 1, nil
}

func (p *plainOutreach) Suppressions(context.Context, store.Slice) (store.Page[store.Suppression], error) {
	return store.Page[store.Suppression]{Items: []store.Suppression{{Why: "bounce"}}}, nil
}

// callCampaigns are the client's calls about campaigns and their mails.
func callCampaigns(w *world, calls map[string]func() (any, error)) {
	ctx, c := context.Background(), w.client
	const carl = "carl@press.example"
	calls["GET /campaigns"] = func() (any, error) { return c.Campaigns(ctx) }
	calls["GET /campaigns/{name}"] = func() (any, error) { return c.Campaign(ctx, "spring") }
	calls["GET /campaigns/{name}/plan"] = func() (any, error) { return c.PlanCampaign(ctx, "spring", true) }
	calls["GET /campaigns/{name}/preview"] = func() (any, error) { return c.PreviewCampaign(ctx, "spring", carl) }
	calls["POST /campaigns/{name}/test"] = func() (any, error) {
		return nil, c.TestCampaign(ctx, "spring", CampaignTest{To: "ada@example.com", As: carl})
	}
	calls["POST /campaigns/{name}/launch"] = func() (any, error) {
		return c.LaunchCampaign(ctx, "spring", CampaignLaunch{Hash: "0123"})
	}
	calls["GET /surveys/{name}/results"] = func() (any, error) { return c.SurveyResults(ctx, "spring") }
	calls["POST /survey-answers/{id}"] = func() (any, error) { return c.DecideAnswer(ctx, "01KJMA0FM01SJ8BZCJJR3EQ89M", 8) }
	calls["POST /campaigns/{name}/steer"] = func() (any, error) { return c.SteerCampaign(ctx, "spring", "pause") }
	calls["GET /deliveries"] = func() (any, error) {
		return c.Deliveries(ctx, DeliveryFilter{Campaign: "spring", State: "ambiguous", Address: carl}, Slice{})
	}
	calls["GET /deliveries/{id}"] = func() (any, error) { return c.Delivery(ctx, "D1") }
	calls["POST /deliveries/{id}/retry"] = func() (any, error) { return c.RetryDelivery(ctx, "D1") }
	calls["POST /deliveries/{id}/resolve"] = func() (any, error) { return c.ResolveDelivery(ctx, "D1", "sent") }
	calls["GET /why"] = func() (any, error) { return c.ExplainAddress(ctx, carl) }
	calls["GET /suppressions"] = func() (any, error) { return c.Suppressions(ctx, Slice{}) }
	calls["POST /suppressions"] = func() (any, error) { return c.Suppress(ctx, NewSuppression{Address: carl}) }
	calls["DELETE /suppressions"] = func() (any, error) { return c.Unsuppress(ctx, carl, "newsletter") }
	calls["POST /contacts/{who}/consent"] = func() (any, error) {
		return c.RecordConsent(ctx, carl, NewConsent{Purpose: "newsletter"})
	}
}

// TestCampaignRefusals asks for what there is not.
func TestCampaignRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	for what, err := range map[string]error{
		"a campaign":   second(w.client.Campaign(ctx, "none")),
		"a plan":       second(w.client.PlanCampaign(ctx, "none", false)),
		"a launch":     second(w.client.LaunchCampaign(ctx, "none", CampaignLaunch{})),
		"a delivery":   second(w.client.Delivery(ctx, "D2")),
		"an address":   second(w.client.Unsuppress(ctx, "eve@press.example", "")),
		"no recipient": second(w.client.PreviewCampaign(ctx, "spring", "nobody@press.example")),
	} {
		wantStatus(t, what, err, http.StatusNotFound)
	}
	wantStatus(t, "an address that is none", second(w.client.ExplainAddress(ctx, "nobody")), http.StatusBadRequest)
	if c, err := w.client.RecordConsent(ctx, "carl@press.example", NewConsent{Purpose: "newsletter", Withdrawn: true, Source: "by phone"}); err != nil || c.Consents[len(c.Consents)-1].State != contact.Withdrawn {
		t.Errorf("consent taken back: %+v, %v", c.Consents, err)
	}
}

func wantStatus(t *testing.T, what string, err error, status int) {
	t.Helper()
	p := problem(err)
	if err == nil || p.Status != status {
		t.Errorf("%s: %v; want status %d", what, err, status)
	}
}
