// Package browser drives a real Chromium for tests: pages are opened in it as a
// reader opens them, and what they do is written down: what they say on the
// console, whom they ask, what runs, how heavy and how quick they are.
//
// The browser asks nobody but the origin a page is opened for: everything else,
// other ports of this machine included, goes to a gate that counts and answers
// with nothing, and no name is ever looked up.
package browser

import (
	"context"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// Patience bounds every step of a page, so that a page that never ends fails
// its test and does not hold it up.
const Patience = 2 * time.Minute

// candidates are the names Chromium goes by.
var candidates = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "headless-shell"}

// T is what it needs of a test: *testing.T is one. What goes wrong ends the
// test there and then.
type T interface {
	Helper()
	Cleanup(func())
	TempDir() string
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Skip(args ...any)
}

// Browser is one running Chromium. Pages of it share nothing but the process.
type Browser struct {
	ctx context.Context
}

// Start starts a Chromium that ends with the test. Where none is installed the
// test is skipped, or fails with RAPPORT_REQUIRE_SERVERS=1.
func Start(t T) *Browser {
	t.Helper()
	program := find(t)
	profile, err := os.MkdirTemp("", "rapport-chromium")
	if err != nil {
		t.Fatalf("a directory for %s: %v", program, err)
	}
	// Frames without an origin of their own stay in the process of their page,
	// so that what happens in them is heard as well.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.NoSandbox, // which root cannot have; the pages are our own
		chromedp.DisableGPU,
		chromedp.UserDataDir(profile),
		chromedp.WSURLReadTimeout(Patience), // a busy machine takes longer than the usual 20 s
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,IsolateSandboxedIframes,IsolateOrigins,site-per-process,MediaRouter,OptimizationHints,AutofillServerCommunication,CertificateTransparencyComponentUpdater"),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-site-isolation-trials", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.Flag("force-webrtc-ip-handling-policy", "disable_non_proxied_udp"),
		chromedp.Flag("hide-scrollbars", true),
	)
	allocated, endProcess := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, endBrowser := chromedp.NewContext(allocated)
	t.Cleanup(func() { endBrowser(); endProcess(); remove(profile) })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return &Browser{ctx: ctx}
}

// remove removes a profile. Helpers of Chromium write into it for a moment after
// its own process has ended, so that a removal may find what was not there before.
func remove(profile string) {
	for end := time.Now().Add(Patience); os.RemoveAll(profile) != nil && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

func find(t T) string {
	t.Helper()
	for _, name := range candidates {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "Chromium is not installed (Debian: apt-get install chromium)"
	if os.Getenv("RAPPORT_REQUIRE_SERVERS") == "1" {
		t.Fatalf("%s", missing)
	}
	t.Skip(missing)
	return ""
}
