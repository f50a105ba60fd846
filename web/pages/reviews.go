package pages

import (
	"net/http"
	"strings"

	"rapport/records/access"
	"rapport/web"
)

// reviewRoutes are the messages that wait for a person's decision.
func (p *Pages) reviewRoutes() []route {
	return []route{
		{pattern: "GET /reviews", need: access.Read, serve: reviews},
		{pattern: "POST /reviews", need: access.Write, serve: decideReviews},
	}
}

// reviewList is the page of messages to decide about.
type reviewList struct {
	Items  []web.Review
	Older  string
	At     int
	Cursor string
}

func reviews(v *visit) error {
	page, err := v.client().Reviews(v.ctx(), v.slice())
	if err != nil {
		return err
	}
	return v.show("reviews", "nav.reviews", reviewList{page.Items, v.older(page.Next), v.at(len(page.Items)), v.Query("cursor")})
}

// decideReviews files a message under somebody, or says of the chosen ones that
// they concern none of the candidates.
func decideReviews(v *visit) error {
	do, chosen := v.decision()
	back := v.again("/reviews")
	switch {
	case do == "file":
		return v.fileReview(chosen, v.form("under"))
	case len(chosen) == 0:
		return v.notDone(back, "list.none_chosen")
	case do != "none":
		return errNoSuchDeed
	}
	var audits []string
	decided := 0
	for _, id := range chosen {
		undo, err := v.unfileReview(id)
		if status(err) == http.StatusNotFound {
			continue // decided by somebody else
		}
		if err != nil {
			return err
		}
		audits, decided = append(audits, undo...), decided+1
	}
	if decided == 0 {
		return v.notDone(back, "review.gone")
	}
	undo := ""
	if len(audits) <= maxAtOnce {
		undo = strings.Join(audits, " ")
	}
	return v.done(back, undo, "review.none_of_them", "n", v.N(decided))
}

// fileReview files one message. What is chosen is the message and whom to file
// it under; without the latter the field says it.
func (v *visit) fileReview(chosen []string, under string) error {
	if len(chosen) != 1 {
		return v.notDone(v.again("/reviews"), "list.none_chosen")
	}
	id, who, ok := strings.Cut(chosen[0], " ")
	if !ok {
		who = under
	}
	if who == "" {
		return v.notDone(v.again("/reviews"), "review.whom")
	}
	out, err := v.client().File(v.ctx(), id, who)
	if err != nil {
		return err
	}
	return v.done(v.again("/reviews"), out.Audit, "review.filed")
}

// unfileReview says that a message concerns none of its candidates: chosen are
// its id and theirs.
func (v *visit) unfileReview(chosen string) (audits []string, err error) {
	ids := strings.Fields(chosen)
	if len(ids) < 2 {
		return nil, errNoPage
	}
	for n, who := range ids[1:min(len(ids), maxCandidates)] {
		out, err := v.client().Unfile(v.ctx(), ids[0], who)
		if status(err) == http.StatusNotFound && n > 0 {
			break // with the answer before nobody was left whom it concerns
		}
		if err != nil {
			return audits, err
		}
		if out.Audit != "" {
			audits = append(audits, out.Audit)
		}
	}
	return audits, nil
}

// maxCandidates bounds whom a message is asked about.
const maxCandidates = 20
