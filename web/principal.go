package web

import (
	"context"
	"net/http"

	"rapport/records/access"
	"rapport/store"
	"rapport/store/veil"
)

// Identities tell who a request comes from.
type Identities interface {
	// Identify returns the principal of a request by its credentials, the zero
	// principal where it has none. Credentials that do not hold, or no longer,
	// are an error fit to show.
	Identify(*http.Request) (access.Principal, error)
	// Recheck is Identify of a request that is being answered still: it does not
	// count as a use of the credentials, which would keep them alive.
	Recheck(*http.Request) (access.Principal, error)
}

type principalKey struct{}

// WithPrincipal says on whose behalf a request is made; [Server.Handler]
// believes it, so only what has identified the caller may set it.
func WithPrincipal(ctx context.Context, p access.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// principal returns who asks; nobody where nothing was said.
func principal(ctx context.Context) access.Principal {
	p, _ := ctx.Value(principalKey{}).(access.Principal)
	return p
}

// view runs fn on a consistent snapshot of what whoever asks may see; every
// operation reads through it.
func (s *Server) view(ctx context.Context, fn func(store.Tx) error) error {
	who := principal(ctx)
	if who.Kind == access.Nobody {
		return forbidden(who, access.Read)
	}
	boxes := s.mailboxes()
	return s.store.View(ctx, func(tx store.Tx) error { return fn(veil.Over(tx, who, boxes)) })
}

// eyes are whose view a request has.
func (s *Server) eyes(ctx context.Context) veil.Eyes {
	return veil.Eyes{Who: principal(ctx), Boxes: s.mailboxes()}
}
