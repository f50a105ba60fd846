package message

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// corpora returns the directory of test mail, and skips where there is none.
func corpora(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("RAPPORT_CORPORA")
	if dir == "" {
		t.Skip("RAPPORT_CORPORA names no directory of test mail")
	}
	return dir
}

// eachMail calls f with every mail file below a folder of the corpora.
func eachMail(t testing.TB, folder string, f func(name string, raw []byte)) {
	t.Helper()
	root := filepath.Join(corpora(t), folder)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".json", ".xml", ".out", ".tsv", ".py", ".rb", ".go", ".ts", ".golden", ".disabled", ".html":
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		f(filepath.ToSlash(name), raw)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// headerEnd returns where the blank line after a header begins, -1 if it is
// not in raw.
func headerEnd(raw []byte) int {
	if i := bytes.Index(raw, []byte("\n\n")); i >= 0 {
		return i
	}
	return bytes.Index(raw, []byte("\n\r\n"))
}

// checkText fails where a text is not what the store may hold.
func checkText(t testing.TB, name, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		t.Errorf("%s: %s is not valid text: %.80q", name, what, text)
	}
}

func TestCorporaAreRead(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"mime", "bounce/mails", "reply", "bulk"} {
		mails, missing := 0, map[string]int{}
		eachMail(t, folder, func(name string, raw []byte) {
			mails++
			start := time.Now()
			p, err := Parse(bytes.NewReader(raw), Limits{})
			v := Classify(p)
			took := time.Since(start)
			if err != nil {
				t.Errorf("%s: Parse: %v", name, err)
			}
			if took > time.Second && !raceEnabled {
				t.Errorf("%s: took %v, want at most 1s", name, took)
			}
			checkText(t, name, "text", p.Text)
			checkText(t, name, "HTML", p.HTML)
			checkText(t, name, "reply", p.Reply)
			checkText(t, name, "subject", p.Head.Subject)
			if p.Size != int64(len(raw)) {
				t.Errorf("%s: size %d, want %d", name, p.Size, len(raw))
			}
			for _, a := range p.Attachments {
				checkText(t, name, "attachment's name", a.Name)
			}
			if v.Kind == "" {
				t.Errorf("%s: no kind", name)
			}
			if diff := cmp.Diff(ParseHead(raw), p.Head); diff != "" {
				t.Errorf("%s: ParseHead and Parse differ (-head +mail):\n%s", name, diff)
			}
			if i := headerEnd(raw); i > 0 && raw[0] > ' ' {
				if diff := cmp.Diff(ParseHead(raw[:i+2]), p.Head); diff != "" {
					t.Errorf("%s: ParseHead of the header alone and Parse differ (-head +mail):\n%s", name, diff)
				}
			}
			lower := bytes.ToLower(raw)
			has := func(field string) bool {
				return bytes.HasPrefix(lower, []byte(field)) || bytes.Contains(lower[:min(len(lower), 4000)], []byte("\n"+field))
			}
			for field, absent := range map[string]bool{"from: ": len(p.Head.From) == 0, "subject: ": p.Head.Subject == "", "date: ": p.Head.Date.IsZero()} {
				if absent && has(field) {
					missing[field]++
					t.Logf("%s/%s: no %s", folder, name, field)
				}
			}
			if strings.TrimSpace(p.Text) == "" && len(p.Attachments) == 0 {
				missing["content"]++
				t.Logf("%s/%s: no text, no attachment (%d bytes; %v)", folder, name, len(raw), p.Defects)
			}
		})
		t.Logf("%s: %d mails; missing %v", folder, mails, missing)
	}
}
