package delivery

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"rapport/records/outbox"
)

// The patience with a server per phase (RFC 5321, section 4.5.3.2).
const (
	commandTime = 5 * time.Minute // MAIL, RCPT
	dataTime    = 2 * time.Minute // the answer to DATA
	blockTime   = 3 * time.Minute // each block of the body
	dotTime     = 10 * time.Minute
	quitTime    = 2 * time.Second
	glance      = 100 * time.Microsecond // for what a server said amid the body
	blockSize   = 64 << 10
)

// Refusal is an answer of a server that was not yes. The session goes on where
// it can.
type Refusal struct {
	Reply outbox.Reply
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the server answered %d %s (at %s)", r.Reply.Code, r.Reply.Text, r.Reply.Stage)
}

// Lost is a session that ended without an answer.
type Lost struct {
	Stage  outbox.Stage
	Dotted bool // the final dot may have arrived: the mail may have been taken
	Err    error
}

func (l *Lost) Error() string { return fmt.Sprintf("connection lost at %s: %v", l.Stage, l.Err) }

func (l *Lost) Unwrap() error { return l.Err }

// Withheld is a mail whose dot was not written because its intent could not be
// committed. Nothing was sent, and the session is closed.
type Withheld struct{ Err error }

func (w *Withheld) Error() string { return fmt.Sprintf("the mail was held back: %v", w.Err) }

func (w *Withheld) Unwrap() error { return w.Err }

// Session is a connection to a server on which we are signed in. It is used by
// one goroutine. It is of no use after an error that is not a [Refusal].
type Session struct {
	client *smtp.Client
	conn   net.Conn
	end    context.CancelFunc
	host   string
	broken bool
	Mails  int // how many mails the server took
}

// Open connects and signs in. An answer that is no is a [Refusal], whatever
// else goes wrong [Lost]. The session ends with ctx.
func (s Sender) Open(ctx context.Context) (*Session, error) {
	ctx, end := context.WithCancel(ctx)
	c := &Session{end: end, host: s.Host}
	dial := s.Dial
	s.Dial = func(ctx context.Context, address string) (conn net.Conn, err error) {
		if dial != nil {
			conn, err = dial(ctx, address)
		} else {
			conn, err = new(net.Dialer).DialContext(ctx, "tcp", address)
		}
		if err == nil {
			conn = &metered{Conn: conn}
			c.conn = conn
		}
		return conn, err
	}
	_, client, err := s.connect(ctx, commandTime)
	if err != nil {
		c.drop()
		return nil, opening(err)
	}
	c.client = client
	return c, nil
}

// maxTalk bounds what a server may say to one command, in bytes.
const maxTalk = 1 << 20

// metered is a connection that ends when the other side talks without end. One
// goroutine reads and writes it at a time.
type metered struct {
	net.Conn
	read int // since the last write
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if m.read += n; m.read > maxTalk {
		_ = m.Conn.Close()
		return 0, errors.New("the server talks without end")
	}
	return n, err
}

func (m *metered) Write(p []byte) (int, error) {
	m.read = 0
	return m.Conn.Write(p)
}

// opening tells an answer of the server from a connection that failed.
func opening(err error) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return &Lost{Stage: outbox.StageConnect, Err: err}
	}
	stage := outbox.StageConnect
	if answer.Code == 530 || answer.Code == 534 || answer.Code == 535 || answer.Code == 454 || answer.Code == 538 {
		stage = outbox.StageAuth
	}
	return &Refusal{outbox.NewReply(stage, answer.Code, answer.Msg)}
}

// Usable reports whether another mail may go through the session.
func (c *Session) Usable() bool { return !c.broken }

// Close ends the session, with a QUIT where the server still listens.
func (c *Session) Close() {
	if !c.broken {
		c.patience(quitTime)
		_, _ = c.client.Text.Cmd("QUIT") // a courtesy
		_, _, _ = c.client.Text.ReadResponse(221)
	}
	c.drop()
}

// drop ends the connection at once. Within a mail's data nothing else is safe:
// whatever is said there belongs to the mail.
func (c *Session) drop() {
	c.broken = true
	if c.conn != nil {
		_ = c.conn.Close()
	}
	c.end()
}

func (c *Session) patience(d time.Duration) { _ = c.conn.SetDeadline(time.Now().Add(d)) }

// Transmit sends one mail to one recipient. data are its bytes as they go over
// the wire but for the dots: strictly CRLF. begin is called once, when the
// server waits for the body, and has the intent committed; the final dot is
// written only after the channel it returns has brought nil. The queue id is
// the text with which the server took the mail.
//
// Errors are *Refusal, *Lost and *Withheld, or another where nothing was said
// to the server.
func (c *Session) Transmit(ctx context.Context, from, to string, data []byte, begin func() <-chan error) (queueID string, err error) {
	if c.broken {
		return "", &Lost{Stage: outbox.StageMail, Err: net.ErrClosed}
	}
	body, err := stuffed(data)
	if err != nil {
		return "", err
	}
	for _, a := range []string{from, to} {
		if err := outbox.CheckAddress(a); err != nil {
			return "", err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	defer stop()
	if err := c.envelope(from, to, len(data)); err != nil {
		return "", err
	}
	granted := begin()
	if err := c.write(body); err != nil {
		// The intent may be committed all the same: the answer is waited for, so
		// that what is said next of the delivery comes after it.
		<-granted
		return "", err
	}
	select {
	case err = <-granted:
	case <-ctx.Done():
		c.drop()
		<-granted
		return "", &Lost{Stage: outbox.StageData, Err: context.Cause(ctx)}
	}
	if err != nil {
		c.drop()
		return "", &Withheld{err}
	}
	if err := c.quiet(); err != nil {
		return "", err
	}
	return c.dot()
}

// quiet refuses to write the dot to a server that has spoken amid the body:
// what it said would be taken for its answer to the dot, and that for the answer
// to what comes next.
func (c *Session) quiet() error {
	_ = c.conn.SetReadDeadline(time.Now().Add(glance)) // a connection that has ended says so below
	_, err := c.client.Text.R.Peek(1)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err == nil {
		c.patience(quitTime)
		_, _, err = c.client.Text.ReadResponse(250)
	}
	lost := c.answer(outbox.StageData, err)
	c.drop()
	if refused := (*Refusal)(nil); errors.As(lost, &refused) {
		return refused
	}
	return &Lost{Stage: outbox.StageData, Err: cmp.Or(err, errors.New("the server answered before the mail ended"))}
}

// envelope goes as far as the server waiting for the body.
func (c *Session) envelope(from, to string, size int) error {
	mail := "MAIL FROM:<" + from + ">"
	if ok, _ := c.client.Extension("SIZE"); ok {
		mail += fmt.Sprintf(" SIZE=%d", size)
	}
	if ok, _ := c.client.Extension("8BITMIME"); ok {
		mail += " BODY=8BITMIME"
	}
	for _, step := range []struct {
		stage    outbox.Stage
		patience time.Duration
		expect   int
		line     string
	}{
		{outbox.StageMail, commandTime, 25, mail},
		{outbox.StageRcpt, commandTime, 25, "RCPT TO:<" + to + ">"},
		{outbox.StageData, dataTime, 354, "DATA"},
	} {
		err := c.say(step.stage, step.patience, step.expect, step.line)
		if err == nil {
			continue
		}
		// What the refused command left behind is taken back.
		if !c.broken && step.stage != outbox.StageMail && c.say(outbox.StageMail, commandTime, 25, "RSET") != nil {
			c.drop()
		}
		return err
	}
	return nil
}

// say sends one command and reads its answer.
func (c *Session) say(stage outbox.Stage, patience time.Duration, expect int, line string) error {
	c.patience(patience)
	if _, err := c.client.Text.Cmd("%s", line); err != nil {
		c.drop()
		return &Lost{Stage: stage, Err: err}
	}
	_, _, err := c.client.Text.ReadResponse(expect)
	return c.answer(stage, err)
}

// answer makes a Refusal or Lost of what reading an answer ended in. A server
// that says 421 closes the connection (RFC 5321, section 3.8).
func (c *Session) answer(stage outbox.Stage, err error) error {
	var refused *textproto.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused):
		c.drop()
		return &Lost{Stage: stage, Dotted: stage == outbox.StageDot, Err: err}
	case refused.Code == 421:
		c.drop()
	case refused.Code < 400: // no answer to this command: the session is out of step
		c.drop()
		return &Lost{Stage: stage, Dotted: stage == outbox.StageDot, Err: err}
	}
	return &Refusal{outbox.NewReply(stage, refused.Code, refused.Msg)}
}

// write puts the body on the wire, all of it, without the dot.
func (c *Session) write(body []byte) error {
	w := c.client.Text.W
	for len(body) > 0 {
		block := body[:min(len(body), blockSize)]
		body = body[len(block):]
		c.patience(blockTime)
		_, err := w.Write(block)
		if err == nil && len(body) == 0 {
			err = w.Flush()
		}
		if err == nil {
			continue
		}
		// A server that had enough may have said why.
		c.patience(quitTime)
		_, _, said := c.client.Text.ReadResponse(250)
		lost := c.answer(outbox.StageData, said)
		c.drop()
		if refused := (*Refusal)(nil); errors.As(lost, &refused) {
			return refused
		}
		return &Lost{Stage: outbox.StageData, Err: err}
	}
	return nil
}

// dot ends the mail and waits for what the server says to it.
func (c *Session) dot() (queueID string, err error) {
	c.patience(dotTime)
	w := c.client.Text.W
	_, err = w.WriteString(".\r\n")
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		c.drop()
		return "", &Lost{Stage: outbox.StageDot, Dotted: true, Err: err}
	}
	_, text, err := c.client.Text.ReadResponse(25)
	more := c.client.Text.R.Buffered() > 0 // one of two answers is not the one to the dot
	if err := c.answer(outbox.StageDot, err); err != nil {
		if more {
			c.drop()
			return "", &Lost{Stage: outbox.StageDot, Dotted: true, Err: fmt.Errorf("two answers: %w", err)}
		}
		return "", err
	}
	if more {
		c.drop()
	}
	c.Mails++
	return strings.ToValidUTF8(text[:min(len(text), outbox.MaxReply)], ""), nil
}

// stuffed returns the bytes with a dot before each dot that begins a line
// (RFC 5321, section 4.5.2). A bare CR or LF is refused: servers differ in what
// they take for the end of a mail.
func stuffed(data []byte) ([]byte, error) {
	if len(data) < 2 || !bytes.HasSuffix(data, []byte("\r\n")) {
		return nil, errors.New("the mail does not end with a line end")
	}
	if n := bytes.Count(data, []byte("\r\n")); n != bytes.Count(data, []byte{'\n'}) || n != bytes.Count(data, []byte{'\r'}) {
		return nil, errors.New("the mail has a bare CR or LF")
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, errors.New("the mail has a NUL")
	}
	out := bytes.ReplaceAll(data, []byte("\n."), []byte("\n.."))
	if data[0] == '.' {
		out = append([]byte{'.'}, out...)
	}
	return out, nil
}
