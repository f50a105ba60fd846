package pages

import (
	"net/url"
	"strings"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/web"
)

// deliveryStates are the states by which recipients are looked at.
var deliveryStates = []string{"frozen", "accepted", "deferred", "rejected", "ambiguous", "unknown", "suppressed", "skipped", "cancelled", "expired"}

// recipientList is the page of who got the last run of a campaign.
type recipientList struct {
	Name       string // of the campaign
	Deliveries []mailed
	States     []choice
	Chosen     string
	Older      string
}

// mailed is a delivery as the pages show it.
type mailed struct{ web.Delivery }

// Why is the key of the sentence that says why it was held, "" where it was not.
func (d mailed) WhyKey() string {
	if d.Why == "" {
		return ""
	}
	return "held." + string(d.Why)
}

// Class is how the state is coloured.
func (d mailed) Class() string {
	switch d.State {
	case "accepted":
		return "good"
	case "rejected", "unknown", "ambiguous", "expired":
		return "warning"
	}
	return ""
}

// Doubt reports whether somebody may say what became of it.
func (d mailed) Doubt() bool { return d.State == "ambiguous" || d.State == "unknown" }

// PutOff reports whether it can be tried sooner.
func (d mailed) PutOff() bool { return d.State == "deferred" }

func recipients(v *visit) error {
	name, state := v.r.PathValue("name"), v.Query("state")
	page, err := v.client().Deliveries(v.ctx(), web.DeliveryFilter{Campaign: name, State: state, Address: v.Query("address")}, v.slice())
	if err != nil {
		return err
	}
	out := recipientList{Name: name, Chosen: state, Older: v.older(page.Next)}
	for _, d := range page.Items {
		out.Deliveries = append(out.Deliveries, mailed{d})
	}
	here := campaignPath(name, "recipients")
	out.States = []choice{{Key: "delivery.all", Href: here, Chosen: state == ""}}
	for _, s := range deliveryStates {
		out.States = append(out.States, choice{Value: s, Key: "delivery." + s, Href: address(here, url.Values{"state": {s}}), Chosen: s == state})
	}
	return v.show("recipients", "recipients.title", out)
}

func deliveryRetry(v *visit) error {
	back := v.form("back")
	if _, err := v.client().RetryDelivery(v.ctx(), v.r.PathValue("id")); err != nil {
		return v.notNow(back, err)
	}
	return v.done(back, "", "delivery.tried_now")
}

func deliveryResolve(v *visit) error {
	back, as := v.form("back"), v.form("as")
	if _, err := v.client().ResolveDelivery(v.ctx(), v.r.PathValue("id"), as); err != nil {
		return v.notNow(back, err)
	}
	if as == "sent" {
		return v.done(back, "", "delivery.was_sent")
	}
	return v.done(back, "", "delivery.goes_again")
}

// suppressionList is the page of the addresses that are not written to.
type suppressionList struct {
	List  []web.Suppression
	Older string
}

func suppressions(v *visit) error {
	page, err := v.client().Suppressions(v.ctx(), v.slice())
	if err != nil {
		return err
	}
	return v.show("suppressions", "suppressions.title", suppressionList{page.Items, v.older(page.Next)})
}

func suppress(v *visit) error {
	back := v.form("back")
	if _, err := v.client().Suppress(v.ctx(), web.NewSuppression{Address: v.form("address"), Purpose: v.form("purpose")}); err != nil {
		return v.notNow(back, err)
	}
	return v.done(back, "", "suppressions.added", "address", v.form("address"))
}

// unsuppress lets an address be written to again. It takes a tick: most of
// those on the list asked to be.
func unsuppress(v *visit) error {
	back := v.form("back")
	if v.form("sure") == "" {
		return v.notDone(back, "suppressions.not_sure")
	}
	if _, err := v.client().Unsuppress(v.ctx(), v.form("address"), v.form("purpose")); err != nil {
		return v.notNow(back, err)
	}
	return v.done(back, "", "suppressions.removed", "address", v.form("address"))
}

// mailing is how a contact stands with what is written to many.
type mailing struct {
	Address    contact.Address
	Consents   []contact.Consent // what holds now, one for each purpose
	Suppressed []web.Suppression
	Got        []campaign.Receipt // the newest
	Now        []web.CampaignNow  // what each campaign would do
}

// mostGot is how many mails of campaigns the page of a record shows.
const mostGot = 10

// readMailing reads it for the page of a contact, in brief: without what each
// campaign would do. Of an organisation, and of who has no address, there is
// nothing to tell.
func readMailing(v *visit, c card) (*mailing, error) {
	if !c.Person() || len(c.Addresses) == 0 {
		return nil, nil
	}
	account, err := v.client().AddressPast(v.ctx(), string(c.Addresses[0]))
	if err != nil {
		return nil, err
	}
	out := mailingOf(account, c)
	out.Got = out.Got[:min(len(out.Got), mostGot)]
	return &out, nil
}

// mailingPage is the page of what somebody got, and what each campaign would do.
type mailingPage struct {
	card
	mailing
}

func oneMailing(v *visit) error {
	c, err := contacts.card(v, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if len(c.Addresses) == 0 {
		return v.redirect(c.Path)
	}
	account, err := v.client().ExplainAddress(v.ctx(), string(c.Addresses[0]))
	if err != nil {
		return err
	}
	return v.show("mailing", c.Name, mailingPage{c, mailingOf(account, c)})
}

func mailingOf(account web.AddressAccount, c card) mailing {
	out := mailing{Address: account.Address, Suppressed: account.Suppressed, Got: account.Got, Now: account.Now}
	seen := map[string]bool{}
	for i := len(c.Consents) - 1; i >= 0; i-- { // the last word counts
		if o := c.Consents[i]; !seen[o.Purpose] {
			seen[o.Purpose] = true
			out.Consents = append(out.Consents, o)
		}
	}
	return out
}

// recordConsent notes what somebody agreed to, or took back.
func recordConsent(v *visit) error {
	id := v.r.PathValue("id")
	in := web.NewConsent{Purpose: strings.ToLower(v.form("purpose")), Withdrawn: v.form("state") == contact.Withdrawn, Source: v.form("source")}
	back := contacts.path(id)
	if _, err := v.client().RecordConsent(v.ctx(), id, in); err != nil {
		return v.notNow(back, err)
	}
	return v.done(back, "", "mailing.noted")
}
