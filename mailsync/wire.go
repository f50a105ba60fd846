package mailsync

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rapport/records/phrase"
)

// Bounds on what a server may make us read or hold.
const (
	maxLine       = 512 << 10 // one response outside its literals
	maxText       = 64 << 20  // everything outside the literals of messages during one command
	maxSmall      = 64 << 10  // a literal in anything but FETCH
	maxExists     = 50_000_000
	maxFolders    = 50_000
	maxNames      = 4 << 20 // of all folders together
	maxAttributes = 16      // of one folder
	silence       = 60 * time.Second

	// Most connections wait most of the time: only one that fetches has the
	// large buffer.
	idleBuffer    = 4 << 10
	bulkBuffer    = 64 << 10
	greetingLimit = 30 * time.Second
)

// wire is the net.Conn under the IMAP library: it sets every deadline itself,
// bounds what a server may send, rewrites folder names on the way out, and
// takes out of the stream whatever the library cannot bear: FETCH, LIST,
// STATUS, SEARCH and all that is unknown. What is left for the library is the
// greeting, capabilities, continuations and the tagged replies.
//
// Read is called by the library's one reader goroutine only.
type wire struct {
	conn  net.Conn
	br    *bufio.Reader // for Read only
	ahead []byte        // what an earlier br had read, and br has not
	out   []byte        // for the library, not yet read
	ended error         // what ended reading; for Read only
	now   func() time.Time

	received   atomic.Int64 // bytes ever received
	transcript func(string)
	changed    chan struct{} // EXISTS, EXPUNGE or BYE came

	mu        sync.Mutex // guards what follows
	pending   int        // commands under way
	limit     time.Duration
	until     time.Time
	text      int64 // bytes outside literals since a command last ended, or began when none was under way
	greeted   bool
	closed    bool
	fault     error  // the first reason why reading ended
	bye       string // text of the last BYE
	alerts    []string
	sel       selection
	lists     []listed
	statuses  map[string]selection
	found     numbers
	searching bool // a search is under way; numbers nobody asked for are not kept
	namesSum  int  // bytes of the names in lists and statuses
	fetches   []*fetchRequest

	writing []byte        // an outgoing line, not yet complete
	turn    chan struct{} // closed when the line the server asked for is sent; nil where it asks for none
	asking  string        // tag of the command under way that the server may answer by asking for more
	secret  bool          // it signs in: the lines that follow carry credentials
	folder  string        // raw name that replaces folderMark on the way out
	extra   string        // more to ask for with every header: askLabels, askThread or nothing
}

// selection is what a server says of a folder: on EXAMINE, and later unasked.
type selection struct {
	uidValidity, uidNext, exists uint32
	modSeq                       uint64
	changes                      int // EXISTS and EXPUNGE responses so far
}

// What only some servers tell with a header: Gmail its labels and thread,
// those with OBJECTID (RFC 8474) a thread.
const (
	askLabels = "X-GM-LABELS X-GM-THRID"
	askThread = "THREADID"
)

// folderMark stands for the folder's name in what the library writes; the
// wire puts the server's own bytes there, whatever they are.
const folderMark = "RAPPORT-FOLDER"

func newWire(conn net.Conn, transcript func(string)) *wire {
	w := &wire{
		conn: conn, now: time.Now, transcript: transcript,
		changed: make(chan struct{}, 1), statuses: map[string]selection{},
		pending: 1, limit: greetingLimit, until: time.Now().Add(greetingLimit), // the greeting
	}
	w.br = bufio.NewReaderSize(rawReader{w}, idleBuffer)
	return w
}

// fit changes the buffer between two responses, to what is to be read.
func (w *wire) fit() {
	w.mu.Lock()
	fetching := len(w.fetches) > 0
	w.mu.Unlock()
	size := idleBuffer
	if fetching {
		size = bulkBuffer
	}
	if w.br.Size() == size || size == idleBuffer && w.br.Buffered() > 0 {
		return
	}
	rest, _ := w.br.Peek(w.br.Buffered()) // which is there
	w.ahead = append(bytes.Clone(rest), w.ahead...)
	w.br = bufio.NewReaderSize(rawReader{w}, size)
}

// rawReader reads from the connection with the deadline of the moment.
type rawReader struct{ w *wire }

func (r rawReader) Read(p []byte) (int, error) {
	if n := copy(p, r.w.ahead); n > 0 {
		if r.w.ahead = r.w.ahead[n:]; len(r.w.ahead) == 0 {
			r.w.ahead = nil
		}
		return n, nil
	}
	r.w.arm()
	n, err := r.w.conn.Read(p)
	r.w.received.Add(int64(n))
	return n, err
}

// arm sets the read deadline: none while nothing is asked, else the shorter
// of the silence allowed and what is left for the command.
func (w *wire) arm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending == 0 {
		w.conn.SetReadDeadline(time.Time{})
		return
	}
	at := time.Now().Add(w.limit)
	if !w.until.IsZero() && w.until.Before(at) {
		at = w.until
	}
	w.conn.SetReadDeadline(at)
}

// begin opens a command: quiet is the silence allowed, total what the whole
// of it may take. The function it returns ends the command.
func (w *wire) begin(quiet, total time.Duration) (end func()) {
	w.mu.Lock()
	if w.pending == 0 {
		w.text, w.until = 0, time.Time{}
	}
	w.pending++
	w.limit = quiet
	if until := time.Now().Add(total); until.After(w.until) {
		w.until = until
	}
	w.mu.Unlock()
	w.arm()
	return sync.OnceFunc(func() {
		w.mu.Lock()
		w.pending--
		w.text = 0 // where requests overlap there is always one under way
		w.mu.Unlock()
		w.arm()
	})
}

// Close closes the connection; the library's reader ends by it.
func (w *wire) Close() error {
	w.mu.Lock()
	w.closed = true
	w.sent()
	w.mu.Unlock()
	return w.conn.Close()
}

func (w *wire) LocalAddr() net.Addr  { return w.conn.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr { return w.conn.RemoteAddr() }

// The library's own deadlines are too long where they exist, and it clears
// ours; so all of them are ignored.
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// Write gathers lines, names the folder in them and sends them.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.writing = append(w.writing, p...)
	i := bytes.LastIndexByte(w.writing, '\n')
	var lines []byte
	if i >= 0 {
		lines = bytes.Clone(w.writing[:i+1])
		w.writing = append(w.writing[:0], w.writing[i+1:]...)
	}
	var say []string
	if lines != nil {
		lines, say = w.rewrite(lines)
		w.sent()
	}
	w.mu.Unlock()
	if lines == nil {
		return len(p), nil
	}
	if w.transcript != nil {
		for _, s := range say {
			w.transcript(s)
		}
	}
	w.conn.SetWriteDeadline(time.Now().Add(silence))
	if _, err := w.conn.Write(lines); err != nil {
		w.fail(err)
		return 0, err
	}
	return len(p), nil
}

// rewrite puts the folder's name and what else is asked for into outgoing lines
// and returns what the transcript may show. mu is held.
func (w *wire) rewrite(lines []byte) ([]byte, []string) {
	if w.folder != "" {
		lines = bytes.Replace(lines, []byte(`"`+folderMark+`"`), quoteRaw(w.folder), 1)
	}
	if w.extra != "" && bytes.Contains(lines, []byte(" UID FETCH ")) && bytes.Contains(lines, []byte(" BODY.PEEK[HEADER]")) {
		lines = bytes.Replace(lines, []byte("(UID "), []byte("(UID "+w.extra+" "), 1)
	}
	var say []string
	for line := range strings.SplitSeq(strings.TrimRight(string(lines), "\r\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		fields := strings.SplitN(line, " ", 4)
		switch {
		case w.secret:
			line = "***"
		case len(fields) > 1 && strings.EqualFold(fields[1], "LOGIN"):
			w.asking, w.secret, line = fields[0], true, fields[0]+" LOGIN ***"
		case len(fields) > 2 && strings.EqualFold(fields[1], "AUTHENTICATE"):
			w.asking, w.secret, line = fields[0], true, fields[0]+" AUTHENTICATE "+fields[2]+" ***"
		case len(fields) == 2 && fields[1] == "IDLE", strings.HasSuffix(line, "}"):
			w.asking = fields[0]
		}
		say = append(say, line)
	}
	return lines, say
}

// quoteRaw returns a folder's raw name as a quoted string.
func quoteRaw(name string) []byte {
	var b bytes.Buffer
	b.WriteByte('"')
	for i := range len(name) {
		if name[i] == '"' || name[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	b.WriteByte('"')
	return b.Bytes()
}

// Read hands the library what it may see.
func (w *wire) Read(p []byte) (int, error) {
	for len(w.out) == 0 {
		if w.ended != nil { // the library asks again after an error
			return 0, w.ended
		}
		w.ourTurn()
		if w.ended = w.response(); w.ended != nil {
			w.fail(w.ended)
			return 0, w.ended
		}
	}
	n := copy(p, w.out)
	w.out = w.out[n:]
	return n, nil
}

// fail keeps the first reason why the connection is of no use any more.
func (w *wire) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault != nil || w.closed {
		return
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = &Fault{Kind: Silent, Text: phrase.New("the server sent nothing for {span}, or took too long", "span", w.limit), err: err}
	}
	w.fault = err
}

// why returns the reason behind a failed command: what the wire saw is worth
// more than what the library makes of it.
func (w *wire) why(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var fault *Fault
	switch {
	case errors.As(w.fault, &fault):
		return w.fault
	case w.bye != "":
		return farewell(w.bye)
	case w.fault != nil && errors.Is(w.fault, io.EOF):
		return &Fault{Kind: Lost, Text: phrase.New("the server closed the connection"), err: w.fault}
	case w.fault != nil:
		return &Fault{Kind: Lost, Text: phrase.Verbatim(w.fault.Error()), err: w.fault}
	}
	return err
}

// line reads one line without its line end, within the bounds.
func (w *wire) line() ([]byte, error) {
	var long []byte
	for {
		part, err := w.br.ReadSlice('\n')
		if over := w.count(len(part)); over != nil {
			return nil, over
		}
		if err == nil && long == nil {
			return bytes.TrimRight(part, "\r\n"), nil
		}
		long = append(long, part...)
		switch {
		case len(long) > maxLine:
			return nil, hostile("a line of more than {n} KB", "n", maxLine>>10)
		case err == nil:
			return bytes.TrimRight(long, "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			if len(long) > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// notify wakes whoever waits for news.
func (w *wire) notify() {
	select {
	case w.changed <- struct{}{}:
	default: // somebody is to be woken already
	}
}

// selected returns what the server says of the open folder now.
func (w *wire) selected() selection {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sel
}
