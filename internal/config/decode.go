package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Limits on what a file may hold. Aliases are followed, so values are counted
// as they are read, not as they are written.
const (
	maxBytes  = 1 << 20
	maxValues = 50_000
	maxFaults = 1000
)

// place is a line and column, both from 1.
type place struct{ line, col int }

// reader turns a YAML tree into a Config and remembers where each value stands.
type reader struct {
	file     string
	places   map[string]place // by path: mailboxes[0].host
	bad      map[string]bool  // paths whose value could not be read
	faults   Faults
	warnings Faults
	values   int
}

// field is one key of a section.
type field struct {
	key   string
	was   string // former name of the key
	value reflect.Value
	tag   reflect.StructTag
}

// fields lists the keys of a section, those of inlined structs in their place.
func fields(section reflect.Value) []field {
	var out []field
	t := section.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			out = append(out, fields(section.Field(i))...)
			continue
		}
		if key := f.Tag.Get("yaml"); key != "" && key != "-" {
			out = append(out, field{key: key, was: f.Tag.Get("was"), value: section.Field(i), tag: f.Tag})
		}
	}
	return out
}

// read fills into from data. All faults of the text are in r afterwards; the
// parts that could be read are filled in all the same.
func (r *reader) read(data []byte, into any) {
	target := reflect.ValueOf(into).Elem()
	var root yaml.Node
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err == nil {
		err = loader.Load(&root)
	}
	switch {
	case errors.Is(err, io.EOF), err == nil && isEmpty(&root):
		r.setDefaults(target)
		r.places[""] = place{1, 1}
		r.require(target, "", nil)
	case err != nil:
		r.syntax(data, err)
		return
	default:
		r.section(root.Content[0], target, "")
	}
	r.single(data, loader)
}

func isEmpty(root *yaml.Node) bool {
	return root.Kind != yaml.DocumentNode || len(root.Content) == 0 || isNull(root.Content[0])
}

// single refuses whatever follows the first document, which nothing would read.
func (r *reader) single(data []byte, loader *yaml.Loader) {
	var second yaml.Node
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF), err == nil && isEmpty(&second):
	case err != nil:
		r.syntax(data, err)
	default:
		r.fault(second.Content[0], "", "a second document begins", "the file is one document: remove the line --- and join the two")
	}
}

// syntax reports what YAML itself refused. There the reading ends, because
// nothing after it can be trusted to mean what it seems to.
func (r *reader) syntax(data []byte, err error) {
	at := place{1, 1}
	what := "not readable as YAML"
	var le *yaml.LoadError
	if errors.As(err, &le) {
		what = "not readable as YAML: " + le.Message
		if le.ContextMsg != "" {
			what += " " + le.ContextMsg
		}
		if le.Mark.Line > 0 {
			at = place{le.Mark.Line, max(le.Mark.Column, 1)}
		}
	} else {
		what += ": " + strings.TrimPrefix(err.Error(), "yaml: ")
	}
	hint := "check the indentation and the quotes here and on the line before"
	if strings.Contains(what, "tab") || strings.Contains(what, "cannot start any token") && lineHasTab(data, at.line) {
		hint = "indent with spaces, not tabs"
	}
	r.faults = append(r.faults, Fault{r.file, at.line, at.col, what, hint})
}

func lineHasTab(data []byte, line int) bool {
	lines := strings.Split(string(data), "\n")
	return line >= 1 && line <= len(lines) && strings.Contains(lines[line-1], "\t")
}

func (r *reader) fault(n *yaml.Node, path, what, hint string) {
	r.bad[path] = true
	if len(r.faults) >= maxFaults {
		return
	}
	if path != "" {
		what = path + ": " + what
	}
	r.faults = append(r.faults, Fault{r.file, n.Line, n.Column, what, hint})
}

// spend counts one more value and reports whether reading may go on.
func (r *reader) spend(n *yaml.Node) bool {
	r.values++
	if r.values == maxValues {
		r.fault(n, "", "the file holds too many values", fmt.Sprintf("at most %d, repeated aliases included", maxValues))
	}
	return r.values < maxValues && len(r.faults) < maxFaults
}

// follow returns the node an alias stands for. YAML has no way to nest an
// anchor in itself that the loader does not refuse, so one step is enough.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// section reads a mapping into a struct, defaults first.
func (r *reader) section(n *yaml.Node, target reflect.Value, path string) {
	r.places[path] = place{n.Line, n.Column}
	r.setDefaults(target)
	body := follow(n)
	if body.Kind != yaml.MappingNode {
		r.fault(n, path, "expected keys and values, found "+kindOf(body), "write KEY: VALUE lines, indented below")
		return
	}
	known := fields(target)
	given := map[string]bool{}
	for _, p := range r.pairs(body, path) {
		if len(r.faults) >= maxFaults {
			return
		}
		name := p.key.Value
		i := slices.IndexFunc(known, func(f field) bool { return f.key == name || f.was != "" && f.was == name })
		if i < 0 {
			r.unknown(p.key, target.Type(), path)
			continue
		}
		f := known[i]
		if given[f.key] {
			r.fault(p.key, join(path, name), "given twice", "keep one of the two")
			continue
		}
		given[f.key] = true
		if name != f.key {
			r.warnings = append(r.warnings, Fault{r.file, p.key.Line, p.key.Column,
				join(path, name) + ": this key is now called " + f.key, "rename it: the old name goes with the next major version"})
		}
		r.places[join(path, f.key)] = place{p.value.Line, p.value.Column}
		r.value(p.value, f.value, join(path, f.key), f.tag)
	}
	r.require(target, path, given)
}

// pair is one key with its value.
type pair struct{ key, value *yaml.Node }

// pairs lists the entries of a mapping: its own, then those it merges with <<
// and does not have itself.
func (r *reader) pairs(body *yaml.Node, path string) []pair {
	var own, merged []pair
	seen := map[string]bool{}
	for i := 0; i+1 < len(body.Content); i += 2 {
		key, value := body.Content[i], body.Content[i+1]
		if !r.spend(key) {
			return own
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			r.fault(key, path, "a key must be a plain word", "")
		case key.Value == "<<" && key.Style == 0:
			merged = append(merged, r.merge(value, path)...)
		default:
			seen[key.Value] = true
			own = append(own, pair{key, value})
		}
	}
	for _, p := range merged {
		if !seen[p.key.Value] {
			seen[p.key.Value] = true
			own = append(own, p)
		}
	}
	return own
}

// merge returns the entries behind <<, which is one mapping. What those merge
// themselves is not followed: depth here serves nobody but an attacker.
func (r *reader) merge(value *yaml.Node, path string) []pair {
	from := follow(value)
	if from.Kind != yaml.MappingNode {
		r.fault(value, path, "<< takes over another section, found "+kindOf(from), "write <<: *NAME, where &NAME marks the section")
		return nil
	}
	var out []pair
	for i := 0; i+1 < len(from.Content); i += 2 {
		if k := from.Content[i]; k.Kind == yaml.ScalarNode && k.Value != "<<" && r.spend(k) {
			out = append(out, pair{k, from.Content[i+1]})
		}
	}
	return out
}

// require reports required keys that are missing.
func (r *reader) require(target reflect.Value, path string, given map[string]bool) {
	for _, f := range fields(target) {
		if f.tag.Get("required") == "" || given[f.key] {
			continue
		}
		if r.bad[join(path, f.key)] || r.bad[path] {
			continue // misspelt, and said so
		}
		r.bad[join(path, f.key)] = true
		at := r.places[path]
		r.faults = append(r.faults, Fault{r.file, at.line, at.col, join(path, f.key) + ": is missing", firstSentence(f.tag.Get("doc"))})
	}
}

// setDefaults gives every key below target its default. Sections are filled
// even when the file does not name them.
func (r *reader) setDefaults(target reflect.Value) {
	for _, f := range fields(target) {
		switch def := f.tag.Get("default"); {
		case f.value.Kind() == reflect.Struct && !isText(f.value):
			r.setDefaults(f.value)
		case def != "":
			if err := setScalar(f.value, def, "!!str"); err != nil {
				panic(fmt.Sprintf("config: default of %s: %v", f.key, err)) // a mistake in a tag, caught by any test
			}
		}
	}
}

func isText(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	return ok || v.Type() == commandType
}

var (
	commandType = reflect.TypeFor[Command]()
	listType    = reflect.TypeFor[List]()
)

// value reads one value of any kind the format has.
func (r *reader) value(n *yaml.Node, target reflect.Value, path string, tag reflect.StructTag) {
	if !r.spend(n) {
		return
	}
	body := follow(n)
	switch {
	case target.Type() == commandType:
		r.command(n, body, target, path)
	case target.Kind() == reflect.Struct && !isText(target):
		if !isNull(body) { // every key below is commented out
			r.section(n, target, path)
		}
	case target.Type() == listType && body.Kind == yaml.ScalarNode && !isNull(body):
		target.Set(reflect.ValueOf(List{body.Value}))
		r.places[path+"[0]"] = place{n.Line, n.Column}
	case target.Kind() == reflect.Slice:
		r.list(n, body, target, path, tag)
	default:
		r.scalar(n, body, target, path, tag)
	}
}

func (r *reader) list(n, body *yaml.Node, target reflect.Value, path string, tag reflect.StructTag) {
	if isNull(body) {
		return
	}
	if body.Kind != yaml.SequenceNode {
		r.fault(n, path, "expected a list, found "+kindOf(body), "write [A, B], or one line with - for each")
		return
	}
	for i, item := range body.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.places[at] = place{item.Line, item.Column}
		element := reflect.New(target.Type().Elem()).Elem()
		if isNull(follow(item)) {
			r.fault(item, at, "is empty", "give it a value or remove it")
		} else {
			r.value(item, element, at, tag)
		}
		// What could not be read is kept too: the rules look at its other
		// keys, and everything after it keeps its index.
		target.Set(reflect.Append(target, element))
		if r.values >= maxValues || len(r.faults) >= maxFaults {
			return
		}
	}
}

func (r *reader) command(n, body *yaml.Node, target reflect.Value, path string) {
	switch {
	case body.Kind == yaml.ScalarNode && !isNull(body) && strings.TrimSpace(body.Value) != "":
		target.Set(reflect.ValueOf(Command{Shell: body.Value}))
	case body.Kind == yaml.SequenceNode:
		var args []string
		words := reflect.ValueOf(&args).Elem()
		r.list(n, body, words, path, "")
		if len(args) == 0 || args[0] == "" {
			r.fault(n, path, "names no program", `write ["pass", "show", "mail/ada"], or one string for sh -c`)
			return
		}
		target.Set(reflect.ValueOf(Command{Args: args}))
	default:
		r.fault(n, path, "expected a command, found "+kindOf(body), `write ["pass", "show", "mail/ada"], or one string for sh -c`)
	}
}

func (r *reader) scalar(n, body *yaml.Node, target reflect.Value, path string, tag reflect.StructTag) {
	if isNull(body) {
		r.fault(n, path, "has no value", "give it one, or remove the key to take the default")
		return
	}
	if body.Kind != yaml.ScalarNode {
		r.fault(n, path, "expected "+wantedKind(target)+", found "+kindOf(body), "")
		return
	}
	if strings.ContainsFunc(body.Value, func(c rune) bool { return c < ' ' || c == 0x7f }) || !utf8.ValidString(body.Value) {
		r.fault(n, path, "contains a control character", "write it on one line, without tabs")
		return
	}
	if err := setScalar(target, body.Value, body.ShortTag()); err != nil {
		p := asProblem(err)
		r.fault(n, path, p.what, p.hint)
		return
	}
	if target.Kind() == reflect.Int {
		r.limits(n, target.Int(), path, tag)
	}
}

func (r *reader) limits(n *yaml.Node, got int64, path string, tag reflect.StructTag) {
	low, errLow := strconv.ParseInt(tag.Get("min"), 10, 64)
	high, errHigh := strconv.ParseInt(tag.Get("max"), 10, 64)
	if errLow == nil && got < low || errHigh == nil && got > high {
		r.fault(n, path, fmt.Sprintf("%d is out of range", got), fmt.Sprintf("from %s to %s", tag.Get("min"), tag.Get("max")))
	}
}

func asProblem(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	return &problem{what: err.Error()}
}

// choice is a text with a closed list of values.
type choice interface{ choices() []string }

// setScalar sets a value from its text. Text keeps what the file says, so an
// unquoted 0123 stays 0123.
func setScalar(target reflect.Value, text, tag string) error {
	if u, ok := target.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch target.Kind() {
	case reflect.String:
		if c, ok := target.Interface().(choice); ok && !slices.Contains(c.choices(), text) {
			return wrongChoice(text, c.choices())
		}
		target.SetString(text)
	case reflect.Bool:
		switch text {
		case "true", "True", "TRUE":
			target.SetBool(true)
		case "false", "False", "FALSE":
			target.SetBool(false)
		default:
			return &problem{fmt.Sprintf("%q is neither true nor false", text), "write true or false"}
		}
	case reflect.Int:
		i, err := strconv.Atoi(text)
		if err != nil || tag != "!!int" && tag != "!!str" {
			return &problem{fmt.Sprintf("%q is not a whole number", text), ""}
		}
		target.SetInt(int64(i))
	default:
		panic("config: a key of a kind nobody reads: " + target.Type().String())
	}
	return nil
}

func wrongChoice(text string, choices []string) error {
	p := &problem{what: fmt.Sprintf("%q is not one of %s", text, strings.Join(choices, ", "))}
	if near := nearest(text, choices); near != "" {
		p.hint = "did you mean " + near + "?"
	}
	return p
}

func wantedKind(target reflect.Value) string {
	switch target.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a number"
	}
	return "one value"
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys and values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return "a single value"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func firstSentence(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.TrimSuffix(s, ".")
}
