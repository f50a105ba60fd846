package config

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// Enabled reports whether the daemon makes backups.
func (b Backup) Enabled() bool { return b.Dir != "" }

// recipientForm is a public key as `rapport backup key` prints it.
var recipientForm = regexp.MustCompile(`^rapport-recipient-[A-Za-z0-9_-]{43}$`)

func (v *validator) backup(c *Config) {
	b := &c.Backup
	if b.Dir == "" {
		for _, key := range []string{"every", "keep", "recipient"} {
			if v.given("backup." + key) {
				v.wrong("backup."+key, "has no effect without backup.dir", "add dir: DIRECTORY")
			}
		}
		if v.given("backup.dir") {
			v.wrong("backup.dir", "is empty", "name a directory, best on another disk")
		}
		return
	}
	if inside(c.DataDir, b.Dir) || inside(b.Dir, c.DataDir) {
		v.wrong("backup.dir", b.Dir+" and the store would be lost together", "name a directory apart from data_dir, best on another disk")
	}
	if every := b.Every.Std(); every < time.Hour || every > 31*24*time.Hour {
		v.wrong("backup.every", b.Every.String()+" is out of range", "from 1h to 31d")
	}
	if b.Recipient != "" && !recipientForm.MatchString(b.Recipient) {
		v.wrong("backup.recipient", "is no public key of Rapport", "rapport backup key FILE makes a pair and prints the public one")
	}
}

// inside reports whether a path is a directory or lies below it.
func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// Spans returns how long each kind is kept, by its key; what is kept for good
// is not in it.
func (r Retention) Spans() map[string]Duration {
	out := map[string]Duration{}
	for _, f := range fields(reflect.ValueOf(&r).Elem()) {
		if d, ok := f.value.Interface().(Duration); ok && d != (Duration{}) {
			out[f.key] = d
		}
	}
	return out
}

func (v *validator) retention(r *Retention) {
	for _, f := range fields(reflect.ValueOf(r).Elem()) {
		path := "retention." + f.key
		if d, ok := f.value.Interface().(Duration); ok && v.given(path) && d.Std() < 24*time.Hour {
			v.wrong(path, d.String()+" is out of range", "a day (1d) or more; without the key it is kept for good")
		}
	}
	for i, tag := range r.Hold {
		path := index("retention.hold", i)
		if strings.TrimSpace(tag) == "" {
			v.wrong(path, "is empty", "a tag of contacts or organisations")
		}
		v.repeated(path, r.Hold[:i], tag)
	}
	if len(r.Hold) > 0 && len(r.Spans()) == 0 {
		v.warn("retention.hold", "nothing is ever removed, so there is nothing to hold", fmt.Sprintf("add a span, such as automatic: 90d, or remove hold: [%s]", strings.Join(r.Hold, ", ")))
	}
}
