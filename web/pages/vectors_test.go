package pages_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// vector is one piece of hostile input: what it does when it works is to call
// the canary with its number, or to ask leak.example for something that holds
// its number.
type vector struct {
	number int // the line of the file
	class  string
	text   string
}

// leaves is where every vector that asks for something asks.
const leaves = "leak.example"

var (
	codePoints = regexp.MustCompile(`\{CP((?: [0-9A-F]+)+)\}`)
	inBase64   = regexp.MustCompile(`\{B64 ([^}]*)\}`)
)

// vectors reads testdata/vectors.txt.
func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	class := ""
	for i, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			class = name
		} else if line != "" && class != "" {
			out = append(out, vector{number: i + 1, class: class, text: armed(line, i+1)})
		}
	}
	if len(out) < 250 {
		t.Fatalf("only %d vectors: the file is not read as it is meant", len(out))
	}
	return out
}

// armed fills in a vector's tokens.
func armed(line string, number int) string {
	n := strconv.Itoa(number)
	line = strings.NewReplacer(
		"{JS}", "canary("+n+"+[])",
		"{URL}", "http://"+leaves+"/"+n,
		"{HOST}", leaves+"/"+n,
	).Replace(line)
	line = codePoints.ReplaceAllStringFunc(line, func(token string) string {
		var b strings.Builder
		for _, hex := range strings.Fields(token[3 : len(token)-1]) {
			r, err := strconv.ParseUint(hex, 16, 32)
			if err != nil {
				panic(fmt.Sprintf("line %s of vectors.txt: %v", n, err))
			}
			b.WriteRune(rune(r))
		}
		return b.String()
	})
	return inBase64.ReplaceAllStringFunc(line, func(token string) string {
		return base64.StdEncoding.EncodeToString([]byte(token[5 : len(token)-1]))
	})
}

// shown is what a vector that does something is known by where it is only text.
var shown = regexp.MustCompile(`canary\((\d+)\+|` + regexp.QuoteMeta(leaves) + `/(\d+)`)

// bites reports whether a vector does something in a page that lets it: those
// that only deceive or push do not.
func bites(v vector) bool { return shown.MatchString(v.text) }
