package store

// Query is a parsed search: see ParseQuery.
type Query struct{}

// ParseQuery reads a search as a person types it.
func ParseQuery(text string) (Query, error) { return Query{}, nil }

// NewDocument makes what the index needs of an entry's texts.
func NewDocument(f Fields) *Document { return &Document{} }

// Fields are the texts of one entry that can be searched.
type Fields struct {
	Subject     string
	Text        string
	From        []string // names and addresses
	To          []string // To, Cc and Bcc likewise
	Attachments []string // names
}
