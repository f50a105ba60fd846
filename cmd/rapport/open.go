package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// sheet is the HTML of a mail with its pictures in it, for a browser.
func sheet(raw string) (string, error) {
	m, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		return "", fmt.Errorf("read the mail: %w", err)
	}
	page, pictures := "", []string{}
	err = eachPart(m.Header.Get, m.Body, func(get func(string) string, body []byte) {
		kind, _, _ := mime.ParseMediaType(get("Content-Type"))
		id := strings.Trim(get("Content-ID"), "<>")
		switch {
		case kind == "text/html" && page == "":
			page = string(body)
		case id != "" && strings.HasPrefix(kind, "image/"):
			pictures = append(pictures, "cid:"+id, "data:"+kind+";base64,"+base64.StdEncoding.EncodeToString(body))
		}
	})
	if err == nil && page == "" {
		err = errors.New("the mail has no HTML")
	}
	return strings.NewReplacer(pictures...).Replace(page), err
}

// eachPart calls with every part of a mail of ours that holds no others.
func eachPart(get func(string) string, body io.Reader, with func(func(string) string, []byte)) error {
	kind, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		return fmt.Errorf("read the mail's parts: %w", err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		switch strings.ToLower(get("Content-Transfer-Encoding")) {
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		data, err := io.ReadAll(body)
		with(get, data)
		return err
	}
	for parts := multipart.NewReader(body, params["boundary"]); ; {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = eachPart(p.Header.Get, p, with)
		}
		if err != nil {
			return fmt.Errorf("read the mail's parts: %w", err)
		}
	}
}

// browse writes a mail's HTML to a file and opens it in a browser; where none
// can be started, the file is named.
func (s *session) browse(name, raw string) error {
	page, err := sheet(raw)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp("", "rapport-"+name+"-*.html")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader([]byte(page)))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", f.Name(), err)
	}
	open := "xdg-open"
	if runtime.GOOS == "darwin" {
		open = "open"
	}
	if named := s.env("BROWSER"); named != "" {
		open = named
	}
	if err := exec.CommandContext(s.ctx, open, filepath.Clean(f.Name())).Run(); err != nil {
		s.printf("no browser could be started; open %s\n", f.Name())
		return nil
	}
	s.printf("%s is open in the browser\n", f.Name())
	return nil
}
