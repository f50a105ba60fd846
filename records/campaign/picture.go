package campaign

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"image"
	_ "image/gif" // what image.DecodeConfig knows
	_ "image/jpeg"
	_ "image/png"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The limits of what goes along with a mail, in bytes: a mailbox that takes 10 MB
// takes it, and a launch to thousands stays on the disk until it is sent.
const (
	MaxPictures    = 2 << 20
	MaxAttachments = 5 << 20
)

// File is a picture in a mail, or a file attached to it.
type File struct {
	Name          string // as recipients see it
	Type          string // media type
	Data          []byte // nil of a picture that no text names
	ContentID     string // by which an HTML part shows it
	Width, Height int    // of a picture, in pixels
}

// types are the media types of what goes along with mail, by the end of a name.
var types = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
	".pdf": "application/pdf", ".csv": "text/csv", ".txt": "text/plain", ".ics": "text/calendar", ".vcf": "text/vcard", ".zip": "application/zip",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
}

// refusedTypes are what mail servers turn away, or programs warn of.
var refusedTypes = []string{".exe", ".com", ".bat", ".cmd", ".scr", ".js", ".vbs", ".msi", ".jar", ".ps1", ".lnk", ".html", ".htm", ".svg", ".iso"}

// IsPicture reports whether a name is that of a picture every mail program shows.
func IsPicture(name string) bool { return strings.HasPrefix(types[ending(name)], "image/") }

func ending(name string) string { return strings.ToLower(path.Ext(name)) }

// NewFile returns what goes along with a mail; of a picture it reads the size.
func NewFile(name string, data []byte) (File, error) {
	name = path.Base(name)
	sum := sha256.Sum256(data)
	f := File{Name: name, Type: cmp.Or(types[ending(name)], "application/octet-stream"), Data: data, ContentID: hex.EncodeToString(sum[:12]) + "@picture"}
	switch {
	case OneLine(name) != name || len(name) > 100 || strings.ContainsAny(name, `/\`):
		return f, fmt.Errorf("a file with the name %.40q does not reach everybody: give it one of at most 100 bytes in one line", name)
	case slices.Contains(refusedTypes, ending(name)):
		return f, fmt.Errorf("mail servers refuse %s", name)
	case len(data) == 0:
		return f, fmt.Errorf("%s is empty", name)
	case !IsPicture(name):
		return f, nil
	}
	size, kind, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return f, fmt.Errorf("%s is no picture that can be read: %w", name, err)
	}
	f.Type, f.Width, f.Height = "image/"+kind, size.Width, size.Height
	return f, nil
}

// columnWidth is that of the text, in pixels.
const columnWidth = 600

// setting is what the writers of a body need besides their source: which way
// its language is written, and the pictures beside it, by name.
type setting struct {
	direction string
	pictures  map[string]File
	used      []File // those shown, once each, in order
	links     []Link
	faults    []error
}

// start is the side on which lines begin.
func (s *setting) start() string {
	if s.direction == "rtl" {
		return "right"
	}
	return "left"
}

// link returns where a link leads, and notes it; "" where it may not.
func (s *setting) link(target, words string) string {
	target = s.target(target, "https", "http", "mailto", "tel")
	s.links = append(s.links, Link{Target: target, Label: words})
	return target
}

// target returns an address of one of the schemes, "" where it is another.
func (s *setting) target(to string, schemes ...string) string {
	u, err := url.Parse(strings.TrimSpace(to))
	if err == nil {
		for _, scheme := range schemes {
			if strings.EqualFold(u.Scheme, scheme) && (u.Host != "" || u.Opaque != "") {
				return u.String()
			}
		}
	}
	s.faults = append(s.faults, fmt.Errorf("the link to %q does not begin with %s", to, strings.Join(schemes, ", ")))
	return ""
}

// picture returns what src is to be for a picture, and its width where that is
// known: one beside the text comes along, another is at an https address.
func (s *setting) picture(to, alt string) (src string, width int) {
	s.links = append(s.links, Link{Target: to, Label: alt, Image: true})
	if u, err := url.Parse(strings.TrimSpace(to)); err != nil || u.Scheme != "" || u.Host != "" || to == "" {
		return s.target(to, "https"), 0
	}
	name, err := url.PathUnescape(to)
	if err != nil {
		name = to
	}
	name = path.Clean(strings.TrimSpace(name))
	f, ok := s.pictures[name]
	switch {
	case film(name):
		s.faults = append(s.faults, fmt.Errorf("mail programs play no film such as %s: show a picture of it that leads there, [![what it shows](poster.jpg)](https://…)", name))
	case !IsPicture(name):
		s.faults = append(s.faults, fmt.Errorf("not every mail program shows %s: use PNG, JPEG or GIF", name))
	case !ok:
		s.faults = append(s.faults, fmt.Errorf("there is no picture %s beside the text%s", name, s.known()))
	case f.Data == nil:
		s.faults = append(s.faults, fmt.Errorf("the name of the picture %s does not stand in the text: write it out, no field makes it", name))
	default:
		if !slices.ContainsFunc(s.used, func(u File) bool { return u.ContentID == f.ContentID }) {
			s.used = append(s.used, f)
		}
		return "cid:" + f.ContentID, min(f.Width, columnWidth)
	}
	return "", 0
}

func film(name string) bool {
	return slices.Contains([]string{".mp4", ".webm", ".mov", ".avi", ".mkv", ".m4v"}, ending(name))
}

// known names the pictures there are.
func (s *setting) known() string {
	if len(s.pictures) == 0 {
		return "; pictures need a folder of the campaign's name, with campaign.yaml, body.md and them"
	}
	var names []string
	for name := range s.pictures {
		names = append(names, name)
	}
	slices.Sort(names)
	return ": there is " + strings.Join(names, ", ")
}

// picture writes the element of one. Outlook's Word engine takes the width
// from the attribute and knows no max-width; the others take the style. Width 0
// shows it as wide as it is.
func picture(src, alt string, width int) string {
	size, style := "", "max-width:100%;height:auto"
	if width > 0 {
		size, style = ` width="`+strconv.Itoa(width)+`"`, "width:100%;max-width:"+strconv.Itoa(width)+"px;height:auto"
	}
	return `<img src="` + html.EscapeString(src) + `" alt="` + html.EscapeString(alt) + `"` + size + ` style="` + styleImage + ";" + style + `">`
}

// fault joins what was found.
func (s *setting) fault() error { return errors.Join(s.faults...) }
