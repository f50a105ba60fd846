package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/message"
)

func (s *Server) describeContent(api huma.API) {
	const tag = "messages"
	describe(s, api, operation{id: "get-message-html", pattern: "GET /messages/{id}/html", tag: tag, need: access.Read,
		summary: "Read a message's HTML as it was sent",
		detail:  "It is foreign: whoever shows it must take out what acts, and what asks other hosts."}, s.messageHTML)
	describeDownload(s, api, operation{id: "get-message-part", pattern: "GET /messages/{id}/parts/{part}", tag: tag, need: access.Read, long: true,
		summary: "Download an attachment, decoded"}, octets, s.messagePart)
}

// MessageHTML is a message's HTML as it stands.
type MessageHTML struct {
	HTML string `json:"html" doc:"Empty where the message has none."`
	// Parts are the attachments that it shows, by their Content-IDs.
	Parts map[string]string `json:"parts" doc:"Content-ID to the part of an attachment."`
}

func (s *Server) messageHTML(ctx context.Context, in *MessageInput) (none MessageHTML, err error) {
	m, raw, err := s.rawOf(ctx, in.ID)
	if err != nil {
		return none, err
	}
	defer raw.Close()
	parsed, err := message.Parse(raw, message.Limits{})
	if err != nil {
		return none, fmt.Errorf("read message %s: %w", m.ID, err)
	}
	out := MessageHTML{HTML: parsed.HTML, Parts: parsed.ContentIDs}
	if out.Parts == nil {
		out.Parts = map[string]string{}
	}
	return out, nil
}

// partInput names an attachment.
type partInput struct {
	MessageInput
	Part string `path:"part" example:"2.1" maxLength:"200" doc:"The part of the attachment, as the message lists it."`
}

// messagePart answers with an attachment, as a download whatever it says it
// is, and with nothing that a browser could take for a page.
func (s *Server) messagePart(ctx context.Context, in *partInput, w http.ResponseWriter, r *http.Request) error {
	m, raw, err := s.rawOf(ctx, in.ID)
	if err != nil {
		return err
	}
	defer raw.Close()
	i := slices.IndexFunc(m.Attachments, func(a message.Attachment) bool { return a.Part == in.Part })
	if i < 0 {
		return &Problem{Status: http.StatusNotFound, Code: codeNotFound,
			Detail: fmt.Sprintf("message %s has no attachment %q", m.ID, oneLine(in.Part))}
	}
	w.Header().Set("Content-Type", octets)
	w.Header().Set("Content-Disposition", attachmentAs(m.Attachments[i].Name))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if r.Method == http.MethodHead {
		return nil
	}
	out := &patient{ResponseWriter: w, control: http.NewResponseController(w)}
	if err := message.WritePart(out, raw, in.Part, message.Limits{}); err != nil {
		return s.answerInPart(w, r, out.sent, err)
	}
	return nil
}

// attachmentAs says under which name a download is kept (RFC 6266).
func attachmentAs(name string) string {
	if name == "" {
		return "attachment"
	}
	return "attachment; filename*=UTF-8''" + url.PathEscape(name)
}

// MessageHTML reads a message's HTML as it was sent.
func (c *Client) MessageHTML(ctx context.Context, id string) (MessageHTML, error) {
	return call[MessageHTML](ctx, c, http.MethodGet, at("/messages/%s/html", id), nil, nil)
}

// MessagePart writes an attachment, decoded, to w.
func (c *Client) MessagePart(ctx context.Context, id, part string, w io.Writer) error {
	return c.download(ctx, at("/messages/%s/parts/%s", id, part), w)
}
