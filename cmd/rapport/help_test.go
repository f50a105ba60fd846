package main

import (
	"flag"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "rewrite golden files")

func model(t *testing.T) *kong.Kong {
	t.Helper()
	k, err := newParser(&cli{}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// commands lists every command and group with its node.
func commands(n *kong.Node) map[string]*kong.Node {
	all := map[string]*kong.Node{commandName(n): n}
	for _, child := range n.Children {
		if child.Type == kong.CommandNode {
			for name, node := range commands(child) {
				all[name] = node
			}
		}
	}
	return all
}

var (
	sections = regexp.MustCompile(`(?m)^## (.*)$`)
	flagName = regexp.MustCompile(`--[a-z][a-z-]*`)
)

// TestHelpSaysWhatThereIs holds the help, written by hand, to the commands and
// flags there are, and the other way round.
func TestHelpSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	all := commands(model(t).Model.Node)
	for _, m := range sections.FindAllStringSubmatch(helpText, -1) {
		if all[m[1]] == nil {
			t.Errorf("there is help of %q and no such command", m[1])
		}
	}
	for name, node := range all {
		text, ok := helpOf(name)
		if !ok {
			t.Errorf("%s has no help", name)
			continue
		}
		if !strings.HasPrefix(text, "Usage: "+name) {
			t.Errorf("help of %s does not begin with its usage", name)
		}
		_, flags, _ := strings.Cut(text, "\nFlags:")
		if name == "rapport" {
			flags = text
		}
		flags, _, _ = strings.Cut(flags, "\nExample:")
		for _, f := range node.Flags {
			if f.Name != "help" && !strings.Contains(flags, "--"+f.Name) {
				t.Errorf("help of %s does not say --%s", name, f.Name)
			}
		}
		for _, f := range flagName.FindAllString(flags, -1) {
			known := slices.ContainsFunc(node.Flags, func(k *kong.Flag) bool { return "--"+k.Name == f }) || f == "--json" || f == "--config" || f == "--help"
			if !known && len(node.Children) == 0 {
				t.Errorf("help of %s says %s, which there is not", name, f)
			}
		}
		for _, line := range strings.Split(text, "\n") {
			if width(line) > 86 {
				t.Errorf("help of %s: the line %q is too long", name, line)
			}
		}
	}
}

// TestHelpEndsWithAnExampleThatWorks parses the last line of every help.
func TestHelpEndsWithAnExampleThatWorks(t *testing.T) {
	t.Parallel()
	for name := range commands(model(t).Model.Node) {
		text, _ := helpOf(name)
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		n := len(lines)
		if n < 2 || lines[n-2] != "Example:" || !strings.HasPrefix(lines[n-1], "  rapport ") {
			t.Errorf("help of %s does not end with an example", name)
			continue
		}
		if _, err := model(t).Parse(shellWords(lines[n-1])[1:]); err != nil {
			t.Errorf("the example of %s does not work: %v", name, err)
		}
	}
}

// TestHelpIsAWordToo prints for "help COMMAND" what the flag prints.
func TestHelpIsAWordToo(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{nil, {"campaign"}, {"campaign", "send"}} {
		var byWord, byFlag, errs strings.Builder
		said := run(t.Context(), append([]string{"help"}, command...), nil, &byWord, &errs)
		run(t.Context(), append(slices.Clone(command), "--help"), nil, &byFlag, &errs)
		if said != exitDone || byWord.Len() == 0 || byWord.String() != byFlag.String() {
			t.Errorf("help %v = %d %q %s", command, said, byWord.String(), errs.String())
		}
	}
	var errs strings.Builder
	if said := run(t.Context(), []string{"help", "nonsense"}, nil, io.Discard, &errs); said != exitUsage || !strings.Contains(errs.String(), "nonsense") {
		t.Errorf("help of what there is not = %d %q", said, errs.String())
	}
}

// shellWords splits a line at spaces outside quotes, up to a redirection.
func shellWords(line string) []string {
	var words []string
	for _, m := range regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s'"]+`).FindAllString(line, -1) {
		if m == ">" {
			break
		}
		words = append(words, strings.Trim(m, `'"`))
	}
	return words
}

// TestCommandsPage holds docs/commands.md to the help.
func TestCommandsPage(t *testing.T) {
	t.Parallel()
	const page = "../../docs/commands.md"
	var b strings.Builder
	b.WriteString("# Commands\n\nThis page is the help of every command, as `rapport COMMAND --help` prints it; a test keeps it so\n(`go test ./cmd/rapport -run TestCommandsPage -update` writes it).\n")
	for _, m := range sections.FindAllStringSubmatch(helpText, -1) {
		text, _ := helpOf(m[1])
		b.WriteString("\n## " + m[1] + "\n\n```\n" + text + "```\n")
	}
	golden(t, page, b.String())
}

// golden compares text with a file, or writes the file with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update and read the change):\n%s", file, got)
	}
}
