package pages_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rapport/internal/browser"
	"rapport/web/pages"
)

// crawl is what can be reached from the first page by links and by forms that
// only ask.
type crawl struct {
	t       testing.TB
	origin  string
	table   *http.ServeMux // of the patterns of pages, to tell pages of one kind
	most    int            // pages of one kind; the pages of a long list are all opened
	shuffle *rand.Rand     // opens pages in any order; nil: as they are found
	seen    map[string]int // pages opened, by kind
	queued  map[string]bool
	paths   []string // of pages, in the order they were found
	files   []string // of what is no page: downloads, feeds
}

// newCrawl opens at most so many pages of each kind; of those that differ in
// the names of their parameters only, too.
func newCrawl(t testing.TB, origin string, most int) *crawl {
	c := &crawl{t: t, origin: origin, table: http.NewServeMux(), most: most, seen: map[string]int{}, queued: map[string]bool{}}
	for _, rt := range pages.Routes() {
		if strings.HasPrefix(rt.Pattern, "GET ") {
			c.table.HandleFunc(rt.Pattern, func(http.ResponseWriter, *http.Request) {})
		}
	}
	return c
}

// kind is the pattern that answers an address, and the names of its
// parameters. An address that nothing answers is its own kind.
func (c *crawl) kind(path string) (pattern, kind string) {
	r, err := http.NewRequest(http.MethodGet, c.origin+path, nil)
	if err != nil {
		return "", path
	}
	_, pattern = c.table.Handler(r)
	var names []string
	for name, values := range r.URL.Query() {
		if len(values) > 0 && values[0] != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return pattern, pattern + "?" + strings.Join(names, "&")
}

// newsletter is a mail of ours in its frame: a document for mail programs, which
// has none of the landmarks of a page.
var newsletter = regexp.MustCompile(`^/campaigns/[^/]+/body`)

// add queues a link of a page. Those that load pictures of other hosts are what
// a reader has to ask for.
func (c *crawl) add(queue []string, link string) []string {
	link, _, _ = strings.Cut(link, "#")
	path, ours := strings.CutPrefix(link, c.origin)
	if !ours || c.queued[path] || strings.HasPrefix(path, "/assets/") || strings.HasPrefix(path, "/api/") || strings.Contains(path, "images=1") || newsletter.MatchString(path) {
		return queue
	}
	if path == "" {
		path = "/"
	}
	c.queued[path] = true
	return append(queue, path)
}

// walk opens pages from the first one on. look is told of each as it is open.
func (c *crawl) walk(p *browser.Page, look func(path string, v browser.Visit)) {
	c.t.Helper()
	queue := c.add(nil, c.origin+"/")
	for len(queue) > 0 {
		if c.shuffle != nil {
			i := c.shuffle.IntN(len(queue))
			queue[0], queue[i] = queue[i], queue[0]
		}
		path := queue[0]
		queue = queue[1:]
		_, kind := c.kind(path)
		if c.seen[kind] >= c.most && (c.shuffle == nil || !strings.HasSuffix(kind, "?cursor")) {
			continue
		}
		c.seen[kind]++
		if !c.isPage(path) {
			c.files = append(c.files, path)
			continue
		}
		c.paths = append(c.paths, path)
		look(path, p.Goto(path))
		var links []string
		p.Eval(`[...document.querySelectorAll("a[href], iframe[src]")].map(e => e.href || e.src).concat(
			[...document.querySelectorAll("form")].filter(f => f.method === "get").map(f => f.action + "?" + new URLSearchParams(new FormData(f))))`, &links)
		for _, link := range links {
			queue = c.add(queue, link)
		}
	}
}

// isPage asks what an address holds before the browser would save it as a
// file; a file must be one that no browser opens as a page of ours.
func (c *crawl) isPage(path string) bool {
	c.t.Helper()
	resp, err := http.Get(c.origin + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		c.t.Errorf("GET %s: %v", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		c.t.Errorf("GET %s: %s; want 200", path, resp.Status)
	}
	disposition := resp.Header.Get("Content-Disposition")
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") && !strings.HasPrefix(disposition, "attachment") {
		return true
	}
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		c.t.Errorf("GET %s: a file of type %q without nosniff", path, resp.Header.Get("Content-Type"))
	}
	return false
}

// missed are the patterns of GET that nothing led to, beside those excepted.
func (c *crawl) missed(except ...string) []string {
	var out []string
	for _, rt := range pages.Routes() {
		pattern := rt.Pattern
		if !strings.HasPrefix(pattern, "GET ") || slices.Contains(except, pattern) {
			continue
		}
		if !slices.ContainsFunc(slices.Concat(c.paths, c.files), func(path string) bool { got, _ := c.kind(path); return got == pattern }) {
			out = append(out, pattern)
		}
	}
	return out
}

// name makes a file name of a page's path.
func name(path string, o browser.Options) string {
	u, _ := url.PathUnescape(path)
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, u)
	theme := "light"
	if o.Dark {
		theme = "dark"
	}
	return fmt.Sprintf("%s-%s-%d-%s.png", safe[:min(len(safe), 60)], theme, o.Width, o.Language)
}
