package mailtest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FlowIMAP serves a [Flow] by IMAP on a loopback port: to any number of
// connections at once, at more messages a second than anybody reads. Nothing
// in it ever changes; IDLE is silent.
type FlowIMAP struct {
	Addr string // host:port

	flow  *Flow
	l     net.Listener
	wg    sync.WaitGroup
	mu    sync.Mutex // guards what follows
	conns map[net.Conn]bool
	ended bool
	watch func(int)
	sent  int // bodies
}

// Watch has fn called with the number of bodies sent so far whenever another
// was, before the next is; nil ends that.
func (s *FlowIMAP) Watch(fn func(sent int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = fn
}

// wrote counts a body.
func (s *FlowIMAP) wrote() {
	s.mu.Lock()
	s.sent++
	n, fn := s.sent, s.watch
	s.mu.Unlock()
	if fn != nil {
		fn(n)
	}
}

// ServeFlow starts a server: with implicit TLS when tlsConfig is set, in the
// clear otherwise.
func ServeFlow(f *Flow, tlsConfig *tls.Config) (*FlowIMAP, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for IMAP: %w", err)
	}
	s := &FlowIMAP{Addr: l.Addr().String(), flow: f, l: l, conns: map[net.Conn]bool{}}
	if tlsConfig != nil {
		s.l = tls.NewListener(l, tlsConfig)
	}
	s.wg.Go(s.accept)
	return s, nil
}

// Connections returns how many connections are open.
func (s *FlowIMAP) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close ends all connections and waits for them.
func (s *FlowIMAP) Close() error {
	err := s.l.Close()
	s.mu.Lock()
	s.ended = true
	for c := range s.conns {
		_ = c.Close() // what it says no longer matters
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

func (s *FlowIMAP) accept() {
	for {
		conn, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.ended {
			s.mu.Unlock()
			_ = conn.Close()
			return
		}
		s.conns[conn] = true
		s.mu.Unlock()
		s.wg.Go(func() {
			c := &flowConn{s: s, r: bufio.NewReaderSize(conn, 2<<10), w: bufio.NewWriterSize(conn, 4<<10), box: -1}
			_ = c.serve() // the client hung up
			_ = conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		})
	}
}

// flowConn is one connection.
type flowConn struct {
	s    *FlowIMAP
	r    *bufio.Reader
	w    *bufio.Writer
	box  int  // -1 before sign-in
	sent bool // which folder is open
	n    int  // messages in it
}

func (c *flowConn) say(format string, args ...any) { fmt.Fprintf(c.w, format+"\r\n", args...) }

func (c *flowConn) line() (string, error) {
	if err := c.w.Flush(); err != nil {
		return "", err
	}
	line, err := c.r.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

func (c *flowConn) serve() error {
	c.say("* OK ready")
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		tag, command, _ := strings.Cut(line, " ")
		words := strings.Fields(command)
		if len(words) == 0 {
			return fmt.Errorf("read a command: %q is none", line)
		}
		verb := strings.ToUpper(words[0])
		if verb == "UID" && len(words) > 2 {
			verb += " " + strings.ToUpper(words[1])
		}
		if c.box < 0 && !slices.Contains([]string{"CAPABILITY", "AUTHENTICATE", "LOGIN", "LOGOUT"}, verb) {
			c.say("%s NO sign in first", tag)
			continue
		}
		if err := c.answer(tag, verb, command, words); err != nil {
			return err
		}
	}
}

var errFlowEnd = errors.New("the client said goodbye")

func (c *flowConn) answer(tag, verb, command string, words []string) error {
	switch verb {
	case "CAPABILITY":
		c.say("* CAPABILITY IMAP4rev1 IDLE ESEARCH LIST-EXTENDED LIST-STATUS SPECIAL-USE SASL-IR AUTH=PLAIN")
	case "AUTHENTICATE", "LOGIN":
		if err := c.signIn(words); err != nil {
			c.say("%s NO %v", tag, err)
			return nil
		}
	case "LIST":
		c.list(strings.Contains(command, "STATUS"))
	case "STATUS":
		c.status(strings.Contains(command, "Sent"))
	case "EXAMINE":
		c.sent = strings.Contains(command, "Sent")
		c.n = c.count(c.sent)
		c.say("* %d EXISTS\r\n* OK [UIDVALIDITY 7] numbering\r\n* OK [UIDNEXT %d] next", c.n, c.n+1)
	case "UID SEARCH":
		c.search(tag, strings.Join(words[2:], " "))
	case "UID FETCH":
		c.fetch(words[2], strings.Join(words[3:], " "))
	case "IDLE":
		c.say("+ idling")
		if _, err := c.line(); err != nil {
			return err
		}
	case "NOOP":
	case "LOGOUT":
		c.say("* BYE see you\r\n%s OK bye", tag)
		return errors.Join(errFlowEnd, c.w.Flush())
	default:
		c.say("%s BAD unknown command", tag)
		return nil
	}
	c.say("%s OK done", tag)
	return nil
}

// signIn believes every password; the name says which mailbox it is.
func (c *flowConn) signIn(words []string) error {
	name := strings.Trim(words[len(words)-1], `"`)
	switch {
	case strings.EqualFold(words[0], "LOGIN") && len(words) > 1:
		name = strings.Trim(words[1], `"`)
	case len(words) < 3:
		c.say("+ ")
		line, err := c.line()
		if err != nil {
			return err
		}
		name = line
	}
	if b, err := base64.StdEncoding.DecodeString(name); err == nil {
		if parts := bytes.Split(b, []byte{0}); len(parts) == 3 {
			name = string(parts[1])
		}
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(name, "m"), "@")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= c.s.flow.Mailboxes {
		return fmt.Errorf("no such account: %s", name)
	}
	c.box = n
	return nil
}

func (c *flowConn) count(sent bool) int {
	if sent {
		return c.s.flow.Sent
	}
	return c.s.flow.Inbox
}

func (c *flowConn) list(status bool) {
	c.say(`* LIST (\HasNoChildren) "/" INBOX` + "\r\n" + `* LIST (\HasNoChildren \Sent) "/" Sent`)
	if status {
		c.status(false)
		c.status(true)
	}
}

func (c *flowConn) status(sent bool) {
	name, n := "INBOX", c.count(sent)
	if sent {
		name = "Sent"
	}
	c.say("* STATUS %s (MESSAGES %d UIDNEXT %d UIDVALIDITY 7)", name, n, n+1)
}

var (
	flowAddress = regexp.MustCompile(`(?i)\bc([0-9]+)@`)
	flowSince   = regexp.MustCompile(`(?i)\bSINCE "?([0-9]+-[A-Z]+-[0-9]+)`)
	flowUIDs    = regexp.MustCompile(`(?i)\bUID ([0-9:,*]+)`)
)

// search knows ALL, UID sets, SINCE, and addresses of contacts in any field.
func (c *flowConn) search(tag, key string) {
	spans := [][2]uint32{{1, uint32(c.n)}}
	if m := flowUIDs.FindStringSubmatch(key); m != nil {
		spans = c.spans(m[1])
	}
	keep := func(uint32) bool { return true }
	if m := flowSince.FindStringSubmatch(key); m != nil {
		day, err := time.Parse("2-Jan-2006", m[1])
		keep = func(uid uint32) bool { return err == nil && !c.s.flow.Received(c.box, c.sent, uid).Before(day) }
	}
	if all := flowAddress.FindAllStringSubmatch(key, -1); len(all) > 0 {
		wanted := map[int]bool{}
		for _, m := range all {
			n, _ := strconv.Atoi(m[1])
			wanted[n] = true
		}
		keep = func(uid uint32) bool { return wanted[c.s.flow.Contact(c.box, c.sent, uid)] }
	} else if strings.Contains(strings.ToUpper(key), "HEADER") {
		keep = func(uint32) bool { return false }
	}
	var found []string
	for _, s := range spans {
		for lo := s[0]; lo <= s[1]; lo++ {
			if !keep(lo) {
				continue
			}
			hi := lo
			for hi < s[1] && keep(hi+1) {
				hi++
			}
			found = append(found, strconv.Itoa(int(lo))+":"+strconv.Itoa(int(hi)))
			lo = hi
		}
	}
	if len(found) == 0 {
		c.say("* ESEARCH (TAG %q) UID", tag)
		return
	}
	c.say("* ESEARCH (TAG %q) UID ALL %s", tag, strings.Join(found, ","))
}

// spans reads a sequence-set, cut to what the folder has.
func (c *flowConn) spans(set string) [][2]uint32 {
	var out [][2]uint32
	number := func(text string) uint32 {
		if text == "*" {
			return uint32(c.n)
		}
		n, _ := strconv.ParseUint(text, 10, 32)
		return uint32(n)
	}
	for part := range strings.SplitSeq(strings.Trim(set, "()"), ",") {
		lo, hi, ranged := strings.Cut(part, ":")
		a, b := number(lo), number(lo)
		if ranged {
			b = number(hi)
		}
		a, b = max(min(a, b), 1), min(max(a, b), uint32(c.n))
		if a <= b {
			out = append(out, [2]uint32{a, b})
		}
	}
	return out
}

func (c *flowConn) fetch(set, items string) {
	for _, s := range c.spans(set) {
		for uid := s[0]; uid <= s[1]; uid++ {
			c.message(uid, items)
		}
	}
}

func (c *flowConn) message(uid uint32, items string) {
	fmt.Fprintf(c.w, "* %d FETCH (UID %d", uid, uid)
	if strings.Contains(items, "FLAGS") {
		c.w.WriteString(` FLAGS (\Seen)`)
	}
	if strings.Contains(items, "INTERNALDATE") {
		fmt.Fprintf(c.w, " INTERNALDATE %q", c.s.flow.Received(c.box, c.sent, uid).Format("02-Jan-2006 15:04:05 -0700"))
	}
	raw := c.s.flow.Raw(c.box, c.sent, uid)
	if strings.Contains(items, "RFC822.SIZE") {
		fmt.Fprintf(c.w, " RFC822.SIZE %d", len(raw))
	}
	head, body := raw[:bytes.Index(raw, []byte("\r\n\r\n"))+4], "BODY[]"
	if strings.Contains(items, "BODY.PEEK[HEADER]") {
		raw, body = head, "BODY[HEADER]"
	} else if from, to, err := section(items); err == nil && strings.Contains(items, "BODY.PEEK[]<") {
		from, to = min(from, len(raw)), min(to, len(raw))
		raw, body = raw[from:to], fmt.Sprintf("BODY[]<%d>", from)
	}
	if strings.Contains(items, "BODY.PEEK[") {
		fmt.Fprintf(c.w, " %s {%d}\r\n", body, len(raw))
		c.w.Write(raw)
	}
	c.w.WriteString(")\r\n")
	if strings.HasPrefix(body, "BODY[]") {
		c.s.wrote()
	}
}
