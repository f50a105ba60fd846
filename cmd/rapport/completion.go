package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:""`
}

// Run prints a script by which a shell completes commands and flags.
func (c *completionCommand) Run(s *session) error {
	parser, err := newParser(&cli{}, s.out, s.err)
	if err != nil {
		return err
	}
	words := map[string][]string{}
	gatherWords(parser.Model.Node, "", words)
	write, ok := map[string]func(map[string][]string) string{
		"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion,
	}[c.Shell]
	if !ok {
		return usage("no completion for %q, there are bash, zsh, fish", c.Shell)
	}
	s.printf("%s", write(words))
	return nil
}

// gatherWords lists what may follow each command: its commands and flags.
func gatherWords(n *kong.Node, at string, words map[string][]string) {
	words[at] = nil
	for _, child := range n.Children {
		if child.Type == kong.CommandNode {
			words[at] = append(words[at], child.Name)
			gatherWords(child, strings.TrimSpace(at+" "+child.Name), words)
		}
	}
	for _, f := range n.Flags {
		words[at] = append(words[at], "--"+f.Name)
	}
	if at != "" {
		words[at] = append(words[at], "--json", "--config", "--help")
	}
	sort.Strings(words[at])
}

// places lists the commands in order; "" is the beginning of the line.
func places(words map[string][]string) []string {
	var ps []string
	for p := range words {
		ps = append(ps, p)
	}
	sort.Strings(ps)
	return ps
}

// shellPlaces is a shell pattern of every command, by which a script tells how
// far into one the line has come.
func shellPlaces(words map[string][]string) string {
	var known []string
	for _, p := range places(words) {
		if p != "" {
			known = append(known, fmt.Sprintf("%q", p))
		}
	}
	return strings.Join(known, "|")
}

func bashCompletion(words map[string][]string) string {
	var b strings.Builder
	b.WriteString(`# bash completion of rapport: source <(rapport completion bash)
_rapport() {
  local place="" next word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    next="${place:+$place }$word"
    case "$next" in
`)
	fmt.Fprintf(&b, "    %s) place=\"$next\" ;;\n    esac\n  done\n  local words=\"\"\n  case \"$place\" in\n", shellPlaces(words))
	for _, p := range places(words) {
		fmt.Fprintf(&b, "  %q) words=%q ;;\n", p, strings.Join(words[p], " "))
	}
	b.WriteString(`  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _rapport rapport
`)
	return b.String()
}

func zshCompletion(words map[string][]string) string {
	var b strings.Builder
	b.WriteString(`#compdef rapport
# zsh completion of rapport: rapport completion zsh > "${fpath[1]}/_rapport"
_rapport() {
  local place="" next word i
  for ((i = 2; i < CURRENT; i++)); do
    word="${words[i]}"
    next="${place:+$place }$word"
    case "$next" in
`)
	fmt.Fprintf(&b, "    %s) place=\"$next\" ;;\n    esac\n  done\n  case \"$place\" in\n", shellPlaces(words))
	for _, p := range places(words) {
		fmt.Fprintf(&b, "  %q) compadd -- %s ;;\n", p, strings.Join(words[p], " "))
	}
	b.WriteString(`  esac
  _files
}
if [ "$funcstack[1]" = "_rapport" ]; then _rapport "$@"; else compdef _rapport rapport; fi
`)
	return b.String()
}

func fishCompletion(words map[string][]string) string {
	var b strings.Builder
	b.WriteString(`# fish completion of rapport: rapport completion fish > ~/.config/fish/completions/rapport.fish
function __rapport_at
  set -l place ""
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$place $word")
    switch "$next"
`)
	fmt.Fprintf(&b, "      case %s\n        set place \"$next\"\n    end\n  end\n  test \"$place\" = \"$argv[1]\"\nend\n",
		strings.ReplaceAll(shellPlaces(words), "|", " "))
	for _, p := range places(words) {
		for _, w := range words[p] {
			if flag, ok := strings.CutPrefix(w, "--"); ok {
				fmt.Fprintf(&b, "complete -c rapport -n '__rapport_at %q' -l %s\n", p, flag)
			} else {
				fmt.Fprintf(&b, "complete -c rapport -f -n '__rapport_at %q' -a %s\n", p, w)
			}
		}
	}
	return b.String()
}
