package main

import (
	"embed"
	"fmt"
	"strings"
	"text/template"
	"time"

	"rapport/internal/config"
)

// noticeFiles are the texts a company needs to use Rapport rightly, a file for
// each language with the same parts in each.
//
//go:embed notice.*.txt
var noticeFiles embed.FS

// The languages and parts of `rapport notice`, the first of each being the
// default.
var (
	noticeLanguages = []string{"en", "de", "bn"}
	noticeParts     = []string{"staff", "privacy", "record"}
)

type noticeCommand struct {
	Part     string `arg:"" optional:"" enum:",staff,privacy,record" default:""`
	Language string `placeholder:"LANGUAGE" enum:"en,de,bn" default:"en"`
}

// Run prints what people have to be told, as the configuration has it.
func (c *noticeCommand) Run(s *session) error {
	path, err := s.configPath()
	if err != nil {
		return err
	}
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	parts := noticeParts
	if c.Part != "" {
		parts = []string{c.Part}
	}
	texts := map[string]string{}
	var all []string
	for _, part := range parts {
		text, err := notice(s.grouped(cfg), c.Language, part)
		if err != nil {
			return err
		}
		texts[part] = text
		all = append(all, text)
	}
	s.note("a draft made from the configuration: fill in what stands in [brackets], and have it checked by whoever advises you on data protection")
	return s.show(texts, func() { s.printf("%s", strings.Join(all, "\n\n")) })
}

// noticed is what a notice says of a configuration; texts are empty where
// there is nothing to say.
type noticed struct {
	Team               string
	Boxes              []noticedBox
	Suggest, Internal  bool
	Blocked, Protected int // addresses, domains and patterns
	LogAddress         string
	Senders            string // addresses
	Retention          []noticedSpan
	Hold               string // tags
	Backup             *noticedBackup
	Staff              config.StaffMetrics
	Digest             string // when
}

type noticedBox struct {
	Name, User       string
	Date, Span       string // how far back it is read; both empty: without bound
	Include, Exclude string // patterns of folders
	Seen             config.Visibility
}

type noticedSpan struct{ Kind, Span string }

type noticedBackup struct {
	Every, Span string
	Count       int // 0: Span counts
}

// notice is one part in one language.
func notice(cfg *config.Config, language, part string) (string, error) {
	t := template.New("").Funcs(template.FuncMap{"n": bengaliDigits})
	t, err := t.ParseFS(noticeFiles, "notice."+language+".txt")
	if err != nil {
		return "", fmt.Errorf("read the notice: %w", err)
	}
	facts, err := noticedOf(cfg, t)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, part, facts); err != nil {
		return "", fmt.Errorf("write the notice: %w", err)
	}
	return strings.TrimSpace(b.String()) + "\n", nil
}

// noticedOf says what a configuration means for people, with its spans in the
// words of the language.
func noticedOf(cfg *config.Config, t *template.Template) (noticed, error) {
	var failed error
	span := func(d config.Duration) string {
		var b strings.Builder
		parts := map[string]int{"Years": d.Years, "Months": d.Months, "Days": d.Days, "Hours": int(d.Rest / time.Hour)}
		if err := t.ExecuteTemplate(&b, "span", parts); err != nil {
			failed = fmt.Errorf("write the notice: %w", err)
		}
		return strings.TrimSpace(b.String())
	}
	out := noticed{
		Team: cfg.Ours.Name, Suggest: cfg.Policy.Unmatched == config.Suggest, Internal: cfg.Policy.Internal == config.LogInternal,
		LogAddress: strings.Join(cfg.LogAddress, ", "), Hold: strings.Join(cfg.Retention.Hold, ", "), Staff: cfg.Staff, Digest: cfg.Digest.At,
	}
	if out.Team == "" {
		out.Team = "[" + strings.Join(cfg.Ours.Domains, ", ") + "]"
	}
	for _, m := range cfg.Boxes() {
		b := noticedBox{Name: m.Name, User: m.User, Span: span(m.Since.Span), Seen: m.Visibility,
			Include: strings.Join(m.Folders.Include, ", "), Exclude: strings.Join(m.Folders.Exclude, ", ")}
		if !m.Since.Date.IsZero() {
			b.Date = m.Since.Date.Format(time.DateOnly)
		}
		out.Boxes = append(out.Boxes, b)
	}
	var senders []string
	for _, c := range cfg.Senders {
		senders = append(senders, c.From)
	}
	out.Senders = strings.Join(senders, ", ")
	for _, e := range cfg.Policy.Exclude {
		if e.Mode == config.Protected {
			out.Protected++
		} else {
			out.Blocked++
		}
	}
	r := cfg.Retention
	for _, k := range []struct {
		kind string
		span config.Duration
	}{{"personal", r.Personal}, {"list", r.List}, {"automatic", r.Automatic}, {"bounce", r.Bounce}, {"complaint", r.Complaint},
		{"unsubscribe", r.Unsubscribe}, {"calendar", r.Calendar}, {"note", r.Note}, {"call", r.Call}, {"meeting", r.Meeting}, {"audit", r.Audit}} {
		if k.span != (config.Duration{}) {
			out.Retention = append(out.Retention, noticedSpan{k.kind, span(k.span)})
		}
	}
	if cfg.Backup.Dir != "" {
		out.Backup = &noticedBackup{Every: span(cfg.Backup.Every), Span: span(cfg.Backup.Keep.Span), Count: cfg.Backup.Keep.Count}
	}
	return out, failed
}

// bengaliDigits writes numbers as Bengali does.
func bengaliDigits(v any) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '০' + r - '0'
		}
		return r
	}, fmt.Sprint(v))
}
