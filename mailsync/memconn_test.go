package mailsync

import (
	"io"
	"net"
	"time"
)

// memConn is a connection that gives what a reader holds.
type memConn struct{ io.Reader }

func (*memConn) Write(p []byte) (int, error)      { return len(p), nil }
func (*memConn) Close() error                     { return nil }
func (*memConn) LocalAddr() net.Addr              { return nil }
func (*memConn) RemoteAddr() net.Addr             { return nil }
func (*memConn) SetDeadline(time.Time) error      { return nil }
func (*memConn) SetReadDeadline(time.Time) error  { return nil }
func (*memConn) SetWriteDeadline(time.Time) error { return nil }
