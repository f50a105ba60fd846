package mailsync

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"rapport/records/message"
)

// Step is one thing Check looked at.
type Step struct {
	Name string // resolve, connect, TLS, sign in, capabilities, folders
	OK   bool
	What string // what was found, or what is wrong
	Fix  string // what to do about it
}

// Check tries the way to the mailbox step by step and says where it ends, and
// what helps. It changes nothing and settles nothing.
func (s *Syncer) Check(ctx context.Context) []Step {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	c := &check{box: s.o.Mailbox}
	host, _, err := net.SplitHostPort(s.o.Mailbox.Host)
	if err == nil && net.ParseIP(host) == nil && s.dialsItself() {
		addrs, err := net.DefaultResolver.LookupHost(ctx, host)
		if !c.note("resolve", strings.Join(addrs, ", "), wrapDial(host, err)) {
			return c.steps
		}
	}
	seat, err := s.o.Gate.enter(ctx, nil)
	if err != nil {
		c.note("connect", "", fmt.Errorf("wait for one of the connections that mailboxes share: %w", err))
		return c.steps
	}
	defer seat.leave()
	sess, err := connect(ctx, s.o, s.o.Transcript)
	var refused error
	if err == nil {
		if refused = sess.signIn(ctx); kindOf(refused) == Expired { // there is another token
			sess.close()
			if sess, err = connect(ctx, s.o, s.o.Transcript); err == nil {
				refused = sess.signIn(ctx)
			}
		}
	}
	if err != nil {
		name := "connect"
		if kindOf(err) == Insecure {
			name = "TLS"
		}
		c.note(name, "", err)
		return c.steps
	}
	defer sess.close()
	c.note("connect", s.o.Mailbox.Host, nil)
	c.note("TLS", protection(sess.w.conn), nil)
	if !c.note("sign in", "as "+s.o.Mailbox.login(), refused) {
		return c.steps
	}
	sess.caps = sess.offersNow()
	c.note("capabilities", c.features(sess), nil)
	lists, err := sess.list()
	if !c.note("folders", "", err) {
		return c.steps
	}
	c.folders(s, sess, lists)
	return c.steps
}

// dialsItself tells whether names are resolved by us.
func (s *Syncer) dialsItself() bool { return !s.dialed }

type check struct {
	box   Mailbox
	steps []Step
}

// note adds a step and tells whether it went well.
func (c *check) note(name, what string, err error) bool {
	step := Step{Name: name, OK: err == nil, What: what}
	var f *Fault
	var a *AuthError
	switch {
	case errors.As(err, &a):
		step.What, step.Fix = a.refused().String(), a.Fix.String()
	case errors.As(err, &f):
		step.What, step.Fix = f.Text.String(), f.Fix.String()
	case err != nil:
		step.What = err.Error()
	}
	c.steps = append(c.steps, step)
	return err == nil
}

func wrapDial(host string, err error) error {
	if err == nil {
		return nil
	}
	return dialFault(host, err)
}

func protection(conn net.Conn) string {
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return "none; the server is this machine"
	}
	state := secured.ConnectionState()
	text := tls.VersionName(state.Version)
	if len(state.PeerCertificates) > 0 {
		text += ", certificate until " + state.PeerCertificates[0].NotAfter.Format(time.DateOnly)
	}
	return text
}

// features names the extensions that make a difference.
func (c *check) features(sess *session) string {
	var have []string
	for _, name := range []string{"IDLE", "CONDSTORE", "ESEARCH", "LIST-STATUS", "SPECIAL-USE", "X-GM-EXT-1"} {
		for offered := range sess.caps {
			if strings.EqualFold(string(offered), name) {
				have = append(have, name)
			}
		}
	}
	if len(have) == 0 {
		return "plain IMAP4rev1; new mail is asked for every minute"
	}
	return strings.Join(have, " ")
}

// folders lists what would be read and what each folder is for.
func (c *check) folders(s *Syncer, sess *session, lists []listed) {
	read, all := policy{include: c.box.Include, exclude: c.box.Exclude, labels: sess.caps.Has("X-GM-EXT-1"), exchange: c.box.Provider == "outlook"}.choose(lists)
	var names []string
	sent := false
	for _, f := range read {
		name := f.name
		if f.role != message.RoleOther {
			name += " (" + string(f.role) + ")"
		}
		sent = sent || f.role == message.RoleSent || f.role == message.RoleAll
		names = append(names, name)
	}
	last := &c.steps[len(c.steps)-1]
	last.What = fmt.Sprintf("%d of %d are read: %s", len(read), len(all), strings.Join(names, ", "))
	switch {
	case len(read) == 0:
		last.OK, last.Fix = false, "check include and exclude; no folder is left to read"
	case !sent:
		last.Fix = "no folder for sent mail was recognised; if there is one by another name it is read as an ordinary folder"
	}
}
