package pages

import (
	"net/http"

	"rapport/web"
)

// merging is the page before two records become one.
type merging struct {
	Keep   card
	Lose   *card           // nil: not yet named
	Among  []web.Candidate // whom the name may mean
	Typed  string
	Nobody bool
}

// previewMerge shows two records side by side and what of them stays.
func (of subject) previewMerge(v *visit) error {
	keep, err := of.card(v, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	m := merging{Keep: keep, Typed: v.Query("with")}
	if m.Typed == "" {
		return v.show("merge", "merge.title", m)
	}
	lose, err := of.card(v, m.Typed)
	switch p := known(err); {
	case p.Status == http.StatusConflict:
		for _, c := range p.Candidates {
			if (c.Kind == "contact") == (of == contacts) {
				m.Among = append(m.Among, c)
			}
		}
	case p.Status == http.StatusNotFound, p.Status == http.StatusBadRequest:
		m.Nobody = true
	case err != nil:
		return err
	case lose.ID == keep.ID:
		m.Nobody = true
	default:
		m.Lose = &lose
	}
	return v.show("merge", "merge.title", m)
}

func (of subject) merge(v *visit) error {
	keep, lose := v.r.PathValue("id"), v.form("lose")
	gone, err := of.card(v, lose)
	if err != nil {
		return err
	}
	var out web.Audited
	if of == contacts {
		out, err = v.client().MergeContacts(v.ctx(), keep, lose)
	} else {
		out, err = v.client().MergeOrganisations(v.ctx(), keep, lose)
	}
	if err != nil {
		return err
	}
	return v.done(of.path(keep), out.Audit, "merge.done", "name", gone.Name)
}
