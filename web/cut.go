package web

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// problemTrailer carries a [Problem] behind an answer that could not be sent
// to its end.
const problemTrailer = "Rapport-Problem"

// answerInPart ends an answer that could not be sent to its end; sent says
// whether any of it was. A client that takes trailers (RFC 9110, section
// 6.5.1) reads there why; for any other the connection breaks, so that nobody
// takes a part for the whole. Where nothing is out yet the error is returned,
// to be answered as any other.
func (s *Server) answerInPart(w http.ResponseWriter, r *http.Request, sent bool, err error) error {
	if !sent {
		return err
	}
	s.log.Warn("answer cut short", "err", err)
	raw, jsonErr := json.Marshal(problem(err))
	if jsonErr != nil || !strings.EqualFold(r.Header.Get("TE"), "trailers") || http.NewResponseController(w).Flush() != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set(http.TrailerPrefix+problemTrailer, string(raw)) // seen once the header is out, which Flush saw to
	return nil
}

// whole returns what answerInPart said, nil where the answer was sent to its end;
// the body must have been read to its end.
func whole(resp *http.Response) error {
	raw := resp.Trailer.Get(problemTrailer)
	if raw == "" {
		return nil
	}
	p := &Problem{Code: codeInternal}
	if err := json.NewDecoder(io.LimitReader(strings.NewReader(raw), maxBody)).Decode(p); err != nil {
		p.Detail = "the daemon broke the answer off"
	}
	return p
}
