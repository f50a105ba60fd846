package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// axe is axe-core 4.14.1 as published on npm (MPL-2.0, testdata/axe-LICENSE).
//
//go:embed testdata/axe.min.js
var axe string

func call[P, R any](ctx context.Context, command cdp.Command[P, R], params P) func() error {
	return func() error {
		_, err := chromedp.Call(ctx, command, params)
		return err
	}
}

// Eval evaluates an expression in the page, also where the page may run no
// script of its own, and decodes its value, or what it promises, into out.
func (p *Page) Eval(expression string, out any) {
	p.t.Helper()
	ctx, cancel := p.bounded()
	defer cancel()
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](expression, func(e *runtime.EvaluateParams) {
		yes := true
		e.AwaitPromise = &yes
	}))
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	p.must("evaluate "+firstWords(expression), err)
}

func firstWords(s string) string {
	if len(s) > 120 {
		return s[:120] + "…"
	}
	return s
}

// Do runs actions of chromedp in the page, within Patience.
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := p.bounded()
	defer cancel()
	p.must("act on the page", chromedp.Do(ctx, actions...))
}

// Click clicks what a CSS selector finds with the mouse, and waits for the page
// that follows.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Follow(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Follow runs an action that leads to another page and waits for that page.
func (p *Page) Follow(action chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := p.bounded()
	defer cancel()
	_, err := chromedp.RunResponse(ctx, action)
	p.must("follow to the next page", err)
	p.Settle()
}

// Keys presses keys as a person does, one by one; the names are those of
// package kb. A key that the page takes for itself writes no letter.
func (p *Page) Keys(keys string) {
	p.t.Helper()
	p.Do(Press(keys))
}

// Press is the action of Keys.
func Press(keys string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		for _, r := range keys {
			events := kb.Encode(r)
			down, up := *events[0], *events[len(events)-1]
			if len(events) == 3 { // down, letter, up: the letter belongs to the down
				letter := events[1]
				down.Type, down.Text, down.UnmodifiedText = kb.KeyDown, letter.Text, letter.UnmodifiedText
			}
			for _, e := range []input.DispatchKeyEventParams{down, up} {
				if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, e); err != nil {
					return none, err
				}
			}
		}
		return none, nil
	}
}

// Until waits until an expression is true in the page.
func (p *Page) Until(what, expression string) {
	p.t.Helper()
	ctx, cancel := p.bounded()
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingInterval(10*time.Millisecond), chromedp.WithPollingTimeout(Patience)))
	p.must("wait until "+what, err)
}

// Path is where the page is: path and query.
func (p *Page) Path() string {
	p.t.Helper()
	var path string
	p.Eval("location.pathname + location.search", &path)
	return path
}

// Text is the text of the page as shown.
func (p *Page) Text() string {
	p.t.Helper()
	var text string
	p.Eval("document.body.innerText", &text)
	return text
}

// Painted is when the page's first content was painted, from the start of the
// navigation. A page without any content fails the test.
func (p *Page) Painted() time.Duration {
	p.t.Helper()
	var ms float64
	p.Eval(`new Promise(done => new PerformanceObserver(list => {
		for (const e of list.getEntries()) if (e.name === "first-contentful-paint") done(e.startTime);
	}).observe({type: "paint", buffered: true}))`, &ms)
	return time.Duration(ms * float64(time.Millisecond))
}

// Overflow names what makes the page wider than the screen; empty where nothing
// does.
func (p *Page) Overflow() []string {
	p.t.Helper()
	var out []string
	p.Eval(`(() => {
		const wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= wide) return [];
		const out = [];
		for (const e of document.querySelectorAll("body *")) {
			const r = e.getBoundingClientRect();
			if (r.right > wide + 1 && out.length < 5)
				out.push(e.tagName.toLowerCase() + (e.className ? "." + e.className : "") + " reaches to " + Math.round(r.right) + " of " + wide + ": " + (e.textContent || "").trim().slice(0, 60));
		}
		return out.length ? out : ["the page is " + document.documentElement.scrollWidth + " wide"];
	})()`, &out)
	return out
}

// Covered names the elements a CSS selector finds on the screen that something
// else lies over.
func (p *Page) Covered(selector string) []string {
	p.t.Helper()
	var out []string
	p.Eval(`[...document.querySelectorAll(`+strconv.Quote(selector)+`)].flatMap(e => {
		const r = e.getBoundingClientRect(), x = r.x + r.width / 2, y = r.y + r.height / 2;
		if (!e.checkVisibility() || !r.width || !r.height || x < 0 || y < 0 || x > innerWidth || y > innerHeight) return [];
		const top = document.elementFromPoint(x, y);
		return top && (e.contains(top) || top.contains(e)) ? [] : [e.outerHTML.slice(0, 80) + " lies under " + (top ? top.outerHTML.slice(0, 80) : "nothing")];
	})`, &out)
	return out
}

// Axe runs axe-core's rules for WCAG 2.2 AA and good practice, or those named
// only, and names each violation with the elements concerned.
func (p *Page) Axe(rules ...string) []string {
	p.t.Helper()
	var none bool
	p.Eval(axe+"\n;true", &none)
	var found []struct {
		ID, Help string
		Nodes    []struct {
			HTML    string
			Summary string
		}
	}
	only := `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	if len(rules) > 0 {
		only = `["` + strings.Join(rules, `", "`) + `"]`
	}
	p.Eval(`axe.run(document, {resultTypes: ["violations"], runOnly: `+only+`}).then(r => r.violations.map(v => ({
		ID: v.id, Help: v.help, Nodes: v.nodes.slice(0, 3).map(n => ({HTML: n.html.slice(0, 160), Summary: n.failureSummary}))
	})))`, &found)
	var out []string
	for _, v := range found {
		for _, n := range v.Nodes {
			out = append(out, fmt.Sprintf("%s (%s): %s: %s", v.ID, v.Help, n.HTML, strings.Join(strings.Fields(n.Summary), " ")))
		}
	}
	return out
}

// Screenshot writes the whole page as a PNG; of a page that is too long for a
// picture, its beginning.
func (p *Page) Screenshot(file string) {
	p.t.Helper()
	ctx, cancel := p.bounded()
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		png, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
	}
	if err == nil {
		err = os.WriteFile(file, png, 0o600)
	}
	p.must("write "+file, err)
}
