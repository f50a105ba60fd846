package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// helpText is the help of every command, written by hand: a section each,
// headed by "## " and the command. docs/commands.md is made of it.
//
//go:embed help.txt
var helpText string

// helpOf returns the help of a command; "rapport" has that of the whole.
func helpOf(command string) (string, bool) {
	for section := range strings.SplitSeq("\n"+helpText, "\n## ") {
		head, body, _ := strings.Cut(section, "\n")
		if head == command {
			return strings.Trim(body, "\n") + "\n", true
		}
	}
	return "", false
}

// commandName is how a command is called, without its arguments.
func commandName(node *kong.Node) string {
	var names []string
	for n := node; n != nil; n = n.Parent {
		if n.Type == kong.CommandNode || n.Type == kong.ApplicationNode {
			names = append([]string{n.Name}, names...)
		}
	}
	return strings.Join(names, " ")
}

// printHelp prints what is written of the command that was asked about.
func printHelp(_ kong.HelpOptions, ctx *kong.Context) error {
	name := "rapport"
	if node := ctx.Selected(); node != nil {
		name = commandName(node)
	}
	text, ok := helpOf(name)
	if !ok {
		return fmt.Errorf("no help of %s", name)
	}
	_, err := fmt.Fprint(ctx.Stdout, text)
	return err
}
