package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport/records/access"
	"rapport/records/campaign"
	"rapport/web"
)

// campaignRoutes are the pages of what is written to many: the campaigns there
// are, what launching one would do, how it stands, and who got what.
func (p *Pages) campaignRoutes() []route {
	return []route{
		{pattern: "GET /campaigns", need: access.Read, serve: campaigns},
		{pattern: "GET /campaigns/{name}", need: access.Read, serve: oneCampaign},
		{pattern: "GET /campaigns/{name}/plan", need: access.Read, serve: campaignPlan},
		{pattern: "POST /campaigns/{name}/launch", need: access.Write, serve: campaignLaunch},
		{pattern: "POST /campaigns/{name}/steer", need: access.Write, serve: campaignSteer},
		{pattern: "POST /campaigns/{name}/test", need: access.Write, serve: campaignTest},
		{pattern: "GET /campaigns/{name}/preview", need: access.Read, serve: campaignPreview},
		{pattern: "GET /campaigns/{name}/body", need: access.Read, serve: campaignBody},
		{pattern: "GET /campaigns/{name}/recipients", need: access.Read, serve: recipients},
		{pattern: "POST /deliveries/{id}/retry", need: access.Write, serve: deliveryRetry},
		{pattern: "POST /deliveries/{id}/resolve", need: access.Write, serve: deliveryResolve},
		{pattern: "GET /suppressions", need: access.Read, serve: suppressions},
		{pattern: "POST /suppressions", need: access.Write, serve: suppress},
		{pattern: "POST /suppressions/remove", need: access.Write, serve: unsuppress},
		{pattern: "GET /contacts/{id}/mailing", need: access.Read, serve: oneMailing},
		{pattern: "POST /contacts/{id}/consent", need: access.Write, serve: recordConsent},
	}
}

// campaignPath is the page of a campaign, or one below it.
func campaignPath(name string, more ...string) string {
	out := "/campaigns/" + url.PathEscape(name)
	for _, m := range more {
		out += "/" + m
	}
	return out
}

// outreach is a campaign as the pages show it.
type outreach struct{ campaign.Summary }

// Path is the page of the campaign.
func (c outreach) Path() string { return campaignPath(c.Name) }

// Sound reports whether its files can be read.
func (c outreach) Sound() bool { return len(c.Faults) == 0 && c.Kind != "" }

// Moves reports whether something is on its way.
func (c outreach) Moves() bool {
	return c.Run != nil && (c.Run.State == campaign.Running || c.Run.State == campaign.Preparing)
}

// Ends reports whether there is a run that can be ended.
func (c outreach) Ends() bool {
	return c.Run != nil && (c.Run.State == campaign.Running || c.Run.State == campaign.Paused)
}

// Settled is how many deliveries have nothing more to happen to them.
func (c outreach) Settled() int {
	return c.Run.Recipients - c.Run.Pending - c.Run.Deferred - c.Run.Ambiguous
}

// figure is a number with the name of what it counts; Href leads to those.
type figure struct {
	Key, Href, Class string
	N                int
	Of               int // shown as a share of so many; 0: not
}

// Share is the number in percent of what it is a share of.
func (f figure) Share() float64 {
	if f.Of == 0 {
		return 0
	}
	return float64(f.N) * 100 / float64(f.Of)
}

// States are how many deliveries of the run are in each state that has some.
func (c outreach) States() []figure {
	r := c.Run
	var out []figure
	for _, f := range []figure{
		{Key: "frozen", N: r.Pending}, {Key: "accepted", N: r.Accepted, Class: "good"}, {Key: "deferred", N: r.Deferred}, {Key: "rejected", N: r.Rejected},
		{Key: "ambiguous", N: r.Ambiguous}, {Key: "unknown", N: r.Unknown}, {Key: "suppressed", N: r.Suppressed}, {Key: "skipped", N: r.Skipped},
		{Key: "cancelled", N: r.Cancelled}, {Key: "expired", N: r.Expired},
	} {
		if f.N > 0 {
			f.Href = address(campaignPath(c.Name, "recipients"), url.Values{"state": {f.Key}})
			f.Key = "delivery." + f.Key
			out = append(out, f)
		}
	}
	return out
}

// Outcomes are what came back, as shares of what a server took.
func (c outreach) Outcomes() []figure {
	r := c.Run
	return []figure{
		{Key: "outcome.replied", N: r.Replied, Of: r.Accepted}, {Key: "outcome.bounced", N: r.Bounced, Of: r.Accepted},
		{Key: "outcome.unsubscribed", N: r.Unsubs, Of: r.Accepted}, {Key: "outcome.complained", N: r.Complained, Of: r.Accepted},
	}
}

// Held are why deliveries of the run were held back, by how many.
func (c outreach) Held() (out []figure) {
	for _, why := range campaign.Reasons() {
		if n := c.Run.Reasons[string(why)]; n > 0 {
			out = append(out, figure{Key: "held." + string(why), N: n})
		}
	}
	return out
}

// campaignList is the page of all campaigns.
type campaignList struct {
	Campaigns []outreach
	Moves     bool
}

func campaigns(v *visit) error {
	page, err := v.client().Campaigns(v.ctx())
	if err != nil {
		return err
	}
	var out campaignList
	for _, c := range page.Items {
		out.Campaigns = append(out.Campaigns, outreach{c})
		out.Moves = out.Moves || outreach{c}.Moves()
	}
	return v.show("campaigns", "campaigns.title", out)
}

// campaign finds the campaign that the page's address names.
func (v *visit) campaign() (outreach, error) {
	page, err := v.client().Campaigns(v.ctx())
	if err != nil {
		return outreach{}, err
	}
	i := slices.IndexFunc(page.Items, func(c campaign.Summary) bool { return c.Name == v.r.PathValue("name") })
	if i < 0 {
		return outreach{}, errNoPage
	}
	return outreach{page.Items[i]}, nil
}

func oneCampaign(v *visit) error {
	c, err := v.campaign()
	if err != nil {
		return err
	}
	return v.show("campaign", c.Name, c)
}

// perPlan is how many people of a plan a page shows of each list.
const perPlan = 100

// planned is the page of a plan.
type planned struct {
	campaign.Plan
	Again bool
	To    roll // who is written to
	Not   roll // who is not, and why
	Whys  []figure
}

// roll is a part of a list of a plan.
type roll struct {
	List []campaign.Recipient
	More string // the address of what follows; "" at the end
}

// rhythm is when a campaign writes by itself, as the pages show it.
type rhythm struct {
	*campaign.Writes
	Window string
	Seed   int // how many mails leave first; 0: all, or they have left
}

// Rhythm is when the campaign of a plan writes.
func (p planned) Rhythm() rhythm { return rhythm{p.Writes, p.Window, p.Seed} }

// Rhythm is when the campaign of a run writes.
func (c outreach) Rhythm() rhythm {
	out := rhythm{c.Run.Writes, c.Run.Window, c.Run.Seed}
	if !c.Run.Seeded.IsZero() {
		out.Seed = 0
	}
	return out
}

// Field is the custom field whose day is the occasion; "": it is another one.
func (r rhythm) Field() string {
	field, is := strings.CutPrefix(r.Trigger, campaign.OnField)
	if !is {
		return ""
	}
	return field
}

// Took is how long the sender's limits make it take.
func (p planned) Took() time.Duration { return time.Duration(p.Seconds) * time.Second }

// Launches reports whether the plan can be launched.
func (p planned) Launches() bool {
	return len(p.Faults) == 0 && (len(p.Recipients) > 0 || p.Writes != nil)
}

// roll cuts the part out of a list that the page's address names.
func (v *visit) roll(all []campaign.Recipient, parameter string) roll {
	from, err := strconv.Atoi(v.Query(parameter))
	if err != nil || from < 0 || from > len(all) {
		from = 0
	}
	to := min(from+perPlan, len(all))
	out := roll{List: all[from:to]}
	if to < len(all) {
		q := v.r.URL.Query()
		q.Set(parameter, strconv.Itoa(to))
		out.More = address(v.Path(), q) + "#" + parameter
	}
	return out
}

func campaignPlan(v *visit) error {
	again := v.Query("again") != ""
	plan, err := v.client().PlanCampaign(v.ctx(), v.r.PathValue("name"), again)
	if err != nil {
		return err
	}
	out := planned{Plan: plan, Again: again, To: v.roll(plan.Recipients, "to"), Not: v.roll(plan.Left, "not")}
	count := map[campaign.Why]int{}
	for _, r := range plan.Left {
		count[r.Why]++
	}
	for _, why := range campaign.Reasons() {
		if count[why] > 0 {
			out.Whys = append(out.Whys, figure{Key: "held." + string(why), N: count[why]})
		}
	}
	return v.show("plan", "plan.title", out)
}

// campaignLaunch launches exactly the plan that was read.
func campaignLaunch(v *visit) error {
	name := v.r.PathValue("name")
	again := v.form("again") != ""
	back := campaignPath(name, "plan")
	if again {
		back += "?again=1"
	}
	if v.form("sure") == "" || v.form("hash") == "" {
		return v.notDone(back, "plan.not_sure")
	}
	run, err := v.client().LaunchCampaign(v.ctx(), name, web.CampaignLaunch{Hash: v.form("hash"), Again: again})
	if err != nil {
		return v.notNow(back, err)
	}
	return v.done(campaignPath(name), "", "campaign.launched", "n", strconv.Itoa(run.Recipients))
}

// notNow says on a page why a deed was not possible; other errors stay errors.
func (v *visit) notNow(to string, err error) error {
	switch p := known(err); p.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return v.notDone(to, "campaign.refused", "why", p.Detail)
	}
	return err
}

func campaignSteer(v *visit) error {
	name, do := v.r.PathValue("name"), v.form("do")
	said := map[string]string{"pause": "campaign.is_paused", "resume": "campaign.goes_on", "cancel": "campaign.is_ended"}
	back := campaignPath(name)
	if said[do] == "" {
		return errNoPage
	}
	if do == "cancel" && v.form("sure") == "" {
		return v.notDone(back, "campaign.not_sure")
	}
	if _, err := v.client().SteerCampaign(v.ctx(), name, do); err != nil {
		return v.notNow(back, err)
	}
	return v.done(back, "", said[do])
}

// campaignTest sends the mail that somebody would get to one of us.
func campaignTest(v *visit) error {
	name := v.r.PathValue("name")
	back := address(campaignPath(name, "preview"), url.Values{"to": {v.form("as")}})
	if err := v.client().TestCampaign(v.ctx(), name, web.CampaignTest{To: v.form("to"), As: v.form("as")}); err != nil {
		return v.notNow(back, err)
	}
	return v.done(back, "", "campaign.tested", "to", v.form("to"))
}
