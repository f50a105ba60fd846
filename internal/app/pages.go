package app

import (
	"net/http"
	"os"

	"rapport/records/access"
	"rapport/web"
	"rapport/web/pages"
)

// newPages makes what people see in a browser, on top of the API.
func (s *system) newPages() (http.Handler, error) {
	o := pages.Options{
		API: s.handler, Now: s.now, Log: s.log.With("component", "pages"), Team: s.config().Ours.Name,
	}
	if dir := s.config().Web.Languages; dir != "" {
		o.Locales = os.DirFS(dir)
	}
	return pages.New(o)
}

// page answers with a page.
func (s *system) page(w http.ResponseWriter, r *http.Request) {
	pages, err := s.pages()
	if err != nil {
		s.log.Error("there are no pages", "err", err)
		http.Error(w, "The pages cannot be shown; the log of the daemon says why.", http.StatusInternalServerError)
		return
	}
	pages.ServeHTTP(w, r)
}

// identified settles who a page is shown to. Whoever's credentials do not
// hold, or no longer, is nobody, whom the pages ask to sign in.
func (s *system) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := s.auth.Identify(r)
		if err != nil {
			who = access.Principal{}
		}
		next.ServeHTTP(w, r.WithContext(web.WithPrincipal(r.Context(), who)))
	})
}
