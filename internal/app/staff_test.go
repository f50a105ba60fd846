package app

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// staff is a team whose mailboxes, at a server like Microsoft's, are one entry
// of the configuration, read by an app of their own.
type staff struct {
	*world
	server *mailtest.Provider
	issuer *mailtest.Issuer
	boxes  map[string]*mailtest.ProviderAccount // by user

	mu     sync.Mutex // guards what follows
	gone   map[string]bool
	of     map[*mailtest.ScriptFolder]string
	bodies map[string]int // sent, by user
	next   uint32

	// A mailbox that gives so many bodies, and the next once goesOn is closed.
	pauses  string
	pauseAt int
	goesOn  chan struct{}
}

func newStaff(t *testing.T) *staff {
	t.Helper()
	s := &staff{world: newWorld(t), server: mailtest.NewProvider(mailtest.StyleMicrosoft), issuer: mailtest.NewIssuer(), boxes: map[string]*mailtest.ProviderAccount{},
		gone: map[string]bool{}, of: map[*mailtest.ScriptFolder]string{}, bodies: map[string]int{}, goesOn: make(chan struct{})}
	t.Cleanup(s.issuer.Close)
	s.issuer.Microsoft, s.issuer.Clients = true, map[string]string{"app": "S3CRET-app"}
	s.server.Takes = func(mailbox, token string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.gone[mailbox] && s.issuer.Takes(mailbox, token)
	}
	s.server.Fetch = func(_ *mailtest.ScriptConn, f *mailtest.ScriptFolder, _ mailtest.ScriptMessage, items, usual string) string {
		if strings.Contains(items, "BODY.PEEK[]") {
			s.mu.Lock()
			user := s.of[f]
			s.bodies[user]++
			wait := s.bodies[user] > s.pauseAt && user == s.pauses
			s.mu.Unlock()
			if wait {
				<-s.goesOn
			}
		}
		return usual
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.server.Serve(l) }()
	t.Cleanup(func() { s.server.Close(); <-done })
	s.write(filepath.Join(s.dir, "client"), "S3CRET-app")
	s.write(s.file(), fmt.Sprintf("data_dir: data\nteam: {domains: [example.com]}\nweb: {listen: \"127.0.0.1:0\"}\nmailbox_groups:\n  - name: staff\n    file: staff.txt\n"+
		"    template: {name: \"{local}\", provider: outlook, host: %q, tls: none, user: \"{user}\", oauth: {issuer: microsoft, flow: app, tenant: example.com, client_id: app, client_secret_file: client, token_url: %q}}\n",
		l.Addr(), s.issuer.URL+"/token"))
	return s
}

// joins makes a mailbox with so many mails from Carl, the first of whose
// subjects is "to USER".
func (s *staff) joins(user string, mails int) {
	a := s.server.Account(user)
	s.boxes[user] = a
	inbox := a.Folder("INBOX")
	s.mu.Lock()
	s.of[inbox] = user
	s.mu.Unlock()
	for i := range mails {
		subject := "to " + user
		if i > 0 {
			subject = fmt.Sprintf("number %d to %s", i, user)
		}
		s.comes(user, subject)
	}
}

// comes puts a mail from Carl into a mailbox.
func (s *staff) comes(user, subject string) {
	s.mu.Lock()
	s.next++
	n := s.next
	s.mu.Unlock()
	at := time.Now().Add(-time.Hour)
	raw := fmt.Sprintf("Date: %s\r\nFrom: carl@press.example\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%d@press.example>\r\n\r\nHello.\r\n", at.Format(time.RFC1123Z), user, subject, n)
	s.server.Add(s.boxes[user].Folder("INBOX"), mailtest.ScriptMessage{UID: n, Raw: []byte(raw), Received: at})
}

// sent returns how many bodies a mailbox gave.
func (s *staff) sent(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies[user]
}

// TestM8_TeamInOneEntry reads the mailboxes of a team, two hundred in full, by
// one entry: none waits for one that has more mail than all of them, all sign in
// with one token; one is taken away, one added and one renamed while running,
// and the others hear nothing of it.
func TestM8_TeamInOneEntry(t *testing.T) {
	t.Parallel()
	s := newStaff(t)
	user := func(i int) string { return fmt.Sprintf("user%03d@example.com", i) }
	list := "first@example.com\n"
	s.joins("first@example.com", 1)
	const mails, large = 4, 6 * 4 * teamSize
	s.joins("large@example.com", large)
	s.pauses, s.pauseAt = "large@example.com", large/2 // and is not ready before all others are
	goOn := sync.OnceFunc(func() { close(s.goesOn) })
	t.Cleanup(goOn)
	for i := range teamSize {
		s.joins(user(i), mails)
		list += user(i) + "\n"
	}
	s.listed("first@example.com\n")
	r := s.runs()
	knows(t, r.client, "Carl Weber", "carl@press.example")
	r.has("carl@press.example", "to first@example.com")

	began := time.Now()
	s.listed("large@example.com\n" + list)
	s.settles(r, "everybody", teamSize*mails, user)
	t.Logf("%d mailboxes of %d mails each in %s, when one with %d had given %d", teamSize, mails, time.Since(began), large, s.sent("large@example.com"))
	goOn()
	if n := s.issuer.Asked("client_credentials"); n > 2 {
		t.Errorf("the issuer was asked for %d tokens, want one for all", n)
	}

	s.kept(r, "user001", mails) // what is sent and not yet kept is fetched once more after a change

	// One is taken away by an administrator, one joins, one marries.
	s.mu.Lock()
	s.gone[user(0)] = true
	s.mu.Unlock()
	s.comes(user(0), "to who is gone") // wakes it, and ends its session
	s.joins("new@example.com", 1)
	s.server.Rename(user(1), "wed@example.com")
	s.boxes["wed@example.com"] = s.boxes[user(1)]
	s.comes(user(2), "to a neighbour")
	s.listed("large@example.com\nnew@example.com\n" + strings.Replace(list, user(1), "wed@example.com user001", 1))
	r.has("carl@press.example", "to new@example.com")
	s.comes("wed@example.com", "to the bride") // to who is read under the new name by now: a session that ends amid a body has it sent once more
	r.has("carl@press.example", "to the bride")
	r.has("carl@press.example", "to a neighbour")
	eventually(t, "one mailbox in trouble", func() error {
		st, err := r.client.Status(t.Context())
		if err != nil {
			return err
		}
		if len(st.Mailboxes) != teamSize+3 {
			return fmt.Errorf("%d mailboxes, want %d", len(st.Mailboxes), teamSize+3)
		}
		for _, m := range st.Mailboxes {
			if in := m.Name == "user000"; in != (m.Error != "") || m.Name == "user001" && m.State == message.StateStopped {
				return fmt.Errorf("mailbox %s is %s: %q", m.Name, m.State, m.Error)
			}
		}
		return nil
	})
	if before := s.sent(user(1)); before != mails+1 {
		t.Errorf("who was renamed gave %d bodies, want each of its %d once", before, mails+1)
	}
	if bad := s.server.Violations(); len(bad) > 0 {
		t.Errorf("against the provider's limits: %v", bad)
	}
	t.Attr("tries", "3")
}

// kept waits until so many mails of a mailbox are in the store.
func (s *staff) kept(r *live, mailbox string, want int) {
	s.t.Helper()
	eventually(s.t, "the mails of "+mailbox, func() error {
		st, err := r.client.Status(s.t.Context())
		if err != nil {
			return err
		}
		for _, m := range st.Mailboxes {
			for _, f := range m.Folders {
				if m.Name == mailbox && f.Stored == want {
					return nil
				}
			}
		}
		return fmt.Errorf("not all %d are stored", want)
	})
}

// settles waits until every user's mails are sent.
func (s *staff) settles(r *live, what string, want int, user func(int) string) {
	s.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(2 * time.Millisecond) {
		sum := 0
		for i := range teamSize {
			sum += s.sent(user(i))
		}
		if sum >= want {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s: %d of %d bodies are fetched", what, sum, want)
		}
	}
}
