package hook_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"rapport/records/contact"
	"rapport/records/event"
	"rapport/records/hook"
	"rapport/records/phrase"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestSign compares with the example of the Standard Webhooks specification.
func TestSign(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := hook.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), secret)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("Sign = %q, want %q", got, want)
	}
	two := hook.Sign("a", noon, nil, secret, []byte("other"))
	if one, _, _ := strings.Cut(two, " "); strings.Count(two, "v1,") != 2 || one != hook.Sign("a", noon, nil, secret) {
		t.Errorf("Sign with two secrets = %q", two)
	}
	if text := hook.SecretText([]byte{1, 2, 3}); text != "whsec_AQID" {
		t.Errorf("SecretText = %q", text)
	}
}

func TestBody(t *testing.T) {
	raw, err := hook.Body(event.Event{ID: "E", Type: event.ContactChanged, Time: noon, Contacts: []contact.ID{"C"}})
	var got map[string]any
	if err != nil || json.Unmarshal(raw, &got) != nil {
		t.Fatalf("Body = %s, %v", raw, err)
	}
	for key, want := range map[string]string{"id": "E", "type": "contact.changed", "time": "2026-03-01T12:00:00Z", "path": "/api/v1/contacts/C"} {
		if got[key] != want {
			t.Errorf("%s of the body is %v, want %s", key, got[key], want)
		}
	}
}

func TestWants(t *testing.T) {
	some := hook.Webhook{Types: []event.Type{event.FollowUpDue}}
	all, off := hook.Webhook{}, hook.Webhook{Disabled: hook.Paused}
	for _, kind := range event.Types() {
		if some.Wants(kind) != (kind == event.FollowUpDue) || !all.Wants(kind) || off.Wants(kind) {
			t.Errorf("who wants %s: %v %v %v", kind, some.Wants(kind), all.Wants(kind), off.Wants(kind))
		}
	}
}

// TestAttempts has a receiver fail until its event is given up: the waits grow,
// and no attempt is made after three days.
func TestAttempts(t *testing.T) {
	d := hook.Dispatch{ID: "A", Created: noon, Due: noon, Event: event.Event{Suggestion: "ada@example.com"}}
	last := time.Duration(0)
	for now := noon; d.Waits(); now = d.Due {
		d = d.Apply(hook.Outcome{Status: 503}, now)
		if w := d.Due.Sub(now); d.Waits() && (w < last || w > 8*time.Hour) {
			t.Errorf("attempt %d: wait of %s after one of %s", d.Attempts, w, last)
		} else if d.Waits() {
			last = w
		}
	}
	if d.Taken || d.Attempts < 15 || d.Attempts > 25 || d.Ended.After(noon.Add(hook.GiveUp)) || d.Trouble.String() != "it answered 503" {
		t.Errorf("after all attempts: %+v", d)
	}
	if d.Event.Suggestion != "" {
		t.Error("whom a suggestion named is kept after")
	}
	taken := hook.Dispatch{Created: noon}.Apply(hook.Outcome{Status: 204}, noon.Add(time.Second))
	if taken.Waits() || !taken.Taken || taken.Attempts != 1 || taken.Trouble.String() != "" {
		t.Errorf("taken: %+v", taken)
	}
	patient := hook.Dispatch{Created: noon}.Apply(hook.Outcome{Status: 429, After: 2 * time.Hour}, noon)
	if w := patient.Due.Sub(noon); w != 2*time.Hour {
		t.Errorf("asked to wait two hours, waits %s", w)
	}
	if w := (hook.Dispatch{Created: noon}).Apply(hook.Outcome{Status: 429, After: 9999 * time.Hour}, noon).Due.Sub(noon); w != 6*time.Hour {
		t.Errorf("asked to wait a year, waits %s", w)
	}
}

// TestWebhookFails has a webhook be held up, recover, and be given up.
func TestWebhookFails(t *testing.T) {
	w, now := hook.Webhook{ID: "W"}, noon
	w = w.Apply(hook.Outcome{Trouble: phrase.Verbatim("connection refused")}, now)
	if w.Failures != 1 || !w.Held.After(now) || w.Held.After(now.Add(10*time.Second)) || w.Trouble.String() != "connection refused" || w.Failing != now {
		t.Errorf("after one failure: %+v", w)
	}
	w = w.Apply(hook.Outcome{Status: 200}, now.Add(time.Minute))
	if w.Failures != 0 || !w.Held.IsZero() || w.Trouble.String() != "" || !w.Failing.IsZero() || w.Succeeded != now.Add(time.Minute) {
		t.Errorf("after it recovered: %+v", w)
	}
	for n := 0; w.Disabled == "" && n < 99; n++ {
		w = w.Apply(hook.Outcome{Status: 404}, now)
		if w.Disabled == "" {
			now = w.Held
		}
	}
	if w.Disabled != hook.Failing || !w.Missed || now.Sub(noon) < hook.GiveUp || now.Sub(noon) > hook.GiveUp+9*time.Hour {
		t.Errorf("given up %s after the first failure: %+v", now.Sub(noon), w)
	}
	if w = w.Enable(); w.Disabled != "" || w.Failures != 0 || !w.Failing.IsZero() || !w.Missed {
		t.Errorf("enabled: %+v", w)
	}
	if w = w.Apply(hook.Outcome{Status: 410}, now); w.Disabled != hook.Gone {
		t.Errorf("gone: %+v", w)
	}
}

func TestReplace(t *testing.T) {
	w := hook.Webhook{Secret: []byte("old")}.Replace([]byte("new"), noon)
	if string(w.Secret) != "new" || string(w.Former) != "old" || w.FormerUntil != noon.Add(24*time.Hour) {
		t.Errorf("Replace: %+v", w)
	}
}

func TestOutcomeSays(t *testing.T) {
	for _, tt := range []struct {
		o    hook.Outcome
		want string
	}{
		{hook.Outcome{Status: 200}, ""}, {hook.Outcome{Status: 299}, ""}, {hook.Outcome{Status: 404}, "it answered 404"},
		{hook.Outcome{Status: 302}, "redirects are not followed"}, {hook.Outcome{Trouble: phrase.Verbatim("no such host")}, "no such host"}, {hook.Outcome{Status: 200, Trouble: phrase.Verbatim("cut short")}, "cut short"},
	} {
		if got := tt.o.Says().String(); !strings.Contains(got, tt.want) || (got == "") != tt.o.Taken() {
			t.Errorf("%+v says %q, want %q", tt.o, got, tt.want)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for text, fine := range map[string]bool{
		"https://example.com": true, "https://example.com/a/b?c=d": true, "http://10.0.0.5:8080/in": true, "https://[2a00:1450::1]/": true,
		"https://bücher.example/": true, "": false, "example.com": false, "//example.com": false, "ftp://example.com": false, "file:///etc/passwd": false,
		"https:example.com": false, "https://": false, "https://:443/": false, "https://ada:pw@example.com/": false, "https://example.com/#a": false,
		"https://example.com:0/": false, "https://example.com:99999/": false, "gopher://127.0.0.1:25/": false, "https://example.com/\n": false,
		"https://example.com/" + strings.Repeat("x", 2000): false,
	} {
		if err := hook.CheckURL(text); (err == nil) != fine {
			t.Errorf("CheckURL(%q) = %v, want accepted: %v", text, err, fine)
		}
	}
}
