package pages_test

import (
	"html"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"rapport/internal/browser"
	"rapport/web/pages"
)

// perPage is how many vectors are shown in one page, each in a frame.
const perPage = 40

// bared shows texts to the browser without any protection, and returns what
// ran and what was asked.
func bared(t *testing.T, texts []string) (ran, left map[string]bool) {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		if r.URL.Path != "/" || err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<!doctype html>"))
		for i := n; i < min(n+perPage, len(texts)); i++ {
			w.Write([]byte(`<iframe srcdoc="` + html.EscapeString(texts[i]) + `"></iframe>`))
		}
	}))
	defer site.Close()
	p := browser.Start(t).Open(t, browser.Options{Origin: site.URL})
	ran, left = map[string]bool{}, map[string]bool{}
	for n := 0; n < len(texts); n += perPage {
		v := p.Goto("/?n=" + strconv.Itoa(n))
		for _, number := range v.Ran {
			ran[number] = true
		}
		for _, address := range append(v.Left, v.Dialogs...) {
			left[address] = true
		}
	}
	return ran, left
}

// some are so many vectors, others in every run.
func some(all []vector, n int) []vector {
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

// TestVectorsBite shows that enough vectors run or ask others where nothing
// stops them, so that those which do not on our pages were stopped by us.
func TestVectorsBite(t *testing.T) {
	t.Parallel()
	var texts []string
	for _, v := range some(vectors(t), vectorsBared) {
		texts = append(texts, v.text)
	}
	ran, left := bared(t, texts)
	t.Logf("of %d vectors %d run and %d addresses are asked in a page that protects itself by nothing", len(texts), len(ran), len(left))
	if len(ran) < len(texts)/10 || len(left) < len(texts)/20 {
		t.Errorf("only %d vectors run and %d addresses are asked: the vectors or the browser's ears have become blunt", len(ran), len(left))
	}
}

// TestS4_WhatIsLeftOfMailIsHarmless shows what the pages leave of the HTML of
// mail without the frame, the origin and the policies that guard it there: none
// of it runs, and none asks anybody.
func TestS4_WhatIsLeftOfMailIsHarmless(t *testing.T) {
	t.Parallel()
	var texts []string
	for _, v := range some(vectors(t), vectorsCleaned) {
		texts = append(texts, pages.CleanMail(v.text))
	}
	ran, left := bared(t, texts)
	for number := range ran {
		t.Errorf("vector %s runs when it has been cleaned", number)
	}
	for address := range left {
		t.Errorf("%s is asked by a vector that has been cleaned", address)
	}
	t.Attr("tries", strconv.Itoa(len(texts)))
}
