package message

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"path"
	"strconv"
	"strings"
)

// insideFile is a file inside a part, which the part's own encoding packs:
// uuencode in a text, or Microsoft's TNEF. Its content is passed on, not kept.
type insideFile struct {
	name, kind, part string
	size             int64
	sum              hash.Hash
	sink             func([]byte)
}

// openInside begins the nth file inside a part, counted from 1.
func (l *leaf) openInside(n int) *insideFile {
	f := &insideFile{part: l.part() + "." + strconv.Itoa(n), sum: sha256.New()}
	if l.w.wanted == f.part {
		f.sink = l.w.sink
	}
	return f
}

func (f *insideFile) write(b []byte) {
	f.size += int64(len(b))
	f.sum.Write(b)
	if f.sink != nil {
		f.sink(b)
	}
}

// attachInside lists a file inside a part as an attachment.
func (w *walker) attachInside(f *insideFile) {
	if f.kind == "" {
		f.kind = typeOfName(f.name)
	}
	w.out.Attachments = append(w.out.Attachments, Attachment{Name: f.name, Type: f.kind, Size: f.size, SHA256: hex.EncodeToString(f.sum.Sum(nil)), Part: f.part})
}

// typeOfName guesses a media type from a file's name; the types people send
// most suffice, since nothing is opened by it.
func typeOfName(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".txt":
		return "text/plain"
	case ".pdf":
		return "application/pdf"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".gif":
		return "image/gif"
	case ".zip":
		return "application/zip"
	case ".doc":
		return "application/msword"
	case ".xls":
		return "application/vnd.ms-excel"
	case ".docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "application/octet-stream"
}
