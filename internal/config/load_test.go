package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// write puts a file with its secrets into a fresh directory.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"config.yaml": text, "pw": "s3cret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "config.yaml")
}

const small = `
team: {domains: [Example.com]}
mailboxes:
  - name: ada
    host: imap.example.com
    user: ada@example.com
    password_file: pw
    since: 2y
  - {name: bob, provider: gmail, user: bob@example.com, password_file: pw, poll: 5m}
`

func TestLoadFillsDefaultsAndPresets(t *testing.T) {
	c, err := Load(write(t, small))
	if err != nil {
		t.Fatal(err)
	}
	ada, bob := c.Mailboxes[0], c.Mailboxes[1]
	for _, tt := range []struct {
		what      string
		got, want any
	}{
		{"data_dir", c.DataDir, "/var/lib/rapport"},
		{"team.domains", c.Team().Domains[0], "example.com"},
		{"ada.host", ada.Host, "imap.example.com:993"},
		{"ada.tls", ada.TLS, TLSImplicit},
		{"ada.connections", ada.Connections, 3},
		{"ada.poll", ada.Poll.Std(), 15 * time.Minute},
		{"ada.since", ada.Since.At(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)},
		{"ada.password_file", ada.PasswordFile, filepath.Join(c.Dir(), "pw")},
		{"ada.visibility", ada.Visibility, VisibleFull},
		{"bob.host", bob.Host, "imap.gmail.com:993"},
		{"bob.authserv_id", bob.AuthservID, "mx.google.com"},
		{"bob.daily bytes", bob.DailyBytes(), int64(2_500_000_000)},
		{"bob.poll", bob.Poll.Std(), 5 * time.Minute},
		{"bob.since", bob.Since.At(time.Now()).IsZero(), true},
		{"policy.unmatched", c.Policy.Unmatched, Suggest},
		{"web.listen", c.Web.Listen, "127.0.0.1:8025"},
		{"log.level", c.Log.Level, Level("info")},
		{"warnings", len(c.Warnings), 0},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %v, want %v", tt.what, tt.got, tt.want)
		}
	}
	if pw, err := c.Password(ada).Resolve(t.Context()); pw != "s3cret" || err != nil {
		t.Errorf("Resolve = %q, %v; want s3cret", pw, err)
	}
}

func TestLoadWhole(t *testing.T) {
	c, err := Load(write(t, `
team:
  members:
    - {name: Ada, addresses: [Ada@Example.com, "ada@bücher.example"]}
mailboxes:
  - {name: ada, host: "::1", user: ada@example.com, login: boss, password_command: [cat, pw], since: 2024-01-31}
  - {name: bob, host: bücher.example, tls: starttls, user: bob, password_command: cat pw}
senders:
  - {name: relay, host: "[::1]", tls: none, from: "Ada <ada@example.com>"}
  - {name: news, host: smtp.example.com, tls: starttls, user: news, password_file: pw, from: ada@example.com}
policy:
  exclude: [{domain: Bücher.example}, {pattern: "*@Lists.example.org", mode: protected}]
alerts: {to: Ada@example.com, sender: news, weekly: false}
log: {level: debug, format: json}
`))
	if err != nil {
		t.Fatal(err)
	}
	team := c.Team()
	if len(team.Domains) != 0 || len(team.Members) != 1 || len(team.Members[0].Addresses) != 2 || team.Members[0].Addresses[1] != "ada@xn--bcher-kva.example" {
		t.Errorf("Team = %+v", team)
	}
	for _, tt := range []struct{ what, got, want string }{
		{"ada.host", c.Mailboxes[0].Host, "[::1]:993"},
		{"bob.host", c.Mailboxes[1].Host, "xn--bcher-kva.example:143"},
		{"relay.host", c.Senders[0].Host, "[::1]:25"},
		{"news.host", c.Senders[1].Host, "smtp.example.com:587"},
		{"alert sender", c.AlertSender().Name, "news"},
		{"alerts.to", c.Alerts.To[0], "ada@example.com"},
		{"exclude[0].domain", c.Policy.Exclude[0].Domain, "xn--bcher-kva.example"},
		{"exclude[1].pattern", c.Policy.Exclude[1].Pattern, "*@lists.example.org"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %q, want %q", tt.what, tt.got, tt.want)
		}
	}
	for i, secret := range []Secret{c.Password(c.Mailboxes[0]), c.Password(c.Mailboxes[1]), c.SenderPassword(c.Senders[1])} {
		if pw, err := secret.Resolve(t.Context()); pw != "s3cret" || err != nil {
			t.Errorf("secret %d = %q, %v; want s3cret", i, pw, err)
		}
	}
	if none := c.SenderPassword(c.Senders[0]); !none.IsZero() {
		t.Error("a relay without user has a password")
	}
	if _, err := (Secret{}).Resolve(t.Context()); err == nil {
		t.Error("no secret resolves")
	}
}
