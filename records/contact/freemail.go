package contact

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed freemail.txt
var freemailList string

var freemail = sync.OnceValue(func() map[string]struct{} {
	set := make(map[string]struct{})
	for line := range strings.Lines(freemailList) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			set[line] = struct{}{}
		}
	}
	return set
})

// Freemail reports whether anybody can have a mailbox at the domain, which is
// in normal form: such a domain belongs to no organisation of ours. Only the
// domains in freemail.txt count, not their subdomains.
func Freemail(domain string) bool {
	_, ok := freemail()[domain]
	return ok
}
