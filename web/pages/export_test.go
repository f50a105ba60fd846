package pages

// CleanMail is what is left of a mail's HTML.
func CleanMail(raw string) string { return cleanMail(raw, nil, false).HTML }
