package mailtest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"
)

// prepare lays out the directory: certificates, accounts, maildirs.
func (d *Dovecot) prepare() error {
	ca, err := NewCA()
	if err != nil {
		return err
	}
	d.CA = ca
	cert, key, err := ca.Issue(time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour), orLoopback(nil)...)
	if err != nil {
		return err
	}
	accounts, err := d.accounts()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
		mode os.FileMode
	}{{"ca.pem", ca.PEM(), 0o644}, {"server.pem", cert, 0o644}, {"server.key", key, 0o600}, {"users", accounts, 0o644}} {
		if err := os.WriteFile(filepath.Join(d.dir, f.name), f.data, f.mode); err != nil {
			return fmt.Errorf("write dovecot's %s: %w", f.name, err)
		}
	}
	for _, sub := range []string{"base", "state", "mail", "raw"} {
		if err := os.MkdirAll(filepath.Join(d.dir, sub), 0o755); err != nil {
			return fmt.Errorf("make dovecot's directories: %w", err)
		}
	}
	if err := os.Chmod(d.dir, 0o755); err != nil { // the mail user passes through
		return fmt.Errorf("open dovecot's directory: %w", err)
	}
	for _, u := range d.Users {
		if err := d.makeAccount(u); err != nil {
			return err
		}
	}
	return nil
}

// accounts renders the passwd file. Passwords are base64, so any will do.
func (d *Dovecot) accounts() ([]byte, error) {
	uid, gid := mailOwner()
	var b strings.Builder
	for _, u := range d.Users {
		if u.Name == "" || strings.ContainsAny(u.Name, ":/\n") {
			return nil, fmt.Errorf("make account %q: a name must not be empty or hold colons, slashes or line ends", u.Name)
		}
		fmt.Fprintf(&b, "%s:{PLAIN.b64}%s:%d:%d::%s::\n", u.Name,
			base64.StdEncoding.EncodeToString([]byte(u.Password)), uid, gid, filepath.Join(d.dir, "mail", u.Name))
	}
	return []byte(b.String()), nil
}

func (d *Dovecot) makeAccount(u User) error {
	dirs := []string{filepath.Join(d.dir, "mail", u.Name), filepath.Join(d.dir, "raw", u.Name)}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make home of %s: %w", u.Name, err)
		}
		if err := give(dir); err != nil {
			return err
		}
	}
	folders := append([]string{"INBOX"}, u.Folders...)
	for _, s := range SpecialUse {
		folders = append(folders, s.Name)
	}
	for _, f := range folders {
		if err := d.CreateFolder(u.Name, f); err != nil {
			return err
		}
	}
	return nil
}

// choosePorts finds two free ports and writes the configuration for them.
func (d *Dovecot) choosePorts() error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	d.Addr, d.PlainAddr = fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	conf, err := d.render(ports[0], ports[1])
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.Config(), []byte(conf), 0o644); err != nil {
		return fmt.Errorf("write dovecot.conf: %w", err)
	}
	return nil
}

func (d *Dovecot) render(tlsPort, plainPort int) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, dovecotConf, d.dir, plainPort, tlsPort)
	if os.Getuid() != 0 {
		me, err := user.Current()
		if err != nil {
			return "", fmt.Errorf("learn who we are: %w", err)
		}
		group, err := user.LookupGroupId(me.Gid)
		if err != nil {
			return "", fmt.Errorf("learn our group: %w", err)
		}
		fmt.Fprintf(&b, "default_internal_user = %s\ndefault_login_user = %s\ndefault_internal_group = %s\n", me.Username, me.Username, group.Name)
		b.WriteString("service anvil {\n  chroot =\n}\nservice imap-urlauth-login {\n  chroot =\n}\n")
	}
	fmt.Fprintf(&b, "protocol imap {\n  mail_max_userip_connections = %d\n", orDefault(d.opts.MaxConnections, 50))
	if d.opts.Rawlog {
		fmt.Fprintf(&b, "  rawlog_dir = %s/raw/%%u\n", d.dir)
	}
	if d.opts.Capability != "" {
		fmt.Fprintf(&b, "  imap_capability = %s\n", d.opts.Capability)
	}
	b.WriteString("}\nnamespace inbox {\n  inbox = yes\n  separator = /\n")
	if !d.opts.NoSpecialUse {
		for _, s := range SpecialUse {
			fmt.Fprintf(&b, "  mailbox %s {\n    auto = subscribe\n    special_use = %s\n  }\n", s.Name, s.Attribute)
		}
	}
	return b.String() + "}\n" + d.opts.Extra + "\n", nil
}

// dovecotConf lacks the accounts' folders and what differs by user. UTF-8
// keeps the folders' names on disk readable; the fast login mode saves a
// process per connection; wrong passwords are answered at once.
const dovecotConf = `base_dir = %[1]s/base
state_dir = %[1]s/state
log_path = %[1]s/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <%[1]s/server.pem
ssl_key = <%[1]s/server.key
disable_plaintext_auth = yes
auth_mechanisms = plain login
mail_location = maildir:~/Maildir:UTF-8
first_valid_uid = 1
first_valid_gid = 1
default_client_limit = 5000
passdb {
  driver = passwd-file
  args = username_format=%%u %[1]s/users
}
userdb {
  driver = passwd-file
  args = username_format=%%u %[1]s/users
}
service imap-login {
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {
    port = %[2]d
  }
  inet_listener imaps {
    port = %[3]d
    ssl = yes
  }
}
service imap {
  process_limit = 2048
}
auth_failure_delay = 0 secs
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`

// The ports of daemons lie below those the kernel gives away by itself, so that
// no connection takes one between its being found free and its use, nor while a
// daemon is down to be started again.
const lowestPort, portsOfOurs = 20000, 12000

func freePorts(n int) ([]int, error) {
	var ports []int
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}()
	for try := 0; len(ports) < n; try++ {
		port := lowestPort + rand.IntN(portsOfOurs)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			if try < 1000 {
				continue // somebody has it
			}
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		listeners = append(listeners, l)
		ports = append(ports, port)
	}
	return ports, nil
}

// mailOwner is who owns the mail files.
func mailOwner() (uid, gid int) {
	if os.Getuid() == 0 {
		return mailUID, mailUID
	}
	return os.Getuid(), os.Getgid()
}

// give hands a path to the mail's owner; without root it is ours already.
func give(path string) error {
	if os.Getuid() != 0 {
		return nil
	}
	if err := os.Lchown(path, mailUID, mailUID); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("give mail to its owner: %w", err)
	}
	return nil
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
