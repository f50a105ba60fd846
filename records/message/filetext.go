package message

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// FileText is what an attached text, table or invitation says. It is no part
// of the mail's own text, nor of the digest of it.
type FileText struct {
	Name string `json:"name"` // as the Attachment's
	Part string `json:"part"` // as the Attachment's
	Text string `json:"text"`
}

// The bounds of what is read of attached files: of each, and of one mail's
// together, in decoded bytes.
const (
	maxFileText  = 64 << 10
	maxFileTexts = 256 << 10
)

// unsaid are the types of text that say nothing to people.
var unsaid = map[string]bool{
	"text/css": true, "text/javascript": true, "text/ecmascript": true, "text/x-amp-html": true, "text/rtf": true, "text/richtext": true,
}

// saidNames are the endings of files that are text although mail programs often
// send them as a type that says nothing.
var saidNames = map[string]bool{
	".txt": true, ".csv": true, ".tsv": true, ".md": true, ".log": true, ".ics": true, ".vcf": true, ".htm": true, ".html": true, ".xml": true, ".json": true,
}

// readable reports whether a file is of a kind whose text is read.
func readable(kind, name string) bool {
	switch kind {
	case "application/json", "application/xml", "application/csv", "application/xhtml+xml":
		return true
	case "", "application/octet-stream", "application/x-unknown", "application/vnd.ms-excel", "application/unknown":
		return saidNames[strings.ToLower(path.Ext(name))] // Excel calls tables of commas its own
	}
	return strings.HasPrefix(kind, "text/") && !unsaid[kind]
}

// listen has the content of a file kept where it is to be read, here or by
// whoever can.
func (l *leaf) listen() {
	if l.file && l.kind == "" && l.tnef == nil && readable(l.head.media.value, l.head.name()) {
		l.said = true
	}
	l.kept = l.file && l.kind == "" && l.w.lim.Documents > 0 && len(l.w.out.Documents) < maxDocuments && isDocument(l.head.media.value, l.head.name())
}

// hear keeps the beginning of what a file says.
func (l *leaf) hear(b []byte) {
	if l.buf == nil {
		l.buf = l.w.scratch.take()
	}
	room := min(maxFileText, maxFileTexts-l.w.heard) - len(l.buf)
	l.buf = append(l.buf, b[:max(0, min(room, len(b)))]...)
}

// fileText settles what a file says.
func (w *walker) fileText(l *leaf) {
	charset := l.head.media.get("charset")
	if bytes.HasPrefix(l.buf, []byte("\xff\xfe")) || bytes.HasPrefix(l.buf, []byte("\xfe\xff")) {
		charset = "utf-16"
	}
	kind, ending := l.head.media.value, strings.ToLower(path.Ext(l.head.name()))
	html := kind == "text/html" || kind == "application/xhtml+xml" || ending == ".html" || ending == ".htm"
	if html && charset == "" {
		charset = metaCharset(l.buf)
	}
	text := toUTF8(charset, l.buf)
	if strings.Contains(text, "\x00") {
		return // an archive or a picture by another name
	}
	text = cleanText(text)
	switch {
	case html:
		text = htmlText(text, maxFileText)
	case kind == "text/calendar", ending == ".ics":
		text = calendarText(text)
	case strings.HasSuffix(kind, "xml"), ending == ".xml":
		text = stripTags(text)
	}
	w.said(l.head.name(), l.part(), text)
}

// said adds the text of a file.
func (w *walker) said(name, part, text string) {
	text = clipText(strings.TrimSpace(text), int64(min(maxFileText, maxFileTexts-w.heard)))
	if w.heard += len(text); text != "" {
		w.out.Files = append(w.out.Files, FileText{Name: name, Part: part, Text: text})
	}
}

// spoken are the properties of an iCalendar object that people write and read.
var spoken = map[string]bool{"SUMMARY": true, "LOCATION": true, "DESCRIPTION": true, "COMMENT": true, "CONTACT": true, "CATEGORIES": true, "RESOURCES": true}

// calendarText is what an invitation says: what, where, and who takes part,
// each once.
func calendarText(s string) string {
	var lines []string
	told := map[string]bool{}
	tell := func(line string) {
		if line = strings.TrimSpace(line); line != "" && !told[line] {
			told[line] = true
			lines = append(lines, line)
		}
	}
	s = strings.NewReplacer("\n ", "", "\n\t", "").Replace(cleanText(s))
	for line := range strings.SplitSeq(s, "\n") {
		name, value, ok := cutProperty(line)
		if !ok {
			continue
		}
		key, params, _ := strings.Cut(name, ";")
		switch key = strings.ToUpper(key); {
		case spoken[key]:
			tell(unescapeICS(value))
		case key == "ORGANIZER", key == "ATTENDEE":
			for param := range strings.SplitSeq(params, ";") {
				if called, ok := strings.CutPrefix(param, "CN="); ok {
					tell(strings.Trim(called, `"`))
				}
			}
			if addr, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(value)), "mailto:"); ok {
				tell(addr)
			}
		}
	}
	return strings.Join(lines, "\n")
}

// Document is an attached office or PDF file as it is, kept for whoever can read
// it: see [Limits].
type Document struct {
	Name, Part string // as the Attachment's
	Content    []byte
}

// documentNames are the endings of office files that are archives of XML, and of
// PDF files.
var documentNames = map[string]bool{
	".docx": true, ".docm": true, ".dotx": true, ".xlsx": true, ".xlsm": true, ".xltx": true, ".pptx": true, ".pptm": true, ".ppsx": true,
	".odt": true, ".ott": true, ".ods": true, ".ots": true, ".odp": true, ".otp": true,
	".pdf": true,
}

// maxDocuments bounds how many such files of one mail are kept.
const maxDocuments = 8

// isDocument reports whether a file is called as such files are: their types are
// often wrong, their names are not. A PDF file without a name has its type.
func isDocument(kind, name string) bool {
	return documentNames[strings.ToLower(path.Ext(name))] || kind == "application/pdf"
}

// HasDocument reports whether one of a mail's attachments is an office or PDF
// file, by what it is called.
func HasDocument(list []Attachment) bool {
	return slices.ContainsFunc(list, func(a Attachment) bool { return isDocument(a.Type, a.Name) })
}

// store keeps a piece of such a file, and nothing of one that is too large.
func (l *leaf) store(b []byte) {
	if int64(len(l.office)+len(b)) > l.w.lim.Documents {
		l.kept, l.office = false, nil
		return
	}
	l.office = append(l.office, b...)
}

// keepDocument settles such a file.
func (w *walker) keepDocument(l *leaf) {
	w.lim.Documents -= int64(len(l.office))
	w.out.Documents = append(w.out.Documents, Document{Name: l.head.name(), Part: l.part(), Content: l.office})
}

// ReadDocuments has the documents that were kept read, and lets go of them. What
// they say stands beside what other files say; read says "" for one that cannot
// be read.
func (p *Parsed) ReadDocuments(read func(Document) string) {
	for _, d := range p.Documents {
		if text := read(d); text != "" {
			p.Files = append(p.Files, FileText{Name: d.Name, Part: d.Part, Text: text})
		}
	}
	p.Documents = nil
}
