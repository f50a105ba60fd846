package outbox

import (
	"fmt"
	"strings"
)

// CheckAddress refuses an address that may not stand between < and > of an
// envelope, or that programs read differently: it could become a parameter, a
// command or another recipient. What is left is a dot-atom at a domain in ASCII
// (RFC 5321, section 4.1.2), within the lengths of its section 4.5.3.1.
func CheckAddress(a string) error {
	local, domain, ok := strings.Cut(a, "@")
	bad := !ok || local == "" || domain == "" || strings.Contains(domain, "@") || len(local) > 64 || len(a) > 254 ||
		strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..")
	for _, r := range a {
		bad = bad || r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>()[]\,;:`, r)
	}
	if bad {
		return fmt.Errorf("the address %q cannot be written to", a)
	}
	return nil
}
