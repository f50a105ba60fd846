package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"

	"rapport/records/access"
)

// TestInProcess holds that a client without a connection gets what one with a
// connection gets, and no more than whoever it works for.
func TestInProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := NewHandlerClient(w.handler)
	reader := access.Principal{Kind: access.User, Name: "Rita", Role: access.Reader}
	as := func(p access.Principal) context.Context { return WithPrincipal(t.Context(), p) }

	members, err := c.Members(as(reader))
	if err != nil || len(members.Items) == 0 {
		t.Errorf("Members as a reader = %v, %v; want some", members, err)
	}
	var p *Problem
	if _, err := c.Leave(as(reader), Leave{Member: "ada", To: "bob boole"}); !errors.As(err, &p) || p.Status != http.StatusForbidden {
		t.Errorf("Leave as a reader = %v, want a refusal", err)
	}
	if _, err := c.Members(t.Context()); !errors.As(err, &p) || p.Status != http.StatusUnauthorized {
		t.Errorf("Members as nobody = %v, want a refusal", err)
	}
	var over, direct bytes.Buffer
	if err := errors.Join(
		c.RawMessage(as(access.Principal{Kind: access.Local}), string(w.mail), &direct),
		w.client.RawMessage(t.Context(), string(w.mail), &over),
	); err != nil || direct.Len() == 0 || !bytes.Equal(over.Bytes(), direct.Bytes()) {
		t.Errorf("RawMessage = %d bytes, over a connection %d, %v", direct.Len(), over.Len(), err)
	}
}
