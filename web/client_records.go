package web

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"rapport/records/contact"
)

// Contacts lists contacts by name.
func (c *Client) Contacts(ctx context.Context, f Filter, s Slice) (Page[Contact], error) {
	return call[Page[Contact]](ctx, c, http.MethodGet, "/contacts", f.query(s), nil)
}

// Contact shows one.
func (c *Client) Contact(ctx context.Context, who string) (Contact, error) {
	return call[Contact](ctx, c, http.MethodGet, at("/contacts/%s", who), nil, nil)
}

// AddContact creates one.
func (c *Client) AddContact(ctx context.Context, in ContactInput) (Contact, error) {
	return call[Contact](ctx, c, http.MethodPost, "/contacts", nil, in)
}

// EditContact changes fields of one.
func (c *Client) EditContact(ctx context.Context, who string, e Edit) (Contact, error) {
	return call[Contact](ctx, c, http.MethodPatch, at("/contacts/%s", who), nil, e)
}

// EraseContact removes a person and all mail that concerns nobody else; now
// takes the bytes off the disk at once.
func (c *Client) EraseContact(ctx context.Context, who string, now bool) (EraseResult, error) {
	return call[EraseResult](ctx, c, http.MethodDelete, at("/contacts/%s", who), nowQuery(now), nil)
}

func nowQuery(now bool) url.Values {
	if !now {
		return nil
	}
	return url.Values{"now": {"true"}}
}

// MergeContacts makes lose part of keep.
func (c *Client) MergeContacts(ctx context.Context, keep, lose string) (Audited, error) {
	return call[Audited](ctx, c, http.MethodPost, at("/contacts/%s/merge", keep), nil, mergeRequest{Lose: lose})
}

// ExportContact writes everything of one person to w, as a tar archive.
func (c *Client) ExportContact(ctx context.Context, who string, w io.Writer) error {
	return c.download(ctx, at("/contacts/%s/export", who), w)
}

// Organisations lists organisations by name.
func (c *Client) Organisations(ctx context.Context, f Filter, s Slice) (Page[Organisation], error) {
	return call[Page[Organisation]](ctx, c, http.MethodGet, "/organisations", f.query(s), nil)
}

// Organisation shows one, with its people.
func (c *Client) Organisation(ctx context.Context, who string) (Organisation, error) {
	return call[Organisation](ctx, c, http.MethodGet, at("/organisations/%s", who), nil, nil)
}

// AddOrganisation creates one.
func (c *Client) AddOrganisation(ctx context.Context, in OrganisationInput) (Organisation, error) {
	return call[Organisation](ctx, c, http.MethodPost, "/organisations", nil, in)
}

// EditOrganisation changes fields of one.
func (c *Client) EditOrganisation(ctx context.Context, who string, e Edit) (Organisation, error) {
	return call[Organisation](ctx, c, http.MethodPatch, at("/organisations/%s", who), nil, e)
}

// EraseOrganisation removes an organisation; see [Client.EraseContact].
func (c *Client) EraseOrganisation(ctx context.Context, who string, now bool) (EraseResult, error) {
	return call[EraseResult](ctx, c, http.MethodDelete, at("/organisations/%s", who), nowQuery(now), nil)
}

// MergeOrganisations makes lose part of keep.
func (c *Client) MergeOrganisations(ctx context.Context, keep, lose string) (Audited, error) {
	return call[Audited](ctx, c, http.MethodPost, at("/organisations/%s/merge", keep), nil, mergeRequest{Lose: lose})
}

// ExportOrganisation writes everything of one organisation to w, as a tar archive.
func (c *Client) ExportOrganisation(ctx context.Context, who string, w io.Writer) error {
	return c.download(ctx, at("/organisations/%s/export", who), w)
}

// ImportOptions are what a person says beside an import file.
type ImportOptions struct {
	Name  string // of the file, which says the format
	Dry   bool   // store nothing
	Kind  string // of rows that give none
	Owner string // of rows that give none
	Tags  []string
}

// Import reads a file of contacts and organisations, all of it or nothing.
func (c *Client) Import(ctx context.Context, file io.Reader, o ImportOptions) (contact.ImportResult, error) {
	q := url.Values{"name": {o.Name}, "tag": o.Tags}
	for name, value := range map[string]string{"kind": o.Kind, "owner": o.Owner} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if o.Dry {
		q.Set("dry", "true")
	}
	resp, err := c.do(ctx, http.MethodPost, "/import", q, "application/octet-stream", file)
	if err != nil {
		return contact.ImportResult{}, err
	}
	return read[contact.ImportResult](resp)
}

// Members lists our own people.
func (c *Client) Members(ctx context.Context) (Page[Member], error) {
	return call[Page[Member]](ctx, c, http.MethodGet, "/members", nil, nil)
}

// Away says who is away and who stands in.
func (c *Client) Away(ctx context.Context, in Away) (Page[Member], error) {
	return call[Page[Member]](ctx, c, http.MethodPost, "/members/away", nil, in)
}

// Leave says who left and who takes over.
func (c *Client) Leave(ctx context.Context, in Leave) (Page[Member], error) {
	return call[Page[Member]](ctx, c, http.MethodPost, "/members/leave", nil, in)
}

// Timeline lists a history, newest first; who "" means everybody's.
func (c *Client) Timeline(ctx context.Context, who string, s Slice) (Page[Entry], error) {
	q := s.query()
	if who != "" {
		q.Set("who", who)
	}
	return call[Page[Entry]](ctx, c, http.MethodGet, "/timeline", q, nil)
}

// Search lists entries a query finds, newest first.
func (c *Client) Search(ctx context.Context, text string, s Slice) (Page[Entry], error) {
	q := s.query()
	q.Set("q", text)
	return call[Page[Entry]](ctx, c, http.MethodGet, "/search", q, nil)
}

// SearchBest lists entries a query finds, best first: at most limit of the 300
// newest.
func (c *Client) SearchBest(ctx context.Context, text string, limit int) (Page[Entry], error) {
	q := Slice{Limit: limit}.query()
	q.Set("q", text)
	q.Set("order", "best")
	return call[Page[Entry]](ctx, c, http.MethodGet, "/search", q, nil)
}

// AddNote writes an entry by hand.
func (c *Client) AddNote(ctx context.Context, n Note) (Entry, error) {
	return call[Entry](ctx, c, http.MethodPost, "/notes", nil, n)
}

// Message shows one message, read.
func (c *Client) Message(ctx context.Context, id string) (Message, error) {
	return call[Message](ctx, c, http.MethodGet, at("/messages/%s", id), nil, nil)
}

// RawMessage writes a message's original bytes to w.
func (c *Client) RawMessage(ctx context.Context, id string, w io.Writer) error {
	return c.download(ctx, at("/messages/%s/raw", id), w)
}

// Explain says why a message is filed where it is.
func (c *Client) Explain(ctx context.Context, id string) (Explanation, error) {
	return call[Explanation](ctx, c, http.MethodGet, at("/messages/%s/explain", id), nil, nil)
}

// File files a message under who by hand.
func (c *Client) File(ctx context.Context, id, who string) (Audited, error) {
	return call[Audited](ctx, c, http.MethodPost, at("/messages/%s/file", id), nil, whoRequest{Who: who})
}

// Unfile takes a message off who's history by hand.
func (c *Client) Unfile(ctx context.Context, id, who string) (Audited, error) {
	return call[Audited](ctx, c, http.MethodPost, at("/messages/%s/unfile", id), nil, whoRequest{Who: who})
}

// Withdraw takes a message off all histories.
func (c *Client) Withdraw(ctx context.Context, id string) (Audited, error) {
	return call[Audited](ctx, c, http.MethodPost, at("/messages/%s/withdraw", id), nil, nil)
}

// Private hides a thread, named by its id or one of its messages.
func (c *Client) Private(ctx context.Context, thread string) (Audited, error) {
	return call[Audited](ctx, c, http.MethodPost, at("/threads/%s/private", thread), nil, nil)
}

// Undo takes back a decision or merge.
func (c *Client) Undo(ctx context.Context, audit string) (Audited, error) {
	return call[Audited](ctx, c, http.MethodPost, at("/undo/%s", audit), nil, nil)
}

// Reviews lists what waits for a person's decision.
func (c *Client) Reviews(ctx context.Context, s Slice) (Page[Review], error) {
	return call[Page[Review]](ctx, c, http.MethodGet, "/reviews", s.query(), nil)
}

// Suggestions lists correspondents nobody knows, most exchanges first.
func (c *Client) Suggestions(ctx context.Context, s Slice) (Page[Suggestion], error) {
	return call[Page[Suggestion]](ctx, c, http.MethodGet, "/suggestions", s.query(), nil)
}

// AcceptSuggestion makes contacts of a suggestion or a domain's.
func (c *Client) AcceptSuggestion(ctx context.Context, in Accept) (Accepted, error) {
	return call[Accepted](ctx, c, http.MethodPost, "/suggestions/accept", nil, in)
}

// IgnoreSuggestion keeps a suggestion or a domain's from coming back.
func (c *Client) IgnoreSuggestion(ctx context.Context, who string) (Ignored, error) {
	return call[Ignored](ctx, c, http.MethodPost, "/suggestions/ignore", nil, whoRequest{Who: who})
}

// Audit lists the trail, newest first; who "" means all of it.
func (c *Client) Audit(ctx context.Context, who string, s Slice) (Page[AuditLine], error) {
	q := s.query()
	if who != "" {
		q.Set("who", who)
	}
	return call[Page[AuditLine]](ctx, c, http.MethodGet, "/audit", q, nil)
}
