// Package demo shows the product with everything around it embedded and fake:
// a mail server in this process with the mailboxes of a small company, and a
// handful of customers and partners. Nothing leaves the machine.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"rapport/internal/app"
	"rapport/internal/config"
	"rapport/internal/mailtest"
	"rapport/internal/rescue"
)

// Options say how the demo runs. The zero value prints to the terminal and
// keeps running.
type Options struct {
	Once    bool      // print the summary and end
	Out     io.Writer // nil: os.Stdout
	Dir     string    // where everything lies; empty: a temporary directory, removed at the end
	Command string    // how this program was called, for the commands to try; empty: rapport
	Version string
}

// patience bounds each step: everything is on this machine.
const patience = 30 * time.Second

// Run runs the demo until ctx ends, or until the summary is printed.
func Run(ctx context.Context, o Options) (err error) {
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Command == "" {
		o.Command = "rapport"
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "rapport-demo-"); err != nil {
			return fmt.Errorf("make a place for the demo: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	d := &demo{Options: o, now: time.Now(), answered: make(chan error, 100), asked: make(chan mailtest.Received, 100), alerts: make(chan mailtest.Received, 100)}
	if err := d.serveMail(); err != nil {
		return fmt.Errorf("start the demo's mail server: %w", err)
	}
	defer func() { err = errors.Join(err, d.imap.Close()) }()
	if err := d.serveSMTP(); err != nil {
		return fmt.Errorf("start the demo's SMTP server: %w", err)
	}
	defer func() { err = errors.Join(err, d.smtp.Close()) }()
	if d.told, err = receive(); err != nil {
		return fmt.Errorf("start the demo's receiver of webhooks: %w", err)
	}
	defer func() { err = errors.Join(err, d.told.close()) }()
	if d.config, err = d.writeFiles(); err != nil {
		return fmt.Errorf("write the demo's files: %w", err)
	}
	return d.withDaemon(ctx, d.show)
}

type demo struct {
	Options
	now  time.Time
	imap *mailtest.IMAP
	smtp *mailtest.Sink
	// answered hears of each mail of the newsletter, once the world has done
	// with it what it does.
	answered chan error
	asked    chan mailtest.Received // the mails of the survey
	alerts   chan mailtest.Received // and those to our own people
	ahead    atomic.Int64           // of the daemon's clock, in nanoseconds
	public   string                 // where the pages behind links are
	told     *receiver
	config   string
	page     string // the address of the first page
}

// members are our own people; the local part names the mailbox.
var members = []string{ada, tomas, mitali}

const password = "a demo needs no secret"

// serveMail starts the mail server and fills the mailboxes.
func (d *demo) serveMail() (err error) {
	var users []mailtest.User
	for _, m := range members {
		users = append(users, mailtest.User{Name: address(m), Password: password})
	}
	if d.imap, err = mailtest.NewIMAP(nil, users...); err != nil {
		return err
	}
	for _, m := range samples {
		if err := d.deliver(m, d.now); err != nil {
			return errors.Join(err, d.imap.Close())
		}
	}
	return nil
}

// deliver puts a mail into the Sent folder of one of ours and the Inboxes of
// all of ours it is for.
func (d *demo) deliver(m mail, now time.Time) error {
	raw := m.render(now, conversation(m))
	for _, who := range members {
		user := address(who)
		if m.from == who {
			if err := d.imap.Append(user, "Sent", raw, m.when(now), `\Seen`); err != nil {
				return err
			}
		}
		folder := "INBOX"
		if m.junk {
			folder = "Junk"
		}
		for _, to := range append(append([]string{}, m.to...), m.cc...) {
			if to != who {
				continue
			}
			if err := d.imap.Append(user, folder, raw, m.when(now)); err != nil {
				return err
			}
		}
	}
	return nil
}

// conversation returns the samples before m in its thread, oldest first.
func conversation(m mail) []mail {
	var before []mail
	for key := m.answers; key != ""; {
		parent, found := sample(key)
		if !found {
			break
		}
		before = append([]mail{parent}, before...)
		key = parent.answers
	}
	return before
}

func sample(key string) (mail, bool) {
	for _, m := range samples {
		if m.key == key {
			return m, true
		}
	}
	return mail{}, false
}

// writeFiles writes what an administrator would: a configuration, a password
// for each mailbox, and the contacts to import.
func (d *demo) writeFiles() (configFile string, err error) {
	var b strings.Builder
	b.WriteString("# The demo's configuration: everything in it is made up.\n")
	fmt.Fprintf(&b, "data_dir: data\nteam:\n  name: Kestrel & Finch\n  domains: [kestrel.example]\n  members:\n")
	for _, m := range members {
		fmt.Fprintf(&b, "    - {name: %s, addresses: [%s]}\n", parse(m).Name, address(m))
	}
	b.WriteString("mailboxes:\n")
	for _, m := range members {
		fmt.Fprintf(&b, "  - {name: %s, host: %q, tls: none, user: %s, password_file: password}\n",
			mailbox(m), d.imap.Addr, address(m))
	}
	fmt.Fprintf(&b, senderYAML, d.smtp.Addr)
	b.WriteString("web: {listen: \"127.0.0.1:0\", public_listen: \"127.0.0.1:0\", public_url: \"" + publicURL + "\"}\nwebhooks: {allow: [127.0.0.1]}\nlog: {level: warn}\n")
	configFile = filepath.Join(d.Dir, "config.yaml")
	for name, content := range map[string]string{
		"config.yaml": b.String(), "password": password + "\n", "contacts.csv": contactsCSV,
	} {
		if err := os.WriteFile(filepath.Join(d.Dir, name), []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	return configFile, writeCampaigns(d.Dir)
}

func mailbox(member string) string {
	local, _, _ := strings.Cut(address(member), "@")
	return local
}

// withDaemon runs the real daemon on the fake world while work works.
func (d *demo) withDaemon(ctx context.Context, work func(context.Context, *app.Conn) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- rescue.Do(func() error {
			return app.Run(ctx, d.config, app.RunOptions{
				Version: d.Version, Log: os.Stderr, Now: d.clock, Signals: make(chan os.Signal), // our ctx ends it
				Ready: func(at app.Listening) {
					d.page, d.public = "http://"+at.TCP+"/", at.Public
					close(ready)
				},
			})
		})
	}()
	select {
	case <-ready:
	case err := <-ended:
		return err
	}
	err := d.connected(ctx, work)
	stop()
	return errors.Join(err, <-ended)
}

func (d *demo) connected(ctx context.Context, work func(context.Context, *app.Conn) error) error {
	cfg, err := config.Load(d.config)
	if err != nil {
		return err
	}
	conn, err := app.Connect(ctx, cfg, app.ConnectOptions{Version: d.Version, Actor: "demo"})
	if err != nil {
		return err
	}
	err = work(ctx, conn)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil // somebody has seen enough
	}
	return errors.Join(err, conn.Close())
}

// show imports, syncs, prints what came of it, and lets one more mail arrive.
func (d *demo) show(ctx context.Context, conn *app.Conn) error {
	began := time.Now()
	fmt.Fprintf(d.Out, "Kestrel & Finch trade in tea. Three people, three mailboxes on a fake mail server,\nand Rapport, which has never seen any of it.\n\n")
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	imported, err := conn.Client.Import(short, strings.NewReader(contactsCSV), app.ImportOptions{Name: "contacts.csv"})
	if err != nil {
		return fmt.Errorf("import the sample contacts: %w", err)
	}
	sold, err := conn.Client.ImportSales(short, strings.NewReader(salesCSV(d.now)), app.SaleImport{Name: "sales.csv", Currency: "EUR"})
	if err != nil {
		return fmt.Errorf("import the sample sales: %w", err)
	}
	if len(sold.Errors) > 0 {
		return fmt.Errorf("import the sample sales: %v", sold.Errors)
	}
	st, err := conn.Client.Sync(short, nil, nil)
	if err != nil {
		return fmt.Errorf("read the sample mailboxes: %w", err)
	}
	fmt.Fprintf(d.Out, "%d contacts and organisations and %d sales imported, %d copies of mail read and %d filed in %.1f s.\n",
		imported.Added, sold.Added, st.Totals.Exists, st.Totals.Stored, time.Since(began).Seconds())
	if err := d.summary(short, conn); err != nil {
		return err
	}
	if err := d.hook(short, conn); err != nil {
		return err
	}
	if err := d.arrival(short, conn); err != nil {
		return err
	}
	if err := d.sendNewsletter(short, conn); err != nil {
		return err
	}
	if err := d.askAll(short, conn); err != nil {
		return err
	}
	if d.Once {
		return nil
	}
	d.invite()
	<-ctx.Done()
	return nil
}

// invite prints what to try.
func (d *demo) invite() {
	c := d.Command + " -c " + d.config
	fmt.Fprintf(d.Out, `
The demo keeps running. Open in a browser:

  %[2]s

or try in another terminal:

  %[1]s timeline lindenhof.example
  %[1]s timeline grace@harbourbooks.example
  %[1]s search 'চা'
  %[1]s search 'from:mitali has:attachment'
  %[1]s organisation list
  %[1]s suggestion list
  %[1]s campaign status second-flush
  %[1]s survey results after-a-sale
  %[1]s case list
  %[1]s why yuki@bluekettle.example
  %[1]s note oona.lahti@post.example 'Mother loved the jasmine'
  %[1]s status

Ctrl-C ends it and leaves nothing behind.
`, c, d.page)
}
