package campaign

import (
	"strings"
	"time"

	"rapport/records/survey"
)

// Definition is a campaign as its files say it.
type Definition struct {
	Name     string
	Kind     string
	Sender   string // the configured sender it goes through
	Purpose  string // the consent it needs
	Basis    string // what allows it without consent, in words; "" where consent is needed
	Audience *Audience
	Schedule time.Time // not to be sent before; zero: when launched
	Rhythm   *Rhythm   // of what writes by itself, nil else
	Seed     int       // how many mails leave first, to see what comes back; 0: all at once
	Window   Window    // in which its mails leave
	// Letters are what is written, by language; "" is for everybody else.
	// Of a series they are those of its first step.
	Letters map[string]Letter
	// Steps are the letters of a series, each as Letters; their days are in Rhythm.
	Steps []map[string]Letter
	Files []File // attached to every mail
	// Questions are those of a survey; the first is asked in the mail.
	Questions []survey.Question
	Sources   [32]byte // SHA-256 of its files
}

// Newsletter is the kind of campaign that is sent once to an audience.
const Newsletter = "newsletter"

// Letter returns what is written to somebody of a language: de-AT gets the
// letter for de-AT, else that for de, else the one for everybody.
func (d Definition) Letter(language string) Letter {
	tag := strings.ToLower(language)
	for {
		if l, ok := d.Letters[tag]; ok {
			return l
		}
		cut := strings.LastIndexByte(tag, '-')
		if cut < 0 {
			return d.Letters[""]
		}
		tag = tag[:cut]
	}
}
