package web

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"

	"rapport/store"
)

// TestAnswerCutShort breaks off after the first bytes: our client hears why,
// any other that the answer is not whole.
func TestAnswerCutShort(t *testing.T) {
	t.Parallel()
	s := &Server{log: slog.New(slog.DiscardHandler)}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = s.send(w, r, io.MultiReader(bytes.NewReader([]byte("the first bytes")), iotest.ErrReader(store.ErrFull)))
	}))
	t.Cleanup(h.Close)
	resp, err := http.Get(h.URL)
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("a client without trailers takes a part for the whole")
	}
	c := &Client{base: h.URL, http: h.Client()}
	var got bytes.Buffer
	var p *Problem
	if err := c.download(t.Context(), "/x", &got); !errors.Is(err, store.ErrFull) || !errors.As(err, &p) || p.Detail == "" {
		t.Errorf("download = %v; want no space left, in words", err)
	}
	if got.String() != "the first bytes" {
		t.Errorf("download wrote %q", got.String())
	}
}
