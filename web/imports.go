package web

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"path"
	"strings"

	"rapport/records/contact"
)

// importRecords reads a file in the body: its name, or where that says
// nothing its beginning, tells the format. Where any line is wrong nothing is
// imported, and the answer lists what is.
func (s *Server) importRecords(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	kind, _, err := kindAndStage(q.Get("kind"), "")
	if err != nil {
		return err
	}
	owner, err := s.owner(r.Context(), q.Get("owner"))
	if err != nil {
		return err
	}
	dry := q.Get("dry") == "true"
	body := bufio.NewReader(http.MaxBytesReader(w, r.Body, maxImport))
	rows, faults := readRows(q.Get("name"), body, contact.ImportOptions{Kind: kind, Owner: owner, Tags: q["tag"], MaxBytes: maxImport})
	if len(faults) == 0 {
		faults = zonesOf(rows)
	}
	if len(faults) > 0 {
		return reply(w, contact.ImportResult{Errors: faults, Dry: dry})
	}
	result, err := s.records.Import(r.Context(), s.actor(r), rows, dry)
	if err != nil {
		return refused(err)
	}
	return reply(w, result)
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
