package pages

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rapport/records/message"
)

// preview is the page that shows the mail somebody would get.
type preview struct {
	Name    string // of the campaign
	To      string // for whom it is made, as asked
	Head    message.Head
	Text    string
	Source  string
	Files   []message.Attachment
	Narrow  bool // it is shown as wide as on a telephone
	Frame   string
	Phone   string // the address of this page at the width of a telephone
	Desktop string
	// Asks: the mail has pictures on other hosts that are not shown.
	Asks     bool
	Pictures string // the address of this page with them
	Fault    string
}

func campaignPreview(v *visit) error {
	name, to := v.r.PathValue("name"), v.Query("to")
	p := preview{Name: name, To: to, Narrow: v.Query("width") == "phone"}
	remote := v.Query("images") == "1"
	q := url.Values{}
	if to != "" {
		q.Set("to", to)
	}
	p.Desktop = address(campaignPath(name, "preview"), q)
	q.Set("width", "phone")
	p.Phone = address(campaignPath(name, "preview"), q)
	q.Del("width")
	with := v.r.URL.Query()
	with.Set("images", "1")
	p.Pictures = address(campaignPath(name, "preview"), with)
	if remote {
		q.Set("images", "1")
	}
	p.Frame = address(campaignPath(name, "body"), q)
	mail, err := v.client().PreviewCampaign(v.ctx(), name, to)
	if problem := known(err); problem.Status == http.StatusNotFound && to != "" || problem.Status == http.StatusBadRequest || problem.Status == http.StatusUnprocessableEntity {
		p.Fault = problem.Detail
		return v.showAs(problem.Status, "preview", "preview.title", p)
	}
	if err != nil {
		return err
	}
	parsed, err := message.Parse(strings.NewReader(mail.Raw), message.Limits{})
	if err != nil {
		return err
	}
	p.Asks = !remote && cleanMail(parsed.HTML, nil, false).Remote > 0
	p.Head, p.Text, p.Source = parsed.Head, parsed.Text, clip(mail.Raw, maxSource)
	p.Files = slices.DeleteFunc(parsed.Attachments, func(a message.Attachment) bool { return a.Inline })
	return v.show("preview", "preview.title", p)
}

// campaignBody serves the HTML of a mail of ours to the frame it is looked at
// in: as it is, since its looks are what the reader came to judge. Its document
// may run nothing, ask for nothing but pictures, and knows no session.
func campaignBody(v *visit) error {
	mail, err := v.client().PreviewCampaign(v.ctx(), v.r.PathValue("name"), v.Query("to"))
	if err != nil {
		return err
	}
	parsed, err := message.Parse(strings.NewReader(mail.Raw), message.Limits{})
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Security-Policy", bodyPolicy(v.Query("images") == "1"))
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	return v.write(http.StatusOK, []byte(withPictures(mail.Raw, parsed)))
}

// withPictures puts the pictures inside a mail where its HTML names them.
func withPictures(raw string, parsed message.Parsed) string {
	room := maxPictures
	var pairs []string
	for id, part := range parsed.ContentIDs {
		var b bytes.Buffer
		err := message.WritePart(&bounded{&b, min(maxPicture, room)}, strings.NewReader(raw), part, message.Limits{})
		kind := http.DetectContentType(b.Bytes())
		if err != nil || !pictureKind(kind) {
			continue
		}
		room -= b.Len()
		pairs = append(pairs, `"cid:`+id+`"`, `"data:`+kind+";base64,"+base64.StdEncoding.EncodeToString(b.Bytes())+`"`)
	}
	return strings.NewReplacer(pairs...).Replace(parsed.HTML)
}
