package main

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rapport/records/contact"
	"rapport/records/message"
)

// The golden set: answers and forwards in the ways of the common programs, a
// file for each language and one of odd ones. An entry is the name of the
// program or of the case behind ====, the mail, and behind ==== new what a
// person would call newly written.
//
//go:embed testdata/replies/*.txt testdata/fresh/*.txt
var goldenReplies embed.FS

// golden measures what is found to be newly written in the golden sets: exactly
// what is expected, and whether a line of the author is lost. The rules were
// made with the first set before them; the second was written after what
// programs put out, and measured before a rule knew of it.
func golden(r *Report) error {
	if err := goldenSet(r, "reply.golden", "replies"); err != nil {
		return err
	}
	return goldenSet(r, "reply.fresh", "fresh")
}

// goldenSet measures one set, the files of a directory of testdata.
func goldenSet(r *Report, name, set string) error {
	exact, kept := r.Figure(name, 90), r.Figure(name+"-kept", 99)
	files, err := fs.Glob(goldenReplies, "testdata/"+set+"/*.txt")
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := goldenReplies.ReadFile(file)
		if err != nil {
			return err
		}
		entries := strings.Split("\n"+string(text), "\n==== ")[1:]
		for n := 0; n < len(entries); n += 2 {
			if n+1 >= len(entries) || !strings.HasPrefix(entries[n+1], "new\n") {
				return fmt.Errorf("read %s: entry %d lacks its ==== new", file, n/2+1)
			}
			name, raw, _ := strings.Cut(entries[n], "\n")
			want := strings.TrimSpace(strings.TrimPrefix(entries[n+1], "new\n"))
			p, err := message.Parse(strings.NewReader(strings.ReplaceAll(raw, "\n", "\r\n")), message.Limits{})
			if err != nil {
				return fmt.Errorf("parse %q of %s: %w", name, file, err)
			}
			item := strings.TrimSuffix(path.Base(file), ".txt") + " " + name
			exact.Count(p.Reply == want, item, "%q, want %q", p.Reply, want)
			lost := missingLine(p.Reply, want)
			kept.Count(lost == "", item, "lost %q", lost)
		}
	}
	return nil
}

// missingLine returns the first line of want that got has not, "" if none.
func missingLine(got, want string) string {
	for line := range strings.Lines(want) {
		if line = strings.TrimSpace(line); !strings.Contains(got, line) {
			return line
		}
	}
	return ""
}

// The lines of the corpora's replies that their author newly wrote, by the
// number of the line in the readable text, told by eye: the file below reply,
// then runs of lines. Of a signature, and of what a program added, none counts.
//
//go:embed testdata/replies.tsv
var ownLines string

// replies measures whether what the author of a reply of the corpora wrote is
// kept, and whether talon's truth agrees.
func replies(r *Report) error {
	own := map[string]string{}
	for line := range strings.Lines(ownLines) {
		name, runs, _ := strings.Cut(strings.TrimSpace(line), "\t")
		own[name] = runs
	}
	kept := r.Figure("reply.kept", 99)
	err := r.eachMail("reply", func(m mail) {
		runs, ok := own[strings.TrimPrefix(m.name, "reply/")]
		if !ok {
			return
		}
		lines, got := strings.Split(replyText(m), "\n"), onOneLine(replyOf(m))
		for run := range strings.FieldsSeq(runs) {
			var from, to int
			if _, err := fmt.Sscanf(run, "%d-%d", &from, &to); err != nil || from < 1 || to > len(lines) {
				kept.Miss(m.name, "no lines %s", run)
				continue
			}
			for _, line := range lines[from-1 : to] {
				if line = onOneLine(line); line != "" {
					kept.Count(strings.Contains(got, line), m.name, "lost %q", line)
				}
			}
		}
	})
	if err != nil {
		return err
	}
	return talon(r)
}

// bare reports whether a file of the replies is a text without a header.
func bare(m mail) bool { return !strings.HasSuffix(m.name, ".eml") }

// replyText returns the readable text of a reply.
func replyText(m mail) string {
	if bare(m) {
		return strings.ReplaceAll(string(m.raw), "\r\n", "\n")
	}
	p, err := message.Parse(bytes.NewReader(m.raw), message.Limits{})
	if err != nil {
		return ""
	}
	return p.Text
}

// replyOf returns what is found to be newly written.
func replyOf(m mail) string {
	if bare(m) {
		return message.NewText(replyText(m), message.Head{})
	}
	p, err := message.Parse(bytes.NewReader(m.raw), message.Limits{})
	if err != nil {
		return ""
	}
	return p.Reply
}

// talon compares with the truth of talon, which comes without white space that
// matters: replies in the ways of common programs, which all say one sentence,
// and mails whose signature is known.
func talon(r *Report) error {
	f := r.Figure("reply.talon", 100)
	same := func(item, got, want string) {
		f.Count(onOneLine(got) == onOneLine(want), item, "%q, want %q", got, want)
	}
	dir := filepath.Join(r.Corpora, "reply/talon")
	err := r.eachMail("reply/talon/standard_replies", func(m mail) {
		if !bare(m) {
			same(m.name, replyOf(m), "Hello")
		}
	})
	if err != nil {
		return err
	}
	pages, err := filepath.Glob(filepath.Join(dir, "html_replies", "*.html"))
	if err != nil {
		return fmt.Errorf("list talon's pages: %w", err)
	}
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			return fmt.Errorf("read talon's pages: %w", err)
		}
		got := replyOf(mail{name: ".eml", raw: append([]byte("From: Sam <sam@example.com>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"), raw...)})
		same("reply/talon/html_replies/"+filepath.Base(page), strings.TrimSuffix(onOneLine(got), " Thanks, Alex"), "Hi. I am fine.")
	}
	return signatures(dir, same)
}

// signatures compares with the mails of talon whose signature is known.
func signatures(dir string, same func(item, got, want string)) error {
	bodies, err := filepath.Glob(filepath.Join(dir, "signature/emails/stripped", "*_body"))
	if err != nil {
		return fmt.Errorf("list talon's signatures: %w", err)
	}
	for _, path := range bodies {
		var text [3]string
		for n, part := range []string{"_body", "_sender", "_signature"} {
			raw, err := os.ReadFile(strings.TrimSuffix(path, "_body") + part)
			if err != nil {
				return fmt.Errorf("read talon's signatures: %w", err)
			}
			text[n] = strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "#sig#", "").Replace(string(raw)))
		}
		by := message.Party{Name: text[1]}
		if strings.Contains(text[1], "@") {
			by = message.Party{Address: contact.Address(text[1])}
		}
		want := strings.TrimSuffix(text[0], text[2])
		same("reply/talon/signature/"+filepath.Base(path), message.NewText(text[0], message.Head{From: []message.Party{by}}), want)
	}
	return nil
}

// onOneLine returns a text on one line, with one blank between words.
func onOneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
