package web

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"path"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"rapport/records/access"
	"rapport/records/contact"
)

// importing is the input of an import; the body is the file.
type importing struct {
	Name  string    `query:"name" example:"people.csv" doc:"The file's name, of which the ending tells the format: .csv, .tsv, .vcf, .jsonl. Without one the beginning of the file tells."`
	Dry   bool      `query:"dry" doc:"Store nothing, and say what would be."`
	Kind  kindInput `query:"kind" doc:"Of rows that give none."`
	Owner string    `query:"owner" doc:"Of rows that give none: a member by address or name."`
	Tags  []string  `query:"tag,explode" doc:"Tags every row gets; may be given several times."`
}

func (s *Server) describeImports(api huma.API) {
	describeUpload(s, api, operation{id: "import", pattern: "POST /import", tag: "contacts", need: access.Manage, long: true,
		summary: "Import contacts and organisations from a file, all of it or nothing",
		detail:  "The body is the file: CSV, TSV, vCard or JSON Lines, of 64 MiB at most. Where any line is wrong nothing is imported, and the answer lists what is."},
		s.importRecords)
}

// importRecords reads a file in the body: its name, or where that says
// nothing its beginning, tells the format. Where any line is wrong nothing is
// imported, and the answer lists what is.
func (s *Server) importRecords(ctx context.Context, in *importing, file io.Reader) (none contact.ImportResult, err error) {
	kind, _, err := kindAndStage(string(in.Kind), "")
	if err != nil {
		return none, err
	}
	owner, err := s.owner(ctx, in.Owner)
	if err != nil {
		return none, err
	}
	rows, faults := readRows(in.Name, bufio.NewReader(file), contact.ImportOptions{Kind: kind, Owner: owner, Tags: in.Tags, MaxBytes: maxImport})
	if len(faults) == 0 {
		faults = zonesOf(rows)
	}
	if len(faults) > 0 {
		return contact.ImportResult{Errors: faults, Dry: in.Dry}, nil
	}
	result, err := s.records.Import(ctx, actor(ctx), rows, in.Dry)
	return result, refused(err)
}

func readRows(name string, body *bufio.Reader, o contact.ImportOptions) ([]contact.Row, []contact.RowError) {
	read := map[string]func(io.Reader, contact.ImportOptions) ([]contact.Row, []contact.RowError){
		".csv": contact.ReadCSV, ".tsv": contact.ReadCSV, ".txt": contact.ReadCSV,
		".vcf": contact.ReadVCard, ".vcard": contact.ReadVCard,
		".jsonl": contact.ReadJSONLines, ".ndjson": contact.ReadJSONLines, ".json": contact.ReadJSONLines,
	}[strings.ToLower(path.Ext(name))]
	if read == nil {
		begin, _ := body.Peek(64) // a shorter file shows what it has
		begin = bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\xef\xbb\xbf")), " \r\n\t")
		switch {
		case bytes.HasPrefix(bytes.ToUpper(begin), []byte("BEGIN:VCARD")):
			read = contact.ReadVCard
		case bytes.HasPrefix(begin, []byte("{")):
			read = contact.ReadJSONLines
		default:
			read = contact.ReadCSV
		}
	}
	return read(body, o)
}
