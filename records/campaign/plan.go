package campaign

import (
	"time"

	"rapport/records/contact"
)

// Recipient is somebody a plan writes to, or leaves out.
type Recipient struct {
	Contact  contact.ID      `json:"contact"`
	Name     string          `json:"name"`
	Address  contact.Address `json:"address,omitempty"`
	Language string          `json:"language,omitempty" doc:"of the letter: a BCP 47 tag; absent: the one for everybody"`
	Why      Why             `json:"why,omitempty" doc:"why this one is left out, as a word"`
	Reason   string          `json:"reason,omitempty" doc:"the same as a sentence"`
}

// Plan is what launching a campaign would do.
type Plan struct {
	Name       string      `json:"name"`
	Kind       string      `json:"kind"`
	Sender     string      `json:"sender"`
	Purpose    string      `json:"purpose"`
	Audience   string      `json:"audience" doc:"the rule that selects"`
	Schedule   time.Time   `json:"schedule,omitzero" doc:"nothing is sent before"`
	Seed       int         `json:"seed,omitempty" doc:"so many mails leave first; the others follow an hour later where few of these came back"`
	Window     string      `json:"window,omitempty" doc:"the hours in which its mails leave, as its file says them"`
	Writes     *Writes     `json:"writes,omitempty" doc:"when it writes by itself"`
	Faults     []string    `json:"faults" doc:"what keeps it from being launched"`
	Warnings   []string    `json:"warnings"`
	Recipients []Recipient `json:"recipients" doc:"who is written to"`
	Left       []Recipient `json:"left_out" doc:"who is in the audience and not written to, and why"`
	Others     int         `json:"others" doc:"contacts that the audience does not select"`
	Seconds    int64       `json:"seconds" doc:"how long the sender's limits and the window make it take, by the clock of the team"`
	Hash       string      `json:"hash" doc:"names exactly this plan: launching can ask for it"`
}

// Receipt is one mail of a campaign that somebody got, or did not get.
type Receipt struct {
	Campaign string    `json:"campaign"`
	Run      RunID     `json:"run"`
	Delivery string    `json:"delivery" doc:"id of the delivery"`
	Subject  string    `json:"subject,omitempty"`
	State    string    `json:"state"`
	Reason   string    `json:"reason,omitempty" doc:"of the state, in words"`
	Changed  time.Time `json:"changed" doc:"when it came into this state"`
	Replied  bool      `json:"replied"`
	Bounced  bool      `json:"bounced"`
}

// Summary is a campaign in a list.
type Summary struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind,omitempty"`
	Sender  string    `json:"sender,omitempty"`
	Purpose string    `json:"purpose,omitempty"`
	Faults  []string  `json:"faults" doc:"what is wrong with its files"`
	Run     *Progress `json:"run,omitempty" doc:"the last run"`
}

// Progress is how a run stands. The states are exclusive and add up to its
// recipients; the evidence overlaps with them.
type Progress struct {
	Name       string         `json:"name"`
	Run        RunID          `json:"run"`
	State      RunState       `json:"state"`
	Reason     string         `json:"reason,omitempty"`
	By         string         `json:"by,omitempty"`
	Created    time.Time      `json:"created"`
	Seed       int            `json:"seed,omitempty" doc:"so many mails leave first"`
	Seeded     time.Time      `json:"seeded,omitzero" doc:"when the others were let go"`
	Window     string         `json:"window,omitempty" doc:"the hours in which its mails leave, as its file says them"`
	Writes     *Writes        `json:"writes,omitempty" doc:"when it writes by itself"`
	Recipients int            `json:"recipients"`
	Pending    int            `json:"pending" doc:"not sent yet"`
	Accepted   int            `json:"accepted" doc:"taken by the server"`
	Deferred   int            `json:"deferred" doc:"to be tried again"`
	Rejected   int            `json:"rejected" doc:"refused by the server for good"`
	Ambiguous  int            `json:"ambiguous" doc:"the server may have taken it: evidence is awaited"`
	Unknown    int            `json:"unknown" doc:"there will be no evidence; it is not sent again"`
	Suppressed int            `json:"suppressed"`
	Cancelled  int            `json:"cancelled"`
	Expired    int            `json:"expired"`
	Skipped    int            `json:"skipped"`
	Reasons    map[string]int `json:"skipped_reasons" doc:"of those skipped and suppressed, by word"`
	Bounced    int            `json:"bounced"`
	Replied    int            `json:"replied"`
	Unsubs     int            `json:"unsubscribed"`
	Complained int            `json:"complained"`
	Answers    int            `json:"answers"`
}

// Writes is when a campaign writes by itself, with how many of each of its
// mails there are; the sums of a plan are zero.
type Writes struct {
	Trigger string   `json:"trigger" doc:"the occasion: consent, sale, due, interval, or custom. and a field"`
	Stop    []string `json:"stop,omitempty" doc:"what makes a mail pointless: replied, bought"`
	Steps   []Step   `json:"steps" doc:"its mails in their order; a reminder has one"`
}

// Step is one mail of a campaign that writes by itself.
type Step struct {
	Name       string `json:"name,omitempty" doc:"of a series: that of its text"`
	Days       int    `json:"days" doc:"from the occasion to the mail; below zero: before it"`
	Recipients int    `json:"recipients"`
	Pending    int    `json:"pending" doc:"not sent yet, or to be tried again"`
	Accepted   int    `json:"accepted" doc:"taken by the server"`
	Held       int    `json:"held" doc:"suppressed, skipped, cancelled or expired"`
}

// Writes says when somebody is written to; nil where it is nobody's rhythm.
func (r *Rhythm) Writes() *Writes {
	if r == nil {
		return nil
	}
	out := &Writes{Trigger: r.Trigger, Stop: r.Stop, Steps: []Step{{Days: r.Days}}}
	if len(r.Steps) > 0 {
		out.Steps = nil
	}
	for _, s := range r.Steps {
		out.Steps = append(out.Steps, Step{Name: s.Name, Days: s.Days})
	}
	return out
}
