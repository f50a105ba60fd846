package web

import (
	"context"
	_ "embed" // for the comments
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
)

// aboutTheAPI is what the document says of the API as a whole.
//
//go:embed openapi.md
var aboutTheAPI string

// commentsFile holds what the source says of the fields the API shows: of
// package.Type.Field, and of package.Type. A test keeps it as the source is.
//
//go:embed comments.json
var commentsFile []byte

// apiVersion is the version of the API, not the program's. Fields and
// operations are added under the same number.
const apiVersion = "1.0.0"

func (s *Server) describeDocument(api huma.API) {
	const tag = "document"
	describeDownload(s, api, operation{id: "get-document", pattern: "GET /openapi.json", tag: tag, need: access.Anyone,
		summary: "Read this document"}, "application/json",
		func(_ context.Context, _ *struct{}, w http.ResponseWriter, r *http.Request) error {
			doc, err := s.openAPI()
			if err != nil {
				return err
			}
			return answer(w, r, json.RawMessage(doc))
		})
	describeDownload(s, api, operation{id: "read-document", pattern: "GET /docs", tag: tag, need: access.Anyone,
		summary: "Read this document as a page"}, "text/html",
		func(_ context.Context, _ *struct{}, w http.ResponseWriter, r *http.Request) error {
			doc, err := s.openAPI()
			if err != nil {
				return err
			}
			return docsPage(w, r, doc)
		})
}

// document is what the API says of itself beside its operations.
func (s *Server) document() huma.Config {
	c := huma.DefaultConfig("Rapport", apiVersion)
	c.CreateHooks, c.OpenAPIPath, c.DocsPath, c.SchemasPath = nil, "", "", ""
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Info.Description = aboutTheAPI
	c.Servers = []*huma.Server{{URL: "/", Description: "The host that serves this document"}}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token, made on the settings page or by `rapport token create`."},
		"session": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "The session of somebody who signed in to the pages."},
	}
	c.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	return c
}

// sessionCookie is what browsers send of who signed in.
const sessionCookie = "__Host-rapport-session"

// tags say what the groups of operations are about.
var tags = map[string]string{
	"contacts":      "People outside the team.",
	"organisations": "Companies and institutions outside the team.",
	"members":       "Our own people.",
	"messages":      "Histories, and the mail on them.",
	"decisions":     "What people decide about mail, why it is filed where it is, and taking that back.",
	"events":        "What happens, as it happens: a stream for those who watch.",
	"webhooks":      "Other programs that are told what happens.",
	"campaigns":     "Newsletters: planned, launched and followed.",
	"outbox":        "Single mails of campaigns, and who may be written to.",
	"suggestions":   "Correspondents nobody knows yet.",
	"daemon":        "What the running program does.",
	"upkeep":        "Backups, erasure and retention.",
	"store":         "The file everything is kept in.",
	"relations":     "How things stand with everybody, and what is to be done today.",
	"follow-ups":    "What is to be done by when, and calendars of it.",
	"sales":         "Orders and invoices: what was sold to whom, and bought from whom.",
	"surveys":       "What people answered when they were asked how it went.",
	"views":         "Lists with their filters, kept under names.",
	"access":        "Who signs in, and the tokens of programs.",
	"grants":        "Access tokens, by which mailboxes are read that take no password.",
	"document":      "This document.",
}

// openAPI returns the document as JSON, made once.
func (s *Server) openAPI() ([]byte, error) {
	s.doc.Do(func() { s.docJSON, s.docErr = s.makeDocument() })
	return s.docJSON, s.docErr
}

// describedAll describes every operation, once.
func (s *Server) describedAll() *huma.OpenAPI {
	s.describing.Lock()
	defer s.describing.Unlock()
	for _, describe := range s.described {
		describe()
	}
	s.described = nil
	return s.api.OpenAPI()
}

func (s *Server) makeDocument() ([]byte, error) {
	described := s.describedAll()
	for _, op := range s.operations {
		if !slices.ContainsFunc(described.Tags, func(t *huma.Tag) bool { return t.Name == op.tag }) {
			described.Tags = append(described.Tags, &huma.Tag{Name: op.tag, Description: tags[op.tag]})
		}
	}
	raw, err := json.Marshal(described)
	if err != nil {
		return nil, fmt.Errorf("write the API's document: %w", err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody any `json:"requestBody"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	var comments map[string]string
	if err := json.Unmarshal(commentsFile, &comments); err != nil {
		return nil, fmt.Errorf("read the comments: %w", err)
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read the API's document: %w", err)
	}
	for name, schema := range doc.Components.Schemas {
		if t := described.Components.Schemas.TypeFromRef("#/components/schemas/" + name); t != nil && t.Kind() == reflect.Struct {
			explain(schema, t, comments)
		}
	}
	taken := map[string]bool{}
	for _, methods := range doc.Paths {
		for _, op := range methods {
			refer(op.RequestBody, doc.Components.Schemas, taken)
		}
	}
	for name, schema := range doc.Components.Schemas {
		if !taken[name] && schema["additionalProperties"] == false { // fields are added to answers
			delete(schema, "additionalProperties")
		}
	}
	whole := map[string]any{}
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, fmt.Errorf("read the API's document: %w", err)
	}
	whole["components"].(map[string]any)["schemas"] = doc.Components.Schemas
	return json.Marshal(whole)
}

// refer notes the schemas that a part of the document refers to.
func refer(part any, schemas map[string]map[string]any, to map[string]bool) {
	switch part := part.(type) {
	case map[string]any:
		if ref, ok := part["$ref"].(string); ok {
			if name := strings.TrimPrefix(ref, "#/components/schemas/"); !to[name] {
				to[name] = true
				refer(schemas[name], schemas, to)
			}
		}
		for _, p := range part {
			refer(p, schemas, to)
		}
	case []any:
		for _, p := range part {
			refer(p, schemas, to)
		}
	}
}

// explain adds to a schema what the types and comments of the source say and
// huma does not see: meanings, closed lists of words, and what may be null.
func explain(schema map[string]any, t reflect.Type, comments map[string]string) {
	if about := comments[typeKey(t)]; about != "" && schema["description"] == nil {
		schema["description"] = about
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p, ok := properties[name].(map[string]any)
		if !ok || name == "" || f.Anonymous {
			continue
		}
		if of, ref := p["$ref"]; ref && f.Type.Kind() == reflect.Pointer && !strings.Contains(options, "omitempty") {
			p = map[string]any{"anyOf": []any{map[string]any{"$ref": of}, map[string]any{"type": "null"}}, "description": p["description"]}
			properties[name] = p
		}
		if about := comments[typeKey(declaring(t, f))+"."+f.Name]; about != "" && (p["description"] == nil || p["description"] == "") {
			p["description"] = about
		}
		if p["description"] == nil {
			delete(p, "description")
		}
		specify(p, f.Type)
	}
}

// declaring is the struct a field that may be promoted is written in.
func declaring(t reflect.Type, f reflect.StructField) reflect.Type {
	for _, i := range f.Index[:len(f.Index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	return t
}

// typeKey names a type as the comments do.
func typeKey(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:] + "." + name
}

// specify narrows a property to what values of its type are.
func specify(p map[string]any, t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		if items, ok := p["items"].(map[string]any); ok {
			p = items
		}
		t = t.Elem()
	case reflect.Uint32: // which has no room in the format int32
		p["format"] = "int64"
	}
	if words, ok := closed[t]; ok {
		p["enum"] = words
	}
	if t == reflect.TypeFor[time.Duration]() {
		p["description"] = strings.TrimSpace(fmt.Sprint(p["description"]))
	}
}

// closed lists the words of types that are closed lists.
var closed = map[reflect.Type][]string{
	reflect.TypeFor[contact.Kind]():      all(contact.Customer, contact.Partner, contact.Both, contact.Other),
	reflect.TypeFor[contact.Stage]():     all(contact.Prospect, contact.Active, contact.Former),
	reflect.TypeFor[message.Kind]():      all(message.Personal, message.List, message.Automatic, message.Bounce, message.Complaint, message.Unsubscribe, message.Calendar),
	reflect.TypeFor[message.Direction](): all(message.In, message.Out, message.Within, message.Sideways, ""),
	reflect.TypeFor[message.Trust]():     all(message.TrustPass, message.TrustFail, message.TrustNone, ""),
	reflect.TypeFor[message.State]():     all(message.StateStarting, message.StateSyncing, message.StateWatching, message.StateWaiting, message.StateStopped, message.StateIdle),
	reflect.TypeFor[message.Action]():    all(message.Log, message.Inspect, message.Hold, message.Skip, ""),
	reflect.TypeFor[timeline.Kind]():     all(timeline.Message, timeline.Note, timeline.Call, timeline.Meeting, timeline.Sale, timeline.Delivery, timeline.Answer, timeline.Outcome),
	reflect.TypeFor[access.Role]():       all(access.Roles()...),
}

func all[T ~string](words ...T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}
