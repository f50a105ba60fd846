package phrase

// Error is an error that can be said in every language.
type Error struct {
	phrase Phrase
	cause  error
}

// Errorf returns an error that says a phrase. args are as in [New]; the first
// error among them is its cause.
func Errorf(form Form, args ...any) *Error {
	e := &Error{phrase: New(form, args...)}
	for _, a := range args {
		if err, ok := a.(error); ok {
			e.cause = err
			break
		}
	}
	return e
}

// Error is the phrase in English.
func (e *Error) Error() string { return e.phrase.String() }

// Unwrap returns the cause, nil where there is none.
func (e *Error) Unwrap() error { return e.cause }

// Phrase returns what the error says.
func (e *Error) Phrase() Phrase { return e.phrase }

// speaker is an error that knows what it says.
type speaker interface{ Phrase() Phrase }

// Of returns what an error says to people. Of one that wraps what knows what
// it says, that is said: what stands around it names objects for the log.
// What knows nothing of phrases is verbatim; a nil error says nothing.
func Of(err error) Phrase {
	if err == nil {
		return Phrase{}
	}
	if p, ok := within(err); ok {
		return p
	}
	return Verbatim(err.Error())
}

func within(err error) (Phrase, bool) {
	if s, ok := err.(speaker); ok {
		return s.Phrase(), true
	}
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		if inner := u.Unwrap(); inner != nil {
			return within(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range u.Unwrap() {
			if inner == nil {
				continue
			}
			if p, ok := within(inner); ok {
				return p, true
			}
		}
	}
	return Phrase{}, false
}
