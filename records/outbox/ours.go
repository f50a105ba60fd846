package outbox

import "strings"

// ours are what providers say of whoever sends through them, and of nobody who
// receives, by words and by enhanced codes; the first that holds decides. They
// count at every stage and outrank the code of the answer: Exchange refuses
// for good with 554 5.2.0 what it takes tomorrow.
var ours = []struct {
	class Class
	words []string // in lower case
	codes []string
}{
	{ClassConfig, []string{"sendasdenied", "send as this sender", "application-specific password required", "log in via your web browser", "log in with your web browser",
		"username and password not accepted", "basic authentication is disabled", "did not meet the criteria to be authenticated"},
		[]string{"5.7.139", "5.7.57", "5.7.60", "5.7.64"}},
	{ClassOwnFull, []string{"shutoffquotaexceeded", "storedrv.submission.exception:quotaexceeded"}, nil},
	{ClassCrowded, []string{"concurrent connections limit exceeded", "sender thread limit exceeded", "too many concurrent smtp connections"}, nil},
	{ClassQuota, []string{"submissionquotaexceeded", "daily limit for message recipients", "daily limit for sending", "peak smtp relay limit", "daily smtp relay", "daily smtp sending",
		"exceeded its recipient limit", "message rate limit for your", "exceeded the 24-hour sending limit"},
		[]string{"5.1.90", "5.7.232", "5.7.233", "4.5.3"}},
	{ClassPolicy, []string{"bad outbound sender", "tenant has exceeded threshold", "blocked from sending from unregistered domain"},
		[]string{"5.7.705", "5.7.750"}},
}

// ofOurs returns what a provider says of us; "" where an answer is about
// something else.
func (r Reply) ofOurs() Class {
	low := strings.ToLower(r.Text)
	for _, o := range ours {
		for _, w := range o.words {
			if strings.Contains(low, w) {
				return o.class
			}
		}
		for _, c := range o.codes {
			if r.Enhanced == c {
				return o.class
			}
		}
	}
	return ""
}
