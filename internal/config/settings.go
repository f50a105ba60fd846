package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Setting is one key of the configuration in force.
type Setting struct {
	Path   string // e.g. mailboxes[0].host
	Value  string // in its normal form; "" where there is none, or it is hidden
	Doc    string // the key's sentence
	Line   int    // of the value in the file, from 1; 0 where the file does not name the key
	Hidden bool   // the value may hold a secret and is not shown
}

// Settings lists every key with the value in force, in the order of the
// format. A list of sections has its keys once for each of them.
func (c *Config) Settings() []Setting {
	return c.settings(reflect.ValueOf(c).Elem(), "")
}

func (c *Config) settings(section reflect.Value, path string) []Setting {
	var out []Setting
	for _, f := range fields(section) {
		at := join(path, f.key)
		switch t := f.value.Type(); {
		case t.Kind() == reflect.Struct && !isText(f.value):
			out = append(out, c.settings(f.value, at)...)
		case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && f.value.Len() > 0:
			for i := range f.value.Len() {
				out = append(out, c.settings(f.value.Index(i), index(at, i))...)
			}
		default:
			out = append(out, c.setting(f, at))
		}
	}
	return out
}

func (c *Config) setting(f field, path string) Setting {
	s := Setting{Path: path, Doc: f.tag.Get("doc"), Line: c.places[path].line}
	switch {
	case f.tag.Get("secret") != "":
		s.Hidden = !f.value.IsZero()
	case s.Line > 0 || !f.value.IsZero() || f.tag.Get("default") != "":
		s.Value = written(f.value)
	}
	return s
}

// written gives a value as the file would say it.
func written(v reflect.Value) string {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		if text, err := m.MarshalText(); err == nil {
			return string(text)
		}
	}
	switch v.Kind() {
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = written(v.Index(i))
		}
		return strings.Join(items, ", ")
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	}
	return fmt.Sprint(v.Interface())
}
