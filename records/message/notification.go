package message

import (
	"encoding/json"
	"strings"
)

// sesNotice is what Amazon SES sends where it reports by notification mail
// instead of by delivery reports.
type sesNotice struct {
	Message          string `json:"Message"` // the notice itself, where it is wrapped
	NotificationType string `json:"notificationType"`
	Bounce           struct {
		BouncedRecipients []struct {
			EmailAddress, Action, Status, DiagnosticCode string
		} `json:"bouncedRecipients"`
		BounceType string `json:"bounceType"`
	} `json:"bounce"`
	Complaint struct {
		ComplainedRecipients []struct{ EmailAddress string } `json:"complainedRecipients"`
		Type                 string                          `json:"complaintFeedbackType"`
	} `json:"complaint"`
	Mail struct {
		MessageID     string `json:"messageId"`
		CommonHeaders struct {
			MessageID string `json:"messageId"`
		} `json:"commonHeaders"`
	} `json:"mail"`
}

// notification judges a report written as JSON in the text of a mail.
func notification(p Parsed) (Verdict, bool) {
	text := strings.TrimSpace(p.own)
	if !strings.HasPrefix(text, "{") || len(text) > 256<<10 || !strings.Contains(clip(text, 4096), "notificationType") {
		return Verdict{}, false
	}
	text = strings.NewReplacer("!\n ", "", "\n", "").Replace(text) // mail systems break long lines
	var n sesNotice
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&n); err != nil {
		return Verdict{}, false
	}
	if n.Message != "" && n.NotificationType == "" { // wrapped by the notification service
		if err := json.Unmarshal([]byte(n.Message), &n); err != nil {
			return Verdict{}, false
		}
	}
	id := cleanID(strings.Trim(n.Mail.CommonHeaders.MessageID, "<> "))
	if id == "" {
		id = cleanID(n.Mail.MessageID)
	}
	v := Verdict{Auto: true, Original: &Original{MessageID: id}}
	switch n.NotificationType {
	case "Bounce":
		v.Kind = Bounce
		for _, r := range n.Bounce.BouncedRecipients {
			if len(v.Bounces) < maxRecipients {
				b := BouncedTo{Recipient: recipientOf(cleanText(r.EmailAddress)), Action: strings.ToLower(r.Action), Status: enhancedCode(r.Status), Diagnostic: squeeze(cleanText(cutType(r.DiagnosticCode)))}
				v.Bounces = append(v.Bounces, judge(b, ""))
			}
		}
		return v, len(v.Bounces) > 0
	case "Complaint":
		v.Kind = Complaint
		v.Complaint = &ComplaintReport{Type: n.Complaint.Type}
		if r := n.Complaint.ComplainedRecipients; len(r) > 0 {
			v.Complaint.Recipient = recipientOf(cleanText(r[0].EmailAddress))
		}
		return v, true
	case "Delivery":
		v.Kind = Automatic
		return v, true
	}
	return Verdict{}, false
}
