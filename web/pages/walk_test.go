package pages_test

import (
	"bufio"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"rapport/internal/browser"
	"rapport/internal/demo"
)

var screenshots = flag.String("screenshots", "", "a folder for pictures of every page walked")

// looks are how the pages are looked at.
func looks(origin string) []browser.Options {
	var out []browser.Options
	for _, language := range walkLanguages {
		for _, width := range []int{1280, 360} {
			for _, dark := range []bool{false, true} {
				if dark == (width < 1000) || walkAllLooks {
					out = append(out, browser.Options{Origin: origin, Width: width, Dark: dark, Language: language})
				}
			}
		}
	}
	return out
}

// TestWalk starts the demo as a person does, takes the address it prints, and
// opens every page from there: none says anything on the console, asks another
// host, is wider than the screen or breaks a rule of accessibility, on a wide
// and a narrow screen, light and dark.
func TestWalk(t *testing.T) {
	t.Parallel()
	origin := startDemo(t)
	b := browser.Start(t)
	c := newCrawl(t, origin, perKind)
	told := map[string]bool{}
	tell := func(o browser.Options, what, fault string) {
		if !told[fault] { // once, in the first of the looks
			told[fault] = true
			t.Errorf("%s: %s: %s", name(what, o), what, fault)
		}
	}
	for i, o := range looks(origin) {
		p := b.Open(t, o)
		look := func(path string, v browser.Visit) {
			for _, fault := range v.Faults() {
				tell(o, path, fault)
			}
			for _, fault := range p.Overflow() {
				tell(o, path, "wider than the screen: "+fault)
			}
			if *screenshots != "" {
				p.Screenshot(filepath.Join(*screenshots, name(path, o)))
			}
			for _, fault := range p.Axe() {
				tell(o, path, fault)
			}
		}
		if i == 0 {
			c.walk(p, look)
			c.paths = append(c.paths, documentation)
			look(documentation, p.Goto(documentation))
			continue
		}
		for _, path := range c.paths {
			look(path, p.Goto(path))
		}
	}
	t.Logf("%d pages and %d files of %d kinds, each in %d looks: %q", len(c.paths), len(c.files), len(c.seen), len(looks("")), c.paths)
	// Where nobody has to sign in nothing leads there, and not every mail of the
	// demo is formatted or has files; the hostile ones are and have. Its mailboxes
	// take passwords: TestSignInAtTheProvider looks at those that do not. What
	// stands in the frame of a preview is a mail, and no page.
	for _, pattern := range c.missed("GET /sign-in", "GET /mailboxes/sign-in/{id}", "GET /messages/{id}/body", "GET /messages/{id}/files/{part}", "GET /campaigns/{name}/body") {
		t.Errorf("no link leads to %s", pattern)
	}
}

// documentation is the readable page of the API, which is none of the pages'.
const documentation = "/api/v1/docs"

// startDemo runs the demo until the test ends, and returns where its pages are.
func startDemo(t *testing.T) (origin string) {
	t.Helper()
	read, write := io.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	ended, dir := make(chan error, 1), t.TempDir()
	go func() {
		err := demo.Run(ctx, demo.Options{Out: write, Dir: dir, Version: "test"})
		write.Close()
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the demo: %v", err)
		}
	})
	printed := ""
	lines := bufio.NewScanner(read)
	for lines.Scan() {
		printed += lines.Text() + "\n"
		if m := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(lines.Text()); m != "" {
			go io.Copy(io.Discard, read)
			return m
		}
	}
	t.Fatalf("the demo prints no address:\n%s", printed)
	return ""
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *screenshots != "" {
		if err := os.MkdirAll(*screenshots, 0o700); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
