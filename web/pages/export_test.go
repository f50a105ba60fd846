package pages

// Patterns are the methods and paths of everything the pages offer.
func Patterns() []string {
	var out []string
	for _, rt := range (&Pages{}).routes() {
		out = append(out, rt.pattern)
	}
	return out
}

// CleanMail is what is left of a mail's HTML.
func CleanMail(raw string) string { return cleanMail(raw, nil, false).HTML }
