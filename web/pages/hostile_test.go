package pages

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"rapport/records/access"
	"rapport/records/campaign"
	"rapport/records/timeline"
	"rapport/web"
)

const someID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

// hostileTexts are what a stranger may write into any field.
var hostileTexts = []string{
	`"><img src=x onerror=alert(1)>`, `'><script>alert(1)</script>`, `</title></textarea></style></script><svg onload=alert(1)>`,
	`javascript:alert(1)`, ` JaVaScRiPt:alert(1)//`, `data:text/html,<script>alert(1)</script>`, `{{.}}{{$.T "x"}}`, `<!--><iframe srcdoc=x>`,
	"\u202e\u2066<b>gpj.exe", "x\" autofocus onfocus=alert(1) y=\"", "`${alert(1)}`", "&lt;script&gt;alert(1)&lt;/script&gt;", "//evil.example/x", "\x00\x1b]0;x\x07<plaintext>",
	"<base href=//evil.example>", "<form action=//evil.example><button>", "http://evil.example/\" onclick=\"alert(1)",
}

// fill puts a text into every text of a value, and something into all else.
func fill(v reflect.Value, text string, depth int) {
	if depth > 8 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Uint32:
		v.SetUint(3)
	case reflect.Float64:
		v.SetFloat(3)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), text, depth+1)
		fill(v.Index(1), text, depth+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, text, depth+1)
		fill(value, text, depth+1)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if t, ok := v.Addr().Interface().(*time.Time); ok {
			*t = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), text, depth+1)
			}
		}
	}
}

func filled[T any](text string, change func(*T)) T {
	var out T
	fill(reflect.ValueOf(&out).Elem(), text, 0)
	if change != nil {
		change(&out)
	}
	return out
}

// hostileAPI answers everything with records whose every text is hostile.
func hostileAPI(text string) http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern string, v any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(v) })
	}
	kinds := []timeline.Kind{timeline.Message, timeline.Note, timeline.Call, timeline.Sale, timeline.Kind(text)}
	entries := filled(text, func(p *web.Page[web.Entry]) {
		one := p.Items[0]
		p.Items = nil
		for _, k := range kinds {
			for _, shown := range []access.Tier{access.Full, access.Subject, access.Tier(text)} {
				e := one
				e.Kind, e.Shown = k, shown
				if k != timeline.Message {
					e.Message = nil
				}
				p.Items = append(p.Items, e)
			}
		}
	})
	answer("GET /api/v1/contacts", filled[web.Page[web.Contact]](text, nil))
	answer("GET /api/v1/contacts/{id}", filled(text, func(c *web.Contact) { c.ID = someID }))
	answer("GET /api/v1/organisations", filled[web.Page[web.Organisation]](text, nil))
	answer("GET /api/v1/organisations/{id}", filled(text, func(o *web.Organisation) { o.ID = someID }))
	answer("GET /api/v1/members", filled[web.Page[web.Member]](text, nil))
	answer("GET /api/v1/relations/{who}", filled[web.Relation](text, nil))
	answer("GET /api/v1/sales", filled[web.Page[web.Sale]](text, nil))
	answer("GET /api/v1/sales/figures", filled[web.SaleFigures](text, nil))
	answer("GET /api/v1/sales/report", filled[web.SaleReport](text, nil))
	answer("GET /api/v1/sales/{id}", filled[web.Sale](text, nil))
	answer("GET /api/v1/surveys/{name}/results", filled[web.SurveyResults](text, nil))
	answer("GET /api/v1/follow-ups/figures", filled[web.CaseFigures](text, nil))
	answer("GET /api/v1/follow-ups", filled[web.Page[web.FollowUpItem]](text, nil))
	answer("GET /api/v1/timeline", entries)
	answer("GET /api/v1/search", entries)
	answer("GET /api/v1/suggestions", filled[web.Page[web.Suggestion]](text, nil))
	answer("GET /api/v1/reviews", filled[web.Page[web.Review]](text, nil))
	answer("GET /api/v1/audit", filled[web.Page[web.AuditLine]](text, nil))
	answer("GET /api/v1/status", filled[web.Status](text, nil))
	answer("GET /api/v1/views", filled[web.Page[web.SavedView]](text, nil))
	answer("GET /api/v1/config", filled[web.Configuration](text, nil))
	answer("GET /api/v1/messages/{id}", filled(text, func(m *web.Message) { m.ID, m.Shown = someID, access.Full }))
	answer("GET /api/v1/messages/{id}/html", web.MessageHTML{HTML: text, Parts: map[string]string{}})
	answer("GET /api/v1/why", filled[web.AddressAccount](text, nil))
	answer("GET /api/v1/campaigns", filled(text, func(p *web.Page[campaign.Summary]) { p.Items[0].Name = "spring" }))
	answer("GET /api/v1/campaigns/{name}/plan", filled[campaign.Plan](text, nil))
	answer("GET /api/v1/campaigns/{name}/preview", web.CampaignMail{Raw: "Subject: " + text + "\r\nFrom: " + text + "\r\n\r\n" + text + "\r\n"})
	answer("GET /api/v1/deliveries", filled[web.Page[web.Delivery]](text, nil))
	answer("GET /api/v1/suppressions", filled[web.Page[web.Suppression]](text, nil))
	answer("GET /api/v1/messages/{id}/explain", filled[web.Explanation](text, nil))
	mux.HandleFunc("GET /api/v1/messages/{id}/raw", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(filled(text, func(p *web.Problem) { p.Status = http.StatusConflict; p.Code = "ambiguous" }))
	})
	return mux
}

// TestS4_NoFieldBecomesMarkup: whatever stands in a field, pages have the
// elements and attributes of their templates and no others.
func TestS4_NoFieldBecomesMarkup(t *testing.T) {
	tries := 0
	paths := []string{
		"/contacts/" + someID, "/contacts/" + someID + "?edit=1", "/contacts/" + someID + "/merge?with=x", "/contacts/" + someID + "/erase",
		"/organisations/" + someID, "/organisations/" + someID + "?edit=1", "/organisations/" + someID + "/merge?with=x",
		"/messages/" + someID, "/messages/" + someID + "?view=html", "/messages/" + someID + "?why=1", "/messages/" + someID + "/source",
		"/search?q=tea", "/contacts", "/organisations", "/suggestions", "/reviews", "/mailboxes", "/settings", "/nowhere",
		"/campaigns", "/campaigns/spring", "/campaigns/spring/plan", "/campaigns/spring/preview", "/campaigns/spring/recipients", "/suppressions", "/contacts/" + someID + "/mailing",
	}
	for i, text := range hostileTexts {
		p := framed(t, Options{API: hostileAPI(text), Team: text})
		for _, path := range paths {
			at := path
			if strings.HasPrefix(path, "/search") {
				at += "+" + strings.NewReplacer("%", "%25", " ", "+", "\x00", "%00", "\x1b", "%1b", "\x07", "%07", "\"", "%22", "<", "%3C", ">", "%3E", "&", "%26", "#", "%23").Replace(text)
			}
			who := access.Principal{Kind: access.User, Name: text, Role: access.Administrator}
			w := ask(p, who, at, nil, nil)
			if ours := path != "/nowhere" && path != "/mailboxes"; ours && w.Code != http.StatusOK || w.Code == http.StatusInternalServerError {
				t.Errorf("%s with text %d: %d", path, i, w.Code)
			}
			for _, fault := range markupFaults(w) {
				t.Errorf("%s with %q: %s", path, text, fault)
			}
			tries++
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// markupFaults lists what a page holds that no template of ours does.
func markupFaults(w *httptest.ResponseRecorder) (faults []string) {
	z := html.NewTokenizer(w.Body)
	scripts := 0
	for z.Next() != html.ErrorToken {
		t := z.Token()
		if t.Type != html.StartTagToken && t.Type != html.SelfClosingTagToken {
			continue
		}
		switch t.Data {
		case "script":
			scripts++
		case "img", "base", "object", "embed", "plaintext", "meta-refresh", "style":
			faults = append(faults, "an element "+t.Data)
		}
		for _, a := range t.Attr {
			value := strings.ToLower(strings.TrimSpace(a.Val))
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "srcdoc", a.Key == "style", a.Key == "autofocus":
				faults = append(faults, "an attribute "+a.Key)
			case slices.Contains([]string{"href", "src", "action", "formaction"}, a.Key):
				outside := strings.HasPrefix(value, "//") || strings.Contains(value, ":") && !strings.HasPrefix(value, "/") &&
					!strings.HasPrefix(value, "mailto:") && !strings.HasPrefix(value, "tel:") && !strings.HasPrefix(value, "?")
				if outside && (t.Data != "a" || !strings.HasPrefix(value, "http://evil.example/") || !strings.Contains(attr(t, "rel"), "noreferrer")) {
					faults = append(faults, t.Data+" leads to "+a.Val)
				}
			}
		}
	}
	if scripts > 1 {
		faults = append(faults, "more scripts than our own")
	}
	return faults
}

func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
