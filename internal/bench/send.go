package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wneessen/go-mail"

	"rapport/internal/rescue"
	"rapport/web"
)

// sending is the bench of newsletters: the durable outbox of Rapport, Postfix's
// smtp-source, and go-mail's own loop, over as many connections to one smtp-sink.
type sending struct {
	lab
	mails       int
	connections int
	sink        string // address
	slow        string // the same, but that answers come later
	prepared    *site
	commits     float64 // of the last round of Rapport, for 1,000 mails
	frozen      time.Duration
	taken       atomic.Int64 // mails, by the sink
}

// answerDelay is how much later the slow sink answers.
const answerDelay = 5 * time.Millisecond

// sendMain runs the bench of newsletters.
func sendMain(ctx context.Context, args []string) error {
	s := &sending{lab: lab{out: os.Stdout}}
	flags := flag.NewFlagSet("bench send", flag.ContinueOnError)
	flags.IntVar(&s.mails, "mails", 20000, "mails of each round")
	flags.IntVar(&s.connections, "connections", 16, "to the server")
	flags.IntVar(&s.Rounds, "rounds", 3, "rounds that count, beside one to warm up")
	flags.StringVar(&s.Binary, "rapport", "", "binary to measure; it is built when empty")
	quick := flags.Bool("quick", false, "a tenth of the mails")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *quick {
		s.mails /= 10
	}
	return s.run(ctx)
}

// run measures and prints the table.
func (s *sending) run(ctx context.Context) (err error) {
	if s.dir, err = os.MkdirTemp("", "rapport-bench"); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.build(ctx); err != nil {
		return err
	}
	stop, err := s.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if s.prepared, err = s.office(ctx); err != nil {
		return err
	}
	latency, err := syncLatency(s.dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d mails of 8 KB over %d connections; %d rounds; fsync of 4 KB: %v (median of 200)\n", s.mails, s.connections, s.Rounds, latency.Round(time.Microsecond))
	if err := s.quickly(ctx); err != nil {
		return err
	}
	return s.slowly(ctx)
}

// quickly races the three against the sink as it is.
func (s *sending) quickly(ctx context.Context) error {
	medians, err := s.race(ctx, []contender{
		{"rapport", func(ctx context.Context) (time.Duration, error) { return s.rapport(ctx, s.sink) }},
		{"smtp-source", s.source},
		{"loop", func(ctx context.Context) (time.Duration, error) { return s.loop(ctx, s.sink) }},
	})
	if err != nil {
		return err
	}
	for name, took := range medians {
		fmt.Fprintf(s.out, "%-12s %8.0f mails/s\n", name, float64(s.mails)/took.Seconds())
	}
	s.rate("the outbox, of smtp-source", medians["smtp-source"], medians["rapport"], 0.25)
	s.rate("the outbox, of go-mail's loop", medians["loop"], medians["rapport"], 0.5)
	fmt.Fprintf(s.out, "of the outbox's time, %.2f s are rendering every mail twice, once to find faults, and freezing it\n", s.frozen.Seconds())
	s.atMost("commits for 1,000 mails", s.commits, 250)
	s.atMost("anonymous memory, MB", float64(s.prepared.peak)/(1<<20), 120)
	return nil
}

// slowly races against a sink that answers later.
func (s *sending) slowly(ctx context.Context) error {
	medians, err := s.race(ctx, []contender{
		{"rapport", func(ctx context.Context) (time.Duration, error) { return s.rapport(ctx, s.slow) }},
		{"loop", func(ctx context.Context) (time.Duration, error) { return s.loop(ctx, s.slow) }},
	})
	if err == nil {
		s.rate(fmt.Sprintf("the outbox, of go-mail's loop, answers %v later", answerDelay), medians["loop"], medians["rapport"], 1.3)
	}
	return err
}

// rate prints how fast ours is, of theirs, and what is wanted at least.
func (s *sending) rate(what string, theirs, ours time.Duration, aim float64) {
	ratio := theirs.Seconds() / ours.Seconds()
	fmt.Fprintf(s.out, "%-58s %9.3fs %9.3fs  %6.2f  at least %.2f  %s\n", what, ours.Seconds(), theirs.Seconds(), ratio, aim, verdict(ratio >= aim))
}

func (s *sending) atMost(what string, value, aim float64) {
	fmt.Fprintf(s.out, "%-58s %9.1f  at most %.0f  %s\n", what, value, aim, verdict(value <= aim))
}

// serve starts the sink, and a way to it that answers later.
func (s *sending) serve(ctx context.Context) (stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.sink = l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	args := []string{"-c", s.sink, "1000"}
	if os.Getuid() == 0 { // it refuses to stay root
		args = append([]string{"-u", "nobody"}, args...)
	}
	cmd := exec.CommandContext(ctx, postfixTool("smtp-sink"), args...)
	cmd.Stderr = os.Stderr
	counts, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	go func() { _ = rescue.Do(func() error { return s.count(counts) }) }() // ends with the sink
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start smtp-sink (Debian: apt-get install postfix): %w", err)
	}
	if err := reachable(ctx, s.sink); err != nil {
		return nil, errors.Join(err, cmd.Process.Kill())
	}
	late, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, cmd.Process.Kill())
	}
	s.slow = late.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- rescue.Do(func() error { return delayed(late, s.sink) }) }()
	return func() error {
		err := errors.Join(late.Close(), <-ended, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		return err
	}, nil
}

// count reads how many mails the sink has taken: it says so after each.
func (s *sending) count(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\r')
		if err != nil {
			return err
		}
		if _, n, found := strings.Cut(strings.TrimSpace(line), "mesg="); found {
			taken, err := strconv.ParseInt(n, 10, 64)
			if err != nil {
				return err
			}
			s.taken.Store(taken)
		}
	}
}

// postfixTool finds a program of Postfix, which is often not on the path.
func postfixTool(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return "/usr/sbin/" + name
}

// reachable waits until a server takes connections.
func reachable(ctx context.Context, address string) error {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("wait for the server: %w", err)
		}
	}
}

// delayed passes connections on, and what comes back later.
func delayed(l net.Listener, to string) error {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		near, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		all.Go(func() {
			_ = rescue.Do(func() error { return passOn(near, to) }) // whoever is cut off says so
		})
	}
}

func passOn(near net.Conn, to string) error {
	far, err := net.Dial("tcp", to)
	if err != nil {
		return errors.Join(err, near.Close())
	}
	sent := make(chan error, 1)
	go func() {
		sent <- rescue.Do(func() error {
			_, err := io.Copy(far, near)
			return errors.Join(err, far.Close())
		})
	}()
	b := make([]byte, 4096)
	for {
		n, err := far.Read(b)
		if n > 0 {
			time.Sleep(answerDelay)
			if _, err := near.Write(b[:n]); err != nil {
				return errors.Join(near.Close(), <-sent)
			}
		}
		if err != nil {
			return errors.Join(near.Close(), <-sent)
		}
	}
}

// paragraph fills letters to about 8 KB in their two parts.
var paragraph = strings.Repeat("The second flush has arrived, darker than the first. ", 48)

// office prepares an installation with as many customers as there are mails.
func (s *sending) office(ctx context.Context) (*site, error) {
	dir, err := s.fresh("office")
	if err != nil {
		return nil, err
	}
	out := &site{dir: dir, config: filepath.Join(dir, "config.yaml"), data: filepath.Join(dir, "data"), binary: s.Binary}
	var people bytes.Buffer
	people.WriteString("name,email,kind\n")
	for n := range s.mails {
		fmt.Fprintf(&people, "Person %d,p%d@press.example,customer\n", n, n)
	}
	for name, data := range map[string]string{
		"config.yaml": s.settings(s.sink), "contacts.csv": people.String(), "password": "none\n",
		"spring.md": "---\nsubject: Spring, {{.Contact.FirstName}}\naudience: kind == \"customer\"\nlegal_basis: customers\n---\nDear {{.Contact.Name}},\n\n" + paragraph + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
	}
	_, err = out.command(ctx, "contact", "import", filepath.Join(dir, "contacts.csv"))
	return out, err
}

// settings are the configuration: nobody answers at its mailbox, which sending
// does not need.
func (s *sending) settings(server string) string {
	return fmt.Sprintf(`data_dir: data
team: {name: Example, domains: [example.com], members: [{name: Ada, addresses: [ada@example.com]}]}
mailboxes: [{name: news, host: "127.0.0.1:1", tls: none, user: news@example.com, password_file: password}]
senders:
  - name: news
    host: %q
    tls: none
    from: "Example <news@example.com>"
    mailbox: news
    postal_address: 1 Example Street
    limits: {per_minute: 1000000, per_day: 10000000, connections: %d}
campaigns: .
web: {listen: ""}
log: {level: error}
`, server, s.connections)
}

// rapport launches the campaign in a copy of the office and waits until the
// server has taken every mail.
func (s *sending) rapport(ctx context.Context, server string) (took time.Duration, err error) {
	dir, err := s.fresh("round")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if out, err := exec.CommandContext(ctx, "cp", "-a", s.prepared.dir, filepath.Join(dir, "copy")).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("copy the office: %w: %s", err, out)
	}
	dir = filepath.Join(dir, "copy")
	one := &site{dir: dir, config: filepath.Join(dir, "config.yaml"), data: filepath.Join(dir, "data"), binary: s.Binary}
	if err := os.WriteFile(one.config, []byte(s.settings(server)), 0o600); err != nil {
		return 0, err
	}
	d, err := one.start(ctx)
	if err != nil {
		return 0, err
	}
	before, err := commitsOf(one.data)
	if err != nil {
		return 0, errors.Join(err, d.stop())
	}
	ended, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watchMemory(d.cmd.Process.Pid, ended) }()
	took, err = s.sent(ctx, d)
	close(ended)
	s.prepared.peak = max(s.prepared.peak, <-peak)
	after, err2 := commitsOf(one.data)
	s.commits = float64(after-before) * 1000 / float64(s.mails)
	return took, errors.Join(err, err2, d.stop())
}

// sent launches, and waits until every mail was taken.
func (s *sending) sent(ctx context.Context, d *daemon) (time.Duration, error) {
	began, had := time.Now(), s.taken.Load()
	if _, err := d.client.LaunchCampaign(ctx, "spring", web.CampaignLaunch{}); err != nil {
		return 0, fmt.Errorf("launch: %w", err)
	}
	s.frozen = time.Since(began)
	// Asking how it stands counts every delivery: the sink is asked instead.
	for s.taken.Load()-had < int64(s.mails) {
		if time.Since(began) > 10*time.Minute || ctx.Err() != nil {
			return 0, fmt.Errorf("the server took %d of %d mails", s.taken.Load()-had, s.mails)
		}
		time.Sleep(2 * time.Millisecond)
	}
	took := time.Since(began)
	for {
		c, err := d.client.Campaign(ctx, "spring")
		switch {
		case err != nil:
			return 0, fmt.Errorf("ask how the campaign stands: %w", err)
		case c.Accepted == s.mails:
			return took, nil
		case time.Since(began) > 10*time.Minute:
			return 0, fmt.Errorf("the campaign does not end: %+v", c)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// commitsOf is the number of the last transaction of a store, as the newer of
// its two meta pages says it.
func commitsOf(data string) (uint64, error) {
	files, err := filepath.Glob(filepath.Join(data, "*.db"))
	if err != nil || len(files) != 1 {
		return 0, fmt.Errorf("find the store in %s: %d files, %w", data, len(files), err)
	}
	f, err := os.Open(files[0])
	if err != nil {
		return 0, fmt.Errorf("read the store: %w", err)
	}
	defer f.Close()
	newest := uint64(0)
	for page := range int64(2) {
		var b [8]byte
		if _, err := f.ReadAt(b[:], page*int64(os.Getpagesize())+16+48); err != nil {
			return 0, fmt.Errorf("read the store: %w", err)
		}
		newest = max(newest, binary.LittleEndian.Uint64(b[:]))
	}
	return newest, nil
}

// source sends with smtp-source, which keeps its connections and makes nothing of
// a mail's own.
func (s *sending) source(ctx context.Context) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, postfixTool("smtp-source"), "-d", "-s", fmt.Sprint(s.connections), "-m", fmt.Sprint(s.mails), "-l", "8192",
		"-f", "news@example.com", "-t", "p@press.example", s.sink)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("smtp-source: %w: %s", err, out)
	}
	return time.Since(began), nil
}

// loop sends personal mails with go-mail's own Send, without an outbox.
func (s *sending) loop(ctx context.Context, server string) (time.Duration, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return 0, err
	}
	began, failed := time.Now(), make(chan error, s.connections)
	for c := range s.connections {
		go func() {
			failed <- rescue.Do(func() error { return s.some(ctx, host, port, c) })
		}()
	}
	for range s.connections {
		err = errors.Join(err, <-failed)
	}
	return time.Since(began), err
}

// some sends the mails of one connection.
func (s *sending) some(ctx context.Context, host, port string, connection int) error {
	var number int
	if _, err := fmt.Sscan(port, &number); err != nil {
		return err
	}
	c, err := mail.NewClient(host, mail.WithPort(number), mail.WithTLSPolicy(mail.NoTLS), mail.WithTimeout(time.Minute))
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return err
	}
	for n := connection; n < s.mails; n += s.connections {
		m := mail.NewMsg()
		if err := errors.Join(m.From("news@example.com"), m.To(fmt.Sprintf("p%d@press.example", n))); err != nil {
			return err
		}
		m.Subject(fmt.Sprintf("Spring, Person %d", n))
		m.SetBodyString(mail.TypeTextPlain, fmt.Sprintf("Dear Person %d,\n\n%s\n", n, paragraph))
		m.AddAlternativeString(mail.TypeTextHTML, fmt.Sprintf("<p>Dear Person %d,</p><p>%s</p>", n, paragraph+paragraph[:len(paragraph)/2]))
		if err := c.Send(m); err != nil {
			return err
		}
	}
	return c.Close()
}
