package browser

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestHears opens pages that do what no page of ours may do, and hears of all
// of it: a walk that finds nothing has looked.
func TestHears(t *testing.T) {
	t.Parallel()
	b := Start(t)
	mux := http.NewServeMux()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for path, body := range map[string]string{
		"/quiet":   `<!doctype html><html lang="en"><title>Quiet</title><main><h1>Nothing</h1></main>`,
		"/script":  `<script>canary("ran")</script>`,
		"/dialog":  `<script>alert("look")</script>`,
		"/frame":   `<iframe sandbox="allow-scripts" srcdoc="<script>canary('in the frame')</script>"></iframe>`,
		"/error":   `<script>throw new Error("broken")</script>`,
		"/missing": `<img src="/nowhere.png" alt="">`,
		"/remote":  `<img src="http://leak.example/1.gif">`,
		"/tunnel":  `<img src="https://leak.example/2.gif">`,
		"/port":    `<img src="` + other.URL + `/3.gif">`,
		"/csp":     `<img src="http://leak.example/4.gif">`,
		"/wide":    `<!doctype html><meta name=viewport content="width=device-width"><div style="width:3000px">wide</div>`,
		"/unnamed": `<!doctype html><html lang="en"><title>A form</title><main><h1>A form</h1><input></main>`,
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if path == "/csp" {
				w.Header().Set("Content-Security-Policy", "default-src 'none'")
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write([]byte(body))
		})
	}
	mux.HandleFunc("GET /favicon.ico", func(http.ResponseWriter, *http.Request) {})
	site := httptest.NewServer(mux)
	defer site.Close()
	p := b.Open(t, Options{Origin: site.URL})
	if v := p.Goto("/quiet"); len(v.Faults()) > 0 || v.Status != 200 || v.Bytes == 0 || v.Requests == 0 || p.Painted() == 0 {
		t.Errorf("/quiet: %+v, painted after %v; want a page with nothing to say", v, p.Painted())
	}
	if got := append(p.Axe(), p.Overflow()...); len(got) > 0 {
		t.Errorf("/quiet: %q", got)
	}
	for path, heard := range map[string]func(Visit) []string{
		"/script":  func(v Visit) []string { return v.Ran },
		"/dialog":  func(v Visit) []string { return v.Dialogs },
		"/frame":   func(v Visit) []string { return v.Ran },
		"/error":   func(v Visit) []string { return v.Console },
		"/missing": func(v Visit) []string { return v.Console },
		"/remote":  func(v Visit) []string { return v.Left },
		"/tunnel":  func(v Visit) []string { return v.Left },
		"/port":    func(v Visit) []string { return v.Left },
		"/csp":     func(v Visit) []string { return v.Console },
		"/wide":    func(Visit) []string { return p.Overflow() },
		"/unnamed": func(Visit) []string { return p.Axe() },
	} {
		v := p.Goto(path)
		if got := heard(v); len(got) != 1 {
			t.Errorf("%s: heard %q; want one line (%+v)", path, got, v)
		}
		if path == "/csp" && len(v.Left) > 0 {
			t.Errorf("%s: %q left in spite of the policy", path, v.Left)
		}
	}
	still := b.Open(t, Options{Origin: site.URL, NoScript: true})
	if v := still.Goto("/script"); len(v.Ran) > 0 {
		t.Errorf("without JavaScript %q ran", v.Ran)
	}
	still.Goto("/quiet")
	if text := still.Text(); text != "Nothing" {
		t.Errorf("without JavaScript the text is %q", text)
	}
}
