package campaign

import (
	"fmt"
	"html"
	"strconv"
	"strings"

	"rapport/records/survey"
)

// Survey is the kind of campaign that asks something.
const Survey = "survey"

// Scale is what a mail asks, with a link for every score.
type Scale struct {
	Question survey.Question
	// Link leads to the answer of a score: a page, or a mail that is begun.
	Link func(score int) string
	// Mail begins a mail that answers where the page cannot be opened; "" where
	// the links do so themselves.
	Mail string
}

// parts are the question and its scale for the two parts of a mail. The scale
// is a table of cells that are links, which Outlook's Word engine and Gmail both
// show: the colour stands on the cell, the size on the link.
func (s *Scale) parts(tag string) (htmlPart, textPart string, links []Link) {
	low, high, ok := s.Question.Kind.Scale()
	if !ok {
		return "", "", nil
	}
	w := survey.WordsOf(tag)
	ask, ends := s.Question.In(tag), w.Ends[s.Question.Kind]
	var row, text strings.Builder
	fmt.Fprintf(&text, "\n%s\n\n", ask)
	for n := low; n <= high; n++ {
		target, label := s.Link(n), strconv.Itoa(n)
		links = append(links, Link{Target: target, Label: label})
		fmt.Fprintf(&row, `<td align="center" bgcolor="#e8f0fe" style="background:#e8f0fe;border:1px solid #ffffff;width:%dpx"><a href="%s" style="display:block;padding:12px 0;font-size:16px;line-height:20px;color:#0b57d0;text-decoration:none;font-weight:bold" title="%s">%s</a></td>`+"\n",
			560/(high-low+1), html.EscapeString(target), html.EscapeString(ask+" "+label), label)
		if !strings.HasPrefix(target, "mailto:") {
			fmt.Fprintf(&text, "%2d: %s\n", n, target)
		}
	}
	mailed := ""
	if s.Mail != "" {
		links = append(links, Link{Target: s.Mail, Label: w.ByMail})
		mailed = fmt.Sprintf(` <a href="%s" style="color:#0b57d0">%s</a>`, html.EscapeString(s.Mail), html.EscapeString(w.ByMail))
	}
	legend := fmt.Sprintf("%d = %s, %d = %s", low, ends[0], high, ends[1])
	fmt.Fprintf(&text, "%s\n%s\n", legend, w.HowTo)
	htmlPart = `<p style="` + styleText + `"><strong>` + html.EscapeString(ask) + "</strong></p>\n" +
		`<table role="presentation" dir="ltr" cellpadding="0" cellspacing="0" border="0" width="100%" style="margin:0 0 8px;table-layout:fixed"><tr>` + "\n" + row.String() + "</tr></table>\n" +
		`<p style="margin:0 0 16px;font-size:14px;line-height:1.5">` + html.EscapeString(legend) + "<br>\n" + html.EscapeString(w.HowTo) + mailed + "</p>\n"
	return htmlPart, text.String(), links
}
