package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"rapport/internal/rescue"
)

// said collects what the demo prints, while it prints.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// running starts a demo and returns the address it prints.
func running(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, dir, ended := &said{}, t.TempDir(), make(chan error, 1) // the directory goes after the demo
	go func() {
		ended <- rescue.Do(func() error { return Run(ctx, Options{Out: out, Dir: dir}) })
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the demo ends with %v", err)
		}
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for patience := time.After(5 * time.Minute); ; {
		select {
		case err := <-ended:
			ended <- nil
			t.Fatalf("the demo ended: %v\n%s", err, out)
		case <-patience:
			t.Fatalf("the demo prints no address:\n%s", out)
		case <-tick.C:
			if at := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(out.String()); at != "" {
				return at
			}
		}
	}
}

// reader is a browser without scripts: it follows links and sends forms.
type reader struct {
	t    *testing.T
	base string
	http http.Client
	at   *url.URL
	body string
}

func newReader(t *testing.T) *reader {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{t: t, base: running(t), http: http.Client{Jar: jar, Timeout: 2 * time.Minute}}
}

// open goes to a page, which must say all of wants.
func (r *reader) open(path string, wants ...string) {
	r.t.Helper()
	resp, err := r.http.Get(r.base + path)
	r.take(resp, err, wants)
}

func (r *reader) take(resp *http.Response, err error, wants []string) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	r.at, r.body = resp.Request.URL, string(raw)
	for _, want := range wants {
		if !strings.Contains(html.UnescapeString(r.body), want) {
			r.t.Fatalf("%s (%s) lacks %q:\n%s", r.at, resp.Status, want, r.body)
		}
	}
}

// link returns where the first link leads whose text holds words.
func (r *reader) link(words string) string {
	r.t.Helper()
	for n := range r.nodes("a") {
		if strings.Contains(wording(n), words) {
			return attribute(n, "href")
		}
	}
	r.t.Fatalf("%s has no link %q:\n%s", r.at, words, r.body)
	return ""
}

// send fills in the form whose action ends so, and sends it.
func (r *reader) send(action string, fields map[string]string, wants ...string) {
	r.t.Helper()
	seen := "no such form"
	for form := range r.nodes("form") {
		if !strings.HasSuffix(attribute(form, "action"), action) || attribute(form, "method") != "post" {
			continue
		}
		values := fieldsOf(form)
		lacks := ""
		for name, value := range fields {
			if _, ok := values[name]; !ok {
				lacks = name
			}
			values.Set(name, value)
		}
		if lacks != "" {
			seen = "a form without the field " + lacks + ":"
			continue
		}
		resp, err := r.http.PostForm(r.base+attribute(form, "action"), values)
		r.take(resp, err, wants)
		return
	}
	r.t.Fatalf("%s has %s %q:\n%s", r.at, seen, action, r.body)
}

// nodes are the elements of a name on the page.
func (r *reader) nodes(name string) map[*html.Node]bool {
	r.t.Helper()
	root, err := html.Parse(strings.NewReader(r.body))
	if err != nil {
		r.t.Fatal(err)
	}
	out := map[*html.Node]bool{}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			out[n] = true
		}
	}
	return out
}

// fieldsOf are the fields of a form with what stands in them.
func fieldsOf(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		switch n.Data {
		case "input":
			kind := attribute(n, "type")
			if kind == "radio" || kind == "checkbox" {
				if !values.Has(name) {
					values.Set(name, "")
				}
				if !has(n, "checked") {
					continue
				}
			}
			values.Set(name, attribute(n, "value"))
		case "textarea":
			values.Set(name, strings.TrimPrefix(wording(n), "\n"))
		case "select":
			values.Set(name, "")
			for o := range n.Descendants() {
				if o.Data == "option" && has(o, "selected") {
					values.Set(name, attribute(o, "value"))
				}
			}
		}
	}
	return values
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func wording(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// TestPagesWithoutScripts does what the pages of records and messages are for
// with links and forms alone.
func TestPagesWithoutScripts(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	r.open("/search?q=Darjeeling", "<mark>Darjeeling</mark>", "Nobody is set up to sign in")
	r.open("/contacts/jonas.weber@lindenhof.example", "Jonas Weber", "Nachbestellung", "Café Lindenhof")
	record := r.at.Path

	r.send("/notes", map[string]string{"kind": "call", "text": "Rang about <b>the</b> garden", "at": "2026-03-01T10:00"}, "The call stands in the history.")
	r.send("/notes", map[string]string{"kind": "meeting", "text": "Met at the fair"}, "The meeting stands in the history.", "Met at the fair")
	r.open(record+"?kind=call", "Rang about <b>the</b> garden")
	r.send("/notes", map[string]string{"text": " "}, "there was no text")
	r.open(record+"?after=2027-01-01", "Nothing of this kind")

	r.open(record, "How things stand", "Last from them", "We answer within")
	r.send("/follow-ups", map[string]string{"due": "2027-02-03", "note": "ask about <i>roses</i>", "owner": "ada@kestrel.example"}, "Written down.", "3 February 2027", "ask about <i>roses</i>", "Ada Byron")
	for form := range r.nodes("form") {
		if at := attribute(form, "action"); strings.HasPrefix(at, "/follow-ups/") {
			r.send(at, nil, "Done.")
		}
	}

	r.open(record+"?edit=1", `name="version"`)
	late := r.body
	r.send(record, map[string]string{"name": "Jonas M. Weber", "tags": "vip, garden", "phones": "+49 30 1234", "custom": "Hobby: roses", "note": "Likes\nlong talks"},
		"Saved.", "Jonas M. Weber", "tel:+49301234", "Hobby", "roses", "garden")
	r.body = late // a second window that had the form open before
	r.send(record, map[string]string{"name": "Jonas the second"}, "Somebody else has changed this record meanwhile", "It now says:", "Jonas M. Weber", "Jonas the second")
	r.send(record, nil, "Saved.", "Jonas the second")
	r.open(record+"?edit=1", "Jonas the second")
	r.send(record, map[string]string{"tags": "garden", "phones": "", "addresses": "new@lindenhof.example\r\njonas.weber@lindenhof.example", "places": ""}, "Saved.", "new@lindenhof.example")
	r.send(record+"/notes", map[string]string{"text": "a note"}, "The note stands")

	r.open(record, "Jonas the second")
	r.open(r.link("Nachbestellung"), "First Flush", "Filed under", "Text")
	message := r.at.Path
	r.open(message+"?why=1", "decided", "address")
	r.open(message+"/source", "Subject:")
	r.open(message+"/original", "Subject:")
	r.open(message+"?view=html", "Nachbestellung")
	r.open(message, "Decide")
	r.send("/file", map[string]string{"who": "nobody at all"}, "Nobody is known as nobody at all")
	r.send("/file", map[string]string{"who": "Grace Okafor"}, "Filed under Grace Okafor.", "Grace Okafor")
	if strings.Contains(r.body, "Not under Jonas") {
		t.Error("what was filed elsewhere by hand is filed where a rule had put it, too")
	}
	r.send("/undo", nil, "Taken back.")
	r.send("/withdraw", nil, "Withdrawn from every history.")
	r.send("/undo", nil, "Taken back.")
	r.open("/nowhere", "Not found")

	r.open("/contacts/grace@harbourbooks.example", "Grace Okafor")
	grace := r.at.Path
	r.open(grace+"/merge?with="+url.QueryEscape("Jonas the second"), "What becomes one", "jonas.weber@lindenhof.example")
	r.send("/merge", nil, "Jonas the second is now part of this record.", "jonas.weber@lindenhof.example")
	r.send("/undo", nil, "Taken back.")
	r.open(record, "Jonas the second")
	r.open(record + "/export")
	r.open(record+"/erase", "This cannot be undone")
	r.send("/erase", map[string]string{"sure": ""}, "Nothing was erased")
	r.send("/erase", map[string]string{"sure": "yes"}, "Erased, with")
	r.open(record, "Not found")
}

// TestPagesInTheReadersLanguage has a page in German and in Bengali.
func TestPagesInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	r.open("/keys", "Keyboard")
	r.send("/preferences", map[string]string{"language": "de", "theme": "dark"}, "Tastatur", `lang="de"`, `data-theme="dark"`)
	r.send("/preferences", map[string]string{"language": "bn", "theme": ""}, "কীবোর্ড", `lang="bn"`)
	r.open("/contacts/grace@harbourbooks.example", "ইতিহাস", "দিন আগে")
}
