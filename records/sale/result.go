package sale

import "rapport/records/contact"

// What an import does with a sale of somebody nobody knows.
const (
	UnknownRefuse = "refuse" // it is an error of the line
	UnknownSkip   = "skip"   // it is left out, and counted
	UnknownAdd    = "add"    // a contact or organisation is made of them
)

// ImportOptions are what is said beside a file of whom its sales concern.
type ImportOptions struct {
	Dry     bool   // store nothing, and say what would be
	Unknown string // "" is UnknownRefuse
	Account string // the custom field with a customer's number; "" is customer_number
}

// ImportResult says what an import did, or would do.
type ImportResult struct {
	Added     int                `json:"added"`
	Updated   int                `json:"updated"`
	Unchanged int                `json:"unchanged"`
	Skipped   int                `json:"skipped,omitempty"` // of customers nobody knows
	Errors    []contact.RowError `json:"errors,omitempty"`
	Dry       bool               `json:"dry_run,omitempty"`
	// Rows is what would happen to each sale, for a dry run, at most
	// [contact.MaxImportRows] of them.
	Rows []contact.ImportRow `json:"rows,omitempty"`
}
