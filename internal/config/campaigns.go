package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"rapport/records/campaign"
	"rapport/records/survey"
)

// The limits of a campaigns directory.
const (
	maxCampaigns     = 1000
	maxCampaignFiles = 40 // of one campaign
)

// Campaign is what the files of a campaign say. A campaign with faults cannot
// be planned.
type Campaign struct {
	campaign.Definition
	Faults   Faults
	Warnings Faults
}

// front is what stands above a letter, or in campaign.yaml.
type front struct {
	Kind      CampaignKind `yaml:"kind" default:"newsletter" doc:"What it is."`
	Sender    string       `yaml:"sender" doc:"Name of the sender it goes through; may be left out where there is only one."`
	Subject   string       `yaml:"subject" doc:"The subject, a template as the text is; of a series, that of steps without one."`
	Preheader string       `yaml:"preheader" doc:"What mailboxes show beside the subject."`
	Audience  string       `yaml:"audience" required:"true" doc:"Whom it is for, as a rule over the records."`
	Purpose   string       `yaml:"purpose" default:"newsletter" doc:"The consent it needs."`
	Basis     string       `yaml:"legal_basis" doc:"What allows it for those who have not agreed, in words."`
	Schedule  string       `yaml:"schedule" doc:"Nothing is sent before: 2026-03-01 09:00, in the zone of business_hours or in the one that stands behind it, as Europe/Berlin."`
	Trigger   string       `yaml:"trigger" doc:"Of a reminder or series, the occasion it follows: consent, sale, due (a sale is to be paid), interval (a purchase and mail are late), or custom.FIELD for a date in a custom field."`
	After     string       `yaml:"after" doc:"Of a reminder, how many days after the occasion it is written: 7d; -14d is before it. Nothing means at once."`
	Steps     []step       `yaml:"steps" doc:"Of a series, its mails in their order."`
	Backfill  string       `yaml:"backfill" doc:"Of a reminder, who would have got it so many days before its launch gets it, too: 30d."`
	Stop      []string     `yaml:"stop" doc:"Of a reminder, what after the occasion makes it pointless: replied, bought."`
	Window    string       `yaml:"window" doc:"When its mails may leave, by the clock of their recipients: mon-fri 09:00-17:00."`
	Seed      int          `yaml:"seed" min:"10" max:"10000" doc:"So many mails leave first; the others an hour after them, unless more than 5 % of these are refused, bounce or complain."`
	Files     []string     `yaml:"attachments" doc:"Files attached to every mail: names beside the text."`
	Questions []question   `yaml:"questions" doc:"What a survey asks: the first in its mail, by a number, and all on its page."`
	Language  string       `yaml:"language" doc:"The language of the text that goes to everybody whose own has none."`
}

// CampaignKind is what a campaign is.
type CampaignKind string

func (CampaignKind) choices() []string {
	return []string{campaign.Newsletter, campaign.Survey, campaign.Reminder, campaign.Series}
}

// step is one mail of a series.
type step struct {
	After     string `yaml:"after" doc:"How many days after the occasion it is written: 7d."`
	Subject   string `yaml:"subject" doc:"Its subject."`
	Preheader string `yaml:"preheader" doc:"What mailboxes show beside the subject."`
	Body      string `yaml:"body" required:"true" doc:"The file with its text, beside campaign.yaml: welcome.md; welcome.de.md is that for who reads German. Its name names the step for ever."`
}

// question is one thing that a survey asks.
type question struct {
	ID           string       `yaml:"id" required:"true" doc:"Names its answers for ever: a word in small letters."`
	Type         QuestionType `yaml:"type" required:"true" doc:"What kind of answer it takes."`
	Text         string       `yaml:"text" doc:"The question. Without it, it is asked in words of ours, in the language of the letter."`
	Translations []translated `yaml:"translations" doc:"The question in other languages."`
	Options      []option     `yaml:"options" doc:"What may be chosen, for the types choice and choices."`
}

// option is something to choose.
type option struct {
	ID           string       `yaml:"id" required:"true" doc:"Names the option for ever: a word in small letters."`
	Text         string       `yaml:"text" required:"true" doc:"The option."`
	Translations []translated `yaml:"translations" doc:"The option in other languages."`
}

// translated is a text in one language.
type translated struct {
	Language string `yaml:"language" required:"true" doc:"A tag such as de."`
	Text     string `yaml:"text" required:"true" doc:"The text in it."`
}

// QuestionType is what a question of a survey asks for.
type QuestionType string

func (QuestionType) choices() []string {
	var out []string
	for _, k := range survey.Kinds {
		out = append(out, string(k))
	}
	return out
}

// letterFront is what may stand above the letter in another language.
type letterFront struct {
	Subject   string `yaml:"subject" doc:"The subject in this language."`
	Preheader string `yaml:"preheader" doc:"What mailboxes show beside the subject."`
}

var (
	campaignName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,60}$`)
	purposeName  = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)
)

// ErrNoCampaign is what reading a campaign ends in that there is not.
var ErrNoCampaign = errors.New("no such campaign")

// ReadCampaigns reads every campaign of the configured directory, by name.
// Without a directory there are none.
func (c *Config) ReadCampaigns() ([]Campaign, error) {
	if c.Campaigns == "" {
		return nil, nil
	}
	names, err := c.campaignNames()
	if err != nil {
		return nil, err
	}
	var out []Campaign
	for _, name := range names {
		one, err := c.ReadCampaign(name)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// campaignNames lists what lies in the directory: NAME.md, and folders.
func (c *Config) campaignNames() ([]string, error) {
	entries, err := os.ReadDir(c.Campaigns)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nobody has written one yet
	}
	if err != nil {
		return nil, fmt.Errorf("list campaigns in %s: %w", c.Campaigns, pathless(err))
	}
	found := map[string]bool{}
	for _, e := range entries {
		name, isFile := strings.CutSuffix(e.Name(), ".md")
		if e.IsDir() && name == sharedPictures {
			continue
		}
		if (isFile || e.IsDir()) && campaignName.MatchString(name) {
			found[name] = true
		}
	}
	if len(found) > maxCampaigns {
		return nil, fmt.Errorf("list campaigns in %s: more than %d", c.Campaigns, maxCampaigns)
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// ReadCampaign reads one campaign. What is wrong with its files is in its
// faults; the error wraps ErrNoCampaign where there is none of this name.
func (c *Config) ReadCampaign(name string) (Campaign, error) {
	r := &campaignReader{config: c, files: map[string][]byte{}}
	r.out.Name = name
	if c.Campaigns == "" {
		return r.out, fmt.Errorf("read campaign %s: no directory is configured (set campaigns: campaigns/): %w", name, ErrNoCampaign)
	}
	if !campaignName.MatchString(name) {
		return r.out, fmt.Errorf("read campaign %q: no campaign has such a name: %w", name, ErrNoCampaign)
	}
	dir := filepath.Join(c.Campaigns, name)
	single, errSingle := os.Stat(dir + ".md")
	folder, errFolder := os.Stat(dir)
	switch {
	case errSingle == nil && single.Mode().IsRegular():
		r.single(dir + ".md")
		if errFolder == nil {
			r.say(dir+".md", 0, 0, "there is a folder "+name+", too, which is not read", "keep one of the two")
		}
	case errFolder == nil && folder.IsDir():
		r.folded = true
		r.folder(dir)
	default:
		return r.out, fmt.Errorf("read campaign %s: there is neither %s.md nor %s/campaign.yaml in %s: %w", name, name, name, c.Campaigns, ErrNoCampaign)
	}
	r.around(dir)
	r.out.Faults, r.out.Warnings = r.out.Faults.sorted(), r.out.Warnings.sorted()
	r.out.Sources = r.digest()
	return r.out, nil
}

// campaignReader reads the files of one campaign.
type campaignReader struct {
	config *Config
	out    Campaign
	files  map[string][]byte // as read, by name: what the digest is of
	words  strings.Builder   // what was written, in which pictures are named
	named  []string          // files to attach
	head   *reader           // says where the keys are
	folded bool              // it is a folder
}

func (r *campaignReader) say(file string, line, col int, what, hint string) {
	r.out.Faults = append(r.out.Faults, Fault{file, line, col, what, hint})
}

// digest is of every file and its name.
func (r *campaignReader) digest() [32]byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		fmt.Fprintf(h, "%d %s %d\n", len(name), name, len(r.files[name]))
		h.Write(r.files[name])
	}
	return [32]byte(h.Sum(nil))
}

func (r *campaignReader) read(path string) ([]byte, bool) {
	_, data, err := readFile(path)
	if err != nil {
		r.say(path, 0, 0, cause(err), "")
		return nil, false
	}
	r.files[filepath.Base(path)] = data
	return data, true
}

// single reads a campaign that is one file.
func (r *campaignReader) single(path string) {
	data, ok := r.read(path)
	if !ok {
		return
	}
	head, body, line := cutFront(data)
	if line == 0 {
		r.say(path, 1, 1, "it does not begin with ---", "write kind, sender, subject and audience between two lines of ---, and the text below")
		return
	}
	f, rd := r.front(path, head)
	if f.Kind == campaign.Series {
		r.say(path, 1, 1, "a series has a text for each of its steps", "make it a folder: NAME/campaign.yaml with steps, and a file for each")
		return
	}
	r.letter(path, "", f.Language, f.Subject, f.Preheader, body, line, rd)
}

// folder reads campaign.yaml with a text for each language.
func (r *campaignReader) folder(dir string) {
	path := filepath.Join(dir, "campaign.yaml")
	data, ok := r.read(path)
	if !ok {
		return
	}
	f, rd := r.front(path, data)
	if f.Kind == campaign.Series {
		r.series(dir, path, f, rd)
		return
	}
	r.texts(dir, path, "body", f, rd)
}

// texts reads the files of one letter, whose names begin with a stem.
func (r *campaignReader) texts(dir, path, stem string, f front, rd *reader) {
	texts := r.list(dir, stem)
	for _, language := range slices.Sorted(maps.Keys(texts)) {
		r.translation(dir, texts[language], language, f, rd)
	}
	if _, ok := r.out.Letters[""]; !ok && len(r.out.Faults) == 0 {
		r.say(path, 1, 1, "there is no text for everybody", fmt.Sprintf("write %s.md beside it; %s.de.md and the like are for those who read German and so on", stem, stem))
	}
}

// translation reads the text for one language; what stands above it takes the
// place of the subject of campaign.yaml.
func (r *campaignReader) translation(dir string, t letterFiles, language string, f front, rd *reader) {
	if t.body == "" {
		r.say(filepath.Join(dir, t.text), 0, 0, "it is the text part of a letter that is not there", "write "+strings.TrimSuffix(t.text, ".txt")+".md or .html beside it")
		return
	}
	path := filepath.Join(dir, t.body)
	data, ok := r.read(path)
	if !ok {
		return
	}
	shown := language
	if language == "" {
		shown = f.Language
	}
	subject, preheader, line := f.Subject, f.Preheader, 1
	if head, body, at := cutFront(data); at > 0 {
		var own letterFront
		lr := &reader{file: path, places: map[string]place{}, bad: map[string]bool{}}
		lr.read(head, &own)
		r.out.Faults = append(r.out.Faults, lr.faults...)
		data, line = body, at
		if own.Subject != "" {
			subject, preheader, rd = own.Subject, own.Preheader, lr
		}
	}
	r.letter(path, language, shown, subject, preheader, data, line, rd)
	if t.text != "" {
		r.textPart(filepath.Join(dir, t.text), language)
	}
}

// cutFront separates what stands between two lines of --- from the text below;
// line is that of the first line of the text, 0 where there is no such head.
// The head keeps its place: its first line is empty.
func cutFront(data []byte) (head, body []byte, line int) {
	data = unixLines(data)
	rest, found := bytes.CutPrefix(data, []byte("---\n"))
	if !found {
		return nil, data, 0
	}
	head, body, found = bytes.Cut(append([]byte("\n"), rest...), []byte("\n---\n"))
	if !found {
		return nil, data, 0
	}
	return append([]byte("\n"), bytes.TrimPrefix(head, []byte("\n"))...), body, bytes.Count(head, []byte("\n")) + 3
}

// front reads and checks what a campaign is.
func (r *campaignReader) front(path string, data []byte) (front, *reader) {
	var f front
	rd := &reader{file: path, places: map[string]place{}, bad: map[string]bool{}}
	rd.read(data, &f)
	v := &validator{reader: rd, dir: filepath.Dir(path)}
	d := &r.out.Definition
	d.Kind, d.Purpose, d.Basis = string(f.Kind), f.Purpose, strings.TrimSpace(f.Basis)
	if f.Purpose != "" && !purposeName.MatchString(f.Purpose) {
		v.wrong("purpose", fmt.Sprintf("%q is not a word", f.Purpose), "for example newsletter, the word consents name")
	}
	if f.Subject == "" && f.Kind != campaign.Series {
		v.wrong("subject", "is missing", "the subject, a template as the text is")
	}
	r.sender(v, &f)
	r.named, r.head = f.Files, rd
	if f.Audience != "" {
		a, err := campaign.ParseAudience(f.Audience)
		var at *campaign.AudienceError
		switch {
		case errors.As(err, &at):
			v.wrong("audience", fmt.Sprintf("at its line %d, column %d: %s", at.Line, at.Column, at.What), `for example kind == "customer" and "vip" in tags`)
		case err != nil:
			v.wrong("audience", err.Error(), "")
		}
		d.Audience = a
	}
	if f.Schedule != "" {
		when, wrong, hint := scheduled(f.Schedule, r.config.Hours.Location())
		if wrong != "" {
			v.wrong("schedule", wrong, hint)
		}
		d.Schedule = when
	}
	r.questions(v, f)
	r.rhythm(v, f)
	r.out.Faults, r.out.Warnings = append(r.out.Faults, rd.faults...), append(r.out.Warnings, rd.warnings...)
	return f, rd
}

// questions reads what a survey asks.
func (r *campaignReader) questions(v *validator, f front) {
	if string(f.Kind) != campaign.Survey {
		if len(f.Questions) > 0 {
			v.wrong("questions", "only a survey asks questions", "write kind: survey")
		}
		return
	}
	for _, q := range f.Questions {
		one := survey.Question{ID: q.ID, Kind: survey.Kind(q.Type), Text: inLanguages(q.Text, q.Translations)}
		for _, o := range q.Options {
			one.Options = append(one.Options, survey.Option{ID: o.ID, Text: inLanguages(o.Text, o.Translations)})
		}
		r.out.Questions = append(r.out.Questions, one)
	}
	if err := survey.Check(r.out.Questions); err != nil {
		v.wrong("questions", err.Error(), "for example {id: nps, type: nps}")
	}
	if len(f.Questions) > 1 && r.config.Web.PublicURL == "" {
		v.wrong("questions", "the mail asks the first, and there is no page for the others", "set web.public_url, or ask one question")
	}
}

// inLanguages are the words of a text by language.
func inLanguages(text string, others []translated) map[string]string {
	out := map[string]string{"": strings.TrimSpace(text)}
	for _, t := range others {
		out[strings.ToLower(t.Language)] = strings.TrimSpace(t.Text)
	}
	return out
}

// scheduled reads a time of day on a day, in a zone that stands behind it or in
// the one given. What is no such moment there, because the clocks skip it, is
// wrong as well: nobody means it.
func scheduled(text string, zone *time.Location) (when time.Time, wrong, hint string) {
	const form, example = "2006-01-02 15:04", "write 2026-03-01 09:00, or 2026-03-01 09:00 Europe/Berlin"
	moment := strings.TrimSpace(text)
	if at := strings.LastIndexByte(moment, ' '); at == len(form) {
		name := moment[at+1:]
		named, err := time.LoadLocation(name)
		if err != nil || name == "Local" {
			return when, fmt.Sprintf("%q is not a time zone", name), "name it as in Europe/Berlin or UTC"
		}
		moment, zone = moment[:at], named
	}
	when, err := time.ParseInLocation(form, moment, zone)
	switch {
	case err != nil || len(moment) != len(form):
		return when, fmt.Sprintf("%q is not a time", text), example
	case when.Format(form) != moment:
		return when, fmt.Sprintf("there is no %s in %s: the clocks are put forward", moment, zone), "choose an hour earlier or later"
	}
	return when, "", ""
}

func (r *campaignReader) sender(v *validator, f *front) {
	var names []string
	for _, s := range r.config.Senders {
		names = append(names, s.Name)
	}
	switch {
	case len(names) == 0:
		v.wrong("sender", "no sender is configured", "add one under senders: name, host and from")
	case f.Sender == "" && len(names) > 1:
		v.wrong("sender", "several senders are configured", "name one: "+strings.Join(names, ", "))
	case f.Sender == "":
		f.Sender = names[0]
	case !slices.Contains(names, f.Sender):
		v.wrong("sender", fmt.Sprintf("no sender is called %q", f.Sender), "there is "+strings.Join(names, ", "))
	}
	r.out.Sender = f.Sender
}
