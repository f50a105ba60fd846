package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// TestFirstNewsletter follows the README to a first newsletter: its lines of the
// configuration, its one file, its one command.
func TestFirstNewsletter(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join(moduleRoot(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, setup, _ := strings.Cut(string(raw), "\n## Set it up")
	setup, first, found := strings.Cut(setup, "\n### A first newsletter")
	if !found {
		t.Fatal("the README has no first newsletter")
	}
	first, _, _ = strings.Cut(first, "\n## ")
	f := fakes(t, mailtest.StyleMicrosoft, "hers", "ada@example.com")
	sink, err := mailtest.NewSink()
	f.must(err)
	t.Cleanup(func() { sink.Close() })
	host := regexp.MustCompile(`(?m)^( *)host: \S+`)
	block := func(section, language string) string {
		for _, m := range blocks.FindAllStringSubmatch(section, -1) {
			if m[1] == language {
				return m[2]
			}
		}
		t.Fatalf("the README has no block of %q here:\n%s", language, section)
		return ""
	}
	local := func(section, addr string) string {
		return host.ReplaceAllString(block(section, "yaml"), fmt.Sprintf("${1}host: %q\n${1}tls: none", addr))
	}
	f.must(os.Mkdir(filepath.Join(f.dir, "secrets"), 0o700))
	f.must(os.Mkdir(filepath.Join(f.dir, "campaigns"), 0o700))
	f.write("config.yaml", []byte("data_dir: data\nweb: {listen: \"127.0.0.1:0\"}\n"+local(setup, f.address)+local(first, sink.Addr)))
	f.write("secrets/ada", []byte("hers\n"))
	f.write("campaigns/spring.md", []byte(block(first, "markdown")))
	f.starts().answers()
	f.run("contact", "add", "--name", "Carl Press", "--email", "carl@press.example", "--kind", "customer")
	f.run("contact", "add", "--name", "Paula", "--email", "paula@print.example", "--kind", "partner")
	command := strings.Fields(block(first, ""))
	if got := strings.Join(command, " "); got != "rapport campaign send spring" {
		t.Fatalf("it takes another command: %s", got)
	}
	f.run(append(command[1:], "--yes")...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	got, err := sink.Wait(ctx, 1)
	f.must(err)
	if len(got) != 1 || fmt.Sprint(got[0].To) != "[carl@press.example]" || got[0].User != "ada@example.com" || !strings.Contains(string(got[0].Data), "Subject: Carl, our news of the spring\r\n") {
		t.Errorf("sent: %d, %+v", len(got), got[0])
	}
}
