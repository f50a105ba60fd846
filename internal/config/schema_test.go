package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance reads YAML as an editor does.
func instance(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Load(text, &v); err != nil && !strings.Contains(err.Error(), "no documents") {
		t.Fatal(err)
	}
	return plain(v)
}

// plain makes of YAML values what JSON has.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case map[any]any:
		out := map[string]any{}
		for k, e := range v {
			out[k.(string)] = plain(e)
		}
		return out
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

func TestSchemaAcceptsTheExample(t *testing.T) {
	s := compiled(t)
	for name, text := range map[string][]byte{"example": Example(), "start": start, "small": []byte(small)} {
		if err := s.Validate(instance(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefusesBadFiles tries the schema on every bad file. Those listed
// are beyond it: what is no YAML, and what depends on other files, on names or
// on the meaning of a text.
func TestSchemaRefusesBadFiles(t *testing.T) {
	beyond := map[string]string{
		"syntax": "no YAML", "tab": "no YAML", "two-documents": "no YAML", "duplicate-key": "no YAML", "merge": "no YAML",
		"ca": "other files", "data-dir": "other files", "cleartext": "two keys", "team": "meaning", "policy": "meaning",
		"alerts-without-sender": "two keys", "control-character": "meaning",
		"web-certificate": "other files", "web-key": "other files", "web-clear": "meaning", "oidc-microsoft": "meaning", "oidc-tenants": "meaning",
		"public": "meaning", "public-alone": "two keys", "public-nowhere": "two keys",
		"webhooks":            "meaning",
		"digest-without-time": "two keys", "sales-watch": "two keys", "topics": "meaning",
	}
	s := compiled(t)
	files, _ := filepath.Glob(filepath.Join("testdata", "bad", "*.yaml"))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if beyond[name] != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(instance(t, text)); err == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

// TestSchemaExplainsEveryKey demands of each key what an editor shows.
func TestSchemaExplainsEveryKey(t *testing.T) {
	walk(reflect.TypeFor[Config](), "", func(path string, section reflect.Type) {
		for _, f := range fields(reflect.New(section).Elem()) {
			if doc := f.tag.Get("doc"); !strings.HasSuffix(doc, ".") || len(doc) < 10 {
				t.Errorf("%s has no sentence: %q", join(path, f.key), doc)
			}
		}
	})
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := Schema()
	if !bytes.Equal(text, again) {
		t.Error("Schema is not the same twice")
	}
	for _, want := range []string{`"enum"`, `"default": "implicit"`, `"pattern"`, `"additionalProperties": false`, `"$schema"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the schema has no %s", want)
		}
	}
}
