package mailsync

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/records/message"
)

// folderKey is what settled state belongs to.
type folderKey struct {
	mailbox, name string
	validity      uint32
}

// memSink is a Sink in memory: it judges by a function and keeps settled
// sets the way intake does.
type memSink struct {
	judge func(message.Folder, message.Copy) message.Decision

	mu       sync.Mutex
	progress map[folderKey]*message.Progress
	bodies   map[folderKey]map[uint32][32]byte // digest of each stored body
	texts    map[folderKey]map[uint32]string   // small bodies
	reasons  map[folderKey]map[uint32]string   // of quarantine
	copies   map[folderKey]map[uint32]message.Copy
	reports  []message.Report
	listed   []string
	pending  []message.Search
	searched []string
	batches  []int
	takeErr  error
	took     chan string // subjects as they are taken, when not nil
	slow     func()      // called in every Take
	broken   []string    // invariants that a call broke: what was settled twice, or marked before it was settled
	light    bool        // copies are not kept
	spool    string      // where bodies lie on the way, empty again at the end
}

func newSink() *memSink {
	return &memSink{
		judge:    func(message.Folder, message.Copy) message.Decision { return message.Decision{Action: message.Log} },
		progress: map[folderKey]*message.Progress{}, bodies: map[folderKey]map[uint32][32]byte{}, texts: map[folderKey]map[uint32]string{},
		reasons: map[folderKey]map[uint32]string{}, copies: map[folderKey]map[uint32]message.Copy{},
	}
}

func keyOf(f message.Folder) folderKey { return folderKey{f.Mailbox, f.Name, f.UIDValidity} }

func (m *memSink) of(k folderKey) *message.Progress {
	p := m.progress[k]
	if p == nil {
		p = &message.Progress{Skipped: map[message.Reason]message.UIDSet{}}
		for other := range m.progress {
			if other.mailbox == k.mailbox && other.name == k.name && other.validity != k.validity {
				p.Renumbered = other.validity
			}
		}
		m.progress[k] = p
		m.bodies[k], m.texts[k] = map[uint32][32]byte{}, map[uint32]string{}
		m.reasons[k], m.copies[k] = map[uint32]string{}, map[uint32]message.Copy{}
	}
	return p
}

func (m *memSink) Resume(_ context.Context, f message.Folder) (message.Progress, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := *m.of(keyOf(f))
	skipped := map[message.Reason]message.UIDSet{}
	for r, s := range p.Skipped {
		skipped[r] = s
	}
	p.Skipped = skipped
	return p, nil
}

func (m *memSink) Wanted(_ context.Context, f message.Folder, copies []message.Copy) ([]message.Wish, error) {
	var out []message.Wish
	for _, c := range copies {
		out = append(out, message.Wish{UID: c.UID, Decision: m.judge(f, c)})
	}
	return out, nil
}

func (m *memSink) Take(_ context.Context, b message.Batch) error {
	if m.slow != nil {
		m.slow()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.takeErr != nil {
		return m.takeErr
	}
	k := keyOf(b.Folder)
	p := m.of(k)
	for r, s := range b.Skipped {
		p.Skipped[r] = p.Skipped[r].Union(s)
	}
	if b.Scanned != nil {
		p.Scanned, p.Since = true, *b.Scanned
	}
	if b.Fingerprints != nil {
		p.Fingerprints = b.Fingerprints
	}
	m.batches = append(m.batches, len(b.Items))
	for _, it := range b.Items {
		if err := m.take(k, p, it); err != nil {
			return err
		}
	}
	return nil
}

// anyHas is Has of what is settled, without making that whole set for each UID.
func anyHas(p *message.Progress, uid uint32) bool {
	for _, s := range p.Skipped {
		if s.Has(uid) {
			return true
		}
	}
	return p.Stored.Has(uid) || p.Quarantined.Has(uid)
}

func (m *memSink) take(k folderKey, p *message.Progress, it message.Item) error {
	one := message.UIDs(it.UID)
	if p.Quarantined.Has(it.UID) { // asked for again
		p.Quarantined = p.Quarantined.Minus(one)
		delete(m.reasons[k], it.UID)
	}
	if anyHas(p, it.UID) {
		m.broken = append(m.broken, fmt.Sprintf("UID %d of %s was settled already", it.UID, k.name))
	}
	if !m.light {
		m.copies[k][it.UID] = it.Copy
	}
	switch {
	case it.Quarantine != "":
		p.Quarantined = p.Quarantined.Union(one)
		m.reasons[k][it.UID] = it.Quarantine
	case it.Wish.Action == message.Skip:
		p.Skipped[it.Wish.Reason] = p.Skipped[it.Wish.Reason].Union(one)
	case it.Body == nil && it.Wish.Action != message.Hold:
		return fmt.Errorf("UID %d without a body", it.UID)
	default:
		p.Stored = p.Stored.Union(one)
		if it.Body != nil {
			r, err := it.Body.Open()
			if err != nil {
				return err
			}
			defer r.Close()
			h := sha256.New()
			var small strings.Builder
			n, err := io.Copy(io.MultiWriter(h, &limited{&small, 4096}), r)
			if err != nil {
				return err
			}
			if n != it.Body.Size() {
				return fmt.Errorf("UID %d: %d bytes read of %d", it.UID, n, it.Body.Size())
			}
			m.bodies[k][it.UID] = [32]byte(h.Sum(nil))
			m.texts[k][it.UID] = small.String()
		}
	}
	if m.took != nil {
		m.took <- it.Head.Subject
	}
	return nil
}

// limited keeps the first bytes and swallows the rest.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.w.Write(p[:n])
	return len(p), nil
}

func (m *memSink) Reopen(_ context.Context, f message.Folder, uids message.UIDSet) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.of(keyOf(f))
	p.Stored, p.Quarantined = p.Stored.Minus(uids), p.Quarantined.Minus(uids)
	for r, s := range p.Skipped {
		p.Skipped[r] = s.Minus(uids)
	}
	p.Mark = message.Mark{}
	return nil
}

func (m *memSink) Report(_ context.Context, r message.Report) (message.FolderStatus, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reports = append(m.reports, r)
	st := message.FolderStatus{Name: r.Folder.Name, UIDValidity: r.Folder.UIDValidity, Error: r.Err, At: r.At, Skipped: map[message.Reason]int{}}
	if r.Err != "" {
		return st, nil
	}
	p := m.of(keyOf(r.Folder))
	st.Exists, st.Stored, st.Quarantined = r.Listed.Len(), p.Stored.Intersect(r.Listed).Len(), p.Quarantined.Intersect(r.Listed).Len()
	for reason, s := range p.Skipped {
		st.Skipped[reason] = s.Intersect(r.Listed).Len()
	}
	st.Gone = p.Settled().Minus(r.Listed).Len()
	st.InSync = r.Listed.Minus(p.Settled()).Empty()
	if !st.InSync && r.Mark != (message.Mark{}) {
		m.broken = append(m.broken, fmt.Sprintf("%s is marked as complete and is not: %s", r.Folder.Name, r.Listed.Minus(p.Settled())))
	}
	if st.InSync {
		p.Mark, p.Renumbered = r.Mark, 0
	}
	return st, nil
}

func (m *memSink) Listed(_ context.Context, _ string, folders []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listed = append([]string{}, folders...)
	return nil
}

func (m *memSink) Pending(context.Context, string) ([]message.Search, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]message.Search{}, m.pending...), nil
}

func (m *memSink) Searched(_ context.Context, _, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.searched = append(m.searched, id)
	for i, s := range m.pending {
		if s.ID == id {
			m.pending = append(m.pending[:i:i], m.pending[i+1:]...)
			break
		}
	}
	return nil
}

// state returns a folder's progress in its newest numbering, by name.
func (m *memSink) state(t testing.TB, name string) message.Progress {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []folderKey
	for k := range m.progress {
		if k.name == name {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		t.Fatalf("folder %s was never asked for", name)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].validity < keys[j].validity })
	return *m.progress[keys[len(keys)-1]]
}

// digests returns the digests of all stored bodies of a folder.
func (m *memSink) digests(name string) map[uint32][32]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[uint32][32]byte{}
	for k, bodies := range m.bodies {
		if k.name == name {
			for uid, sum := range bodies {
				out[uid] = sum
			}
		}
	}
	return out
}

// transcript gathers what was sent and judges that nothing of it changes the server.
type transcript struct {
	mu    sync.Mutex
	lines []string
}

func (r *transcript) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *transcript) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.lines...)
}

// harmless fails the test where a command was sent that could change anything.
func (r *transcript) harmless(t testing.TB) {
	t.Helper()
	for _, line := range r.all() {
		fields := strings.Fields(line)
		if line == "***" || line == "DONE" || len(fields) < 2 {
			continue
		}
		verb := strings.ToUpper(fields[1])
		if verb == "UID" && len(fields) > 2 {
			verb += " " + strings.ToUpper(fields[2])
		}
		switch verb {
		case "CAPABILITY", "LOGIN", "AUTHENTICATE", "LIST", "STATUS", "EXAMINE", "UID SEARCH", "UID FETCH", "NOOP", "IDLE", "LOGOUT":
		default:
			t.Errorf("sent %q", line)
		}
		if strings.Contains(line, "BODY[") || strings.Contains(line, "RFC822 ") {
			t.Errorf("sent %q, which sets \\Seen", line)
		}
	}
}

func mail(n int, from, to, subject, body string) []byte {
	date := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Hour)
	return []byte("Message-ID: <m" + fmt.Sprint(n) + "@example.org>\r\nDate: " + date.Format(time.RFC1123Z) +
		"\r\nFrom: " + from + "\r\nTo: " + to + "\r\nSubject: " + subject + "\r\n\r\n" + body + "\r\n")
}

func password(p string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return p, nil }
}
