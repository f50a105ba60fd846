package contact

// Row is one record of an import: a person, an organisation, or both. Line is
// where it stands in the file, from 1.
type Row struct {
	Line         int
	Contact      *Contact      // nil: the row is an organisation
	Organisation *Organisation // by name or domain; nil: none
	Title        string        // of Contact at Organisation
	DecisionRole string
	Note         string // becomes a note on the timeline
}

// RowError says what is wrong with one line.
type RowError struct {
	Line int    `json:"line"`
	What string `json:"what"`
}

// ImportResult says what an import did, or would do.
type ImportResult struct {
	Added     int        `json:"added"`
	Updated   int        `json:"updated"`
	Unchanged int        `json:"unchanged"`
	Errors    []RowError `json:"errors,omitempty"`
	Dry       bool       `json:"dry_run,omitempty"`
}
