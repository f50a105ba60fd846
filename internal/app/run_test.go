package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rapport/records/message"
	"rapport/web"
)

func TestDaemonFilesWhatArrives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada", "bob")
	w.arrives("ada", "Carla <carla@acme.example>", "before")
	r := w.runs()
	knows(t, r.client, "Carla", "carla@acme.example")
	r.has("carla@acme.example", "before")
	w.arrives("bob", "Carla <carla@acme.example>", "live")
	w.arrives("bob", "Stranger <s@else.example>", "nobody's business")
	r.has("carla@acme.example", "live")
	page, err := r.client.Search(t.Context(), "business", web.Slice{})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("Search(business) = %+v, %v; want nothing", page.Items, err)
	}
	st, err := r.client.Sync(t.Context(), nil, nil)
	if err != nil || len(st.Mailboxes) != 2 || !st.Totals.InSync || st.Totals.Stored != 2 {
		t.Errorf("Sync = %+v, %v; want two mailboxes in sync with two stored", st, err)
	}
	found, err := r.client.Reconcile(t.Context())
	if err != nil || len(found) == 0 {
		t.Errorf("Reconcile = %+v, %v", found, err)
	}
	for _, f := range found {
		if !f.Agrees {
			t.Errorf("%s/%s does not agree: %+v", f.Mailbox, f.Folder.Name, f)
		}
	}
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.extra = "backup: {dir: copies}\n"
	w.configure()
	r := w.runs()
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + r.TCP + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := get("/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("GET /healthz = %d %q", code, body)
	}
	_, body := get("/metrics")
	for _, want := range []string{
		`rapport_mailsync_mailbox_state{mailbox="ada",state="watching"}`, `rapport_mailsync_restarts_total{mailbox="ada"} 0`,
		"rapport_store_messages 0", `rapport_build_info{version="test"} 1`, "go_goroutines", "rapport_backup_last_timestamp_seconds 0\n",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("GET /metrics lacks %s", want)
		}
	}
	if code, body := get("/api/v1/status"); code != 200 || !strings.Contains(body, `"ada"`) {
		t.Errorf("GET /api/v1/status on loopback, where nobody was set up to sign in = %d %q", code, body)
	}
}

func TestSecondDaemonIsRefusedInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	r := w.runs()
	began := time.Now()
	err := Run(t.Context(), w.file(), RunOptions{Log: w.log, Signals: make(chan os.Signal)})
	if took := time.Since(began); err == nil || took > stopWithin { // the patience of 3 s, and a busy machine's own time
		t.Fatalf("second Run = %v after %v; want a refusal", err, took)
	}
	if _, err := r.client.Status(t.Context()); err != nil {
		t.Errorf("the first one does not answer any more: %v", err)
	}
}

func TestStaleSocketIsReplacedAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	if err := os.MkdirAll(w.dataDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.dataDir(), socketFile)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close() // as after kill -9: the file stays, nobody listens
	r := w.runs()
	if _, err := r.client.Status(t.Context()); err != nil {
		t.Errorf("Status over the replaced socket: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket mode = %v, %v; want 0600", info, err)
	}
	r.end()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there after stopping: %v", err)
	}
	w.write(path, "a file of somebody's")
	if err := Run(t.Context(), w.file(), RunOptions{Log: w.log, Signals: make(chan os.Signal)}); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("Run over a plain file = %v; want a refusal", err)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada", "bob")
	w.boxes = []string{"ada"}
	w.configure()
	r := w.runs()
	knows(t, r.client, "Carla", "carla@acme.example")
	w.arrives("bob", "carla@acme.example", "to bob")
	w.arrives("ada", "carla@acme.example", "to ada")
	r.has("carla@acme.example", "to ada")

	// A file with a fault changes nothing, and the fault is logged.
	w.write(w.file(), "data_dir: data\nmailboxez: []\n")
	if err := r.client.Reload(t.Context()); err == nil {
		t.Error("Reload of a faulty file = nil")
	}
	st, err := r.client.Status(t.Context())
	if err != nil || len(st.Mailboxes) != 1 || st.Mailboxes[0].Name != "ada" {
		t.Errorf("Status after a failed reload = %+v, %v; want ada alone", st, err)
	}
	if !strings.Contains(w.log.String(), "mailboxez") {
		t.Error("the log does not name the fault")
	}

	// The watch on the file picks the next one up by itself.
	w.boxes = []string{"ada", "bob"}
	w.configure()
	r.has("carla@acme.example", "to bob")

	// One that goes stops, the other is not touched.
	w.boxes = []string{"bob"}
	w.configure()
	if err := r.client.Reload(t.Context()); err != nil {
		t.Fatalf("Reload: %v", err)
	}
	st, err = r.client.Status(t.Context())
	if err != nil || len(st.Mailboxes) != 1 || st.Mailboxes[0].Name != "bob" {
		t.Errorf("Status = %+v, %v; want bob alone", st, err)
	}
	w.arrives("bob", "carla@acme.example", "after")
	r.has("carla@acme.example", "after")
}

func TestReloadAppliesRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	r := w.runs()
	knows(t, r.client, "Carla", "carla@acme.example")
	w.arrives("ada", "carla@acme.example", "kept")
	r.has("carla@acme.example", "kept")
	w.policy = "policy: {exclude: [{domain: acme.example, mode: blocked}]}\n"
	w.configure()
	if err := r.client.Reload(t.Context()); err != nil {
		t.Fatalf("Reload: %v", err)
	}
	eventually(t, "the excluded history", func() error {
		page, err := r.client.Timeline(t.Context(), "carla@acme.example", web.Slice{})
		if err == nil && len(page.Items) > 0 {
			err = fmt.Errorf("still %d lines", len(page.Items))
		}
		return err
	})
	w.policy = ""
	w.configure()
	if err := r.client.Reload(t.Context()); err != nil {
		t.Fatalf("Reload: %v", err)
	}
	r.has("carla@acme.example", "kept")
}

func TestReloadRaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada", "bob", "eve")
	r := w.runs()
	all := w.boxes
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 5 {
				if i == 0 {
					_, _ = r.client.Sync(t.Context(), nil, nil)
				}
				_, _ = r.client.Status(t.Context())
			}
		})
	}
	for i := range 12 {
		w.boxes = all[i%3:]
		w.configure()
		if err := r.client.Reload(t.Context()); err != nil {
			t.Errorf("Reload %d: %v", i, err)
		}
	}
	wg.Wait()
	r.end()
}

func TestOneBadMailboxDelaysNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	address, calls := silentServer(t)
	text, err := os.ReadFile(w.file())
	if err != nil {
		t.Fatal(err)
	}
	w.write(w.file(), strings.Replace(string(text), "mailboxes:\n",
		fmt.Sprintf("mailboxes:\n  - {name: dark, host: %q, tls: none, user: dark@example.com, password_file: password}\n", address), 1))
	r := w.runs()
	knows(t, r.client, "Carla", "carla@acme.example")
	w.arrives("ada", "carla@acme.example", "light")
	r.has("carla@acme.example", "light")
	eventually(t, "the call to the silent server", func() error {
		if calls() == 0 {
			return errors.New("none yet")
		}
		return nil
	})
	began := time.Now()
	r.end()
	if took := time.Since(began); took > 20*time.Second { // less than any limit of the call
		t.Errorf("stopping took %v", took)
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.arrives("ada", "carla@acme.example", "hello")
	connect := func() *Conn {
		t.Helper()
		c, err := Connect(t.Context(), w.config(), ConnectOptions{Version: "test", Log: w.log})
		if err != nil {
			t.Fatalf("Connect: %v", err)
		}
		return c
	}
	first := connect()
	second := connect()
	if first.Daemon || !second.Daemon {
		t.Errorf("Daemon = %v, %v; want the second to speak to the first", first.Daemon, second.Daemon)
	}
	knows(t, second.Client, "Carla", "carla@acme.example")
	st, err := first.Client.Sync(t.Context(), nil, nil)
	if err != nil || !st.Totals.InSync || st.Mailboxes[0].State != message.StateIdle {
		t.Errorf("Sync = %+v, %v; want in sync, idle", st, err)
	}
	if err := hasLine(t.Context(), second.Client, "carla@acme.example", "hello"); err != nil {
		t.Error(err)
	}
	for _, c := range []*Conn{second, first} {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	// The next one opens the store anew, and status still knows.
	third := connect()
	defer third.Close()
	if st, err := third.Client.Status(t.Context()); err != nil || !st.Totals.InSync || st.Totals.Stored != 1 {
		t.Errorf("Status = %+v, %v; want in sync with one stored", st, err)
	}
}

func TestConnectRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	cfg := w.config()
	const n = 8
	conns := make([]*Conn, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			c, err := Connect(t.Context(), cfg, ConnectOptions{within: patience})
			if err != nil {
				t.Errorf("Connect %d: %v", i, err)
				return
			}
			if _, err := c.Client.Status(t.Context()); err != nil {
				t.Errorf("Status %d: %v", i, err)
			}
			conns[i] = c
		})
	}
	wg.Wait()
	own := 0
	for _, c := range conns {
		if c != nil && !c.Daemon {
			own++
		}
	}
	if own != 1 {
		t.Errorf("%d systems at once; want 1", own)
	}
	for _, c := range conns {
		if c != nil {
			wg.Go(func() { c.Close() })
		}
	}
	wg.Wait()
}

// A daemon that is killed leaves a store that the next one goes on with.
func TestKillAndResume(t *testing.T) {
	if file := os.Getenv("RAPPORT_TEST_VICTIM"); file != "" {
		err := Run(context.Background(), file, RunOptions{Ready: func(Listening) { fmt.Println("ready") }})
		t.Fatalf("Run: %v", err)
	}
	t.Parallel()
	w := newWorld(t, "ada")
	for i := range 200 {
		w.arrives("ada", fmt.Sprintf("p%d@acme.example", i%7), fmt.Sprintf("mail %d", i))
	}
	w.listen = "off"
	w.configure()
	c, err := Connect(t.Context(), w.config(), ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Client.AddOrganisation(t.Context(), web.OrganisationInput{Name: "Acme", Domains: []string{"acme.example"}, Kind: "customer"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillAndResume$")
		cmd.Env = append(os.Environ(), "RAPPORT_TEST_VICTIM="+w.file())
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = w.log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 6)
		if _, err := io.ReadFull(out, buf); err != nil {
			t.Fatalf("victim %d: %v", i, err)
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, as it was to be
	}
	r := w.runs()
	st, err := r.client.Sync(t.Context(), nil, nil)
	if err != nil || st.Totals.Stored != 200 || !st.Totals.InSync {
		t.Errorf("Sync after the kills = %+v, %v; want 200 stored", st.Totals, err)
	}
	if faults, err := r.client.CheckStore(t.Context()); err != nil || len(faults.Faults) > 0 {
		t.Errorf("CheckStore = %+v, %v", faults, err)
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada", "bob")
	w.boxes = []string{"ada"}
	w.configure()
	signals := make(chan os.Signal, 1)
	ready, ended := make(chan Listening, 1), make(chan error, 1)
	go func() {
		ended <- Run(t.Context(), w.file(), RunOptions{Log: w.log, Signals: signals, Ready: func(l Listening) { ready <- l }})
	}()
	client := web.NewSocketClient((<-ready).Socket, "test")
	defer client.Close()
	w.boxes = []string{"ada", "bob"}
	w.configure()
	signals <- syscall.SIGHUP
	eventually(t, "the reload", func() error {
		st, err := client.Status(t.Context())
		if err == nil && len(st.Mailboxes) != 2 {
			err = fmt.Errorf("%d mailboxes", len(st.Mailboxes))
		}
		return err
	})
	signals <- syscall.SIGTERM
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// TestLastFaultIsKnownLater keeps what went wrong in a pass for a status that
// is asked for when nobody watches, until a pass goes well.
func TestLastFaultIsKnownLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	w.configure()
	step := func(do func(c *Conn)) {
		t.Helper()
		conn, err := Connect(t.Context(), w.config(), ConnectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		do(conn)
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sync := func(c *Conn) {
		if _, err := c.Client.Sync(t.Context(), nil, nil); err != nil {
			t.Errorf("Sync() = %v", err)
		}
	}
	want := func(fault bool) func(c *Conn) {
		return func(c *Conn) {
			st, err := c.Client.Status(t.Context())
			if err != nil || len(st.Mailboxes) != 1 {
				t.Errorf("Status() = %+v, %v", st, err)
			} else if m := st.Mailboxes[0]; (m.Error != "") != fault || m.ErrorAt.IsZero() == fault {
				t.Errorf("status: error %q at %v; want one: %v", m.Error, m.ErrorAt, fault)
			}
		}
	}
	w.write(filepath.Join(w.dir, "password"), "wrong\n")
	step(sync)
	step(want(true))
	w.write(filepath.Join(w.dir, "password"), worldPassword+"\n")
	step(want(true))
	step(sync)
	step(want(false))
}
