package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/invopop/jsonschema"
)

// Schema returns the JSON Schema of the file, from which an editor completes
// keys and values and shows their sentences. It is made of the same tags that
// the file is read by. What depends on several keys, on other files or on the
// names used is beyond a schema: [Check] knows more.
func Schema() ([]byte, error) {
	s := sectionSchema(reflect.New(reflect.TypeFor[Config]()).Elem())
	s.Version = jsonschema.Version
	s.Title = "Rapport configuration"
	s.Description = "The one configuration file of Rapport."
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JSON Schema: %w", err)
	}
	return append(out, '\n'), nil
}

// sectionSchema describes a section; only its own keys are allowed in it.
func sectionSchema(section reflect.Value) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type:                 "object",
		Properties:           jsonschema.NewProperties(),
		AdditionalProperties: jsonschema.FalseSchema,
	}
	for _, f := range fields(section) {
		value := valueSchema(f.value, f.tag)
		value.Title = f.key
		value.Description = f.tag.Get("doc")
		s.Properties.Set(f.key, value)
		if f.was != "" {
			old := *value
			old.Deprecated = true
			old.Description = "Now called " + f.key + "."
			s.Properties.Set(f.was, &old)
		}
		if f.tag.Get("required") != "" && f.was == "" {
			s.Required = append(s.Required, f.key)
		}
	}
	extend(s, section.Type())
	return s
}

// valueSchema describes the value of one key.
func valueSchema(v reflect.Value, tag reflect.StructTag) *jsonschema.Schema {
	s := kindSchema(v)
	if v.Kind() == reflect.Struct && s.Type == "object" && tag.Get("required") == "" {
		s = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "null"}}} // every key below is commented out
	}
	if def := tag.Get("default"); def != "" {
		s.Default = def
		if v.Kind() == reflect.Bool {
			s.Default = def == "true"
		}
	}
	for bound, to := range map[string]*json.Number{"min": &s.Minimum, "max": &s.Maximum} {
		if _, err := strconv.Atoi(tag.Get(bound)); err == nil {
			*to = json.Number(tag.Get(bound))
		}
	}
	return s
}

func kindSchema(v reflect.Value) *jsonschema.Schema {
	switch t := v.Type(); {
	case t == reflect.TypeFor[Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: "^" + spanPattern + "$", Examples: []any{"15m", "36h", "14d"}}
	case t == reflect.TypeFor[Since]():
		return &jsonschema.Schema{Type: "string", Pattern: sincePattern, Examples: []any{"2y", "6mo", "2024-01-31", "all"}}
	case t == reflect.TypeFor[Keep]():
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "1", Maximum: json.Number(strconv.Itoa(maxKeep))}, {Type: "string", Pattern: "^" + spanPattern + "$"},
		}}
	case t == reflect.TypeFor[Day]():
		return &jsonschema.Schema{Type: "string", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, Examples: []any{"2027-01-31"}}
	case t == commandType:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text(), listOf(text(), 1)}}
	case t == listType:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text(), listOf(text(), 0), {Type: "null"}}}
	case t.Kind() == reflect.Struct:
		return sectionSchema(v)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return listOf(sectionSchema(reflect.New(t.Elem()).Elem()), 0)
	case t.Kind() == reflect.Slice:
		return listOf(text(), 0)
	case t.Kind() == reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case t.Kind() == reflect.Int:
		return &jsonschema.Schema{Type: "integer"}
	}
	s := text()
	if c, ok := v.Interface().(choice); ok {
		for _, word := range c.choices() {
			s.Enum = append(s.Enum, word)
		}
	}
	return s
}

func text() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }

func listOf(item *jsonschema.Schema, least uint64) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "array", Items: item}
	if least > 0 {
		s.MinItems = &least
	}
	return s
}

// spanPattern is a duration, but for the order of its units.
const spanPattern = `[0-9]{1,6}(y|mo|w|d|h|m|s)([0-9]{1,6}(mo|w|d|h|m|s))*`

// sincePattern is a span, a date or all.
const sincePattern = `^(all|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])|` + spanPattern + `)$`

// extend adds what a section says of several of its keys at once.
func extend(s *jsonschema.Schema, section reflect.Type) {
	switch section {
	case reflect.TypeFor[MailboxGroup]():
		pattern(s, "name", nameForm.String())
		s.OneOf = oneOf("users", "file", "command")
	case reflect.TypeFor[Mailbox](), reflect.TypeFor[Template]():
		if section == reflect.TypeFor[Mailbox]() {
			pattern(s, "name", nameForm.String())
		} else {
			pattern(s, "name", `\{`)
			pattern(s, "user", `\{`)
		}
		s.Required = append(s.Required, "user")
		s.OneOf = oneOf("password_file", "password_env", "password_command", "oauth")
		s.If = &jsonschema.Schema{Properties: jsonschema.NewProperties(), Required: []string{"provider"}}
		s.If.Properties.Set("provider", &jsonschema.Schema{Enum: []any{"gmail", "outlook"}})
		s.Else = &jsonschema.Schema{Required: []string{"host"}}
	case reflect.TypeFor[Sender]():
		pattern(s, "name", nameForm.String())
		pattern(s, "from", "@")
		s.Required = append(s.Required, "host")
		s.DependentRequired = map[string][]string{"password_file": {"user"}, "password_env": {"user"}, "password_command": {"user"}, "oauth": {"user"}, "login": {"user"}}
	case reflect.TypeFor[OAuth]():
		s.DependentRequired = map[string][]string{"client_secret_expires": {"client_secret_file"}}
	case reflect.TypeFor[Exclusion]():
		s.OneOf = oneOf("address", "domain", "pattern")
	case reflect.TypeFor[Ours]():
		s.AnyOf = oneOf("domains", "members")
	case reflect.TypeFor[Backup]():
		pattern(s, "recipient", recipientForm.String())
		s.DependentRequired = map[string][]string{"every": {"dir"}, "keep": {"dir"}, "recipient": {"dir"}}
	case reflect.TypeFor[Web]():
		s.DependentRequired = map[string][]string{"cert_file": {"key_file"}, "key_file": {"cert_file"}}
	case reflect.TypeFor[OIDC]():
		s.DependentRequired = map[string][]string{
			"issuer": {"client_id"}, "client_id": {"issuer"}, "client_secret_file": {"issuer"}, "name": {"issuer"},
			"domains": {"issuer"}, "allowed": {"issuer"}, "administrators": {"issuer"}, "tenants": {"issuer"},
		}
	case reflect.TypeFor[Alerts]():
		s.DependentRequired = map[string][]string{"sender": {"to"}}
	}
	for _, key := range []string{"user", "host", "data_dir", "password_file"} {
		if p, ok := s.Properties.Get(key); ok && p.Pattern == "" {
			p.MinLength = new(uint64(1))
		}
	}
	slices.Sort(s.Required)
}

func pattern(s *jsonschema.Schema, key, re string) {
	if p, ok := s.Properties.Get(key); ok {
		p.Pattern = re
	}
}

func oneOf(keys ...string) []*jsonschema.Schema {
	var out []*jsonschema.Schema
	for _, key := range keys {
		out = append(out, &jsonschema.Schema{Required: []string{key}})
	}
	return out
}
