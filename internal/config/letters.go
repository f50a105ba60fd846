package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"rapport/records/campaign"
)

// sharedPictures is the directory of pictures that every campaign may show, and
// layoutName the frame that every campaign has; both lie beside the campaigns.
const (
	sharedPictures = "pictures"
	layoutName     = "layout.html"
)

// bodyName is a text after its stem; a stem has no dot.
var bodyName = regexp.MustCompile(`^(?:\.([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*))?\.(md|html|txt)$`)

// letterFiles are the files of a letter in one language: its Markdown or HTML, and
// its text part where that is written by hand.
type letterFiles struct{ body, text string }

// list finds the texts of a folder that have a stem, by language.
func (r *campaignReader) list(dir, stem string) map[string]letterFiles {
	entries, err := os.ReadDir(dir)
	if err != nil {
		r.say(dir, 0, 0, cause(err), "")
		return nil
	}
	out, read := map[string]letterFiles{}, 0
	for _, e := range entries {
		rest, named := strings.CutPrefix(e.Name(), stem)
		m := bodyName.FindStringSubmatch(rest)
		if m == nil || !named {
			continue
		}
		if read++; read > maxCampaignFiles {
			r.say(dir, 0, 0, fmt.Sprintf("more than %d texts", maxCampaignFiles), "")
			break
		}
		language := strings.ToLower(m[1])
		w := out[language]
		switch {
		case m[2] == "txt":
			w.text = e.Name()
		case w.body != "":
			r.say(filepath.Join(dir, e.Name()), 0, 0, "there is "+w.body+", too", "keep one of the two")
		default:
			w.body = e.Name()
		}
		out[language] = w
	}
	return out
}

// letter reads what is written in one language. line is that of the first line
// of the body in its file.
func (r *campaignReader) letter(path, key, language, subject, preheader string, body []byte, line int, rd *reader) {
	l := campaign.Letter{Language: language, Markup: filepath.Ext(path) == ".html"}
	if subject != "" {
		l.Subject = r.parse(rd.file, "subject", subject, language, rd.places["subject"])
	}
	if preheader != "" {
		l.Preheader = r.parse(rd.file, "preheader", preheader, language, rd.places["preheader"])
	}
	if len(bytes.TrimSpace(body)) == 0 {
		r.say(path, line, 1, "there is no text", "write it below the second line of ---")
		return
	}
	l.Body = r.parse(path, filepath.Base(path), string(body), language, place{line, 1})
	if r.out.Letters == nil {
		r.out.Letters = map[string]campaign.Letter{}
	}
	r.out.Letters[key] = l
}

// textPart reads the text part of a letter that was read.
func (r *campaignReader) textPart(path, key string) {
	data, ok := r.read(path)
	l, known := r.out.Letters[key]
	if !ok || !known {
		return
	}
	l.Text = r.parse(path, filepath.Base(path), string(unixLines(data)), l.Language, place{1, 1})
	r.out.Letters[key] = l
}

func unixLines(data []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")), []byte("\r\n"), []byte("\n"))
}

// parse reads a template; what is wrong with it is said at its place in a file.
func (r *campaignReader) parse(path, what, source, language string, at place) *campaign.Template {
	r.words.WriteString(source)
	t, err := campaign.ParseTemplate(what, source, language)
	for _, problem := range causes(err) {
		text := strings.TrimPrefix(problem.Error(), what+":")
		line, col := at.line, at.col
		if n, rest, found := strings.Cut(text, ":"); found {
			if below, err := strconv.Atoi(n); err == nil {
				line, text = at.line+below-1, rest
				if below > 1 {
					col = 1
				}
			}
		}
		if n, rest, found := strings.Cut(text, ":"); found {
			if c, err := strconv.Atoi(n); err == nil {
				col, text = c+1, rest
			}
		}
		r.say(path, line, col, what+": "+strings.TrimSpace(text), "")
	}
	return t
}

// causes lists what errors were joined.
func causes(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// around reads what stands around the letters of a campaign, whose folder may
// not be there: the layout, the pictures they show, the files attached.
func (r *campaignReader) around(dir string) {
	shared := filepath.Dir(dir)
	layout := filepath.Join(dir, layoutName)
	if _, err := os.Stat(layout); err != nil || !r.folded {
		layout = filepath.Join(shared, layoutName)
	}
	var frame []byte
	if _, err := os.Stat(layout); err == nil {
		frame, _ = r.read(layout)
	}
	if frame != nil {
		r.each(func(l *campaign.Letter) {
			if len(r.out.Faults) == 0 { // they are the same for every letter
				l.Layout = r.parse(layout, layoutName, string(unixLines(frame)), l.Language, place{1, 1})
			}
		})
	}
	pictures := map[string]campaign.File{}
	r.pictures(filepath.Join(shared, sharedPictures), sharedPictures+"/", pictures)
	if r.folded {
		r.pictures(dir, "", pictures)
	} else {
		dir = shared
	}
	r.each(func(l *campaign.Letter) { l.Pictures = pictures })
	r.attach(dir)
}

// each changes every letter that was read, of a series those of all steps.
func (r *campaignReader) each(change func(*campaign.Letter)) {
	sets := r.out.Steps
	if len(sets) == 0 {
		sets = []map[string]campaign.Letter{r.out.Letters}
	}
	for _, letters := range sets {
		for key, l := range letters {
			change(&l)
			letters[key] = l
		}
	}
}

// pictures finds those of a directory, and reads the ones that a text names.
func (r *campaignReader) pictures(dir, before string, into map[string]campaign.File) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.say(dir, 0, 0, cause(err), "")
	}
	texts := r.words.String()
	for _, e := range entries {
		name := e.Name()
		if !campaign.IsPicture(name) || e.IsDir() {
			continue
		}
		into[before+name] = campaign.File{Name: name}
		if !strings.Contains(texts, name) && !strings.Contains(texts, url.PathEscape(name)) {
			continue
		}
		f, err := r.file(dir, name, campaign.MaxPictures)
		if err != nil {
			r.say(filepath.Join(dir, name), 0, 0, err.Error(), "")
		}
		into[before+name] = f
	}
}

// attach reads the files that go along.
func (r *campaignReader) attach(dir string) {
	size := 0
	wrong := func(what, hint string) {
		at := r.head.places["attachments"]
		r.say(r.head.file, at.line, at.col, "attachments: "+what, hint)
	}
	for _, name := range r.named {
		f, err := r.file(dir, filepath.FromSlash(name), campaign.MaxAttachments)
		switch size += len(f.Data); {
		case err != nil:
			wrong(err.Error(), "name a file beside the text")
			return
		case size > campaign.MaxAttachments:
			wrong(fmt.Sprintf("together they have more than %d MB", campaign.MaxAttachments>>20), "put large files where a link leads to them")
			return
		}
		r.out.Files = append(r.out.Files, f)
	}
}

// file reads one file below a directory, and none that lies elsewhere.
func (r *campaignReader) file(dir, name string, most int64) (campaign.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return campaign.File{}, fmt.Errorf("read %s: %w", name, pathless(err))
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return campaign.File{}, fmt.Errorf("read %s: %w", name, pathless(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return campaign.File{}, fmt.Errorf("%s is no file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return campaign.File{}, fmt.Errorf("read %s: %w", name, pathless(err))
	case int64(len(data)) > most:
		return campaign.File{}, fmt.Errorf("%s has more than %d MB", name, most>>20)
	}
	r.files[filepath.Base(dir)+"/"+name] = data
	return campaign.NewFile(filepath.ToSlash(name), data)
}
