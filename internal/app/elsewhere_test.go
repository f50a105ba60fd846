package app

import (
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/records/message"
)

// TestS16_NoNameIsAPath syncs folders, Message-IDs, attachments and people
// whose names lead elsewhere, exports and downloads them: whatever is written
// lies in the data directory under names of ours, and no download is called so
// that it would leave the folder it is saved to.
func TestS16_NoNameIsAPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "ada")
	s, stop := w.built(RunOptions{})
	t.Cleanup(stop)
	o := &office{world: w, s: s, staff: map[string]*person{}}
	o.open()
	o.knows("../../out", "carl@press.example")
	names := []string{"../../out", "/out", `..\..\out`, "..", "out/../../../out", `C:\out`, "con.txt/../out", "a\u202egpj.out", "~/out", "out%2f..%2fout"}
	for n, name := range names {
		raw := fmt.Sprintf("Message-ID: <%s@press.example>\r\nFrom: carl@press.example\r\nTo: ada@example.com\r\nSubject: %[1]s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+
			"--b\r\n\r\nHello %d\r\n--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename*=utf-8''%s\r\n\r\ntext\r\n--b--\r\n", name, n, percent(name))
		if err := w.imap.Append("ada@example.com", name, []byte(raw), time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	st, err := s.Sync(t.Context(), nil, func(message.SyncStatus) {})
	if err != nil || st.Totals.Stored != len(names) {
		t.Fatalf("%d of %d are filed: %v", st.Totals.Stored, len(names), err)
	}
	o.server = httptest.NewServer(s.site())
	t.Cleanup(o.server.Close)
	tries := 0
	for _, m := range o.messages()["ada"] {
		for _, path := range []string{"/messages/" + string(m.ID) + "/original", "/messages/" + string(m.ID) + "/files/2"} {
			tries++
			resp, body := o.stranger().get(path)
			_, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
			name := params["filename"]
			if err != nil || resp.StatusCode != 200 || name == "" || strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") {
				t.Errorf("%s (%s) is to be saved as %q: %v %.100s", path, resp.Status, resp.Header.Get("Content-Disposition"), err, body)
			}
		}
	}
	if err := o.client.ExportContact(o.local, "carl@press.example", io.Discard); err != nil {
		t.Errorf("the export: %v", err)
	}
	w.noStrays()
	t.Attr("tries", strconv.Itoa(tries+len(names)))
}

// noStrays holds that nothing lies in a world's directory but what belongs
// there, nor above it.
func (w *world) noStrays() {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		within, _ := filepath.Rel(w.dir, path)
		known := slices.Contains([]string{".", "config.yaml", "password", "data"}, within) || strings.HasPrefix(within, "data"+string(filepath.Separator))
		if !known || strings.Contains(within, "out") || strings.Contains(within, "con.txt") {
			w.t.Errorf("there is %s", within)
		}
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
	for _, path := range []string{filepath.Join(w.dir, "..", "out"), filepath.Join(w.dir, "..", "..", "out"), "/out"} {
		if _, err := os.Lstat(path); err == nil {
			w.t.Errorf("there is %s", path)
		}
	}
}

// percent writes a name as RFC 8187 wants it.
func percent(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
