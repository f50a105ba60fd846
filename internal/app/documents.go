package app

import (
	"context"

	"rapport/internal/confined"
	"rapport/internal/officexml"
	"rapport/internal/pdftext"
)

// MaxDocuments is how many bytes of one mail's office and PDF files are read.
const MaxDocuments = 8 << 20

// ReadDocument returns what an office or PDF file says, 64 KB at most. A PDF
// file is read in a process of its own (see [confined.PDF]), an office file
// here.
func ReadDocument(ctx context.Context, content []byte) (string, error) {
	if pdftext.Is(content) {
		return confined.PDF(ctx, content)
	}
	return officexml.Read(content)
}

// documents reads attached files where the configuration in force says so.
type documents struct{ s *system }

func (d documents) Limit() int64 {
	if d.s.config().Search.Documents {
		return MaxDocuments
	}
	return 0
}

func (d documents) Text(content []byte) (string, error) {
	return ReadDocument(context.Background(), content)
}

// readFiles reads the attached files of older mail once they are to be read, at
// a start and after a reload.
func (s *system) readFiles(ctx context.Context) {
	for {
		if s.config().Search.Documents {
			s.faults.report("PDF files", confined.Check(ctx)) // the others are read all the same
		}
		if !s.persist(ctx, "attached files", s.intake.ReadFiles) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.filesDue:
		}
	}
}
