package pages

import (
	"errors"
	"net/http"
	"net/url"

	"rapport/records/access"
	"rapport/web"
)

var (
	errNoPage  = &web.Problem{Status: http.StatusNotFound, Code: "not_found"}
	errForeign = &web.Problem{Status: http.StatusForbidden, Code: "foreign"}
)

// trouble is what the page about an error shows.
type trouble struct {
	Status  int
	Title   string // keys of the catalogue
	Says    string
	Problem *web.Problem
	Back    string
}

// fail shows what went wrong, in the reader's language; whoever is not signed
// in is asked to.
func (v *visit) fail(err error) {
	p := v.problemOf(err)
	if v.Who.Kind == access.Nobody && (p.Status == http.StatusForbidden || p.Status == http.StatusUnauthorized) && p != errForeign {
		http.Redirect(v.w, v.r, "/sign-in?next="+url.QueryEscape(v.Here()), http.StatusSeeOther)
		return
	}
	kind := "internal"
	switch p.Status {
	case http.StatusNotFound:
		kind = "not_found"
	case http.StatusForbidden, http.StatusUnauthorized:
		kind = "forbidden"
	case http.StatusConflict, http.StatusPreconditionFailed:
		kind = "conflict"
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		kind = "invalid"
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		kind = "unavailable"
	}
	for _, code := range []string{"foreign", "ambiguous"} {
		if p.Code == code {
			kind = code
		}
	}
	back := "/"
	if isForm(v.r) {
		back = v.Here()
	}
	shown := v.showAs(p.Status, "error", "error."+kind+".title", trouble{p.Status, "error." + kind + ".title", "error." + kind + ".says", p, back})
	if shown != nil {
		v.Pages.log.ErrorContext(v.ctx(), "page of an error not shown", "err", shown)
		http.Error(v.w, http.StatusText(p.Status), p.Status)
	}
}

// problemOf makes a problem of any error, and logs what is our own fault.
func (v *visit) problemOf(err error) *web.Problem {
	var p *web.Problem
	if errors.As(err, &p) {
		return p
	}
	var refusal *access.Refusal
	if errors.As(err, &refusal) {
		return &web.Problem{Status: http.StatusForbidden, Code: "forbidden"}
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return &web.Problem{Status: http.StatusRequestEntityTooLarge, Code: "invalid"}
	}
	if v.ctx().Err() == nil {
		v.Pages.log.ErrorContext(v.ctx(), "page not shown", "page", v.r.Pattern, "err", err)
	}
	return &web.Problem{Status: http.StatusInternalServerError, Code: "internal"}
}

// known returns an error as the problem the API says it is; a problem without
// a status where it is another error or none.
func known(err error) *web.Problem {
	p := &web.Problem{}
	errors.As(err, &p)
	return p
}

// status returns the status of a problem of the API, 0 of any other error.
func status(err error) int { return known(err).Status }
