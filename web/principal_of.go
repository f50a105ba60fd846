package web

import (
	"context"

	"rapport/records/access"
)

// PrincipalOf returns who a request is made on behalf of, as [WithPrincipal]
// said; the zero principal where nothing was said.
func PrincipalOf(ctx context.Context) access.Principal { return principal(ctx) }
