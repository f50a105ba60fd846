package web

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"rapport/records/access"
)

// contract is the document as a test reads it.
type contract struct {
	doc     map[string]any
	schemas *jsonschema.Compiler
	ready   map[string]*jsonschema.Schema
	names   []string // of what is stored
}

const docURL = "https://rapport.example/openapi.json"

func readContract(t *testing.T, raw []byte, names []string) *contract {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	// Fields may be added to answers; today's are those of the document.
	schemas := parsed.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	for _, s := range schemas {
		if s := s.(map[string]any); s["properties"] != nil && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
	}
	c := &contract{schemas: jsonschema.NewCompiler(), ready: map[string]*jsonschema.Schema{}, names: names}
	c.schemas.DefaultDraft(jsonschema.Draft2020)
	c.schemas.AssertFormat()
	if err := c.schemas.AddResource(docURL, parsed); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &c.doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// at walks down the document.
func (c *contract) at(path ...string) map[string]any {
	m := c.doc
	for _, step := range path {
		m, _ = m[step].(map[string]any)
	}
	return m
}

// fits validates a value against the schema at a place of the document.
func (c *contract) fits(value []byte, path ...string) error {
	for i, step := range path {
		path[i] = strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
	}
	place := docURL + "#/" + url.PathEscape(strings.Join(path, "\x00"))
	place = strings.ReplaceAll(place, "%00", "/")
	schema := c.ready[place]
	if schema == nil {
		var err error
		if schema, err = c.schemas.Compile(place); err != nil {
			return fmt.Errorf("the document's schema: %w", err)
		}
		c.ready[place] = schema
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		return err
	}
	return schema.Validate(parsed)
}

// wild are texts that are nobody's and mean trouble.
var wild = []string{
	"", " ", "x", "0", "-1", "1e400", "99999999999999999999", "null", "true", "\x00", "\xff\xfe", "a\r\nB: c", "../../etc/passwd", "%", "%zz", "*", "'\";--",
	"ধন্যবাদ", "مرحبا", "👩‍👩‍👧‍👦", "\u202eevil", "e\u0301", "@", "@@", "a@", "<a@b>", "a@b@c", "from:", "in:(", "-", "\"", "((((", "ada/INBOX/4294967296", "ada/INBOX/0",
	"2026-13-45T99:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "01ARZ3NDEKTSV4RRFFQ69G5FAV", strings.Repeat("é", 3000), strings.Repeat("(", 500),
}

// word is a name of something, a wild text, or any text at all.
func (c *contract) word(t *rapid.T, label string) string {
	switch rapid.IntRange(0, 3).Draw(t, label+" is") {
	case 0, 1:
		return rapid.SampledFrom(c.names).Draw(t, label)
	case 2:
		return rapid.SampledFrom(wild).Draw(t, label)
	}
	return rapid.StringN(0, 40, 200).Draw(t, label)
}

// value makes a value for a schema: one that fits, or now and then anything.
func (c *contract) value(t *rapid.T, schema map[string]any, depth int) any {
	if rapid.IntRange(0, 11).Draw(t, "wild") == 0 {
		return c.anything(t, depth)
	}
	if ref, ok := schema["$ref"].(string); ok {
		return c.value(t, c.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...), depth)
	}
	if words, ok := schema["enum"].([]any); ok {
		return rapid.SampledFrom(words).Draw(t, "word")
	}
	kind := schema["type"]
	if several, ok := kind.([]any); ok {
		kind = several[0]
	}
	switch kind {
	case "boolean":
		return rapid.Bool().Draw(t, "bool")
	case "integer":
		return rapid.SampledFrom([]any{0, 1, 2, 100, 1000, -1, 1001, math.MaxInt64, math.MinInt64}).Draw(t, "integer")
	case "number":
		return rapid.SampledFrom([]any{0.5, -1e300, 1e300}).Draw(t, "number")
	case "array":
		items, _ := schema["items"].(map[string]any)
		out := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			out = append(out, c.value(t, items, depth+1))
		}
		return out
	case "object":
		return c.object(t, schema, depth)
	}
	if schema["format"] == "date-time" {
		return rapid.SampledFrom([]string{"2026-03-02T12:00:00Z", "2026-03-02T12:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}).Draw(t, "time")
	}
	return c.word(t, "text")
}

func (c *contract) object(t *rapid.T, schema map[string]any, depth int) any {
	out := map[string]any{}
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) || rapid.Bool().Draw(t, "has "+name) {
			out[name] = c.value(t, properties[name].(map[string]any), depth+1)
		}
	}
	if more, ok := schema["additionalProperties"].(map[string]any); ok && depth < 6 {
		fields := []string{"name", "kind", "stage", "role", "owner", "language", "timezone", "note", "email", "custom.x", "tags", "emails", "phones", "organisations", "domains", "shared-domains", "", "no such field"}
		for range rapid.IntRange(0, 2).Draw(t, "more") {
			out[rapid.SampledFrom(fields).Draw(t, "field")] = c.value(t, more, depth+1)
		}
	}
	return out
}

func (c *contract) anything(t *rapid.T, depth int) any {
	switch rapid.IntRange(0, 6).Draw(t, "anything") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "any bool")
	case 2:
		return rapid.SampledFrom([]any{-1, 0, 1e300, math.MaxInt64}).Draw(t, "any number")
	case 3:
		return []any{map[string]any{"x": []any{}}}
	case 4:
		deep := any("deep")
		for range rapid.SampledFrom([]int{3, 2000}).Draw(t, "deep") {
			deep = []any{deep}
		}
		return deep
	}
	return c.word(t, "any text")
}

// asked is a request as it is made, for the report of a failure.
type asked struct {
	who                  access.Principal
	method, target, body string
	header               http.Header
}

func (a asked) String() string {
	return fmt.Sprintf("%s %.400s by %s %s\n%v\n%.1000s", a.method, a.target, a.who.Kind, a.who.Role, a.header, a.body)
}

// request makes a request to an operation.
func (c *contract) request(t *rapid.T, method, path string, op map[string]any) asked {
	a := asked{method: strings.ToUpper(method), target: path, header: http.Header{}}
	a.who = rapid.SampledFrom([]access.Principal{
		{Kind: access.Local}, {Kind: access.Local}, {Kind: access.Local}, {Kind: access.Open},
		{Kind: access.User, ID: "u", Name: "Ada", Role: access.Administrator, Address: "ada@example.com"},
		{Kind: access.User, ID: "v", Name: "Ben", Role: access.Own, Address: "ben@example.com"},
		{Kind: access.User, ID: "r", Name: "Rita", Role: access.Reader, Sees: access.Metadata},
		{Kind: access.Token, ID: "t", Name: "T", Role: access.Member, Scopes: []access.Need{access.Read}}, {},
	}).Draw(t, "who")
	query := url.Values{}
	parameters, _ := op["parameters"].([]any)
	for _, p := range parameters {
		parameter := p.(map[string]any)
		name, schema := parameter["name"].(string), parameter["schema"].(map[string]any)
		if parameter["in"] == "path" {
			a.target = strings.Replace(a.target, "{"+name+"}", url.PathEscape(c.word(t, name)), 1)
			continue
		}
		for range rapid.SampledFrom([]int{0, 0, 1, 1, 1, 2}).Draw(t, name+" given") {
			text := fmt.Sprint(c.value(t, schema, 6))
			if parameter["in"] == "query" {
				query.Add(name, text)
			} else {
				a.header.Add(name, text)
			}
		}
	}
	if len(query) > 0 {
		a.target += "?" + query.Encode()
	}
	if rapid.IntRange(0, 20).Draw(t, "broken query") == 0 {
		a.target += rapid.SampledFrom([]string{"?%zz=1", "?a;b=%", "?limit=1&limit=x", "?=&&&=", "?cursor=%ff"}).Draw(t, "query")
	}
	if body, ok := op["requestBody"].(map[string]any); ok {
		c.body(t, &a, body["content"].(map[string]any))
	}
	return a
}

func (c *contract) body(t *rapid.T, a *asked, content map[string]any) {
	for _, media := range slices.Sorted(maps.Keys(content)) {
		a.header.Set("Content-Type", rapid.SampledFrom([]string{media, media, media, media, media + "; charset=utf-8", "text/plain", "", "application/;x", "a+b;c"}).Draw(t, "content type"))
		if media != "application/json" {
			a.body = rapid.SampledFrom([]string{"name,email\nX,x@y.example\n", "", "BEGIN:VCARD\nEND", "{", "\xff\xfe\x00", "name\n" + strings.Repeat("x,", 1000)}).Draw(t, "file")
			return
		}
		switch rapid.IntRange(0, 15).Draw(t, "body") {
		case 0:
			a.body = rapid.SampledFrom([]string{"", "{", "null", "[]", "{}{}", "\xff", `{"a":1,"a":2}`, `"text"`, "1e999", "{\"name\":\"\\ud800\"}", strings.Repeat("[", 20000)}).Draw(t, "no JSON")
		default:
			raw, err := json.Marshal(c.value(t, content[media].(map[string]any)["schema"].(map[string]any), 0))
			if err != nil {
				t.Fatal(err)
			}
			a.body = string(raw)
		}
	}
}

// judge returns what is wrong with an answer; nothing where it is as the
// document says.
func (c *contract) judge(path, method string, got *httptest.ResponseRecorder) error {
	if got.Code >= 500 {
		return fmt.Errorf("status %d: %.500s", got.Code, got.Body)
	}
	status := strconv.Itoa(got.Code)
	described := c.at("paths", path, method, "responses", status)
	if described == nil {
		return fmt.Errorf("status %d is not in the document: %.500s", got.Code, got.Body)
	}
	content, _ := described["content"].(map[string]any)
	if content == nil {
		if got.Body.Len() > 0 {
			return fmt.Errorf("status %d has a body", got.Code)
		}
		return nil
	}
	media, _, _ := strings.Cut(got.Header().Get("Content-Type"), ";")
	if content[media] == nil && content["*/*"] == nil {
		return fmt.Errorf("status %d has the type %q, which is not in the document", got.Code, media)
	}
	place := []string{"paths", path, method, "responses", status, "content", media, "schema"}
	switch media {
	case "application/json", "application/problem+json":
		if path == "/api/v1/openapi.json" {
			return nil
		}
		if err := c.fits(got.Body.Bytes(), place...); err != nil {
			return fmt.Errorf("status %d: %w\n%.2000s", got.Code, err, got.Body)
		}
	case "application/jsonl":
		for line := range bytes.Lines(got.Body.Bytes()) {
			if err := c.fits(line, slices.Clone(place)...); err != nil {
				return fmt.Errorf("a line: %w\n%.2000s", err, line)
			}
		}
	}
	return nil
}

// TestEveryOperationKeepsTheDocument asks every operation of the document for
// what fits it and for what does not: no answer is a fault of the server, and
// every one is as the document says.
func TestEveryOperationKeepsTheDocument(t *testing.T) {
	t.Parallel()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		each := "30" // of each operation; -rapid.checks asks for more
		if raced {
			each = "5"
		}
		if err := checks.Value.Set(each); err != nil {
			t.Fatal(err)
		}
	}
	f := newFiled(t)
	first := f.ask(access.Principal{Kind: access.Local}, "GET", "/openapi.json", "")
	if first.Code != 200 {
		t.Fatalf("the document: %d", first.Code)
	}
	c := readContract(t, first.Body.Bytes(), f.names)
	tried, fine := 0, 0
	for _, path := range slices.Sorted(maps.Keys(c.at("paths"))) {
		for _, method := range methods {
			op := c.at("paths", path, method)
			if op == nil {
				continue
			}
			patience := time.Minute
			if c.at("paths", path, method, "responses", "200", "content")["text/event-stream"] != nil {
				patience = 20 * time.Millisecond // it has no end but its client's
			}
			t.Run(strings.ToUpper(method)+" "+path, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					a := c.request(t, method, path, op)
					tried++
					r := httptest.NewRequest(a.method, "/", strings.NewReader(a.body))
					target, err := url.ParseRequestURI(a.target)
					if err != nil {
						return // no client can ask this
					}
					r.URL, r.RequestURI, r.Header = target, a.target, a.header
					got := httptest.NewRecorder()
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					f.handler.ServeHTTP(got, r.WithContext(WithPrincipal(ctx, a.who)))
					if got.Code == http.StatusServiceUnavailable && patience < time.Minute {
						return // no daemon runs here that would tell anything
					}
					if got.Code/100 == 2 {
						fine++
					}
					if err := c.judge(path, method, got); err != nil {
						t.Fatalf("%s\n%v", a, err)
					}
				})
			})
		}
	}
	t.Logf("%d requests, %d of them answered", tried, fine)
	t.Attr("tries", strconv.Itoa(tried))
	if fine < tried/20 {
		t.Errorf("only %d of %d requests were answered: the test asks nonsense", fine, tried)
	}
}
