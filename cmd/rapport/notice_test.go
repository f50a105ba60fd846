package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rapport/internal/config"
)

// noticeConfig has something to say in every sentence of a notice.
const noticeConfig = `team:
  name: Kestrel & Finch
  domains: [kestrel.example]
mailboxes:
  - {name: ada, host: imap.kestrel.example, user: ada@kestrel.example, password_env: X, since: 2y6mo, visibility: subject, folders: {include: ["INBOX*"], exclude: [Union]}}
  - {name: office, host: imap.kestrel.example, user: office@kestrel.example, password_env: X, since: 2024-01-31, visibility: private}
  - {name: all, host: imap.kestrel.example, user: all@kestrel.example, password_env: X, visibility: metadata}
policy: {internal: log, exclude: [{domain: lawyer.example}, {address: union@kestrel.example}, {address: chief@kestrel.example, mode: protected}]}
log_address: [log@kestrel.example]
retention: {automatic: 90d, list: 1y, audit: 3y, hold: [lawsuit]}
backup: {dir: backups, every: 12h, keep: 30d}
staff_metrics: person
senders: [{name: news, host: smtp.kestrel.example, user: news, password_env: X, from: news@kestrel.example}]
digest: {at: "08:15"}
`

func loaded(t *testing.T, text string) *config.Config {
	t.Helper()
	t.Setenv("X", "secret")
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("data_dir: data\nweb: {listen: \"off\"}\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestNoticeSaysWhatHolds wants every fact of the configuration in the notices
// of every language, no trace of what is not configured, and the same blanks to
// fill in.
func TestNoticeSaysWhatHolds(t *testing.T) {
	full := loaded(t, noticeConfig)
	bare := loaded(t, "team: {domains: [kestrel.example]}\nstaff_metrics: \"off\"\nmailboxes: [{name: ada, host: imap.kestrel.example, user: ada@kestrel.example, password_env: X}]\n")
	says := map[string][]string{ // by part, in every language
		"staff":   {"Kestrel & Finch", "ada@kestrel.example (ada)", "INBOX*", "Union", "log@kestrel.example", "lawsuit", "all@kestrel.example (all)"},
		"privacy": {"Kestrel & Finch", "lawsuit"},
		"record":  {"Kestrel & Finch", "office@kestrel.example (office)", "news@kestrel.example"},
	}
	words := map[string][]string{ // of the staff's notice, by language
		"en": {"of the last 2 years 6 months", "from 2024-01-31 on", "the subject; ", "colleagues see nothing of it", "Of 2 addresses or domains", "Mail of 1 address or domain", "automatic replies and notifications: 90 days", "newsletters and mailing lists: 1 year\n", "the trail of who changed what: 3 years", "every 12 hours", "for 30 days", "each of us", "At 08:15"},
		"de": {"2 Jahre 6 Monate", "ab 2024-01-31", "andere sehen nichts davon", "Von 2 Adressen oder Domains", "Mail von 1 Adresse oder Domain", "Benachrichtigungen: 90 Tage", "Mailinglisten: 1 Jahr\n", "12 Stunden", "30 Tage", "jede und jeder", "08:15 Uhr"},
		"bn": {"২ বছর ৬ মাস", "২০২৪-০১-৩১", "অন্যরা এর কিছুই দেখেন না", "২টি ঠিকানা", "১টি ঠিকানা", "৯০ দিন", "১ বছর\n", "১২ ঘণ্টা", "৩০ দিন", "আমরা প্রত্যেকে", "০৮:১৫"},
	}
	blank := regexp.MustCompile(`\[[^\]\n]+\]`)
	blanks := map[string]int{}
	for _, language := range noticeLanguages {
		for _, part := range noticeParts {
			text, err := notice(full, language, part)
			if err != nil {
				t.Fatalf("%s %s: %v", language, part, err)
			}
			want := says[part]
			if part == "staff" {
				want = append(want, words[language]...)
			}
			for _, w := range want {
				if w = strings.TrimSuffix(w, "; "); !strings.Contains(text, w) {
					t.Errorf("%s %s does not say %q:\n%s", language, part, w, text)
				}
			}
			n := len(blank.FindAllString(text, -1))
			if n == 0 || blanks[part] != 0 && blanks[part] != n {
				t.Errorf("%s %s has %d blanks to fill in, that of another language %d", language, part, n, blanks[part])
			}
			blanks[part] = n
			little, err := notice(bare, language, part)
			if err != nil || strings.Contains(little, "lawsuit") || strings.Contains(little, "<no value>") || strings.Contains(little, "\n\n\n") || !strings.Contains(little, "[kestrel.example]") {
				t.Errorf("%s %s of little, %v:\n%s", language, part, err, little)
			}
			if part == "staff" && len(little) >= len(text) {
				t.Errorf("%s: what is not configured is told", language)
			}
		}
	}
}
