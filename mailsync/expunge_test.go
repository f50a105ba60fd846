package mailsync

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"rapport/internal/mailtest"
)

// restless is a second client of a mailbox: it expunges, moves and adds mail at
// random, and knows which mail every UID ever was. One goroutine has it at a time.
type restless struct {
	c       *imapclient.Client
	rnd     *rand.Rand
	folders []string
	open    string

	was  map[string]map[imap.UID][32]byte
	has  map[string][]imap.UID
	next int // number of the next mail
	acts map[string]int
}

func restlessLetter(n int, size int) []byte {
	return mail(n, "bob@customer.example", "ada@example.org", fmt.Sprint("mail ", n), strings.Repeat(fmt.Sprintf("body of %d\r\n", n), 1+size/14))
}

// newRestless signs in to a Dovecot and fills the first folder.
func newRestless(t *testing.T, d *mailtest.Dovecot, messages int, folders ...string) *restless {
	t.Helper()
	c, err := imapclient.DialInsecure(d.PlainAddr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Login("ada@example.org", "geheim").Wait(); err != nil {
		t.Fatal(err)
	}
	r := &restless{c: c, rnd: rand.New(rand.NewPCG(28, uint64(messages))), folders: folders,
		was: map[string]map[imap.UID][32]byte{}, has: map[string][]imap.UID{}, acts: map[string]int{}}
	for _, f := range folders {
		r.was[f] = map[imap.UID][32]byte{}
	}
	for range messages {
		if err := r.add(folders[0]); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r *restless) add(folder string) error {
	raw := restlessLetter(r.next, r.rnd.IntN(60<<10))
	r.next++
	cmd := r.c.Append(folder, int64(len(raw)), nil)
	if _, err := cmd.Write(raw); err != nil {
		return err
	}
	if err := cmd.Close(); err != nil {
		return err
	}
	data, err := cmd.Wait()
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	r.arrived(folder, data.UID, sha256.Sum256(raw))
	r.acts["added"]++
	return nil
}

func (r *restless) arrived(folder string, uid imap.UID, sum [32]byte) {
	r.was[folder][uid] = sum
	r.has[folder] = append(r.has[folder], uid)
}

// some takes a few UIDs out of a folder, anywhere in it.
func (r *restless) some(folder string) imap.UIDSet {
	var set imap.UIDSet
	for range 1 + r.rnd.IntN(8) {
		if has := r.has[folder]; len(has) > 20 {
			at := r.rnd.IntN(len(has))
			set.AddNum(has[at])
			r.has[folder] = slices.Delete(has, at, at+1)
		}
	}
	return set
}

func (r *restless) act() error {
	folder := r.folders[r.rnd.IntN(len(r.folders))]
	if r.open != folder {
		if _, err := r.c.Select(folder, nil).Wait(); err != nil {
			return fmt.Errorf("select %s: %w", folder, err)
		}
		r.open = folder
	}
	set := r.some(folder)
	if len(set) == 0 || r.rnd.IntN(3) == 0 {
		return r.add(folder)
	}
	if r.rnd.IntN(2) == 0 {
		r.acts["expunged"]++
		if err := r.c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		return r.c.UIDExpunge(set).Close()
	}
	return r.move(folder, r.folders[r.rnd.IntN(len(r.folders))], set)
}

func (r *restless) move(from, to string, set imap.UIDSet) error {
	r.acts["moved"]++
	data, err := r.c.Move(set, to).Wait()
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	source, _ := data.SourceUIDs.(imap.UIDSet)
	dest, _ := data.DestUIDs.(imap.UIDSet)
	old, okOld := source.Nums()
	now, okNow := dest.Nums()
	if !okOld || !okNow || len(old) != len(now) {
		return fmt.Errorf("moved %v to %v: the server does not tell which is which", source, dest)
	}
	for i, uid := range old {
		r.arrived(to, now[i], r.was[from][uid])
	}
	return nil
}

// TestM28_ExpungedMeanwhile has messages go between and during FETCH commands,
// which are told at once.
func TestM28_ExpungedMeanwhile(t *testing.T) {
	t.Parallel()
	try := counted(t)
	faulty(t, 400, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
		try()
		s.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if strings.HasPrefix(command, "UID FETCH") && len(f.Messages) > 100 {
				s.Lock()
				f.Messages = append(f.Messages[:50:50], f.Messages[60:]...)
				s.Unlock()
				for range 10 {
					c.Send("* 51 EXPUNGE\r\n")
				}
			}
			return false
		}
		if err := syncer(t, o).Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		oracle(t, sink, f)
		if p := sink.state(t, "INBOX"); !p.Quarantined.Empty() {
			t.Errorf("quarantined %s, which are only gone", p.Quarantined)
		}
	})
}

// TestM28_DovecotExpungesMeanwhile has a second client expunge, move and add
// mail at random while a mailbox is read: each body that is kept is that of its
// UID, and once there is peace everything there is is kept.
func TestM28_DovecotExpungesMeanwhile(t *testing.T) {
	t.Parallel()
	try := counted(t)
	d, _, _, o := dovecot(t, mailtest.DovecotOptions{Users: []mailtest.User{{Name: "ada@example.org", Password: "geheim", Folders: []string{"Kunden"}}}, Extra: "mail_fsync = never"})
	r := newRestless(t, d, expungeMessages, "INBOX", "Kunden")
	start := time.Now()
	for n := 0; n < 2 || time.Since(start) < expungeFor; n++ {
		try()
		sink := newSink()
		o.Sink = sink
		y := syncer(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			for ctx.Err() == nil {
				if err := r.act(); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		for range 3 { // it may well say that it is not in sync: mail comes and goes
			_ = y.Sync(t.Context())
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := y.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.judge(t, sink)
	}
	t.Logf("%d mails; %v", r.next, r.acts)
}

// judge wants every kept body to be that of its UID, whatever became of it since,
// and all there is to be kept.
func (r *restless) judge(t *testing.T, sink *memSink) {
	t.Helper()
	oracle(t, sink)
	bodies := 0
	for _, folder := range r.folders {
		p := sink.state(t, folder)
		for uid, sum := range sink.digests(folder) {
			bodies++
			if want, ok := r.was[folder][imap.UID(uid)]; !ok || want != sum {
				t.Errorf("%s: UID %d is kept with a body not its own", folder, uid)
			}
		}
		if !p.Quarantined.Empty() {
			t.Errorf("%s: quarantined %s, which were only gone", folder, p.Quarantined)
		}
		for _, uid := range r.has[folder] {
			if states := statesOf(&p, uint32(uid)); len(states) != 1 || states[0] != "stored" {
				t.Errorf("%s: UID %d is in the states %q, want stored", folder, uid, states)
			}
		}
	}
	if bodies < len(r.has[r.folders[0]]) {
		t.Errorf("%d bodies were kept, fewer than there is mail", bodies)
	}
}
