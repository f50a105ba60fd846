package config

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	c, err := Load(write(t, `team: {name: Ours, domains: [example.com, example.org]}
mailboxes:
  - name: ada
    host: imap.example.com
    user: ada
    password_command: [pass, show, hunter2]
    since: 2y
  - name: bob
    host: imap.example.com
    user: bob
    password_file: pw
log:
  level: warn
`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Setting{}
	for _, s := range c.Settings() {
		if s.Doc == "" {
			t.Errorf("%s has no sentence", s.Path)
		}
		if _, twice := got[s.Path]; twice {
			t.Errorf("%s is listed twice", s.Path)
		}
		if strings.Contains(s.Value, "hunter2") {
			t.Errorf("%s shows a secret: %s", s.Path, s.Value)
		}
		s.Doc = ""
		got[s.Path] = s
	}
	for _, want := range []Setting{
		{Path: "team.domains", Value: "example.com, example.org", Line: 1},
		{Path: "mailboxes[0].host", Value: "imap.example.com:993", Line: 4},
		{Path: "mailboxes[0].password_command", Line: 6, Hidden: true},
		{Path: "mailboxes[0].since", Value: "2y", Line: 7},
		{Path: "mailboxes[1].since", Value: "all"},
		{Path: "mailboxes[1].password_command"},
		{Path: "mailboxes[1].poll", Value: "15m"},
		{Path: "log.level", Value: "warn", Line: 13},
		{Path: "log.format", Value: "text"},
		{Path: "backup.keep", Value: "14"},
		{Path: "retention.note"},
		{Path: "alerts.weekly", Value: "true"},
		{Path: "senders"},
	} {
		if s, ok := got[want.Path]; !ok || s != want {
			t.Errorf("%s = %+v, want %+v", want.Path, s, want)
		}
	}
}

// TestSecretsAreMarked holds that a key named like a secret either says where
// the secret lies or is marked.
func TestSecretsAreMarked(t *testing.T) {
	secret, place := regexp.MustCompile(`password|passwd|secret|token|(^|_)key`), regexp.MustCompile(`_(file|env|url|expires)$`)
	looked := 0
	var walk func(section reflect.Value, path string)
	walk = func(section reflect.Value, path string) {
		for _, f := range fields(section) {
			looked++
			at := join(path, f.key)
			if secret.MatchString(f.key) && !place.MatchString(f.key) && f.tag.Get("secret") == "" {
				t.Errorf("%s may hold a secret and is not marked", at)
			}
			switch {
			case f.value.Kind() == reflect.Struct && !isText(f.value):
				walk(f.value, at)
			case f.value.Kind() == reflect.Slice && f.value.Type().Elem().Kind() == reflect.Struct:
				walk(reflect.New(f.value.Type().Elem()).Elem(), at)
			}
		}
	}
	walk(reflect.New(reflect.TypeFor[Config]()).Elem(), "")
	if looked < 50 {
		t.Errorf("only %d keys were looked at", looked)
	}
}
