package config

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Topic is something people choose to get: a purpose of consent.
type Topic struct {
	Purpose string      `yaml:"purpose" required:"true" doc:"The purpose that campaigns name."`
	Name    string      `yaml:"name" required:"true" doc:"What people read, where names has no better."`
	Names   []TopicName `yaml:"names" doc:"What people read in other languages."`
}

// TopicName is a topic's name in one language.
type TopicName struct {
	Language string `yaml:"language" required:"true" doc:"A BCP 47 tag, such as de or pt-BR."`
	Name     string `yaml:"name" required:"true" doc:"What is read in it."`
}

// SignUp says how people come to be written to of their own accord.
type SignUp struct {
	Form   bool   `yaml:"form" doc:"Whether whoever reaches web.public_url may sign up there, at /signup."`
	Sender string `yaml:"sender" doc:"Name of the sender of the mails that ask whether it is meant; may be left out where there is only one."`
}

// Asks returns the sender of the mails that ask whether a sign-up is meant; ""
// where none can.
func (c *Config) Asks() string {
	if c.SignUp.Sender == "" && len(c.Senders) == 1 {
		return c.Senders[0].Name
	}
	return c.SignUp.Sender
}

func (v *validator) topics(c *Config) {
	seen := map[string]bool{}
	for i, t := range c.Topics {
		path := index("topics", i)
		if !purposeName.MatchString(t.Purpose) {
			v.wrong(path+".purpose", fmt.Sprintf("%q is no name of a purpose", t.Purpose), "lower-case letters, digits, - and _, such as newsletter")
		}
		if seen[t.Purpose] {
			v.wrong(path+".purpose", t.Purpose+" is there twice", "one topic for each purpose")
		}
		seen[t.Purpose] = true
		for k, n := range t.Names {
			if _, err := language.Parse(n.Language); err != nil {
				v.wrong(index(path+".names", k)+".language", fmt.Sprintf("%q is no language", n.Language), "a tag such as de or pt-BR")
			}
		}
	}
	var names []string
	for _, s := range c.Senders {
		names = append(names, s.Name)
	}
	s := c.SignUp
	switch {
	case s.Sender != "" && !slices.Contains(names, s.Sender):
		v.wrong("sign_up.sender", fmt.Sprintf("no sender is called %q", s.Sender), "there is "+strings.Join(names, ", "))
	case s.Form && c.Web.PublicURL == "":
		v.wrong("sign_up.form", "nobody could reach it", "set web.public_listen and web.public_url")
	case s.Form && c.Asks() == "":
		v.wrong("sign_up.form", "no sender could ask whether it is meant", "name one of senders in sign_up.sender")
	}
}
