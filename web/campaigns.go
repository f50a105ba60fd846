package web

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// Outreach plans campaigns, launches them and knows what became of them;
// planner implements it. Errors are the store's sentinels or plain sentences
// fit to show.
type Outreach interface {
	List(ctx context.Context) ([]campaign.Summary, error)
	// Plan says what launching would do; again has it go also to those who had it.
	Plan(ctx context.Context, name string, again bool) (campaign.Plan, error)
	// Preview returns the mail somebody would get; "" is the first of the audience.
	Preview(ctx context.Context, name string, who contact.ID) ([]byte, error)
	Test(ctx context.Context, actor, name string, who contact.ID, to contact.Address) error
	// Launch sends; hash, when not empty, must be that of the plan.
	Launch(ctx context.Context, actor, name, hash string, again bool) (campaign.Run, error)
	Pause(ctx context.Context, actor, name string) (campaign.Run, error)
	Resume(ctx context.Context, actor, name string) (campaign.Run, error)
	Cancel(ctx context.Context, actor, name string) (campaign.Run, error)
	Status(ctx context.Context, name string) (campaign.Progress, error)
	Deliveries(ctx context.Context, name string, f store.OutboxFilter, s store.Slice) (store.Page[outbox.Delivery], error)
	Delivery(ctx context.Context, id outbox.ID) (outbox.Delivery, error)
	Retry(ctx context.Context, actor string, id outbox.ID) (outbox.Delivery, error)
	Resolve(ctx context.Context, actor string, id outbox.ID, sent bool) (outbox.Delivery, error)
	// Why explains an address; now has it also say what each campaign would do.
	Why(ctx context.Context, a contact.Address, now bool) ([]store.Suppression, []campaign.Receipt, map[string]campaign.Hold, error)
	Suppress(ctx context.Context, actor string, a contact.Address, scope string) (store.Suppression, error)
	Unsuppress(ctx context.Context, actor string, a contact.Address, scope string) (int, error)
	Suppressions(ctx context.Context, s store.Slice) (store.Page[store.Suppression], error)
}

const aboutCampaigns = "A campaign is a file, `NAME.md`, or a folder, below the configured directory `campaigns`. " +
	"Its plan says who is written to and, of everybody else in its audience, why not. " +
	"Launching writes every mail before the first leaves and seals how many there are; each goes to its recipient at most once. " +
	"A mail whose answer was lost is sent again only on proof that no server took it."

func (s *Server) describeCampaigns(api huma.API) {
	const tag = "campaigns"
	describe(s, api, operation{id: "list-campaigns", pattern: "GET /campaigns", tag: tag, need: access.Read,
		summary: "List the campaigns with their last runs", detail: aboutCampaigns}, s.listCampaigns)
	describe(s, api, operation{id: "plan-campaign", pattern: "GET /campaigns/{name}/plan", tag: tag, need: access.Read, long: true,
		summary: "Say what launching a campaign would do", detail: "Every mail of it is made to find what is wrong; none is kept."}, s.planCampaign)
	describe(s, api, operation{id: "preview-campaign", pattern: "GET /campaigns/{name}/preview", tag: tag, need: access.Read,
		summary: "Show the mail that somebody would get"}, s.previewCampaign)
	describe(s, api, operation{id: "test-campaign", pattern: "POST /campaigns/{name}/test", tag: tag, need: access.Write, long: true,
		summary: "Send the mail that somebody would get to an address of one's own"}, s.testCampaign)
	describe(s, api, operation{id: "launch-campaign", pattern: "POST /campaigns/{name}/launch", tag: tag, need: access.Write, long: true,
		summary: "Launch a campaign", detail: aboutCampaigns}, s.launchCampaign)
	describe(s, api, operation{id: "steer-campaign", pattern: "POST /campaigns/{name}/steer", tag: tag, need: access.Write, long: true,
		summary: "Pause the last run of a campaign, let it go on, or end it"}, s.steerCampaign)
	describe(s, api, operation{id: "show-campaign", pattern: "GET /campaigns/{name}", tag: tag, need: access.Read,
		summary: "Say how the last run of a campaign stands"}, s.showCampaign)
}

// CampaignPath names a campaign in the path.
type CampaignPath struct {
	Name string `path:"name" example:"spring" doc:"of the campaign: that of its file"`
}

// CampaignMail is a mail of a campaign.
type CampaignMail struct {
	Raw string `json:"raw" doc:"the mail as it would go over the wire"`
}

// CampaignTest says to whom a test goes, and as whom it is made.
type CampaignTest struct {
	To string `json:"to" minLength:"3" maxLength:"254" example:"ada@example.com"`
	As string `json:"as,omitempty" doc:"for whom the mail is made; the first of the audience where it is not given"`
}

// CampaignLaunch says how a campaign is launched.
type CampaignLaunch struct {
	Hash  string `json:"hash,omitempty" maxLength:"64" doc:"of the plan: where the plan is another by now, nothing is sent"`
	Again bool   `json:"again,omitempty" doc:"also to those who had it already"`
}

// CampaignRun is one sending of a campaign.
type CampaignRun struct {
	Run        campaign.RunID    `json:"run"`
	Name       string            `json:"name"`
	State      campaign.RunState `json:"state"`
	Reason     string            `json:"reason,omitempty"`
	Recipients int               `json:"recipients" doc:"who is written to, and who is in the audience and held back"`
}

// CampaignSteering says what is to become of a run.
type CampaignSteering struct {
	Do string `json:"do" enum:"pause,resume,cancel"`
}

func runView(r campaign.Run) CampaignRun {
	return CampaignRun{Run: r.ID, Name: r.Campaign, State: r.State, Reason: r.Reason, Recipients: r.Recipients}
}

func (s *Server) listCampaigns(ctx context.Context, _ *struct{}) (page Page[campaign.Summary], err error) {
	page.Items, err = s.outreach.List(ctx)
	if page.Items == nil {
		page.Items = []campaign.Summary{}
	}
	return page, refused(err)
}

func (s *Server) planCampaign(ctx context.Context, in *struct {
	CampaignPath
	Again bool `query:"again" doc:"also for those who had it already"`
}) (campaign.Plan, error) {
	plan, err := s.outreach.Plan(ctx, in.Name, in.Again)
	if plan.Warnings == nil {
		plan.Warnings = []string{}
	}
	if plan.Faults == nil {
		plan.Faults = []string{}
	}
	return plan, refused(err)
}

func (s *Server) previewCampaign(ctx context.Context, in *struct {
	CampaignPath
	To string `query:"to" doc:"an id, an address or a name; the first of the audience where it is not given"`
}) (out CampaignMail, err error) {
	who, err := s.forWhom(ctx, in.To)
	if err != nil {
		return out, err
	}
	raw, err := s.outreach.Preview(ctx, in.Name, who)
	return CampaignMail{Raw: string(raw)}, refused(err)
}

// forWhom finds the contact a mail is made for.
func (s *Server) forWhom(ctx context.Context, who string) (contact.ID, error) {
	if who == "" {
		return "", nil
	}
	c, err := s.namedContact(ctx, who)
	return c.ID, err
}

func (s *Server) testCampaign(ctx context.Context, in *struct {
	CampaignPath
	Body CampaignTest
}) (none struct{}, err error) {
	to, err := contact.ParseAddress(in.Body.To)
	if err != nil {
		return none, Invalid(err)
	}
	who, err := s.forWhom(ctx, in.Body.As)
	if err != nil {
		return none, err
	}
	return none, refused(s.outreach.Test(ctx, actor(ctx), in.Name, who, to))
}

func (s *Server) launchCampaign(ctx context.Context, in *struct {
	CampaignPath
	Body CampaignLaunch
}) (CampaignRun, error) {
	r, err := s.outreach.Launch(ctx, actor(ctx), in.Name, in.Body.Hash, in.Body.Again)
	return runView(r), refused(err)
}

func (s *Server) steerCampaign(ctx context.Context, in *struct {
	CampaignPath
	Body CampaignSteering
}) (CampaignRun, error) {
	do := s.outreach.Pause
	switch in.Body.Do {
	case "resume":
		do = s.outreach.Resume
	case "cancel":
		do = s.outreach.Cancel
	}
	r, err := do(ctx, actor(ctx), in.Name)
	return runView(r), refused(err)
}

func (s *Server) showCampaign(ctx context.Context, in *CampaignPath) (campaign.Progress, error) {
	return s.outreach.Status(ctx, in.Name)
}

// Delivery is one mail of a campaign to one person.
type Delivery struct {
	ID        outbox.ID       `json:"id"`
	Run       campaign.RunID  `json:"run"`
	Contact   contact.ID      `json:"contact,omitempty"`
	Address   contact.Address `json:"address"`
	Sender    string          `json:"sender"`
	State     outbox.State    `json:"state"`
	Reason    string          `json:"reason,omitempty" doc:"of the state, in words"`
	Why       campaign.Why    `json:"why,omitempty" doc:"of skipped and suppressed, as a word"`
	Changed   time.Time       `json:"changed"`
	Due       time.Time       `json:"due,omitzero" doc:"not sent before, while it waits"`
	Attempts  int             `json:"attempts"`
	Subject   string          `json:"subject,omitempty"`
	MessageID string          `json:"message_id,omitempty"`
	QueueID   string          `json:"queue_id,omitempty" doc:"what the server said when it took it"`
	Reply     string          `json:"reply,omitempty" doc:"the server's last answer that was no"`
	Class     outbox.Class    `json:"class,omitempty" doc:"of that answer"`
	Bounced   time.Time       `json:"bounced,omitzero"`
	Replied   time.Time       `json:"replied,omitzero"`
	Unsubs    time.Time       `json:"unsubscribed,omitzero"`
	Complain  time.Time       `json:"complained,omitzero"`
	SentCopy  time.Time       `json:"sent_copy,omitzero" doc:"when its copy was seen in the Sent folder"`
}

func deliveryView(d outbox.Delivery) Delivery {
	out := Delivery{ID: d.ID, Run: d.Run, Contact: d.Contact, Address: d.Address, Sender: d.Sender, State: d.State, Reason: d.Reason, Why: d.Why,
		Changed: d.Changed.UTC(), Due: d.Due, Attempts: d.Attempts, Subject: d.Subject, MessageID: d.MessageID, QueueID: d.QueueID, Class: d.Class,
		Bounced: d.Evidence.Bounced, Replied: d.Evidence.Replied, Unsubs: d.Evidence.Unsubscribed, Complain: d.Evidence.Complained, SentCopy: d.Evidence.SentCopy}
	if d.Reply != nil {
		out.Reply = d.Reply.Text
	}
	return out
}

func (s *Server) describeOutbox(api huma.API) {
	const tag = "outbox"
	describe(s, api, operation{id: "list-deliveries", pattern: "GET /deliveries", tag: tag, need: access.Read,
		summary: "List the mails of campaigns, sent and to be sent"}, s.listDeliveries)
	describe(s, api, operation{id: "show-delivery", pattern: "GET /deliveries/{id}", tag: tag, need: access.Read,
		summary: "Show one mail of a campaign"}, s.showDelivery)
	describe(s, api, operation{id: "retry-delivery", pattern: "POST /deliveries/{id}/retry", tag: tag, need: access.Write,
		summary: "Try a mail that was put off now"}, s.retryDelivery)
	describe(s, api, operation{id: "resolve-delivery", pattern: "POST /deliveries/{id}/resolve", tag: tag, need: access.Write,
		summary: "Decide by hand whether a mail whose answer was lost was sent", detail: "One that was not is sent again, byte for byte the same."}, s.resolveDelivery)
	describe(s, api, operation{id: "explain-address", pattern: "GET /why", tag: tag, need: access.Read,
		summary: "Say what somebody did and did not get of campaigns, and why"}, s.explainAddress)
	describe(s, api, operation{id: "list-suppressions", pattern: "GET /suppressions", tag: tag, need: access.Read,
		summary: "List the addresses that are not written to"}, s.listSuppressions)
	describe(s, api, operation{id: "suppress-address", pattern: "POST /suppressions", tag: tag, need: access.Write,
		summary: "Have an address not be written to"}, s.suppress)
	describe(s, api, operation{id: "unsuppress-address", pattern: "DELETE /suppressions", tag: tag, need: access.Write,
		summary: "Let an address be written to again"}, s.unsuppress)
	describe(s, api, operation{id: "record-consent", pattern: "POST /contacts/{who}/consent", tag: tag, need: access.Write,
		summary: "Record that somebody agreed to be written to, or took that back"}, s.recordConsent)
}

func (s *Server) listDeliveries(ctx context.Context, in *struct {
	SliceInput
	Campaign string `query:"campaign" doc:"of its last run only"`
	State    string `query:"state" enum:"planned,frozen,intent,deferred,ambiguous,accepted,rejected,unknown,cancelled,suppressed,skipped,expired," doc:"in this state only"`
	Address  string `query:"address" doc:"to this address only"`
}) (page Page[Delivery], err error) {
	f := store.OutboxFilter{State: outbox.State(in.State)}
	if in.Address != "" {
		if f.Address, err = contact.ParseAddress(in.Address); err != nil {
			return page, Invalid(err)
		}
	}
	found, err := s.outreach.Deliveries(ctx, in.Campaign, f, in.slice())
	page.Items, page.Next = []Delivery{}, string(found.Next)
	for _, d := range found.Items {
		page.Items = append(page.Items, deliveryView(d))
	}
	return page, err
}

// DeliveryPath names a delivery in the path.
type DeliveryPath struct {
	ID outbox.ID `path:"id" doc:"of the delivery"`
}

func (s *Server) showDelivery(ctx context.Context, in *DeliveryPath) (Delivery, error) {
	d, err := s.outreach.Delivery(ctx, in.ID)
	return deliveryView(d), err
}

func (s *Server) retryDelivery(ctx context.Context, in *DeliveryPath) (Delivery, error) {
	d, err := s.outreach.Retry(ctx, actor(ctx), in.ID)
	return deliveryView(d), refused(err)
}

// Resolution says what became of a mail.
type Resolution struct {
	As string `json:"as" enum:"sent,resend" doc:"sent: the server took it; resend: it did not"`
}

func (s *Server) resolveDelivery(ctx context.Context, in *struct {
	DeliveryPath
	Body Resolution
}) (Delivery, error) {
	d, err := s.outreach.Resolve(ctx, actor(ctx), in.ID, in.Body.As == "sent")
	return deliveryView(d), refused(err)
}

// Suppression says that an address is not written to.
type Suppression struct {
	Address string    `json:"address,omitempty" doc:"absent once its person was erased"`
	Purpose string    `json:"purpose,omitempty" doc:"absent: for every purpose"`
	Why     string    `json:"why" doc:"objection, complaint, bounce or unsubscribe"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`
}

func suppressionView(o store.Suppression) Suppression {
	return Suppression{Address: o.Address, Purpose: o.Scope, Why: o.Why, At: o.At.UTC(), By: o.By}
}

// AddressAccount is what somebody did and did not get of campaigns.
type AddressAccount struct {
	Address    contact.Address    `json:"address"`
	Suppressed []Suppression      `json:"suppressed"`
	Got        []campaign.Receipt `json:"got" doc:"newest first"`
	Now        []CampaignNow      `json:"now" doc:"what each campaign would do now"`
}

// CampaignNow is what a campaign would do with somebody if it were launched now.
type CampaignNow struct {
	Campaign string       `json:"campaign"`
	Sent     bool         `json:"sent" doc:"whether it would go to them"`
	Why      campaign.Why `json:"why,omitempty" doc:"why not, as a word"`
	Reason   string       `json:"reason,omitempty" doc:"the same as a sentence"`
}

func (s *Server) explainAddress(ctx context.Context, in *struct {
	Address string `query:"address" required:"true" example:"carl@press.example"`
	Past    bool   `query:"past" doc:"only what was, and not what each campaign would do now"`
}) (out AddressAccount, err error) {
	if out.Address, err = contact.ParseAddress(in.Address); err != nil {
		return out, Invalid(err)
	}
	stops, got, holds, err := s.outreach.Why(ctx, out.Address, !in.Past)
	out.Suppressed, out.Got, out.Now = []Suppression{}, append([]campaign.Receipt{}, got...), []CampaignNow{}
	for _, o := range stops {
		out.Suppressed = append(out.Suppressed, suppressionView(o))
	}
	for _, name := range slices.Sorted(maps.Keys(holds)) {
		h := holds[name]
		out.Now = append(out.Now, CampaignNow{Campaign: name, Sent: h.Why == "", Why: h.Why, Reason: h.String()})
	}
	return out, refused(err)
}

func (s *Server) listSuppressions(ctx context.Context, in *SliceInput) (page Page[Suppression], err error) {
	found, err := s.outreach.Suppressions(ctx, in.slice())
	page.Items, page.Next = []Suppression{}, string(found.Next)
	for _, o := range found.Items {
		page.Items = append(page.Items, suppressionView(o))
	}
	return page, err
}

// NewSuppression says which address is not to be written to.
type NewSuppression struct {
	Address string `json:"address" minLength:"3" maxLength:"254"`
	Purpose string `json:"purpose,omitempty" maxLength:"31" doc:"for which purpose; for every one where it is not given"`
}

func (s *Server) suppress(ctx context.Context, in *struct{ Body NewSuppression }) (out Suppression, err error) {
	a, err := contact.ParseAddress(in.Body.Address)
	if err != nil {
		return out, Invalid(err)
	}
	o, err := s.outreach.Suppress(ctx, actor(ctx), a, strings.TrimSpace(in.Body.Purpose))
	return suppressionView(o), refused(err)
}

// Unsuppressed is how many suppressions were taken back.
type Unsuppressed struct {
	Removed int `json:"removed"`
}

func (s *Server) unsuppress(ctx context.Context, in *struct {
	Address string `query:"address" required:"true"`
	Purpose string `query:"purpose" doc:"that of this purpose only"`
}) (out Unsuppressed, err error) {
	a, err := contact.ParseAddress(in.Address)
	if err != nil {
		return out, Invalid(err)
	}
	out.Removed, err = s.outreach.Unsuppress(ctx, actor(ctx), a, in.Purpose)
	return out, refused(err)
}

// NewConsent is what somebody agreed to, or took back.
type NewConsent struct {
	Purpose   string `json:"purpose" minLength:"1" maxLength:"31" example:"newsletter"`
	Withdrawn bool   `json:"withdrawn,omitempty" doc:"true: it is taken back"`
	Basis     string `json:"basis,omitempty" maxLength:"500" doc:"legal basis, in words"`
	Source    string `json:"source,omitempty" maxLength:"500" doc:"where it was said"`
}

func (s *Server) recordConsent(ctx context.Context, in *struct {
	WhoInput
	Body NewConsent
}) (none Contact, err error) {
	c, err := s.namedContact(ctx, in.Who)
	if err != nil {
		return none, err
	}
	state := contact.Given
	if in.Body.Withdrawn {
		state = contact.Withdrawn
	}
	c.Consents = append(c.Consents, contact.Consent{Purpose: in.Body.Purpose, State: state, Basis: in.Body.Basis, Source: in.Body.Source, At: s.now()})
	if c, err = s.records.EditContact(ctx, actor(ctx), c); err != nil {
		return none, refused(err)
	}
	return s.contactView(ctx, c.ID)
}
