package mailtest

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// TestScriptIMAP speaks to the scripted server by hand, over a socket and
// over a pipe.
func TestScriptIMAP(t *testing.T) {
	t.Parallel()
	pipe := NewPipeListener()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]net.Listener{"pipe": pipe, "socket": socket} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := []byte("Subject: one\r\nFrom: bob@example.org\r\n\r\nhello")
			s := &ScriptIMAP{Folders: []*ScriptFolder{{Name: "INBOX", UIDValidity: 7, Messages: []ScriptMessage{{UID: 5, Raw: raw, Received: time.Unix(0, 0).UTC()}}}}}
			done := make(chan struct{})
			go func() { defer close(done); s.Serve(l) }()
			var conn net.Conn
			if l == net.Listener(pipe) {
				conn, err = pipe.Dial(t.Context())
			} else {
				conn, err = net.Dial("tcp", socket.Addr().String())
			}
			if err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(conn)
			ask := func(line string) string {
				t.Helper()
				if _, err := conn.Write([]byte("a " + line + "\r\n")); err != nil {
					t.Fatal(err)
				}
				var all strings.Builder
				for !strings.HasPrefix(all.String(), "a ") && !strings.Contains(all.String(), "\r\na ") {
					l, err := r.ReadString('\n')
					if err != nil {
						t.Fatalf("%s: %v after %q", line, err, all.String())
					}
					all.WriteString(l)
				}
				return all.String()
			}
			if l, err := r.ReadString('\n'); err != nil || l != "* OK ready\r\n" {
				t.Fatalf("greeting %q, %v", l, err)
			}
			for _, tt := range []struct{ ask, want string }{
				{"CAPABILITY", "IDLE"},
				{`EXAMINE "INBOX"`, "[UIDVALIDITY 7]"},
				{"UID SEARCH RETURN (ALL) ALL", "UID ALL 5"},
				{"UID SEARCH UID 6:*", "* SEARCH 5"},
				{`UID SEARCH FROM "bob@example.org"`, "* SEARCH 5"},
				{`UID SEARCH FROM "eve@example.org"`, "* SEARCH \r\n"},
				{`UID SEARCH OR (FROM "bob" FROM "EXAMPLE.org") HEADER REPLY-TO "eve"`, "* SEARCH 5"},
				{`UID SEARCH RETURN (ALL) OR (FROM "bob" FROM "else.org") HEADER REPLY-TO "eve"`, ") UID\r\n"},
				{`UID SEARCH NOT FROM "bob" SINCE 1-Jan-1990`, "* SEARCH \r\n"},
				{"UID SEARCH LARGER 1", "a BAD"},
				{"UID FETCH 5 (UID BODY.PEEK[HEADER])", "BODY[HEADER] {39}\r\nSubject: one"},
				{"UID FETCH 5 (UID BODY.PEEK[]<2.3>)", "BODY[]<2> {3}\r\nbje)"},
				{"SELECT INBOX", "a BAD"},
			} {
				if got := ask(tt.ask); !strings.Contains(got, tt.want) {
					t.Errorf("%s answered %q, want %q in it", tt.ask, got, tt.want)
				}
			}
			conn.Close()
			s.Close()
			<-done
		})
	}
}
