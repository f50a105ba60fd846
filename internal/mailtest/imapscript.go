package mailtest

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ScriptIMAP is a small IMAP server whose every answer a test can replace: it
// knows enough of the protocol to be read from, and lies where it is told to.
// It speaks over whatever listener it is given, sockets and PipeListener alike.
// The fields are set before Serve; Lock guards the folders afterwards.
type ScriptIMAP struct {
	Greeting     string // without line end; empty: "* OK ready"
	Capabilities string // empty: IMAP4rev1 IDLE ESEARCH AUTH=PLAIN
	Folders      []*ScriptFolder
	// Hook sees each command, without tag, before the server does; true means
	// that it has answered.
	Hook func(c *ScriptConn, command string) bool
	// Fetch, when not nil, replaces the response for one message; "" leaves it out.
	Fetch func(c *ScriptConn, f *ScriptFolder, m ScriptMessage, items, usual string) string
	// Sent, when not nil, hears of every piece sent.
	Sent func(c *ScriptConn, bytes int)

	sync.Mutex
	conns    map[*ScriptConn]bool
	opened   int
	commands []string
	wg       sync.WaitGroup
	closed   bool
	l        net.Listener
}

// ScriptFolder is one folder.
type ScriptFolder struct {
	Name        string // as it stands in LIST, unquoted
	Quoted      string // replaces the quoted name in LIST; may be anything
	Attributes  string // e.g. `\HasNoChildren \Sent`
	UIDValidity uint32
	UIDNext     uint32 // 0: the highest UID + 1
	ModSeq      uint64 // 0: none is told
	Messages    []ScriptMessage
}

// ScriptMessage is one message.
type ScriptMessage struct {
	UID      uint32
	Raw      []byte
	Size     int64 // RFC822.SIZE; 0: the true one
	Received time.Time
	Flags    string
	Labels   string // X-GM-LABELS, as they stand between the parentheses
	Thread   uint64 // X-GM-THRID; as THREADID with a T before it, NIL for 0
}

// ScriptConn is one connection as a hook sees it.
type ScriptConn struct {
	net.Conn
	Tag      string
	N        int // which connection this is, from 1
	Selected *ScriptFolder
	Folders  []*ScriptFolder // of whoever signed in, where a hook said so; nil: the server's

	mu    sync.Mutex // guards writes and piece
	piece [16 << 10]byte
	s     *ScriptIMAP
	r     *bufio.Reader
	idle  string // tag of the IDLE under way; guarded by the server's lock
	news  int    // EXISTS to be told with the next IDLE, 0: none; guarded by the server's lock
}

// Sendf writes text made by fmt.Sprintf.
func (c *ScriptConn) Sendf(format string, args ...any) { c.Send(fmt.Sprintf(format, args...)) }

// Send writes text as it stands. The error is for those who send without end.
func (c *ScriptConn) Send(text string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for { // piece by piece: a flood is not copied as a whole
		n := copy(c.piece[:], text)
		if c.s != nil && c.s.Sent != nil {
			c.s.Sent(c, n)
		}
		if _, err := c.Conn.Write(c.piece[:n]); err != nil || n == len(text) {
			return err
		}
		text = text[n:]
	}
}

// OK completes the command.
func (c *ScriptConn) OK() { c.Send(c.Tag + " OK done\r\n") }

// Ask has the client send one more line, as sign-ins do.
func (c *ScriptConn) Ask(challenge string) (string, error) {
	c.Send("+ " + challenge + "\r\n")
	return c.line()
}

func (c *ScriptConn) folders() []*ScriptFolder {
	if c.Folders != nil {
		return c.Folders
	}
	return c.s.Folders
}

// No refuses the command with the text, which may begin with a code.
func (c *ScriptConn) No(text string) { c.Send(c.Tag + " NO " + text + "\r\n") }

// Serve answers connections until Close, and returns then.
func (s *ScriptIMAP) Serve(l net.Listener) {
	s.Lock()
	s.l, s.conns = l, map[*ScriptConn]bool{}
	s.Unlock()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s.Lock()
		if s.closed {
			s.Unlock()
			conn.Close()
			return
		}
		s.opened++
		c := &ScriptConn{Conn: conn, N: s.opened, s: s, r: bufio.NewReader(conn)}
		s.conns[c] = true
		s.wg.Add(1)
		s.Unlock()
		go func() {
			defer s.wg.Done()
			c.serve()
			conn.Close()
			s.Lock()
			delete(s.conns, c)
			s.Unlock()
		}()
	}
}

// Close ends all connections and waits for them.
func (s *ScriptIMAP) Close() {
	s.Lock()
	s.closed = true
	if s.l != nil {
		s.l.Close()
	}
	for c := range s.conns {
		c.Conn.Close()
	}
	s.Unlock()
	s.wg.Wait()
}

// Commands returns every command received, without tags.
func (s *ScriptIMAP) Commands() []string {
	s.Lock()
	defer s.Unlock()
	return slices.Clone(s.commands)
}

// Opened returns how many connections there have been.
func (s *ScriptIMAP) Opened() int {
	s.Lock()
	defer s.Unlock()
	return s.opened
}

// Add puts a message into a folder and tells whoever idles on it, at once, and
// whoever has it open, as they idle next.
func (s *ScriptIMAP) Add(f *ScriptFolder, m ScriptMessage) {
	s.Lock()
	f.Messages = append(f.Messages, m)
	n := len(f.Messages)
	var idling []*ScriptConn
	for c := range s.conns {
		switch {
		case c.Selected != f:
		case c.idle != "":
			idling = append(idling, c)
		default:
			c.news = n
		}
	}
	s.Unlock()
	for _, c := range idling {
		c.Sendf("* %d EXISTS\r\n", n)
	}
}

func (c *ScriptConn) serve() {
	greeting := c.s.Greeting
	if greeting == "" {
		greeting = "* OK ready"
	}
	if greeting != "none" {
		c.Send(greeting + "\r\n")
	}
	for {
		line, err := c.line()
		if err != nil {
			return
		}
		if strings.EqualFold(line, "DONE") {
			c.s.Lock()
			tag := c.idle
			c.idle = ""
			c.s.Unlock()
			if c.s.Hook != nil && c.s.Hook(c, "DONE") {
				continue
			}
			c.Send(tag + " OK idle ended\r\n")
			continue
		}
		var command string
		c.Tag, command, _ = strings.Cut(line, " ")
		c.s.Lock()
		c.s.commands = append(c.s.commands, command)
		c.s.Unlock()
		if c.s.Hook != nil && c.s.Hook(c, command) {
			continue
		}
		if !c.answer(command) {
			return
		}
	}
}

func (c *ScriptConn) line() (string, error) {
	line, err := c.r.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// answer does what an honest server does; false ends the connection.
func (c *ScriptConn) answer(command string) bool {
	words := strings.Fields(command)
	if len(words) == 0 { // the client was led astray
		c.Send(c.Tag + " BAD no command\r\n")
		return true
	}
	verb := strings.ToUpper(words[0])
	if verb == "UID" && len(words) > 1 {
		verb += " " + strings.ToUpper(words[1])
	}
	switch verb {
	case "CAPABILITY":
		c.Send("* CAPABILITY " + c.s.capabilities() + "\r\n")
	case "AUTHENTICATE":
		if len(words) < 3 {
			c.Send("+ \r\n")
			if _, err := c.line(); err != nil {
				return false
			}
		}
	case "LIST":
		c.list()
	case "STATUS":
		c.status(command)
	case "EXAMINE":
		return c.examine(command)
	case "UID SEARCH":
		if _, rest, _ := strings.Cut(command[len("UID "):], " "); !c.search(rest) {
			return true
		}
	case "UID FETCH":
		c.fetch(words[2], strings.Join(words[3:], " "))
	case "IDLE":
		c.s.Lock()
		c.idle = c.Tag
		news := c.news
		c.news = 0
		c.s.Unlock()
		c.Send("+ idling\r\n")
		if news > 0 {
			c.Sendf("* %d EXISTS\r\n", news)
		}
		return true
	case "LOGOUT":
		c.Send("* BYE see you\r\n" + c.Tag + " OK bye\r\n")
		return false
	case "NOOP":
		if f := c.Selected; f != nil {
			c.s.Lock()
			n := len(f.Messages)
			c.s.Unlock()
			c.Sendf("* %d EXISTS\r\n", n)
		}
	case "LOGIN":
	default:
		c.Send(c.Tag + " BAD unknown command\r\n")
		return true
	}
	c.OK()
	return true
}

func (s *ScriptIMAP) capabilities() string {
	if s.Capabilities == "" {
		return "IMAP4rev1 IDLE ESEARCH AUTH=PLAIN"
	}
	return s.Capabilities
}

func (c *ScriptConn) list() {
	c.s.Lock()
	defer c.s.Unlock()
	for _, f := range c.folders() {
		name := f.Quoted
		if name == "" {
			name = strconv.Quote(f.Name)
		}
		c.Send("* LIST (" + f.Attributes + ") \"/\" " + name + "\r\n")
	}
}

// find returns the folder a command names.
func (c *ScriptConn) find(command string) *ScriptFolder {
	_, rest, _ := strings.Cut(command, " ")
	name := rest
	if strings.HasPrefix(rest, `"`) {
		if end := strings.LastIndex(rest, `"`); end > 0 {
			name = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(rest[1:end])
		}
	} else if i := strings.IndexByte(rest, ' '); i > 0 {
		name = rest[:i]
	}
	c.s.Lock()
	defer c.s.Unlock()
	for _, f := range c.folders() {
		if f.Name == name {
			return f
		}
	}
	return nil
}

func (f *ScriptFolder) next() uint32 {
	if f.UIDNext != 0 {
		return f.UIDNext
	}
	var top uint32
	for _, m := range f.Messages {
		top = max(top, m.UID)
	}
	return top + 1
}

func (c *ScriptConn) status(command string) {
	f := c.find(command)
	if f == nil {
		return
	}
	c.s.Lock()
	defer c.s.Unlock()
	_, rest, _ := strings.Cut(command, " ")
	name := rest[:strings.LastIndex(rest, " (")]
	c.Sendf("* STATUS %s (MESSAGES %d UIDNEXT %d UIDVALIDITY %d)\r\n", name, len(f.Messages), f.next(), f.UIDValidity)
}

func (c *ScriptConn) examine(command string) bool {
	f := c.find(command)
	if f == nil {
		c.No("no such folder")
		return true
	}
	c.s.Lock()
	c.Selected, c.news = f, 0
	text := fmt.Sprintf("* %d EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen $odd[x])\r\n", len(f.Messages))
	if f.UIDValidity != 0 {
		text += fmt.Sprintf("* OK [UIDVALIDITY %d] numbering\r\n", f.UIDValidity)
	}
	if next := f.next(); next != 1<<32-1 {
		text += fmt.Sprintf("* OK [UIDNEXT %d] next\r\n", next)
	}
	if f.ModSeq != 0 {
		text += fmt.Sprintf("* OK [HIGHESTMODSEQ %d] highest\r\n", f.ModSeq)
	}
	c.s.Unlock()
	c.Send(text + c.Tag + " OK [READ-ONLY] open\r\n")
	return true
}

// uidSet is a sequence-set.
type uidSet [][2]uint32

func (s uidSet) has(uid uint32) bool {
	return slices.ContainsFunc(s, func(r [2]uint32) bool { return r[0] <= uid && uid <= r[1] })
}

func parseSet(text string, f *ScriptFolder) (out uidSet) {
	number := func(text string) uint32 {
		if text == "*" {
			return f.next() - 1
		}
		n, _ := strconv.ParseUint(text, 10, 32)
		return uint32(n)
	}
	for part := range strings.SplitSeq(strings.Trim(text, "()"), ",") {
		lo, hi, ranged := strings.Cut(part, ":")
		a, b := number(lo), number(lo)
		if ranged {
			b = number(hi)
		}
		out = append(out, [2]uint32{min(a, b), max(a, b)})
	}
	return out
}

func (c *ScriptConn) fetch(set, items string) {
	f := c.Selected
	if f == nil {
		return
	}
	c.s.Lock()
	asked := parseSet(set, f)
	seqs, messages := []int{}, []ScriptMessage{}
	for i, m := range f.Messages {
		if asked.has(m.UID) {
			seqs, messages = append(seqs, i+1), append(messages, m)
		}
	}
	hook := c.s.Fetch
	c.s.Unlock()
	for i, m := range messages {
		text := m.Response(seqs[i], items)
		if hook != nil {
			text = hook(c, f, m, items, text)
		}
		if text != "" {
			c.Send(text)
		}
	}
}
