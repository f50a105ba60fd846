package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rapport/records/access"
)

// TestSavedViews tries who sees and deletes which views.
func TestSavedViews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := NewHandlerClient(w.handler)
	as := func(id string, r access.Role) context.Context {
		return WithPrincipal(t.Context(), access.Principal{Kind: access.User, ID: id, Name: id, Role: r})
	}
	ada, bob, root := as("ada", access.Member), as("bob", access.Own), as("root", access.Administrator)
	save := func(ctx context.Context, name string, shared bool) SavedView {
		t.Helper()
		v, err := c.SaveView(ctx, SavedViewInput{List: "contacts", Name: name, Query: "tag=vip&cursor=x&limit=3", Shared: shared})
		if err != nil {
			t.Fatal(err)
		}
		if v.Query != "tag=vip" || !v.Own {
			t.Errorf("saved %+v", v)
		}
		return v
	}
	names := func(ctx context.Context) string {
		t.Helper()
		page, err := c.SavedViews(ctx, "contacts")
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, v := range page.Items {
			out = append(out, fmt.Sprintf("%s:%v", v.Name, v.Own))
		}
		return strings.Join(out, " ")
	}
	mine, ours := save(ada, "mine", false), save(ada, "Ours", true)
	save(bob, "his", false)
	for _, tt := range []struct {
		who  context.Context
		want string
	}{{ada, "mine:true Ours:true"}, {bob, "his:true Ours:false"}, {root, "Ours:true"}} {
		if got := names(tt.who); got != tt.want {
			t.Errorf("%v lists %s, want %s", principal(tt.who).ID, got, tt.want)
		}
	}
	status := func(err error) int {
		var p *Problem
		errors.As(err, &p)
		if p == nil {
			return 0
		}
		return p.Status
	}
	for _, tt := range []struct {
		who  context.Context
		id   string
		want int
	}{
		{bob, mine.ID, http.StatusNotFound}, {root, mine.ID, http.StatusNotFound}, {bob, ours.ID, http.StatusForbidden},
		{as("r", access.Reader), ours.ID, http.StatusForbidden}, {bob, "nothing", http.StatusNotFound},
		{ada, mine.ID, 0}, {ada, mine.ID, http.StatusNotFound}, {root, ours.ID, 0},
	} {
		if got := status(c.DeleteView(tt.who, tt.id)); got != tt.want {
			t.Errorf("%s deletes %s: %d, want %d", principal(tt.who).ID, tt.id, got, tt.want)
		}
	}
	for i := range maxSavedViews {
		if _, err := c.SaveView(ada, SavedViewInput{List: "organisations", Name: fmt.Sprint("v", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range []SavedViewInput{{List: "contacts", Name: "one too many"}, {List: "sales", Name: "x"}, {List: "contacts", Name: "  "},
		{List: "contacts", Name: "x", Query: "%zz"}, {List: "contacts", Name: strings.Repeat("x", 101)}} {
		if _, err := c.SaveView(ada, in); status(err) != http.StatusBadRequest {
			t.Errorf("SaveView(%+v): %v, want a refusal", in, err)
		}
	}
}
