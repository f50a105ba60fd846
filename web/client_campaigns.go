package web

import (
	"context"
	"net/http"
	"net/url"

	"rapport/records/campaign"
)

// CampaignProgress is how a run stands.
type CampaignProgress = campaign.Progress

// CampaignWrites is when a campaign writes by itself.
type CampaignWrites = campaign.Writes

// Campaigns lists the campaigns with their last runs.
func (c *Client) Campaigns(ctx context.Context) (Page[campaign.Summary], error) {
	return call[Page[campaign.Summary]](ctx, c, http.MethodGet, "/campaigns", nil, nil)
}

// PlanCampaign says what launching a campaign would do.
func (c *Client) PlanCampaign(ctx context.Context, name string, again bool) (campaign.Plan, error) {
	q := url.Values{}
	if again {
		q.Set("again", "true")
	}
	return call[campaign.Plan](ctx, c, http.MethodGet, at("/campaigns/%s/plan", name), q, nil)
}

// PreviewCampaign shows the mail that somebody would get, "" the first of the
// audience.
func (c *Client) PreviewCampaign(ctx context.Context, name, who string) (CampaignMail, error) {
	return call[CampaignMail](ctx, c, http.MethodGet, at("/campaigns/%s/preview", name), url.Values{"to": {who}}, nil)
}

// TestCampaign sends the mail that somebody would get to an address of one's own.
func (c *Client) TestCampaign(ctx context.Context, name string, in CampaignTest) error {
	_, err := call[struct{}](ctx, c, http.MethodPost, at("/campaigns/%s/test", name), nil, in)
	return err
}

// LaunchCampaign launches a campaign.
func (c *Client) LaunchCampaign(ctx context.Context, name string, in CampaignLaunch) (CampaignRun, error) {
	return call[CampaignRun](ctx, c, http.MethodPost, at("/campaigns/%s/launch", name), nil, in)
}

// SteerCampaign pauses the last run of a campaign, lets it go on or ends it.
func (c *Client) SteerCampaign(ctx context.Context, name, do string) (CampaignRun, error) {
	return call[CampaignRun](ctx, c, http.MethodPost, at("/campaigns/%s/steer", name), nil, CampaignSteering{Do: do})
}

// Campaign says how the last run of a campaign stands.
func (c *Client) Campaign(ctx context.Context, name string) (campaign.Progress, error) {
	return call[campaign.Progress](ctx, c, http.MethodGet, at("/campaigns/%s", name), nil, nil)
}

// DeliveryFilter narrows a list of deliveries. Empty fields do not narrow.
type DeliveryFilter struct {
	Campaign string // of its last run
	State    string
	Address  string
}

// Deliveries lists the mails of campaigns.
func (c *Client) Deliveries(ctx context.Context, f DeliveryFilter, s Slice) (Page[Delivery], error) {
	q := s.query()
	for key, value := range map[string]string{"campaign": f.Campaign, "state": f.State, "address": f.Address} {
		if value != "" {
			q.Set(key, value)
		}
	}
	return call[Page[Delivery]](ctx, c, http.MethodGet, "/deliveries", q, nil)
}

// Delivery shows one mail of a campaign.
func (c *Client) Delivery(ctx context.Context, id string) (Delivery, error) {
	return call[Delivery](ctx, c, http.MethodGet, at("/deliveries/%s", id), nil, nil)
}

// RetryDelivery tries a mail that was put off now.
func (c *Client) RetryDelivery(ctx context.Context, id string) (Delivery, error) {
	return call[Delivery](ctx, c, http.MethodPost, at("/deliveries/%s/retry", id), nil, nil)
}

// ResolveDelivery decides by hand whether a mail was sent: sent or resend.
func (c *Client) ResolveDelivery(ctx context.Context, id, as string) (Delivery, error) {
	return call[Delivery](ctx, c, http.MethodPost, at("/deliveries/%s/resolve", id), nil, Resolution{As: as})
}

// ExplainAddress says what somebody did and did not get of campaigns, and why.
func (c *Client) ExplainAddress(ctx context.Context, address string) (AddressAccount, error) {
	return call[AddressAccount](ctx, c, http.MethodGet, "/why", url.Values{"address": {address}}, nil)
}

// AddressPast says what somebody did and did not get, and not what each campaign
// would do now.
func (c *Client) AddressPast(ctx context.Context, address string) (AddressAccount, error) {
	return call[AddressAccount](ctx, c, http.MethodGet, "/why", url.Values{"address": {address}, "past": {"true"}}, nil)
}

// Suppressions lists the addresses that are not written to.
func (c *Client) Suppressions(ctx context.Context, s Slice) (Page[Suppression], error) {
	return call[Page[Suppression]](ctx, c, http.MethodGet, "/suppressions", s.query(), nil)
}

// Suppress has an address not be written to.
func (c *Client) Suppress(ctx context.Context, in NewSuppression) (Suppression, error) {
	return call[Suppression](ctx, c, http.MethodPost, "/suppressions", nil, in)
}

// Unsuppress lets an address be written to again.
func (c *Client) Unsuppress(ctx context.Context, address, purpose string) (Unsuppressed, error) {
	q := url.Values{"address": {address}}
	if purpose != "" {
		q.Set("purpose", purpose)
	}
	return call[Unsuppressed](ctx, c, http.MethodDelete, "/suppressions", q, nil)
}

// RecordConsent records that somebody agreed to be written to, or took it back.
func (c *Client) RecordConsent(ctx context.Context, who string, in NewConsent) (Contact, error) {
	return call[Contact](ctx, c, http.MethodPost, at("/contacts/%s/consent", who), nil, in)
}
