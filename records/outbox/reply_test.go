package outbox

import (
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		stage Stage
		code  int
		text  string
		want  Judgement
	}{
		{StageConnect, 421, "4.3.2 Service not available", Judgement{Return, ClassTransient, ScopeSender}},
		{StageConnect, 554, "5.7.1 no service for you, your address is on a blocklist", Judgement{Return, ClassPolicy, ScopeSender}},
		{StageAuth, 535, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled", Judgement{Return, ClassConfig, ScopeSender}},
		{StageAuth, 454, "4.7.0 Temporary authentication failure", Judgement{Return, ClassTransient, ScopeSender}},
		{StageMail, 550, "5.1.8 sender unknown", Judgement{Return, ClassConfig, ScopeSender}},
		{StageMail, 451, "4.7.0 try again later", Judgement{Return, ClassTransient, ScopeSender}},
		{StageMail, 550, "5.4.5 Daily user sending quota exceeded", Judgement{Return, ClassQuota, ScopeSender}},
		{StageRcpt, 550, "5.1.1 no such user here", Judgement{Reject, ClassAddress, ScopeDelivery}},
		{StageRcpt, 451, "4.7.1 greylisted, try again", Judgement{Defer, ClassTransient, ScopeDelivery}},
		{StageRcpt, 450, "4.1.1 user unknown at the moment", Judgement{Defer, ClassTransient, ScopeDelivery}},
		{StageRcpt, 452, "4.2.2 mailbox full", Judgement{Defer, ClassMailbox, ScopeDelivery}},
		{StageRcpt, 554, "5.2.2 mailbox full", Judgement{Reject, ClassMailbox, ScopeDelivery}},
		{StageDot, 554, "5.2.2 mailbox full", Judgement{Return, ClassOwnFull, ScopeSender}},
		{StageDot, 554, "5.2.0 STOREDRV.Submission.Exception: SubmissionQuotaExceededException", Judgement{Return, ClassQuota, ScopeSender}},
		{StageDot, 550, "5.7.60 SMTP; Client does not have permissions to send as this sender, SendAsDenied", Judgement{Return, ClassConfig, ScopeSender}},
		{StageDot, 550, "5.7.1 message rejected as spam", Judgement{Reject, ClassPolicy, ScopeDomain}},
		{StageConnect, 432, "4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.", Judgement{Return, ClassCrowded, ScopeSender}},
		{StageDot, 432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", Judgement{Return, ClassCrowded, ScopeSender}},
		{StageDot, 554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception with message The message can't be submitted because the sender's submission quota was exceeded.", Judgement{Return, ClassQuota, ScopeSender}},
		{StageDot, 554, "5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with message Cannot submit message.", Judgement{Return, ClassConfig, ScopeSender}},
		{StageDot, 554, "5.2.0 STOREDRV.Submission.Exception:SomethingNewException; Cannot submit message.", Judgement{Return, ClassQuota, ScopeSender}},
		{StageDot, 554, "5.2.2 STOREDRV.Submission.Exception:ShutoffQuotaExceededException.MapiExceptionShutoffQuotaExceeded; Cannot submit message.", Judgement{Return, ClassOwnFull, ScopeSender}},
		{StageDot, 550, "5.1.90 Your message can't be sent because you've reached your daily limit for message recipients", Judgement{Return, ClassQuota, ScopeSender}},
		{StageDot, 550, "5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email to external recipients", Judgement{Return, ClassQuota, ScopeSender}},
		{StageDot, 550, "5.1.8 Access denied, bad outbound sender AS(42004)", Judgement{Return, ClassPolicy, ScopeSender}},
		{StageDot, 550, "5.7.705 Access denied, tenant has exceeded threshold", Judgement{Return, ClassPolicy, ScopeSender}},
		{StageRcpt, 452, "4.5.3 Too many recipients (AS780090)", Judgement{Return, ClassQuota, ScopeSender}},
		{StageAuth, 535, "5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator.", Judgement{Return, ClassConfig, ScopeSender}},
		{StageMail, 530, "5.7.57 Client not authenticated to send mail.", Judgement{Return, ClassConfig, ScopeSender}},
		{StageAuth, 534, "5.7.9 Application-specific password required.", Judgement{Return, ClassConfig, ScopeSender}},
		{StageAuth, 454, "4.7.0 Too many login attempts, please try again later.", Judgement{Return, ClassTransient, ScopeSender}},
		{StageMail, 550, "5.4.5 Daily SMTP relay limit exceeded for user.", Judgement{Return, ClassQuota, ScopeSender}},
		{StageDot, 450, "4.2.1 Peak SMTP relay limit exceeded for customer.", Judgement{Return, ClassQuota, ScopeSender}},
		{StageDot, 550, "5.7.1 Daily SMTP relay limit exceeded for customer.", Judgement{Return, ClassQuota, ScopeSender}},
		{StageRcpt, 450, "4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.", Judgement{Defer, ClassTransient, ScopeDelivery}},
		{StageDot, 550, "5.7.515 Access denied, sending domain does not meet the required authentication level.", Judgement{Reject, ClassPolicy, ScopeDomain}},
		{StageDot, 552, "5.3.4 message too large", Judgement{Reject, ClassContent, ScopeRun}},
		{StageDot, 550, "computer says no", Judgement{Reject, ClassUnknown, ScopeDelivery}},
		{StageDot, 421, "closing", Judgement{Defer, ClassTransient, ScopeDelivery}},
	} {
		if got := NewReply(tt.stage, tt.code, tt.text).Judge(); got != tt.want {
			t.Errorf("%s %d %s: %+v, want %+v", tt.stage, tt.code, tt.text, got, tt.want)
		}
	}
}

// TestJudgeAlways goes through every code at every stage with texts that speak
// of the recipient: before the recipient is named nobody is refused for good,
// and an answer of 4xx ends nothing.
func TestJudgeAlways(t *testing.T) {
	stages := []Stage{StageConnect, StageAuth, StageMail, StageRcpt, StageData, StageDot}
	texts := []string{"", "user unknown", "5.1.1 user unknown", "4.7.1 spam", "mailbox full", "5.7.1 blocked", "message too large", "try again"}
	for n, stage := range stages {
		for code := 400; code < 600; code++ {
			for _, text := range texts {
				j := NewReply(stage, code, text).Judge()
				if j.What == Reject && (n < 3 || code < 500) {
					t.Errorf("%s %d %q: %+v", stage, code, text, j)
				}
				if j.Class == "" || j.Scope == "" {
					t.Errorf("%s %d %q: %+v", stage, code, text, j)
				}
			}
		}
	}
}

func TestNewReply(t *testing.T) {
	r := NewReply(StageDot, 550, "5.7.515 Access denied\nsecond line "+strings.Repeat("é", MaxReply))
	if r.Enhanced != "5.7.515" || strings.Contains(r.Text, "\n") || len(r.Text) > MaxReply {
		t.Errorf("%+v", r)
	}
	for _, text := range []string{"10.0.0.1 refused", "3.1.1 odd", "5.1 short", "5.1.1.1 long", "5.-1.1 x", "5.1234.1 x", ""} {
		if r := NewReply(StageDot, 550, text); r.Enhanced != "" {
			t.Errorf("%q has the enhanced code %s", text, r.Enhanced)
		}
	}
}
