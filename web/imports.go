package web

import (
	"net/http"
)

func (s *Server) importRecords(w http.ResponseWriter, r *http.Request) error {
	return invalid("import is being built")
}
