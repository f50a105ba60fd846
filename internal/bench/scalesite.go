package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rapport/internal/mailtest"
	"rapport/web"
)

// flowSite is an installation of Rapport over the mailboxes of a Flow.
type flowSite struct {
	site
	flow   *mailtest.Flow
	server *mailtest.FlowIMAP
	http   string // of /metrics
}

// newFlowSite serves a flow and lays out the installation that reads it.
func (l *scaleLab) newFlowSite(dir string, f *mailtest.Flow, secure bool) (*flowSite, error) {
	s := &flowSite{flow: f, site: site{dir: dir, config: filepath.Join(dir, "config.yaml"), data: filepath.Join(dir, "data"), binary: l.Binary}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	where := mailtest.Server{TLS: "none", Passwords: dir}
	files := map[string][]byte{"contacts.csv": f.ContactsCSV()}
	var conf *tls.Config
	if secure {
		ca, err := mailtest.NewCA()
		if err != nil {
			return nil, err
		}
		if conf, err = ca.ServerTLS(); err != nil {
			return nil, err
		}
		where.TLS, where.CAFile = "implicit", filepath.Join(dir, "ca.pem")
		files["ca.pem"] = ca.PEM()
	}
	for i := range f.Mailboxes {
		u := f.Account(i)
		files[u.Name] = []byte(u.Password)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
	}
	var err error
	if s.server, err = mailtest.ServeFlow(f, conf); err != nil {
		return nil, err
	}
	where.Addr = s.server.Addr
	if s.http, err = freeAddress(); err != nil {
		return nil, err
	}
	text := strings.Replace(f.Config(s.data, where, ""), `web: {listen: "off"}`, fmt.Sprintf("web: {listen: %q}", s.http), 1)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	return s, nil
}

// flowDaemon is a running daemon over a flow.
type flowDaemon struct {
	*daemon
	*web.Client
	http string // of /metrics
}

// start runs the daemon and waits for its first answer.
func (s *flowSite) start(ctx context.Context) (*flowDaemon, error) {
	d, err := s.site.start(ctx)
	if err != nil {
		return nil, err
	}
	return &flowDaemon{d, d.client, s.http}, nil
}

// halt ends the daemon as a service manager does and returns how long it took.
func (d *flowDaemon) halt() (time.Duration, error) {
	d.Client.Close()
	began := time.Now()
	err := d.stop()
	return time.Since(began), err
}

// settled waits until every mailbox watches, and says how long that took.
func (d *flowDaemon) settled(ctx context.Context, mailboxes int) (time.Duration, error) {
	began := time.Now()
	for {
		st, err := d.Status(ctx)
		if err != nil {
			return 0, err
		}
		watching := 0
		for _, m := range st.Mailboxes {
			if m.State == "watching" {
				watching++
			}
		}
		if watching == mailboxes {
			return time.Since(began), nil
		}
		if time.Since(began) > 10*time.Minute {
			return 0, fmt.Errorf("%d of %d mailboxes watch after ten minutes; see %s", watching, mailboxes, d.log.Name())
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// rest waits until the daemon does nothing any more: after a first sync it
// indexes what was filed, and merges the index.
func (d *flowDaemon) rest(ctx context.Context) error {
	const look, most = 3 * time.Second, 60 * time.Millisecond
	before, err := d.cpu()
	for began := time.Now(); err == nil; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		var now time.Duration
		if now, err = d.cpu(); err == nil && now-before <= most {
			return nil
		}
		if before = now; time.Since(began) > 15*time.Minute {
			return fmt.Errorf("the daemon is still at work after a quarter of an hour; see %s", d.log.Name())
		}
	}
	return err
}

// cpu is the processor time a process has used.
func (d *flowDaemon) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("read processor time: %q", rest)
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

func (d *flowDaemon) files() int {
	names, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	return len(names)
}

// metrics reads the figures of the Go runtime.
func (d *flowDaemon) metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.http+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = v
		}
	}
	return out, nil
}
