package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rapport/records/message"
)

// expectation is a row of bounce/expected.tsv: what reference decoders made of
// one recipient of a report.
type expectation struct {
	reason, code string
	hard         bool
}

// classesOf maps the reasons of the reference to the classes that may stand
// for them. Where two may, the text says whose limit it is.
var classesOf = map[string][]string{
	"userunknown": {"address"}, "hostunknown": {"address"}, "hasmoved": {"address"}, "notaccept": {"address"},
	"mailboxfull": {"mailbox"}, "filtered": {"mailbox"}, "suspend": {"mailbox"},
	"expired": {"transient", "quota"}, "networkerror": {"transient", "quota"}, "systemerror": {"transient", "quota"}, "systemfull": {"transient", "quota"}, "toomanyconn": {"transient", "quota"}, "speeding": {"transient", "quota"}, "ratelimited": {"transient", "quota"},
	"blocked": {"policy"}, "rejected": {"policy"}, "norelaying": {"policy"}, "policyviolation": {"policy"}, "spamdetected": {"policy"}, "securityerror": {"policy"}, "authfailure": {"policy"}, "badreputation": {"policy"}, "requireptr": {"policy"}, "notcompliantrfc": {"policy"},
	"mesgtoobig": {"content"}, "exceedlimit": {"content"}, "contenterror": {"content"}, "emailtoolarge": {"content"}, "virusdetected": {"content"},
	"onhold": {"unknown"}, "undefined": {"unknown"}, "mailererror": {"unknown"}, "syntaxerror": {"unknown"},
}

// expectations reads the truth of the bounces by the name of the file.
func expectations(corpora string) (map[string][]expectation, error) {
	text, err := os.ReadFile(filepath.Join(corpora, "bounce/expected.tsv"))
	if err != nil {
		return nil, fmt.Errorf("read the truth of the bounces: %w", err)
	}
	out := map[string][]expectation{}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(f) < 6 || f[0] == "file" {
			continue
		}
		out[f[0]] = append(out[f[0]], expectation{reason: f[4], code: f[3], hard: f[5] == "True"})
	}
	return out, nil
}

// bounces measures delivery reports, feedback reports and vacation notices.
func bounces(r *Report) error {
	if err := r.bounceFigures("bounce", func(m mail) []byte { return m.raw }); err != nil {
		return err
	}
	if err := r.bounceFigures("mutated", func(m mail) []byte { return mutated(m.name, m.raw) }); err != nil {
		return err
	}
	wrongly := r.AtMost("bounce.false", 0)
	for _, folder := range []string{"bulk", "reply"} {
		err := r.eachMail(folder, func(m mail) {
			v := verdict(m.raw)
			wrongly.Count(v.Kind != message.Bounce && v.Kind != message.Complaint, m.name, "is a %s", v.Kind)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// verdict reads and classifies a mail.
func verdict(raw []byte) message.Verdict {
	p, _ := message.Parse(bytes.NewReader(raw), message.Limits{})
	return message.Classify(p)
}

// bounceFigures fills the figures of that prefix from the bounces, each as
// change makes it.
func (r *Report) bounceFigures(prefix string, change func(m mail) []byte) error {
	truth, err := expectations(r.Corpora)
	if err != nil {
		return err
	}
	return r.eachMail("bounce/mails", func(m mail) {
		want := truth[filepath.Base(m.name)]
		if len(want) == 0 {
			return // no decoder was asked
		}
		r.judgeBounce(prefix, filepath.Base(m.name), verdict(change(m)), want)
	})
}

// judgeBounce compares the verdict on one mail with what is wanted.
func (r *Report) judgeBounce(prefix, name string, v message.Verdict, want []expectation) {
	switch want[0].reason {
	case "feedback":
		r.Figure(prefix+".complaint", 100).Count(v.Kind == message.Complaint, name, "is a %s", v.Kind)
		return
	case "vacation":
		r.Figure(prefix+".vacation", 100).Count(v.Kind == message.Automatic, name, "is a %s", v.Kind)
		return
	case "delivered":
		r.AtMost(prefix+".delivered", 0).Count(v.Kind != message.Bounce, name, "is a bounce: %+v", v.Bounces)
		return
	}
	r.Figure(prefix+".detected", 99).Count(v.Kind == message.Bounce, name, "is a %s", v.Kind)
	if v.Kind != message.Bounce {
		v.Bounces = nil
	}
	pairs := paired(v.Bounces, want)
	for i, w := range want {
		item, got := name, pairs[i]
		if len(want) > 1 {
			item = fmt.Sprintf("%s#%d", name, i+1)
		}
		what := fmt.Sprintf("is %s %s %s (%s), want %s %s: %.300s", got.Status, got.ReplyCode, got.Class, got.Reason, w.code, w.reason, got.Diagnostic)
		r.Figure(prefix+".hard", 95).Count(got.Hard == w.hard && got.Class != "none", item, "%s", what)
		if !w.hard {
			r.AtMost(prefix+".false-hard", 0.5).Count(!got.Hard, item, "%s", what)
		}
		r.Figure(prefix+".class", 90).Count(rightClass(got, w), item, "%s", what)
	}
}

// rightClass reports whether a class may stand for the reason of the truth.
func rightClass(got message.BouncedTo, w expectation) bool {
	classes := classesOf[w.reason]
	if slices.Contains(classes, got.Class) {
		return true
	}
	return slices.Contains(classes, "policy") && got.Class == "transient" && (strings.HasPrefix(w.code, "4") || strings.HasPrefix(got.Status, "4"))
}

// paired finds for each recipient of the truth one of ours: the truth names
// none, and counts them in an order of its own.
func paired(got []message.BouncedTo, want []expectation) []message.BouncedTo {
	out := make([]message.BouncedTo, len(want))
	left := slices.Clone(got)
	for _, fits := range []func(message.BouncedTo, expectation) bool{rightClass, func(message.BouncedTo, expectation) bool { return true }} {
		for i, w := range want {
			if out[i].Class != "" {
				continue
			}
			for k, g := range left {
				if fits(g, w) {
					out[i], left = g, slices.Delete(left, k, k+1)
					break
				}
			}
		}
	}
	for i := range out {
		if out[i].Class == "" {
			out[i].Class = "none"
		}
	}
	return out
}
