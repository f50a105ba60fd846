package mailsync

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

var hostileFor = flag.Duration("hostile", hostileTime, "how long hostile servers answer")

// hostileChild makes the test binary serve hostile and healthy mailboxes instead
// of testing, so that what a test measures of its own process is the client alone.
const hostileChild = "MAILSYNC_HOSTILE_CHILD"

const neighbours = 3

// serveHostile says the kind and address of each server, then "ready", delivers
// a mail to the neighbour whose number it reads, and ends with its input.
func serveHostile() error {
	recorded, err := transcripts()
	if err != nil {
		return err
	}
	serve := func(kind string, s *mailtest.ScriptIMAP) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			go s.Serve(l)
			_, err = fmt.Println(kind, l.Addr())
		}
		return err
	}
	for honest := 4; honest < 10; honest += 2 { // in ten
		for range hostileEach {
			g := garbage{rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), recorded}
			if err := serve("hostile", hostileServer(g, honest)); err != nil {
				return err
			}
		}
	}
	var healthy []*mailtest.ScriptIMAP
	for range neighbours {
		healthy = append(healthy, &mailtest.ScriptIMAP{Folders: []*mailtest.ScriptFolder{inbox(5)}})
		if err := serve("neighbour", healthy[len(healthy)-1]); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		n, err := strconv.Atoi(in.Text())
		if err != nil {
			return err
		}
		s := healthy[n]
		s.Lock() // and nobody is told
		f := s.Folders[0]
		f.Messages = append(f.Messages, letter(uint32(len(f.Messages)+1)))
		s.Unlock()
	}
	return in.Err()
}

// startHostile starts the child for the length of the test and returns the
// addresses of its servers by kind, and where it reads.
func startHostile(t *testing.T) (addrs map[string][]string, to io.Writer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), hostileChild+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the servers ended: %v", err)
		}
	})
	addrs = map[string][]string{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		kind, addr, _ := strings.Cut(lines.Text(), " ")
		if kind == "ready" {
			return addrs, in
		}
		addrs[kind] = append(addrs[kind], addr)
	}
	t.Fatal("the servers ended before they were ready")
	return nil, nil
}

// neighbour is a mailbox that does nothing wrong, whose server never announces
// anything: what arrives is found by asking, every poll interval.
type neighbour struct {
	sink *memSink
	lags []time.Duration
	late time.Duration // how late a plain timer of the same moments was at most: the machine's own share
}

const neighbourPoll = 2 * time.Second

// lives keeps a neighbour running, has a mail delivered every now and then and
// notes how long it takes to arrive, until the context ends.
func (n *neighbour) lives(ctx context.Context, y *Syncer, deliver func() error, synced func()) error {
	done := make(chan error, 1)
	go func() { done <- y.Run(ctx) }()
	defer func() { <-done }()
	for range 5 {
		select {
		case <-n.sink.took:
		case <-ctx.Done():
			return fmt.Errorf("the neighbour did not begin to live: %+v", y.Status())
		}
	}
	synced()
	for ctx.Err() == nil {
		if err := deliver(); err != nil {
			return err
		}
		start := time.Now()
		rang := make(chan time.Duration, 1)
		time.AfterFunc(neighbourPoll, func() { rang <- time.Since(start) - neighbourPoll })
		select {
		case <-n.sink.took:
			n.lags = append(n.lags, time.Since(start))
		case <-ctx.Done():
		}
		select {
		case late := <-rang:
			n.late = max(n.late, late)
		default: // the mail was sooner
		}
	}
	return nil
}

// attackers are mailboxes on hostile servers, connection after connection.
type attackers struct {
	sync.WaitGroup
	tries, longest atomic.Int64
	kinds          sync.Map // how connections ended, and how often
}

func (a *attackers) keepComing(ctx context.Context, t *testing.T, addr string) {
	a.Go(func() {
		for ctx.Err() == nil {
			a.tries.Add(1)
			start := time.Now()
			err := attacked(ctx, t, func(ctx context.Context, _ string) (net.Conn, error) { return dialTCP(ctx, addr) })
			took := int64(time.Since(start))
			for last := a.longest.Load(); took > last && !a.longest.CompareAndSwap(last, took); last = a.longest.Load() {
			}
			n, _ := a.kinds.LoadOrStore(kindOf(err), new(atomic.Int64))
			n.(*atomic.Int64).Add(1)
		}
	})
}

// settled waits a little for goroutines that are about to end, and returns how
// many there are.
func settled(most int) int {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(longEnough); time.Now().Before(end); {
		if runtime.NumGoroutine() <= most {
			break
		}
		<-tick.C
	}
	return runtime.NumGoroutine()
}

// TestS23_HostileServers lets hostile servers answer garbage to several
// mailboxes, connection after connection, beside mailboxes that do nothing
// wrong: memory stays bounded, nothing hangs or is left, and the others keep
// syncing. It is the third line of what makes the log one to rely on.
func TestS23_HostileServers(t *testing.T) {
	if os.Getenv("RAPPORT_CORPORA") == "" {
		t.Log("RAPPORT_CORPORA is not set: no recorded transcripts are spoilt, only made ones")
	}
	addrs, to := startHostile(t)
	routines := runtime.NumGoroutine()
	alive, die := context.WithTimeout(t.Context(), *hostileFor+2*time.Minute)
	defer die()
	var all [neighbours]neighbour
	var healthy, synced sync.WaitGroup
	var writing sync.Mutex // the child reads lines
	for i := range all {
		n := &all[i]
		n.sink = newSink()
		n.sink.took, n.sink.light = make(chan string, 100), true
		name := fmt.Sprint("neighbour ", i)
		y := syncer(t, Options{Sink: n.sink, SpoolDir: t.TempDir(),
			Mailbox: Mailbox{Name: name, Host: addrs["neighbour"][i], TLS: TLSNone, User: name, Password: password("x"), Poll: neighbourPoll}})
		synced.Add(1)
		began := sync.OnceFunc(synced.Done)
		healthy.Go(func() {
			defer began()
			err := n.lives(alive, y, func() error {
				writing.Lock()
				defer writing.Unlock()
				_, err := fmt.Fprintln(to, i)
				return err
			}, began)
			if err != nil {
				t.Error(err)
			}
		})
	}
	synced.Wait()

	debug.FreeOSMemory()
	base, watch := rssAnon(t), watchMemory(t)
	ctx, cancel := context.WithTimeout(alive, *hostileFor)
	defer cancel()
	var a attackers
	for _, addr := range addrs["hostile"] {
		a.keepComing(ctx, t, addr)
	}
	<-ctx.Done()
	ended := time.Now()
	a.Wait()
	if took := time.Since(ended); took > 10*time.Second {
		t.Errorf("the attacked mailboxes took %s to stop", took)
	}
	peak := watch()
	die()
	healthy.Wait()
	a.judge(t, peak-base, base, routines)
	judgeLags(t, all[:])
}

// judge wants what the attacks did to be bounded.
func (a *attackers) judge(t *testing.T, grew, base int64, routines int) {
	t.Helper()
	left, tries, longest := settled(routines), a.tries.Load(), time.Duration(a.longest.Load())
	t.Attr("tries", strconv.FormatInt(tries, 10))
	t.Logf("%d connections, the longest %s; memory %d MB over a base of %d MB; goroutines %d, then %d",
		tries, longest.Round(time.Millisecond), grew>>20, base>>20, routines, left)
	a.kinds.Range(func(k, n any) bool { t.Logf("ended as %q: %d", k, n.(*atomic.Int64).Load()); return true })
	if grew > 64<<20 && !raced {
		t.Errorf("anonymous memory grew by %d MB, want 64 at most", grew>>20)
	}
	if left > routines {
		t.Errorf("%d goroutines, before %d", left, routines)
	}
	if longest > 3*silence {
		t.Errorf("a connection lasted %s, want an end within %s", longest, 3*silence)
	}
	if want := int64(hostileTries * min(hostileFor.Minutes()/5, 1)); tries < want && !raced {
		t.Errorf("%d connections, want at least %d for the figures to say something", tries, want)
	}
}

func judgeLags(t *testing.T, all []neighbour) {
	t.Helper()
	var lags []time.Duration
	var late time.Duration
	for i := range all {
		late = max(late, all[i].late)
		oracle(t, all[i].sink)
		if len(all[i].lags) == 0 {
			t.Fatalf("no mail of neighbour %d arrived", i)
		}
		lags = append(lags, all[i].lags...)
	}
	slices.Sort(lags)
	worst := lags[len(lags)-1]
	t.Logf("mail of %d neighbours arrived %d times after %s (median), %s (longest)",
		len(all), len(lags), lags[len(lags)/2].Round(time.Millisecond), worst.Round(time.Millisecond))
	if most := 2*neighbourPoll + 2*late; worst > most && !raced {
		t.Errorf("a neighbour's mail arrived after %s, want within %s", worst, most)
	}
}
