package web

import (
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/timeline"
)

// schemaName tells types of the same name by their packages.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	switch pkg := path.Base(t.PkgPath()); pkg {
	case "web", ".":
		return name
	default:
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
}

// schemaOf is the schema of a T as the document has it.
func schemaOf[T any](api huma.API, hint string) *huma.Schema {
	return api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, hint)
}

// responses are the answers an operation can give: one kind of success, and
// the problems by their status.
func responses(api huma.API, op operation, mediaType string, schema *huma.Schema) map[string]*huma.Response {
	all := map[string]*huma.Response{"200": {
		Description: "What was asked for.",
		Content:     map[string]*huma.MediaType{mediaType: {Schema: schema}},
	}}
	problem := map[string]*huma.MediaType{"application/problem+json": {Schema: schemaOf[Problem](api, "Problem")}}
	for _, status := range statuses(op) {
		one := &huma.Response{Description: meanings[status], Content: problem}
		switch status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			one.Headers = map[string]*huma.Header{"Retry-After": waitHeader}
		case http.StatusUnauthorized:
			one.Headers = map[string]*huma.Header{"WWW-Authenticate": signHeader}
		}
		all[strconv.Itoa(status)] = one
	}
	return all
}

// Headers that many operations take or send.
var (
	tagHeader  = &huma.Header{Description: "The tag of this answer, to send as If-None-Match; of a record, its revision comes first.", Schema: textSchema()}
	linkHeader = &huma.Header{Description: "Where the list goes on, as rel=\"next\"; absent at its end.", Schema: textSchema()}
	waitHeader = &huma.Header{Description: "Seconds to wait before the next try.", Schema: &huma.Schema{Type: huma.TypeInteger}}
	signHeader = &huma.Header{Description: "How to say who asks.", Schema: textSchema()}

	keyParameter = &huma.Param{Name: keyHeader, In: "header", Schema: keySchema(),
		Description: "A key of your own, new for everything asked: however often the request arrives within 24 hours, it is carried out once and answered alike."}
	haveParameter = &huma.Param{Name: "If-None-Match", In: "header", Schema: textSchema(),
		Description: "The ETag of an answer you have: where it would be the same, the answer is 304 without a body."}
)

func textSchema() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

func keySchema() *huma.Schema {
	least, most := 1, maxKey
	return &huma.Schema{Type: huma.TypeString, MinLength: &least, MaxLength: &most, Pattern: "^[!-~]+$"}
}

// meanings says what a problem of a status is about.
var meanings = map[int]string{
	http.StatusBadRequest:            "The request cannot be understood, or does not fit this document.",
	http.StatusUnauthorized:          "Whoever asks has not signed in, or no longer.",
	http.StatusForbidden:             "Whoever asks may not do this.",
	http.StatusNotFound:              "Nobody and nothing is known by a name given, or whoever asks may not see it.",
	http.StatusRequestTimeout:        "The body took too long to arrive.",
	http.StatusConflict:              "A name may mean several, or the change collides with another.",
	http.StatusPreconditionFailed:    "The record is not as it was when it was read.",
	http.StatusRequestEntityTooLarge: "The body is too large.",
	http.StatusUnsupportedMediaType:  "The body is of a type that is not understood.",
	http.StatusUnprocessableEntity:   "The request was understood, and refused for what the detail says.",
	http.StatusTooManyRequests:       "Too many requests; Retry-After says when to go on.",
	http.StatusInternalServerError:   "A fault of the daemon; its log says more.",
	http.StatusServiceUnavailable:    "The daemon cannot write at the moment, e.g. as the disk is full.",
	http.StatusGatewayTimeout:        "It took too long.",
}

// statuses are those of the problems an operation can answer with.
func statuses(op operation) []int {
	method, _, _ := cutPattern(op.pattern)
	all := []int{
		http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
		http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}
	if op.need == access.Anyone {
		all = append(all[:1], all[3:]...)
	}
	if method != http.MethodGet {
		all = append(all, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	if method == http.MethodPatch || method == http.MethodDelete {
		all = append(all, http.StatusPreconditionFailed)
	}
	return all
}

// The words below are documented as they are to be written; they are read
// whatever their case, and what is wrong with others is said in our words.
type (
	kindInput  string
	stageInput string
)

func (kindInput) Schema(huma.Registry) *huma.Schema {
	return words("What somebody is to us.", contact.Customer, contact.Partner, contact.Both, contact.Other)
}

func (stageInput) Schema(huma.Registry) *huma.Schema {
	return words("How far the relation has come.", contact.Prospect, contact.Active, contact.Former)
}

// words is the schema of a closed list of words, of which we check ourselves
// what is given.
func words[T ~string](about string, all ...T) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Description: about, Extensions: map[string]any{"enum": all}}
}

// worded gives the fields kind and stage of an input their words.
func worded(r huma.Registry, s *huma.Schema) *huma.Schema {
	for name, is := range map[string]huma.SchemaProvider{"kind": kindInput(""), "stage": stageInput("")} {
		if s.Properties[name] != nil {
			s.Properties[name] = is.Schema(r)
		}
	}
	return s
}

// TransformSchema lists the words of the fields.
func (ContactInput) TransformSchema(r huma.Registry, s *huma.Schema) *huma.Schema {
	return worded(r, s)
}

// TransformSchema lists the words of the fields.
func (OrganisationInput) TransformSchema(r huma.Registry, s *huma.Schema) *huma.Schema {
	return worded(r, s)
}

// TransformSchema lists the words of the fields.
func (Accept) TransformSchema(r huma.Registry, s *huma.Schema) *huma.Schema { return worded(r, s) }

// TransformSchema lists the words of the fields.
func (Discover) TransformSchema(r huma.Registry, s *huma.Schema) *huma.Schema { return worded(r, s) }

// TransformSchema lists the words of the fields.
func (Note) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["kind"] = words("What kind of entry it is; empty: note.", timeline.Note, timeline.Call, timeline.Meeting)
	return s
}
