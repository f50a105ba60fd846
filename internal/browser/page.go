package browser

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Canary is the function hostile input calls to show that it runs: it exists
// in every frame of a page and takes one string.
const Canary = "canary"

// Options say how a page is looked at. The zero value is a wide screen, light,
// in English.
type Options struct {
	Origin   string // scheme, host and port that may be asked; required
	Width    int    // CSS pixels; 0: 1280
	Height   int    // CSS pixels; 0: 800
	Dark     bool
	Language string // of Accept-Language; empty: en
	NoScript bool   // JavaScript switched off
}

// Visit is what was heard of a page since it was last asked.
type Visit struct {
	URL      string
	Status   int      // of the document; 0 where none was loaded
	Console  []string // warnings, errors and exceptions
	Foreign  []string // what it asked of others, also where the browser refused
	Left     []string // what reached others
	Dialogs  []string // alert, confirm, prompt
	Ran      []string // what called the canary
	Requests int      // of its own origin
	Bytes    int      // transferred for them, compressed, headers included
}

// Faults are the lines a page that behaves has none of.
func (v Visit) Faults() []string {
	var out []string
	for kind, lines := range map[string][]string{
		"console": v.Console, "asked of others": v.Foreign, "left": v.Left, "dialog": v.Dialogs, "ran": v.Ran,
	} {
		for _, line := range lines {
			out = append(out, fmt.Sprintf("%s: %s: %s", v.URL, kind, line))
		}
	}
	return out
}

// Page is one tab with cookies of its own. It is used by one goroutine.
type Page struct {
	t      T
	ctx    context.Context
	origin string
	gate   *gate
	still  bool // runs no script, so that nothing it is promised comes true

	mu    sync.Mutex
	visit Visit
	own   map[network.RequestID]bool // requests to the origin
}

// Open opens an empty tab that is closed with the test.
func (b *Browser) Open(t T, o Options) *Page {
	t.Helper()
	origin, err := url.Parse(o.Origin)
	if err != nil || origin.Host == "" {
		t.Fatalf("the origin %q has no host: %v", o.Origin, err)
	}
	g, proxy := newGate(t)
	p := &Page{t: t, origin: origin.Scheme + "://" + origin.Host, gate: g, still: o.NoScript, own: map[network.RequestID]bool{}}
	dialogs := make(chan struct{}, 1000)
	ctx, end := chromedp.NewContext(b.ctx,
		chromedp.WithNewBrowserContext(func(c *target.CreateBrowserContextParams) {
			c.ProxyServer = "http://" + proxy
			c.ProxyBypassList = "<-loopback>;" + origin.Host
		}),
		chromedp.WithListener(func(ev any) { p.hear(ev, dialogs) }))
	p.ctx = ctx
	closing, closed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		p.closeDialogs(dialogs, closing)
	}()
	t.Cleanup(func() { close(closing); <-closed; end() })
	p.must("open a page", chromedp.Do(ctx, o.apply))
	return p
}

// apply is the action that makes a tab look as the options say.
func (o Options) apply(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
	width, height := int64(o.Width), int64(o.Height)
	if width == 0 {
		width = 1280
	}
	if height == 0 {
		height = 800
	}
	scheme := "light"
	if o.Dark {
		scheme = "dark"
	}
	language := o.Language
	if language == "" {
		language = "en"
	}
	agent, err := chromedp.Evaluate[string]("navigator.userAgent")(ctx, t)
	if err != nil {
		return none, err
	}
	steps := []func() error{
		call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600,
		}),
		call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		}),
		call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language}),
		call(ctx, runtime.AddBinding, runtime.AddBindingParams{Name: Canary}),
		call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript}),
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return none, err
		}
	}
	return none, nil
}

// hear notes one event. It runs on the goroutine that reads from the browser
// and must not wait.
func (p *Page) hear(ev any, dialogs chan<- struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := &p.visit
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		p.asked(ev)
	case *network.EventResponseReceived:
		if ev.Type == network.ResourceTypeDocument && ev.Response.URL == v.URL {
			v.Status = int(ev.Response.Status)
		}
	case *network.EventLoadingFinished:
		if p.own[ev.RequestID] {
			v.Bytes += int(ev.EncodedDataLength)
		}
	case *page.EventJavascriptDialogOpening:
		v.Dialogs = append(v.Dialogs, ev.Message)
		select {
		case dialogs <- struct{}{}:
		default: // a thousand wait already; the page's next step fails
		}
	case *runtime.EventBindingCalled:
		v.Ran = append(v.Ran, ev.Payload)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning || ev.Type == runtime.ConsoleAPICalledTypeAssert {
			v.Console = append(v.Console, string(ev.Type)+" by the page's script")
		}
	case *runtime.EventExceptionThrown:
		text := ev.ExceptionDetails.Text
		if x := ev.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		v.Console = append(v.Console, text)
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning {
			v.Console = append(v.Console, ev.Entry.Text+" "+ev.Entry.URL)
		}
	}
}

// asked notes a request. What carries its content in its own address asks
// nobody.
func (p *Page) asked(ev *network.EventRequestWillBeSent) {
	switch address := ev.Request.URL; {
	case address == p.origin || strings.HasPrefix(address, p.origin+"/"):
		p.own[ev.RequestID] = true
		p.visit.Requests++
	case strings.HasPrefix(address, "data:"), strings.HasPrefix(address, "blob:"), strings.HasPrefix(address, "about:"):
	default:
		p.visit.Foreign = append(p.visit.Foreign, address)
	}
}

// closeDialogs answers every dialog, which would hold up the page.
func (p *Page) closeDialogs(dialogs <-chan struct{}, closing <-chan struct{}) {
	for {
		select {
		case <-closing:
			return
		case <-dialogs:
			_, _ = chromedp.Call(p.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true}) // it may have gone with its page
		}
	}
}

// Goto loads a page of the origin, waits until it has settled and returns what
// was heard.
func (p *Page) Goto(path string) Visit {
	p.t.Helper()
	p.Heard()
	p.mu.Lock()
	p.visit.URL = p.origin + path
	p.mu.Unlock()
	ctx, cancel := p.bounded()
	defer cancel()
	p.must("load "+path, chromedp.Do(ctx, chromedp.Navigate(p.origin+path)))
	p.Settle()
	return p.Heard()
}

// Settle waits until two frames have been painted and what was due has run.
func (p *Page) Settle() {
	p.t.Helper()
	still := p.still
	if !still {
		p.Eval(`self.origin === "null"`, &still) // as in a sandbox without scripts
	}
	if still {
		p.Do(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
			_, err = chromedp.CaptureScreenshot()(ctx, t)
			return none, err
		})
		return
	}
	var none bool
	p.Eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true), 0))))`, &none)
}

// Heard returns what was heard since it was last asked, and forgets it.
func (p *Page) Heard() Visit {
	left := p.gate.take()
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.visit
	v.Left = left
	p.visit = Visit{URL: v.URL}
	return v
}

// bounded is the page's context for one step.
func (p *Page) bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(p.ctx, Patience)
}

func (p *Page) must(what string, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}
