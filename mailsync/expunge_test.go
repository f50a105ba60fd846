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

	was   map[string]map[imap.UID][32]byte // as the answers to its commands say
	has   map[string][]imap.UID            // likewise
	wrote map[[32]byte]bool                // every mail it ever added
	next  int                              // number of the next mail
	acts  map[string]int
}

func restlessLetter(n int, size int) []byte {
	return mail(n, "bob@customer.example", "ada@example.org", fmt.Sprint("mail ", n), strings.Repeat(fmt.Sprintf("body of %d\r\n", n), 1+size/14))
}

// newRestless signs in to a Dovecot, makes the folders that are missing and fills
// the first.
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
		was: map[string]map[imap.UID][32]byte{}, has: map[string][]imap.UID{}, wrote: map[[32]byte]bool{}, acts: map[string]int{}}
	for _, f := range folders {
		r.was[f] = map[imap.UID][32]byte{}
		if f != "INBOX" {
			_ = c.Create(f, nil).Wait() // it may be there
		}
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
	sum := sha256.Sum256(raw)
	r.arrived(folder, data.UID, sum)
	r.wrote[sum] = true
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

// holds is what a folder holds, as a session that is new to it sees it.
func (r *restless) holds(t *testing.T, folder string) map[imap.UID][32]byte {
	t.Helper()
	if _, err := r.c.Select(folder, nil).Wait(); err != nil {
		t.Fatal(err)
	}
	r.open = folder
	out := map[imap.UID][32]byte{}
	all := imap.UIDSet{{Start: 1, Stop: 0}}
	whole := &imap.FetchItemBodySection{Peek: true}
	cmd := r.c.Fetch(all, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{whole}})
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		got, err := m.Collect()
		if err != nil {
			t.Fatal(err)
		}
		out[got.UID] = sha256.Sum256(got.FindBodySection(whole))
	}
	if err := cmd.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestM28_GoneForAMoment has as many messages come as have gone, which are there
// and are counted, but neither given nor found for as long as a pass takes: the
// next pass keeps them, though no number of the server's has moved.
func TestM28_GoneForAMoment(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, n := range []int{1, 3} {
		faulty(t, 20, func(t *testing.T, s *mailtest.ScriptIMAP, f *mailtest.ScriptFolder, sink *memSink, o Options) {
			try()
			y := syncer(t, o)
			if err := y.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			hides := true
			s.Fetch = func(_ *mailtest.ScriptConn, _ *mailtest.ScriptFolder, m mailtest.ScriptMessage, _, usual string) string {
				if hides && m.UID > 20 {
					return ""
				}
				return usual
			}
			s.Hook = func(c *mailtest.ScriptConn, command string) bool {
				if hides && strings.HasPrefix(command, "UID SEARCH") && strings.Contains(command, " UID ") {
					c.OK()
					return true
				}
				return false
			}
			f.Messages = f.Messages[n:]
			for i := range n {
				f.Messages = append(f.Messages, letter(uint32(21+i)))
			}
			_ = y.Sync(t.Context()) // it may well say that it is not in sync
			hides = false
			if err := y.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			oracle(t, sink, f)
		})
	}
}

// storages are the formats in which a Dovecot keeps the mail of
// TestM28_DovecotExpungesMeanwhile, and whether it keeps the UIDs that it told.
// In a Maildir a session that lists the directory while another moves a file sees
// it twice, or takes it for lost and then for new: Dovecot gives it one more UID
// ("Expunged message reappeared"), and the UID that it told whoever added a mail
// may go to another.
var storages = map[string]struct {
	location string
	steady   bool
}{
	"sdbox":   {"sdbox:~/sdbox", true},
	"Maildir": {"maildir:~/Maildir:UTF-8", false},
}

// TestM28_DovecotExpungesMeanwhile has a second client expunge, move and add
// mail at random while a mailbox is read: each body that is kept is that of its
// UID, and once there is peace everything there is is kept.
func TestM28_DovecotExpungesMeanwhile(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for name, storage := range storages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _, _, o := dovecot(t, mailtest.DovecotOptions{
				Users: []mailtest.User{{Name: "ada@example.org", Password: "geheim", Folders: []string{"Kunden"}}},
				Extra: "mail_fsync = never\nmail_location = " + storage.location,
			})
			r := newRestless(t, d, expungeMessages, "INBOX", "Kunden")
			start := time.Now()
			for n := 0; n < 1 || time.Since(start) < expungeFor; n++ {
				try()
				o.Sink = newSink()
				r.beside(t, syncer(t, o))
				r.judge(t, o.Sink.(*memSink), storage.steady)
			}
			t.Logf("%d mails; %v", r.next, r.acts)
		})
	}
}

// beside is at work while a mailbox is read, and at rest while it is read once more.
func (r *restless) beside(t *testing.T, y *Syncer) {
	t.Helper()
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
}

// judge wants all there is to be kept, and every kept body to be that of its UID,
// whatever became of it since. Where the server is not steady, what it has no
// more may be any of the mails there ever were.
func (r *restless) judge(t *testing.T, sink *memSink, steady bool) {
	t.Helper()
	oracle(t, sink)
	for _, folder := range r.folders {
		p, there := sink.state(t, folder), r.holds(t, folder)
		kept := sink.digests(folder)
		for uid, sum := range kept {
			now, is := there[imap.UID(uid)]
			was, known := r.was[folder][imap.UID(uid)]
			if is && sum != now || !is && steady && (!known || sum != was) || !r.wrote[sum] {
				t.Errorf("%s: UID %d is kept with a body not its own", folder, uid)
			}
		}
		if !p.Quarantined.Empty() {
			t.Errorf("%s: quarantined %s, which were only gone", folder, p.Quarantined)
		}
		for uid := range there {
			if states := statesOf(&p, uint32(uid)); len(states) != 1 || states[0] != "stored" {
				t.Errorf("%s: UID %d is in the states %q, want stored", folder, uid, states)
			}
			if _, ok := kept[uint32(uid)]; !ok {
				t.Errorf("%s: UID %d is kept without a body", folder, uid)
			}
		}
		for _, uid := range r.has[folder] {
			if _, ok := there[uid]; steady && !ok {
				t.Errorf("%s: UID %d is not there any more, which nobody took away", folder, uid)
			}
		}
	}
}
