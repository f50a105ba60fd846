package message

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// attributes are those of an element that matter.
type attributes struct {
	href, alt string
	hidden    bool // not shown at all
	flat      bool // a paragraph without space around it, as Outlook writes lines
	indent    bool // a quotation that only moves its text to the right
}

// attributesOf reads the target of a link, the words for a picture, whether and
// how the element is shown.
func (w *htmlWriter) attributesOf(z *html.Tokenizer, name string) (a attributes) {
	quote, pixel := false, false
	for range 64 {
		key, value, more := z.TagAttr()
		switch string(key) {
		case "href":
			if name == "a" {
				a.href = strings.TrimSpace(string(value))
			}
		case "alt":
			if name == "img" {
				a.alt = squeeze(string(value))
			}
		case "width", "height":
			v := strings.TrimSuffix(string(clip(value, 8)), "px")
			pixel = pixel || v == "0" || v == "1"
		case "hidden":
			a.hidden = true
		case "class":
			class := string(clip(value, 400))
			a.flat = a.flat || strings.Contains(class, "Mso")
			quote = quote || strings.Contains(class, "quote")
			a.hidden = a.hidden || w.hidesClass(class)
		case "cite", "type":
			quote = true
		case "style":
			style := plainStyle(value)
			a.hidden = a.hidden || hides(style)
			a.flat = a.flat || isFlat(style)
			a.indent = strings.Contains(style, "border:none") || strings.Contains(style, "border:0") || strings.Contains(style, "border:mediumnone")
		}
		if !more {
			break
		}
	}
	if a.indent = a.indent && !quote; pixel {
		a.alt = "" // it counts who reads the mail
	}
	return a
}

// plainStyle returns a style in lower case, without blanks.
func plainStyle(style []byte) string {
	style = clip(style, 2000)
	if bytes.IndexByte(style, ':') < 0 {
		return ""
	}
	return strings.ToLower(strings.Join(strings.Fields(string(style)), ""))
}

// isFlat reports whether a style leaves no space above and below.
func isFlat(style string) bool {
	none := func(property string) bool {
		_, v, ok := strings.Cut(style, property+":0")
		return ok && (v == "" || v[0] != '.' && (v[0] < '0' || v[0] > '9'))
	}
	return none("margin") || none("margin-top") && none("margin-bottom")
}

// hides reports whether a plain style keeps an element from being shown.
func hides(style string) bool {
	for _, h := range []string{"display:none", "mso-hide:all", "visibility:hidden"} {
		if strings.Contains(style, h) {
			return true
		}
	}
	// Preview texts make themselves small; a layout may do one of these alone.
	return strings.Contains(style, "overflow:hidden") && (zero(style, "max-height:0") || zero(style, "opacity:0")) ||
		zero(style, "opacity:0") && (strings.Contains(style, "font-size:0") || strings.Contains(style, "font-size:1px"))
}

// zero reports whether a property is there that ends with 0, and not 0.5.
func zero(style, property string) bool {
	_, v, ok := strings.Cut(style, property)
	return ok && (v == "" || v[0] != '.' && (v[0] < '0' || v[0] > '9'))
}

// The bounds of what is read of style sheets.
const (
	maxSheet         = 64 << 10
	maxHiddenClasses = 64
)

// readSheet notes the classes that a style sheet hides wherever they stand: the
// rules of a single class, outside of any @media.
func (w *htmlWriter) readSheet(sheet []byte) {
	sheet = clip(sheet, maxSheet)
	for depth := 0; len(sheet) > 0 && len(w.hiddenClasses) < maxHiddenClasses; {
		open, end := bytes.IndexByte(sheet, '{'), bytes.IndexByte(sheet, '}')
		if end >= 0 && (open < 0 || end < open) { // the end of an @media
			depth = max(depth-1, 0)
			sheet = sheet[end+1:]
			continue
		}
		if open < 0 || end < 0 {
			return
		}
		selector := string(bytes.TrimSpace(clip(sheet[:open], 4096)))
		if k := strings.LastIndex(selector, "*/"); k >= 0 {
			selector = strings.TrimSpace(selector[k+2:])
		}
		if strings.HasPrefix(selector, "@media") || strings.HasPrefix(selector, "@supports") {
			depth++
			sheet = sheet[open+1:]
			continue
		}
		if depth == 0 && hides(plainStyle(sheet[open+1:end])) {
			for one := range strings.SplitSeq(selector, ",") {
				if class, ok := strings.CutPrefix(strings.TrimSpace(one), "."); ok && !strings.ContainsAny(class, " .:>#[+~") {
					w.hiddenClasses = append(w.hiddenClasses, class)
				}
			}
		}
		sheet = sheet[end+1:]
	}
}

func (w *htmlWriter) hidesClass(class string) bool {
	if len(w.hiddenClasses) == 0 {
		return false
	}
	for c := range strings.FieldsSeq(class) {
		if slices.Contains(w.hiddenClasses, c) {
			return true
		}
	}
	return false
}

// mayHide reports whether a tag, as it stands, has an attribute that can hide
// its element.
func mayHide(tag []byte) bool {
	for {
		i := bytes.IndexAny(tag, "sShH")
		if i < 0 {
			return false
		}
		tag = tag[i:]
		if len(tag) >= 5 && bytes.EqualFold(tag[:5], []byte("style")) || len(tag) >= 6 && bytes.EqualFold(tag[:6], []byte("hidden")) {
			return true
		}
		tag = tag[1:]
	}
}
