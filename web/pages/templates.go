package pages

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"sync"

	"rapport/records/timeline"
	"rapport/web"
)

//go:embed templates/*.html
var templateFiles embed.FS

// parseTemplates reads every page's template once for the whole process:
// layout.html and the files whose names begin with an underscore are part of
// each.
var parseTemplates = sync.OnceValues(func() (map[string]*template.Template, error) {
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	base, err := template.New("").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/_*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		file := path.Base(name)
		if file == "layout.html" || strings.HasPrefix(file, "_") {
			continue
		}
		page, err := template.Must(base.Clone()).ParseFS(templateFiles, name)
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(file, ".html")] = page
	}
	return pages, nil
})

// functions are what templates need that no visit has.
var functions = template.FuncMap{
	"dict":  dict,
	"minus": func(n int) int { return -n },
	"join":  strings.Join,
	"icon": func(f *flash) string {
		if f.Bad {
			return "warning"
		}
		return "done"
	},
	"candidate": candidatePath,
	"owners":    owners,
	"who":       whoPath,
	"waits":     func() []string { return []string{"us", "them"} },
	"sorts":     func() []string { return []string{"contact", "quiet"} },
	"quiets":    func() []int { return quietDays },
	"kinds":     func() []string { return contactKinds },
	"stages":    func() []string { return contactStages },
	"tel":       telephone,
	"party":     partyName,
	"lines":     func(s string) []string { return strings.Split(s, "\n") },
	"more":      func(list []web.Party, shown int) int { return len(list) - shown },
}

// candidatePath is the page of somebody an ambiguous name may mean.
func candidatePath(c web.Candidate) string {
	switch c.Kind {
	case "contact":
		return "/contacts/" + c.ID
	case "organisation":
		return "/organisations/" + c.ID
	case "message":
		return "/messages/" + c.ID
	}
	return "/contacts?owner=" + url.QueryEscape(c.ID)
}

// telephone is the address by which a telephone is rung. It holds nothing but
// what a number consists of, so that it can be no other kind of address.
func telephone(number string) template.URL {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, number)
	return template.URL("tel:" + digits)
}

// partyName is what a person in a header is called.
func partyName(p web.Party) string {
	for _, s := range []string{p.Name, p.Address, p.Raw} {
		if s = timeline.OneLine(s, 80); s != "" {
			return s
		}
	}
	return "?"
}

// dict makes a map of names and values in turn, for partials that take several.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict takes names and values in turn")
	}
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		out[name] = pairs[i+1]
	}
	return out, nil
}
