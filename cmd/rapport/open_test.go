package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const pictured = "Content-Type: multipart/related; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>Gr=C3=BC=C3=9Fe<img src=3D\"cid:1@picture\">\r\n--b--\r\n" +
	"--a\r\nContent-Type: image/png\r\nContent-ID: <1@picture>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBO\r\n--a--\r\n"

// TestBrowse has a browser get the HTML of a mail with its pictures, and names
// the file where there is no browser.
func TestBrowse(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	browser := filepath.Join(dir, "browser")
	if err := os.WriteFile(browser, []byte("#!/bin/sh\ncp \"$1\" "+filepath.Join(dir, "seen")+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{browser: "is open in the browser\n", filepath.Join(dir, "none"): "no browser could be started; open "} {
		said := drawn(screen{width: 80}, func(s *session) {
			s.env = func(string) string { return name }
			if err := s.browse("spring", pictured); err != nil {
				t.Error(err)
			}
		})
		if !strings.Contains(said, want) {
			t.Errorf("with %s: %q", filepath.Base(name), said)
		}
	}
	if seen, err := os.ReadFile(filepath.Join(dir, "seen")); err != nil || strings.TrimSpace(string(seen)) != `<p>Grüße<img src="data:image/png;base64,iVBO">` {
		t.Errorf("the browser got %q, %v", seen, err)
	}
	for _, raw := range []string{"", "Subject: x\r\n\r\nx", "Content-Type: text/plain\r\n\r\nx", "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"} {
		if page, err := sheet(raw); err == nil {
			t.Errorf("%q has a page: %q", raw, page)
		}
	}
}
