package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseUsers(t *testing.T) {
	for _, tt := range []struct {
		text     string
		want     string
		problems int
	}{
		{"ada@example.com\r\nbob@example.com bob\n", "ada@example.com: bob@example.com:bob", 0},
		{"# all\n\n ada ,\nbob@example.com, b # Bob\n", "ada: bob@example.com:b", 0},
		{"ada@example.com\nADA@example.com\n", "ada@example.com:", 1},
		{"../ada\n/etc/passwd\n$(id)\na;b\n-x\n`id`\na'b\na\"b\na|b@example.com\n~root\na b c\nada bad/name\n.x@example.com\nx@\n", "", 14},
		{"jürgen@bücher.example\n", "jürgen@bücher.example:", 0},
	} {
		users, problems := parseUsers(tt.text)
		var got []string
		for _, u := range users {
			got = append(got, u.User+":"+u.Name)
		}
		if strings.Join(got, " ") != tt.want || len(problems) != tt.problems {
			t.Errorf("parseUsers(%q) = %v, %v; want %s and %d problems", tt.text, got, problems, tt.want, tt.problems)
		}
	}
}

const groupFile = `
data_dir: data
team: {domains: [example.com]}
mailboxes:
  - {name: boss, provider: gmail, user: boss@example.com, password_env: PW, visibility: private}
mailbox_groups:
  - name: staff
    command: [printf, 'ada@example.com\nboss@example.com\nbob@example.com robert\n']
    template: {name: "{local}", provider: gmail, user: "{user}", login: "svc-{local}", password_command: [pass, "mail/{user}"], folders: {exclude: ["{local}/old"]}}
  - name: guests
    users: [ada@partner.example, a+b@partner.example, eve@partner.example]
    template: {name: "{local}", host: "imap.{domain}", user: "{user}", password_file: "secrets/{local}"}
`

// TestGroups makes mailboxes of lists: what the file names itself goes before,
// two of one name are told apart by hand, and the template is not used up.
func TestGroups(t *testing.T) {
	t.Setenv("PW", "x")
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(groupFile), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		lists := map[string][]GroupUser{}
		for _, g := range c.Groups {
			users, problems, err := c.ReadGroup(t.Context(), g)
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			lists[g.Name] = users
		}
		all, problems := c.WithGroups(lists)
		var got []string
		for _, m := range all.Boxes() {
			got = append(got, m.Name+"="+m.User+"@"+m.Host)
		}
		want := []string{"boss=boss@example.com@imap.gmail.com:993", "ada=ada@example.com@imap.gmail.com:993",
			"robert=bob@example.com@imap.gmail.com:993", "eve=eve@partner.example@imap.partner.example:993"}
		if !slices.Equal(got, want) {
			t.Errorf("mailboxes %v, want %v", got, want)
		}
		if len(problems) != 2 || !strings.Contains(problems[0], "a mailbox is called ada already, in group staff") || !strings.Contains(problems[1], "not a short name") {
			t.Errorf("problems %q", problems)
		}
		ada := all.Boxes()[1]
		if ada.Login != "svc-ada" || ada.PasswordCommand.Args[1] != "mail/ada@example.com" || ada.Folders.Exclude[0] != "ada/old" || ada.Connections != 4 {
			t.Errorf("ada is %+v", ada)
		}
		if eve := all.Boxes()[3]; eve.PasswordFile != filepath.Join(dir, "secrets", "eve") || eve.AuthservID != "" {
			t.Errorf("eve is %+v", eve)
		}
		if len(c.Boxes()) != 1 {
			t.Error("the configuration itself was changed")
		}
	}
}

// TestGroupLists has lists that cannot be had or believed: they are refused whole.
func TestGroupLists(t *testing.T) {
	dir := t.TempDir()
	c := &Config{File: filepath.Join(dir, "config.yaml")}
	for _, tt := range []struct {
		group MailboxGroup
		want  string
	}{
		{MailboxGroup{Command: Command{Shell: "echo ada; exit 3"}}, "status 3"},
		{MailboxGroup{Command: Command{Args: []string{"no-such-program-here"}}}, "not installed"},
		{MailboxGroup{Command: Command{Shell: "true"}}, "names nobody"},
		{MailboxGroup{Command: Command{Shell: "echo 'connection refused by server'"}}, "names nobody: line 1"},
		{MailboxGroup{Command: Command{Shell: "yes | head -c 2000000"}}, "too much"},
		{MailboxGroup{Command: Command{Shell: "seq 6000"}}, "more than 5000"},
		{MailboxGroup{File: filepath.Join(dir, "none")}, "no such file"},
		{MailboxGroup{File: dir}, "not a plain file"},
	} {
		users, _, err := c.ReadGroup(t.Context(), tt.group)
		if err == nil || !strings.Contains(err.Error(), tt.want) || users != nil {
			t.Errorf("ReadGroup(%+v) = %v, %v; want an error with %q", tt.group, users, err, tt.want)
		}
	}
}

// TestUserForms compares what may name a user of a group with what must not.
func TestUserForms(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 64)
	for _, good := range []string{"a", "_a", "ada@example.com", "Ada.L+x~y=z-1_@sub.example", "зоя@пример.рф", "٣@٣", long + "@" + "d" + strings.Repeat("d", 252)} {
		if !isUser(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", "@", "a@", "@b", ".a", "-a", "+a", "a@.b", "a@-b", "a b", "a/b", "../a", "a@b@c", "a@b_c", "a;b", "a$b", "a\x00", "a\xff", "a\n", "{a}", long + "ä", "a@" + strings.Repeat("d", 254)} {
		if isUser(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
}
