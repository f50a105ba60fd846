package config

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// later names keys of the design that this version does not act on yet. They
// are refused, because a key that is accepted and does nothing is a lie; ""
// in front of a name stands for the top of the file.
var later = map[string][]string{
	"senders[]": {"sent_copies"},
	"retention": {"newsletter_copies", "delivery", "answer"},
}

// synonyms are what other programs call the keys of an account.
var synonyms = map[string]string{
	"port": "host: HOST:PORT", "server": "host: HOST:PORT", "hostname": "host: HOST:PORT", "address": "host: HOST:PORT",
	"username": "user: NAME", "email": "user: NAME", "account": "user: NAME",
	"ssl": "tls: implicit", "starttls": "tls: starttls", "security": "tls: implicit, starttls or none",
	"encryption": "tls: implicit, starttls or none", "interval": "poll: 15m", "days": "since: 90d", "mailboxes": "folders: {include: [NAME]}",
}

// unknown reports a key that nothing reads, with the best advice there is.
func (r *reader) unknown(key *yaml.Node, section reflect.Type, path string) {
	name := key.Value
	at := sectionOf(path)
	if slices.Contains(later[at], name) {
		r.fault(key, join(path, name), "not supported yet", "remove it: it comes with a later version")
		return
	}
	if (at == "mailboxes[]" || at == "senders[]") && (name == "password" || name == "passwd" || name == "secret") {
		r.bad[join(path, "password_file")] = true
		r.fault(key, join(path, name), "a password does not belong in this file",
			"put it alone in a file with mode 0600 and write password_file: FILE, or use password_env or password_command")
		return
	}
	if strings.HasSuffix(at, ".oauth") && (name == "client_secret" || name == "secret") {
		r.fault(key, join(path, name), "a secret does not belong in this file", "put it alone in a file with mode 0600 and write client_secret_file: FILE")
		return
	}
	own := keysOf(section)
	if other := synonyms[name]; other != "" && (at == "mailboxes[]" || at == "senders[]") {
		ours, _, _ := strings.Cut(other, ":")
		r.bad[join(path, ours)] = true
		r.fault(key, join(path, name), "unknown key", "write "+other)
		return
	}
	near, elsewhere := nearest(name, own), whereBelongs(name)
	if near != "" {
		r.bad[join(path, near)] = true // so that it is not missing too
	}
	switch {
	case near != "" && (len(elsewhere) == 0 || sameLetters(near, name)):
		r.fault(key, join(path, name), "unknown key", "did you mean "+near+"?")
	case near != "":
		r.fault(key, join(path, name), "unknown key here", "did you mean "+near+"? "+name+" belongs in "+strings.Join(elsewhere, " or "))
	case len(elsewhere) > 0:
		r.fault(key, join(path, name), "unknown key here", name+" belongs in "+strings.Join(elsewhere, " or "))
	default:
		r.fault(key, join(path, name), "unknown key", "known here: "+strings.Join(own, ", "))
	}
}

// sectionOf makes mailboxes[] of mailboxes[3].
func sectionOf(path string) string {
	if i := strings.IndexByte(path, '['); i >= 0 {
		if j := strings.IndexByte(path[i:], ']'); j >= 0 {
			return path[:i] + "[]" + sectionOf(path[i+j+1:])
		}
	}
	return path
}

func keysOf(section reflect.Type) []string {
	var keys []string
	for _, f := range fields(reflect.New(section).Elem()) {
		keys = append(keys, f.key)
	}
	return keys
}

// whereBelongs lists the sections of the whole format that have the key.
func whereBelongs(key string) []string {
	var out []string
	walk(reflect.TypeFor[Config](), "", func(path string, section reflect.Type) {
		if slices.Contains(keysOf(section), key) {
			if path == "" {
				path = "the top level"
			}
			out = append(out, path)
		}
	})
	return out
}

// walk visits every section of the format with its path.
func walk(section reflect.Type, path string, visit func(path string, section reflect.Type)) {
	visit(path, section)
	for _, f := range fields(reflect.New(section).Elem()) {
		switch t := f.value.Type(); {
		case t.Kind() == reflect.Struct && !isText(f.value):
			walk(t, join(path, f.key), visit)
		case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
			walk(t.Elem(), join(path, f.key)+"[]", visit)
		}
	}
}

// nearest returns the candidate a person most likely meant, or "".
func nearest(word string, candidates []string) string {
	best, bestDistance := "", 0
	for _, c := range candidates {
		if sameLetters(word, c) {
			return c
		}
		if d := distance(word, c); d <= max(len(c)/3, 1) && (best == "" || d < bestDistance) {
			best, bestDistance = c, d
		}
	}
	return best
}

// sameLetters ignores what people write differently: dataDir, data-dir.
func sameLetters(a, b string) bool {
	strip := strings.NewReplacer("-", "", "_", "", " ", "", ".", "")
	return strings.EqualFold(strip.Replace(a), strip.Replace(b))
}

// distance counts the insertions, removals, replacements and swaps of
// neighbours between two words. Longer words than any key of ours count as far.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
