package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// grouped makes a world whose mailboxes are one group of a list file.
func grouped(t *testing.T, list string, accounts ...string) *world {
	t.Helper()
	w := newWorld(t)
	for _, a := range accounts {
		if err := w.imap.AddUser(mailtest.User{Name: a + "@example.com", Password: worldPassword}); err != nil {
			t.Fatal(err)
		}
	}
	w.listed(list)
	w.extra = fmt.Sprintf("mailbox_groups:\n  - name: staff\n    file: staff.txt\n"+
		"    template: {name: \"{local}\", host: %q, tls: none, user: \"{user}\", password_file: \"{local}.pw\"}\n", w.imap.Addr)
	for _, a := range accounts {
		w.write(filepath.Join(w.dir, a+".pw"), worldPassword)
	}
	w.configure()
	return w
}

// listed replaces the list whole, as an editor does.
func (w *world) listed(list string) {
	w.t.Helper()
	w.write(filepath.Join(w.dir, "staff.new"), list)
	if err := os.Rename(filepath.Join(w.dir, "staff.new"), filepath.Join(w.dir, "staff.txt")); err != nil {
		w.t.Fatal(err)
	}
}

// names waits until the mailboxes in force are these.
func (r *live) names(want ...string) {
	r.t.Helper()
	var got []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		st, err := r.client.Status(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		got = nil
		for _, m := range st.Mailboxes {
			got = append(got, m.Name)
		}
		if slices.Sort(got); slices.Equal(got, want) {
			return
		}
	}
	r.t.Fatalf("mailboxes in force are %v, want %v", got, want)
}

// heard waits until the log says something.
func (w *world) heard(text string) {
	w.t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(w.log.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("the log does not say %q", text)
		}
	}
}

// TestMailboxGroup has a team in one entry: somebody joins, somebody leaves,
// somebody marries; a list that is gone, empty or half nonsense stops nobody.
func TestMailboxGroup(t *testing.T) {
	t.Parallel()
	w := grouped(t, "# the team\nada@example.com\nbob@example.com\n", "ada", "bob", "carl")
	w.write(filepath.Join(w.dir, "ada.king.pw"), worldPassword)
	r := w.runs()
	knows(t, r.client, "Carla", "carla@acme.example")
	r.names("ada", "bob")
	w.arrives("ada", "carla@acme.example", "to ada")
	w.arrives("bob", "carla@acme.example", "to bob")
	r.has("carla@acme.example", "to ada")
	r.has("carla@acme.example", "to bob")

	w.arrives("carl", "carla@acme.example", "to carl")
	w.listed("ada@example.com\ncarl@example.com\n")
	r.names("ada", "carl")
	r.has("carla@acme.example", "to carl")

	w.imap.RenameUser("ada@example.com", "ada.king@example.com")
	w.arrives("ada.king", "carla@acme.example", "to ada king")
	w.listed("ada.king@example.com ada\ncarl@example.com\nnot a user at all\nada.king@example.com twice\n")
	r.has("carla@acme.example", "to ada king")
	w.heard("line 3 has more than USER NAME; line 4: ada.king@example.com is named twice")
	r.names("ada", "carl")

	for broken, said := range map[string]string{"# nobody\n": "names nobody", strings.Repeat("x", 2<<20): "larger than"} {
		w.listed(broken)
		w.heard(said)
		r.names("ada", "carl")
	}
	r.end()

	// A restart without any list goes on with the last one.
	w.listed("")
	if err := os.WriteFile(filepath.Join(w.dir, "staff.txt"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = w.runs()
	r.names("ada", "carl")
	w.arrives("carl", "carla@acme.example", "after the restart")
	r.has("carla@acme.example", "after the restart")
}
