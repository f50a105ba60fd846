package pages

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"rapport/records/access"
	"rapport/web"
)

// messageRoutes are the pages of one message.
func (p *Pages) messageRoutes() []route {
	return []route{
		{pattern: "GET /messages/{id}", need: access.Read, serve: showMessage},
		{pattern: "GET /messages/{id}/body", need: access.Read, serve: mailBody},
		{pattern: "GET /messages/{id}/source", need: access.Read, serve: showSource},
		{pattern: "GET /messages/{id}/original", need: access.Read, serve: downloadOriginal},
		{pattern: "GET /messages/{id}/files/{part}", need: access.Read, serve: downloadFile},
		{pattern: "POST /messages/{id}/file", need: access.Write, serve: fileElsewhere},
		{pattern: "POST /messages/{id}/unfile", need: access.Write, serve: unfile},
		{pattern: "POST /messages/{id}/withdraw", need: access.Write, serve: withdraw},
		{pattern: "POST /messages/{id}/private", need: access.Write, serve: makePrivate},
	}
}

// letter is the page of a message.
type letter struct {
	web.Message
	New     []piece // what the author newly wrote
	Whole   []piece // the whole text, where it is more
	HTML    bool    // shown as it was formatted
	Images  bool    // with the pictures of other hosts
	Remote  int     // how many of those there are
	Tall    bool
	Why     *web.Explanation
	records map[string]string // the pages of those whose addresses matched
}

func showMessage(v *visit) error {
	m, err := v.client().Message(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if id := string(m.ID); id != v.r.PathValue("id") {
		return v.redirect("/messages/" + id)
	}
	l := letter{Message: m, records: map[string]string{}, HTML: v.Query("view") == "html", Images: v.Query("images") == "1"}
	for _, match := range m.Matches {
		if match.Contact != "" && match.Address != "" {
			l.records[string(match.Address)] = "/contacts/" + string(match.Contact)
		}
	}
	l.New, l.Whole = pieces(m.Reply), pieces(m.Text)
	if strings.TrimSpace(m.Reply) == strings.TrimSpace(m.Text) {
		l.Whole = nil
	}
	if len(l.New) == 0 { // all of it is quoted, or an automatic mail's
		l.New, l.Whole = l.Whole, nil
	}
	if l.HTML {
		in, err := v.client().MessageHTML(v.ctx(), string(m.ID))
		if err != nil {
			return err
		}
		l.HTML = in.HTML != ""
		l.Remote, l.Tall = cleanMail(in.HTML, nil, false).Remote, len(in.HTML) > 6000
	}
	if v.Query("why") != "" {
		why, err := v.client().Explain(v.ctx(), string(m.ID))
		if err != nil {
			return err
		}
		l.Why = &why
	}
	return v.show("message", l.title(), l)
}

func (l letter) title() string {
	if strings.TrimSpace(l.Subject) == "" {
		return "message.no_subject"
	}
	return l.Subject
}

// Record is the page of somebody in the header, "" where nobody is known.
func (l letter) Record(p web.Party) string { return l.records[p.Address] }

// Full reports whether the reader sees everything of the message.
func (l letter) Full() bool { return l.Shown.Shows(access.Full) }

// Files are the attachments that are not pictures in the text.
func (l letter) Files() []web.Attachment { return files(l.Attachments) }

// Filed is where the message is filed, each once.
func (l letter) Filed() (out []named) {
	for _, m := range l.Matches {
		at := named{ID: string(m.Contact), Name: m.ContactName, Path: "/contacts/" + string(m.Contact), Certain: m.Certain, Rule: m.Rule}
		if m.Contact == "" {
			at.ID, at.Name, at.Path = string(m.Organisation), m.OrganisationName, "/organisations/"+string(m.Organisation)
		}
		if i := slices.IndexFunc(out, func(n named) bool { return n.ID == at.ID }); i >= 0 {
			out[i].Certain = out[i].Certain || at.Certain
		} else if at.ID != "" {
			out = append(out, at)
		}
	}
	return out
}

// named is a record a message is filed under.
type named struct {
	ID, Name, Path, Rule string
	Certain              bool
}

// piece is a part of a text; Href leads where it is an address of a page.
type piece struct{ Text, Href string }

var webAddress = regexp.MustCompile(`https?://[^\s<>"'\x60]+`)

// pieces finds the addresses of pages in a text.
func pieces(text string) []piece {
	var out []piece
	text = strings.TrimSpace(text)
	for text != "" {
		at := webAddress.FindStringIndex(text)
		if at == nil {
			return append(out, piece{Text: text})
		}
		end := at[0] + len(strings.TrimRight(text[at[0]:at[1]], ".,;:!?)]}*_"))
		if at[0] > 0 {
			out = append(out, piece{Text: text[:at[0]]})
		}
		href := text[at[0]:end]
		if u, err := url.Parse(href); err != nil || u.Host == "" {
			out = append(out, piece{Text: href})
		} else {
			out = append(out, piece{href, u.String()})
		}
		text = text[end:]
	}
	return out
}

// source is the original of a message as text.
type source struct {
	ID, Text string
	Cut      bool
}

// maxSource is how much of an original is shown as text, in bytes.
const maxSource = 256 << 10

func showSource(v *visit) error {
	var b bytes.Buffer
	id := v.r.PathValue("id")
	err := v.client().RawMessage(v.ctx(), id, &head{&b, maxSource})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return v.show("source", "source.title", source{id, strings.ToValidUTF8(b.String(), "\uFFFD"), err != nil})
}

// head takes the beginning of what is written to it.
type head struct {
	b    *bytes.Buffer
	room int
}

var errEnough = errors.New("enough was read")

func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), h.room-h.b.Len())
	h.b.Write(p[:n])
	if n < len(p) {
		return n, errEnough
	}
	return n, nil
}

func downloadOriginal(v *visit) error {
	id := v.r.PathValue("id")
	out := &download{visit: v, kind: "message/rfc822", name: id + ".eml"}
	return out.end(v.client().RawMessage(v.ctx(), id, out))
}

// downloadFile hands over an attachment, always as a file to keep.
func downloadFile(v *visit) error {
	m, err := v.client().Message(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	part := v.r.PathValue("part")
	i := slices.IndexFunc(m.Attachments, func(a web.Attachment) bool { return a.Part == part })
	if i < 0 {
		return errNoPage
	}
	out := &download{visit: v, kind: "application/octet-stream", name: m.Attachments[i].Name}
	return out.end(v.client().MessagePart(v.ctx(), string(m.ID), part, out))
}

func fileElsewhere(v *visit) error {
	id, who := v.r.PathValue("id"), v.form("who")
	out, err := v.client().File(v.ctx(), id, who)
	if p := known(err); p.Status == http.StatusNotFound || p.Status == http.StatusBadRequest {
		return v.notDone("/messages/"+url.PathEscape(id), "message.nobody_known", "who", who)
	}
	if err != nil {
		return err
	}
	return v.done("/messages/"+url.PathEscape(id), out.Audit, "message.filed", "who", who)
}

func unfile(v *visit) error {
	id := v.r.PathValue("id")
	out, err := v.client().Unfile(v.ctx(), id, v.form("who"))
	if err != nil {
		return err
	}
	if out.Audit == "" {
		return v.notDone("/messages/"+url.PathEscape(id), "message.not_filed_there")
	}
	to := "/messages/" + url.PathEscape(id)
	if _, err := v.client().Message(v.ctx(), id); status(err) == http.StatusNotFound {
		to = v.form("back") // it was filed nowhere else
	}
	return v.done(to, out.Audit, "message.unfiled")
}

func withdraw(v *visit) error {
	out, err := v.client().Withdraw(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.done(v.form("back"), out.Audit, "message.withdrawn")
}

func makePrivate(v *visit) error {
	out, err := v.client().Private(v.ctx(), v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return v.done(v.form("back"), out.Audit, "message.now_private")
}

// After is where a reader goes on whose message is no longer to be seen.
func (l letter) After() string {
	if filed := l.Filed(); len(filed) > 0 {
		return filed[0].Path
	}
	return "/"
}
