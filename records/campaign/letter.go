package campaign

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"unicode/utf8"
)

// MaxHTML is the size of an HTML part above which Gmail shows only its
// beginning, in bytes; the footer with the way out would be hidden.
const MaxHTML = 102 << 10

// Letter is a mail as its author wrote it, in one language.
type Letter struct {
	Language  string // a BCP 47 tag; "" is English
	Subject   *Template
	Preheader *Template // what mailboxes show beside the subject; nil for none
	Body      *Template // Markdown, or HTML
	Markup    bool      // it is HTML: what stands in the frame, or a whole document
	Text      *Template // the text part; nil: it is made of the body
	Layout    *Template // the frame, an HTML document; nil: our own
	Pictures  map[string]File
	Scale     *Scale // what it asks below its text; nil: nothing
}

// Rendered is a mail for one person.
type Rendered struct {
	Subject  string
	HTML     string // a whole document
	Text     string
	Links    []Link
	Pictures []File // that the HTML shows
	Files    []File // attached

	out  string // the way out, which has to be in both parts
	body string // which has to be in the HTML
}

// Render fills a letter in for one person and puts the footer below it: who
// writes, why, and the way out.
func (l Letter) Render(f Fields) (Rendered, error) {
	subject, err := l.Subject.Line(f)
	if err != nil {
		return Rendered{}, err
	}
	preheader := ""
	if l.Preheader != nil {
		if preheader, err = l.Preheader.Line(f); err != nil {
			return Rendered{}, err
		}
	}
	s := &setting{direction: direction(l.Language), pictures: l.Pictures}
	foot := l.footer(f)
	scale, asked := "", ""
	if l.Scale != nil {
		var links []Link
		scale, asked, links = l.Scale.parts(l.Language)
		s.links = append(s.links, links...)
	}
	filled := map[string]string{"footer": foot.html()}
	// A preheader that is not there is no fault of a layout.
	fields := slots{Fields: f, Subject: Text(subject), Preheader: Text(cmp.Or(preheader, " ")), Body: "body", Footer: "footer"}
	b, err := l.body(fields, filled, s)
	if err != nil {
		return Rendered{}, err
	}
	if l.Scale != nil && l.whole(b) {
		return Rendered{}, fmt.Errorf("%s: the letter of a survey has no place for its scale where it is a whole document: leave the <html> away", l.Body.name)
	}
	b.html, b.text = b.html+scale, b.text+asked
	document := b.html
	switch {
	case l.whole(b):
	case l.Layout != nil:
		source, err := l.Layout.execute(fields)
		if err != nil {
			return Rendered{}, err
		}
		filled["body"] = b.html
		document = fromHTML(source, filled, s).html
	default:
		document = l.document(subject, preheader, b.html, filled["footer"])
	}
	if err := s.fault(); err != nil {
		return Rendered{}, fmt.Errorf("%s: %w", l.Body.name, err)
	}
	return Rendered{
		Subject: subject, HTML: document, Text: b.text + foot.text(), Links: s.links, Pictures: s.used,
		out: plain(f.Links.Unsubscribe.String()), body: b.html,
	}, nil
}

// body fills in what the author wrote.
func (l Letter) body(fields slots, filled map[string]string, s *setting) (b body, err error) {
	var source string
	if l.Markup {
		if source, err = l.Body.execute(fields); err == nil {
			b = fromHTML(source, filled, s)
		}
	} else if source, err = l.Body.Execute(fields.Fields); err == nil {
		b = fromMarkdown(source, s)
	}
	if err != nil || l.Text == nil {
		return b, err
	}
	source, err = l.Text.Execute(fields.Fields)
	b.text = strings.TrimSpace(plain(source)) + "\n"
	return b, err
}

// whole reports whether a body is a document of its own.
func (l Letter) whole(b body) bool {
	return l.Markup && strings.Contains(strings.ToLower(b.html), "<html")
}

// footer is what stands below every letter.
type footer struct {
	sender, why string
	ways        []Link
}

func (l Letter) footer(f Fields) footer {
	w := footWords[base(l.Language)]
	out := footer{why: fmt.Sprintf(w.why, plain(f.Team.Name.String()))}
	out.sender = strings.Join(nonEmpty(plain(f.Team.Name.String()), plain(f.Team.Address.String())), ", ")
	for _, way := range []struct {
		target Text
		label  string
	}{{f.Links.Unsubscribe, w.unsubscribe}, {f.Links.Preferences, w.preferences}} {
		if way.target != "" {
			out.ways = append(out.ways, Link{Target: plain(way.target.String()), Label: way.label})
		}
	}
	return out
}

func (f footer) text() string {
	out := "\n-- \n" + f.sender + "\n" + f.why + "\n"
	for _, w := range f.ways {
		out += w.Label + ": " + w.Target + "\n" // as a link, which programs that show text follow
	}
	return out
}

// html is the footer in an HTML part.
func (f footer) html() string {
	var ways []string
	for _, w := range f.ways {
		ways = append(ways, `<a href="`+html.EscapeString(w.Target)+`" style="color:#5f6368;text-decoration:underline">`+html.EscapeString(w.Label)+`</a>`)
	}
	return `<span class="r-foot">` + html.EscapeString(f.sender) + "<br>\n" + html.EscapeString(f.why) + "<br>\n" + strings.Join(ways, " &middot; ") + "</span>"
}

func nonEmpty(list ...string) (out []string) {
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// footWords are the words of the footer by language.
var footWords = map[string]struct{ why, unsubscribe, preferences string }{
	"en": {"You get this mail because you are in contact with %s.", "Unsubscribe", "Choose what you get"},
	"de": {"Sie erhalten diese Mail, weil Sie mit %s in Kontakt stehen.", "Abmelden", "Auswählen, was Sie erhalten"},
	"fr": {"Vous recevez ce message parce que vous êtes en contact avec %s.", "Se désabonner", "Choisir ce que vous recevez"},
	"es": {"Recibe este correo porque está en contacto con %s.", "Darse de baja", "Elegir lo que recibe"},
	"bn": {"%s-এর সঙ্গে আপনার যোগাযোগ আছে বলে আপনি এই মেইল পাচ্ছেন।", "সদস্যতা বাতিল করুন", "কী পাবেন বেছে নিন"},
	"ar": {"تصلك هذه الرسالة لأنك على تواصل مع %s.", "إلغاء الاشتراك", "اختر ما يصلك"},
}

// base returns the language whose words serve for a tag.
func base(tag string) string {
	tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
	if _, ok := footWords[tag]; ok {
		return tag
	}
	return "en"
}

// direction returns which way a language is written.
func direction(tag string) string {
	switch tag, _, _ = strings.Cut(strings.ToLower(tag), "-"); tag {
	case "ar", "he", "fa", "ur", "ps", "sd", "ug", "yi":
		return "rtl"
	}
	return "ltr"
}

// document puts a body into the frame: one column of at most 600 px in a table,
// which Outlook's Word engine and Gmail both lay out; colours that follow the
// reader's dark mode where the program asks for them.
func (l Letter) document(subject, preheader, body, foot string) string {
	lang := cmp.Or(l.Language, "en")
	dir := direction(lang)
	side := map[string]string{"ltr": "left", "rtl": "right"}[dir]
	hidden := ""
	if preheader != "" {
		hidden = `<div style="display:none;font-size:1px;line-height:1px;max-height:0;overflow:hidden;mso-hide:all">` + html.EscapeString(preheader) + "</div>\n"
	}
	return strings.NewReplacer(
		"@lang", html.EscapeString(lang), "@dir", dir, "@side", side, "@title", html.EscapeString(subject), "@hidden", hidden,
		"@fonts", fontsOf(lang), "@foot", foot, "@body", body,
	).Replace(frame)
}

// fontsOf are the fonts of a language, those of Windows, Apple and Android: what
// Arial lacks, Word would else take from anywhere.
func fontsOf(tag string) string {
	switch main, _, _ := strings.Cut(strings.ToLower(tag), "-"); main {
	case "bn", "as":
		return "'Nirmala UI','Bangla Sangam MN','Noto Sans Bengali',Vrinda,Arial,sans-serif"
	case "ar", "fa", "ur", "he", "ps", "sd", "ug", "yi":
		return "'Segoe UI',Tahoma,'Geeza Pro','Noto Sans Arabic',Arial,sans-serif"
	}
	return "Arial,Helvetica,'Noto Sans',sans-serif"
}

const frame = `<!DOCTYPE html>
<html lang="@lang" dir="@dir" xmlns="http://www.w3.org/1999/xhtml" xmlns:o="urn:schemas-microsoft-com:office:office">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="x-apple-disable-message-reformatting">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>@title</title>
<!--[if mso]><xml><o:OfficeDocumentSettings><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml><![endif]-->
<style>
@media (prefers-color-scheme: dark) {
.r-page, .r-page td, .r-page th, .r-page p, .r-page li, .r-page h1, .r-page h2, .r-page h3, .r-page h4, .r-page h5, .r-page h6, .r-page pre { background: #1b1b1b !important; color: #e8e8e8 !important }
.r-page a { color: #8ab4f8 !important }
.r-page .r-foot, .r-page .r-foot a { color: #9aa0a6 !important }
}
</style>
</head>
<body class="r-page" dir="@dir" style="margin:0;padding:0;background:#ffffff;color:#202124">
@hidden<table role="presentation" class="r-page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#ffffff"><tr><td align="center" style="padding:24px 16px">
<!--[if mso]><table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->
<table role="presentation" dir="@dir" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px"><tr><td align="@side" style="font-family:@fonts;font-size:16px;line-height:1.5;color:#202124;text-align:@side;word-break:break-word">
@body</td></tr><tr><td align="@side" class="r-foot" style="padding-top:24px;font-family:@fonts;font-size:13px;line-height:1.5;color:#5f6368;text-align:@side">
@foot
</td></tr></table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></table>
</body>
</html>
`

// Lint says what keeps a rendered mail from being sent; every fault is one
// sentence.
func (r Rendered) Lint() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch n := utf8.RuneCountInString(r.Subject); {
	case n == 0:
		fault("the subject is empty")
	case n > 150:
		fault("the subject has %d characters; mailboxes show some 60 and refuse to show more than 150", n)
	}
	for _, part := range []struct{ name, text string }{{"subject", r.Subject}, {"text", r.Text}} {
		if strings.Contains(part.text, "{{") || strings.Contains(part.text, "}}") {
			fault("the %s still has {{ or }}: a field is not written as the template wants it", part.name)
		}
	}
	if len(r.HTML) > MaxHTML {
		fault("the HTML part has %d KB; Gmail cuts off what is above %d, the way out with it", len(r.HTML)>>10, MaxHTML>>10)
	}
	size := 0
	for _, p := range r.Pictures {
		size += len(p.Data)
	}
	switch {
	case size > MaxPictures:
		fault("its pictures have %d KB; more than %d make a mail slow to open: make them smaller", size>>10, MaxPictures>>10)
	case !strings.Contains(r.HTML, html.EscapeString(r.out)):
		fault("the HTML does not show the way out: put {{.Footer}} into it, or into the layout")
	case !strings.Contains(r.HTML, r.body):
		fault("the layout does not show the letter: put {{.Body}} into it")
	}
	for _, l := range r.Links {
		switch {
		case l.Image && strings.TrimSpace(l.Label) == "":
			fault("the image %s has no text that stands for it: write ![what it shows](…)", l.Target)
		case !l.Image && strings.TrimSpace(l.Label) == "":
			fault("the link to %s has no words", l.Target)
		case !l.Image && disguised(l):
			fault("the link shown as %q leads to %s: filters take that for a fraud", l.Label, l.Target)
		case strings.HasPrefix(l.Target, "http:"):
			fault("the link to %s is not https", l.Target)
		}
	}
	return errors.Join(faults...)
}

// disguised reports whether the words of a link are the address of another
// host than it leads to.
func disguised(l Link) bool {
	words := strings.TrimSpace(l.Label)
	if strings.ContainsAny(words, " \n") || !strings.Contains(words, ".") {
		return false
	}
	if !strings.Contains(words, "://") {
		words = "https://" + words
	}
	shown, err := url.Parse(words)
	if err != nil || !strings.Contains(shown.Host, ".") {
		return false
	}
	to, err := url.Parse(l.Target)
	return err == nil && to.Host != "" && strings.TrimPrefix(strings.ToLower(shown.Hostname()), "www.") != strings.TrimPrefix(strings.ToLower(to.Hostname()), "www.")
}
