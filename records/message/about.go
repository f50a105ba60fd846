package message

// About returns the head of the mail that a report speaks of, where the report
// quotes it (message/rfc822, text/rfc822-headers), and whether it does.
func (p Parsed) About() (Head, bool) {
	if p.about == nil {
		return Head{}, false
	}
	return *p.about, true
}
