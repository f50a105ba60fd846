package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
)

//go:embed docs.html
var docsSource string

//go:embed docs.css
var docsStyle string

var docsTemplate = template.Must(template.New("docs").Funcs(template.FuncMap{
	"prose": prose, "style": func() template.CSS { return template.CSS(docsStyle) }, "upper": strings.ToUpper,
}).Parse(docsSource))

// The parts of the document the page shows.
type (
	docsPart struct {
		Name, About string
		Operations  []docsOperation
	}
	docsOperation struct {
		Method, Path, ID, Summary, About, Need string
		Parameters                             []docsField
		Body                                   template.HTML
		Answers                                []docsField
	}
	docsField struct {
		Name, In, About string
		Required        bool
		Type            template.HTML
	}
	docsType struct {
		Name, About string
		Fields      []docsField
	}
)

// shape is a JSON schema as far as the page shows it.
type shape struct {
	Ref         string            `json:"$ref"`
	Type        any               `json:"type"`
	Format      string            `json:"format"`
	Description string            `json:"description"`
	Enum        []string          `json:"enum"`
	Items       *shape            `json:"items"`
	AnyOf       []shape           `json:"anyOf"`
	Properties  map[string]*shape `json:"properties"`
	Required    []string          `json:"required"`
	More        any               `json:"additionalProperties"`
}

// described is the document as far as the page shows it.
type described struct {
	Info struct{ Title, Version, Description string } `json:"info"`
	Tags []struct{ Name, Description string }         `json:"tags"`
	// Paths are operations by path and method.
	Paths map[string]map[string]struct {
		Tags        []string       `json:"tags"`
		ID          string         `json:"operationId"`
		Summary     string         `json:"summary"`
		Description string         `json:"description"`
		Security    []any          `json:"security"`
		Need        string         `json:"x-need"`
		Parameters  []docParameter `json:"parameters"`
		RequestBody struct {
			Content map[string]struct{ Schema shape } `json:"content"`
		} `json:"requestBody"`
		Responses map[string]struct {
			Description string                            `json:"description"`
			Content     map[string]struct{ Schema shape } `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]*shape `json:"schemas"`
	} `json:"components"`
}

type docParameter struct {
	Name        string `json:"name"`
	In          string `json:"in"`
	Description string `json:"description"`
	Required    bool   `json:"required"`
	Schema      shape  `json:"schema"`
}

// methods in the order the page lists them.
var methods = []string{"get", "post", "put", "patch", "delete"}

// docsPage answers with the document as a page. It loads nothing from
// anywhere and runs no script.
func docsPage(w http.ResponseWriter, r *http.Request, doc []byte) error {
	var d described
	if err := json.Unmarshal(doc, &d); err != nil {
		return fmt.Errorf("read the API's document: %w", err)
	}
	var page bytes.Buffer
	err := docsTemplate.Execute(&page, struct {
		About string
		Parts []docsPart
		Types []docsType
	}{d.Info.Description, d.parts(), d.types()})
	if err != nil {
		return fmt.Errorf("write the page of the API's document: %w", err)
	}
	sum := sha256.Sum256([]byte(docsStyle))
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-"+
		base64.StdEncoding.EncodeToString(sum[:])+"'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	send(w, r, page.Bytes())
	return nil
}

// parts groups the operations by their tags.
func (d *described) parts() []docsPart {
	var out []docsPart
	for _, tag := range d.Tags {
		part := docsPart{Name: tag.Name, About: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
			for _, method := range methods {
				if op, ok := d.Paths[path][method]; ok && slices.Contains(op.Tags, tag.Name) {
					shown := docsOperation{Method: method, Path: path, ID: op.ID, Summary: op.Summary, About: op.Description, Need: op.Need}
					for _, p := range op.Parameters {
						shown.Parameters = append(shown.Parameters, docsField{Name: p.Name, In: p.In, About: p.Description, Required: p.Required, Type: p.Schema.short()})
					}
					for media, c := range op.RequestBody.Content {
						shown.Body = c.Schema.short() + template.HTML(" as "+template.HTMLEscapeString(media))
					}
					for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
						answer := docsField{Name: status, About: op.Responses[status].Description}
						for media, c := range op.Responses[status].Content {
							answer.Type = c.Schema.short() + template.HTML(" as "+template.HTMLEscapeString(media))
						}
						shown.Answers = append(shown.Answers, answer)
					}
					part.Operations = append(part.Operations, shown)
				}
			}
		}
		out = append(out, part)
	}
	return out
}

// types lists the shapes that have names.
func (d *described) types() []docsType {
	var out []docsType
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		s := d.Components.Schemas[name]
		t := docsType{Name: name, About: s.Description}
		for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
			p := s.Properties[field]
			t.Fields = append(t.Fields, docsField{Name: field, About: p.Description, Required: slices.Contains(s.Required, field), Type: p.short()})
		}
		out = append(out, t)
	}
	return out
}

// short is a shape in a few words, with a link where it has a name.
func (s *shape) short() template.HTML {
	escape := template.HTMLEscapeString
	switch {
	case s.Ref != "":
		name := escape(s.Ref[strings.LastIndexByte(s.Ref, '/')+1:])
		return template.HTML(`<a href="#type-` + name + `">` + name + `</a>`)
	case len(s.AnyOf) > 0:
		var words []string
		for _, one := range s.AnyOf {
			words = append(words, string(one.short()))
		}
		return template.HTML(strings.Join(words, " or "))
	case s.Items != nil:
		return "list of " + s.Items.short()
	case len(s.Enum) > 0:
		var words []string
		for _, w := range s.Enum {
			if w != "" {
				words = append(words, "<code>"+escape(w)+"</code>")
			}
		}
		return template.HTML(strings.Join(words, " "))
	}
	text := fmt.Sprint(s.Type)
	if several, ok := s.Type.([]any); ok {
		text = fmt.Sprint(several[0]) + " or null"
	}
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	if s.Type == nil {
		text = "any value"
	}
	return template.HTML(escape(text))
}

// prose shows the little of CommonMark the document is written in:
// paragraphs, `code` and **bold**.
func prose(text string) template.HTML {
	var b strings.Builder
	for _, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if paragraph == "" {
			continue
		}
		b.WriteString("<p>" + between(between(template.HTMLEscapeString(paragraph), "**", "strong"), "`", "code") + "</p>")
	}
	return template.HTML(b.String())
}

// between wraps what stands between every two marks in an element.
func between(text, mark, element string) string {
	parts := strings.Split(text, mark)
	if len(parts)%2 == 0 { // one is not closed
		return text
	}
	for i := 1; i < len(parts); i += 2 {
		parts[i] = "<" + element + ">" + parts[i] + "</" + element + ">"
	}
	return strings.Join(parts, "")
}
