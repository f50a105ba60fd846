package access_test

import (
	"strings"
	"testing"
	"time"

	"rapport/records/access"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestSessionLive(t *testing.T) {
	spans := access.Spans{Idle: 14 * 24 * time.Hour, Absolute: 90 * 24 * time.Hour}
	days := func(n int) time.Time { return noon.Add(time.Duration(n) * 24 * time.Hour) }
	user := &access.Account{ID: "A", Epoch: 3}
	for _, tt := range []struct {
		name string
		s    access.Session
		now  time.Time
		live bool
	}{
		{"fresh", access.Session{User: "A", Epoch: 3, Created: noon, Used: noon}, noon, true},
		{"within the idle time", access.Session{User: "A", Epoch: 3, Created: noon, Used: noon}, days(14).Add(-time.Second), true},
		{"idle too long", access.Session{User: "A", Epoch: 3, Created: noon, Used: noon}, days(14), false},
		{"used every day", access.Session{User: "A", Epoch: 3, Created: noon, Used: days(89)}, days(90).Add(-time.Second), true},
		{"used every day for too long", access.Session{User: "A", Epoch: 3, Created: noon, Used: days(89)}, days(90), false},
		{"of another user", access.Session{User: "B", Epoch: 3, Created: noon, Used: noon}, noon, false},
		{"begun before the password changed", access.Session{User: "A", Epoch: 2, Created: noon, Used: noon}, noon, false},
		{"a clock set back", access.Session{User: "A", Epoch: 3, Created: days(2), Used: days(2)}, noon, false},
		{"of nobody", access.Session{}, noon, false},
	} {
		if got := tt.s.Live(user, tt.now, spans); got != tt.live {
			t.Errorf("%s: Live = %v, want %v", tt.name, got, tt.live)
		}
	}
}

func TestTokenLive(t *testing.T) {
	for _, tt := range []struct {
		expires time.Time
		live    bool
	}{{time.Time{}, true}, {noon.Add(1), true}, {noon, false}, {noon.Add(-1), false}} {
		token := access.APIToken{Expires: tt.expires}
		if got := token.Live(noon); got != tt.live {
			t.Errorf("Live with expiry %v at noon = %v, want %v", tt.expires, got, tt.live)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	user := &access.Account{Name: "Augusta Ada King", Address: "augusta.ada@example.com"}
	for password, fine := range map[string]bool{
		"four words of mine": true, "12 character": true, "ক খ গ ঘ ঙ চ ছ": true, strings.Repeat("ab", 512): true,
		"": false, "11 characte": false, "augusta ada king": false, "Augusta.Ada@example.com": false,
		strings.Repeat("a", 20): false, strings.Repeat("ab", 513): false, "not a text \xff\xff": false,
	} {
		if err := access.CheckPassword(password, user); (err == nil) != fine {
			t.Errorf("CheckPassword(%q) = %v, want accepted: %v", password, err, fine)
		}
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"  Ada   Byron ": "Ada Byron", "আদা": "আদা", "": "", " \t ": "", "Ada\x1b[2J": "", "Ada\u202eByron": "",
		strings.Repeat("x", 201): "", "a\xffb": "",
	} {
		if got, err := access.CleanName(in); got != want || (err == nil) != (want != "") {
			t.Errorf("CleanName(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestParse(t *testing.T) {
	if r, err := access.ParseRole(" Administrator "); r != access.Administrator || err != nil {
		t.Errorf("ParseRole = %q, %v", r, err)
	}
	if r, err := access.ParseRole("root"); err == nil {
		t.Errorf("ParseRole(root) = %q", r)
	}
	for in, want := range map[string]access.Need{"read": access.Read, "write": access.Write, "Manage": access.Manage} {
		if n, err := access.ParseScope(in); n != want || err != nil {
			t.Errorf("ParseScope(%q) = %v, %v", in, n, err)
		}
	}
	for _, in := range []string{"", "anyone", "all"} {
		if n, err := access.ParseScope(in); err == nil {
			t.Errorf("ParseScope(%q) = %v", in, n)
		}
	}
	if tier, err := access.ParseTier(""); tier != "" || err != nil {
		t.Errorf("ParseTier of nothing = %q, %v", tier, err)
	}
	if tier, err := access.ParseTier("sideways"); err == nil {
		t.Errorf("ParseTier(sideways) = %q", tier)
	}
}

// TestTokenIsNoMoreThanItsUser asks for what a token may do of users of every role.
func TestTokenIsNoMoreThanItsUser(t *testing.T) {
	for _, role := range access.Roles() {
		for _, scope := range []access.Need{access.Read, access.Write, access.Manage} {
			user := &access.Account{Role: role, Sees: access.Metadata}
			p := (&access.APIToken{Scope: scope}).Principal(user)
			if p.Sees != user.Sees {
				t.Errorf("a token of %s sees %q, its user %q", role, p.Sees, user.Sees)
			}
			for _, need := range []access.Need{access.Read, access.Write, access.Manage} {
				want := user.Principal("s").May(need) == nil && scope <= need
				if got := p.May(need) == nil; got != want {
					t.Errorf("a token for %s of %s may %s: %v, want %v", scope, role, need, got, want)
				}
			}
		}
	}
}
