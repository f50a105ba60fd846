package survey

// line is a line that is being judged, from its first token on.
type line struct {
	kind Kind
	t    []token
}

// judge says what a line says: what leads to the score, the score, what it is
// out of, and whether what follows leaves it one.
func judge(k Kind, t []token) said {
	l := line{k, t}
	if !l.figures() {
		return said{}
	}
	if s, ok := l.drawn(); ok {
		return s
	}
	if s, ok := l.corrected(); ok {
		return s
	}
	led := l.opening()
	for led < len(l.t) && led < 8 && l.leading(led) {
		led++
	}
	if led == len(l.t) || l.t[led].form != number {
		return said{is: loose, doubt: Unclear}
	}
	return l.scored(led)
}

// figures reports whether there is any number in the line.
func (l line) figures() bool {
	for _, t := range l.t {
		if t.form == number || t.form == star {
			return true
		}
	}
	return false
}

// leading reports whether a token may stand before the score.
func (l line) leading(at int) bool {
	switch t := l.t[at]; t.form {
	case word:
		return leads[t.text]
	case mark:
		return t.text == ":" || t.text == "(" && at == 0 || t.text == "'" || (t.text == "-" || t.text == "–" || t.text == "—") && at > 0 && !l.glued(at+1)
	case number: // an article that is a number too: a 9 is "eine 9"
		return t.spoken && t.value == 1 && at+1 < len(l.t) && l.t[at+1].form == number && at > 0
	}
	return false
}

func (l line) glued(at int) bool { return at < len(l.t) && l.t[at].glued }

func (l line) is(at int, text string) bool { return at < len(l.t) && l.t[at].text == text }

func (l line) has(at int, in map[string]bool) bool {
	return at < len(l.t) && l.t[at].form == word && in[l.t[at].text]
}

// opening skips "it is a": without the article it is the time of day.
func (l line) opening() int {
	at := 0
	switch {
	case l.is(0, "it's"), l.is(0, "its"):
		at = 1
	case l.is(0, "it") && l.is(1, "is"):
		at = 2
	}
	if at > 0 && (l.is(at, "a") || l.is(at, "an")) {
		return at + 1
	}
	return 0
}

// scored judges what follows the score at a place.
func (l line) scored(at int) said {
	t := l.t[at]
	_, high, _ := l.kind.Scale()
	end := at + 1
	switch {
	case t.spoken && t.value == 1 && len(l.t) > end+1:
		return said{is: loose, doubt: Unclear} // one of, eine, un
	case t.value == high && l.within(end): // of ten, eight
		at, end = at+l.skipWithin(end), at+l.skipWithin(end)+1
		t = l.t[at]
	case l.is(end, "out") && l.is(end+1, "of") && end+2 < len(l.t) && l.t[end+2].form == number:
		if l.t[end+2].value != high {
			return said{is: odd, score: t.value, doubt: OutOfBand}
		}
		end += 3
	case (l.is(end, "/") || l.has(end, ofs)) && end+1 < len(l.t) && l.t[end+1].form == number:
		if l.t[end+1].value != high {
			return said{is: odd, score: t.value, doubt: OutOfBand}
		}
		end += 2
	}
	if l.is(end, ")") && l.is(0, "(") {
		end++
	}
	switch {
	case l.has(end, stars) || end < len(l.t) && l.t[end].form == star:
		if l.kind != CSAT {
			return said{is: odd, score: t.value, doubt: OutOfBand}
		}
		end++
	case l.has(end, units):
		end++
	}
	if s := l.after(at, end, t.value); s.is != plain {
		return s
	}
	if !l.kind.Fits(t.value) {
		return said{is: odd, score: t.value, doubt: OutOfBand}
	}
	return said{is: plain, score: t.value, spoken: t.spoken, more: !onlyMarks(l.t[end:])}
}

// within reports whether words for "out of" and a number follow.
func (l line) within(at int) bool { return l.skipWithin(at) > 0 }

func (l line) skipWithin(at int) int {
	from := at
	for at < len(l.t) && l.has(at, within) {
		at++
	}
	if at == from {
		// Written together or with a mark of its own, as in এর মধ্যে.
		for at < len(l.t) && at < from+3 && l.t[at].form == word {
			at++
		}
		if at == from || !within[l.t[at-1].text] {
			return 0
		}
	}
	if at < len(l.t) && l.t[at].form == number {
		return at - from + 1
	}
	return 0
}

// after judges what stands behind the score.
func (l line) after(at, end, score int) said {
	ok, several, unclear := said{is: plain}, said{is: odd, score: score, doubt: Several}, said{is: loose, doubt: Unclear}
	if end == len(l.t) {
		return ok
	}
	next := l.t[end]
	switch next.form {
	case number:
		return several
	case other:
		return said{is: odd, score: score, doubt: Unclear}
	case face:
		return l.rest(end+1, score)
	case word:
		switch {
		case next.glued: // 8pm, 2x
			return unclear
		case l.has(end, ors) && end+1 < len(l.t) && l.t[end+1].form == number:
			return several
		case l.has(end, reasons), l.has(end, hedges) && !l.has(end, ors) && !l.has(end, ofs):
			return l.rest(end, score)
		case l.praised(end):
			return l.rest(end+1, score)
		}
		return unclear
	case star:
		return several
	}
	switch {
	case next.text == "?", next.text == "/":
		return said{is: odd, score: score, doubt: Unclear}
	case next.glued && l.glued(end+1) && l.t[end+1].form == number: // 8.5, 8:30, 8-9
		return several
	case next.text == "-" && next.glued && l.glued(end+1): // 7-day
		return unclear
	case next.text == "," && l.t[at].spoken && at == 0 && end+1 == len(l.t):
		return unclear // a name that is greeted: Otto,
	case at == 0 && end == 1 && !l.t[at].spoken && (next.text == "." || next.text == ")") && end+1 < len(l.t) && l.t[end+1].form == word && !l.has(end+1, follows):
		return said{is: odd, score: score, doubt: Unclear} // the first of a list, the third reminder, the 8th of March
	case next.text == "(" && end+2 < len(l.t) && l.t[end+1].form == number && l.t[end+1].value == score && l.is(end+2, ")"):
		return l.after(at, end+3, score) // 2 (two)
	}
	return l.rest(end+1, score)
}

// rest judges what stands behind the mark that ends an answer: nothing of it
// may be another one.
func (l line) rest(at, score int) said {
	for at < len(l.t) && (l.t[at].form == mark || l.t[at].form == face) {
		if l.t[at].text == "?" {
			return said{is: odd, score: score, doubt: Unclear}
		}
		at++
	}
	several := said{is: odd, score: score, doubt: Several}
	switch {
	case at == len(l.t):
		return said{is: plain}
	case l.has(at, counted):
		return said{is: odd, score: score, doubt: Unclear}
	}
	if l.t[at].form == number && (l.t[at].value != score || at+1 < len(l.t) && l.t[at+1].form != mark) {
		return several
	}
	if l.has(at, negations) { // 7, not 9
		if n := at + 1; n < len(l.t) && l.t[n].form == number && n+1 >= len(l.t)-1 && l.t[n].value != score {
			return said{is: plain}
		}
	}
	if l.has(at, hedges) || l.has(at, negations) || l.has(at, ors) || l.has(at, buts) {
		for _, t := range l.t[at:] {
			if t.form == number && l.kind.Fits(t.value) && t.value != score {
				return several
			}
		}
	}
	for n := at; n < len(l.t); n++ { // 8, tendency 9
		if t := l.t[n]; t.form == number && l.kind.Fits(t.value) && t.value != score && (n+1 == len(l.t) || l.t[n+1].form == mark) {
			return several
		}
	}
	return said{is: plain}
}

// praised reports whether words from here to the next mark, or to the end, say
// nothing that could be counted.
func (l line) praised(at int) bool {
	from := at
	for at < len(l.t) && l.has(at, follows) {
		at++
	}
	return at > from && (at == len(l.t) || l.t[at].form == mark || l.t[at].form == face)
}

// drawn reads stars that are drawn. Only a scale of five is one of stars.
func (l line) drawn() (said, bool) {
	if len(l.t) == 0 || l.t[0].form != star {
		return said{}, false
	}
	if l.kind != CSAT || !l.kind.Fits(l.t[0].value) {
		return said{is: odd, score: l.t[0].value, doubt: OutOfBand}, true
	}
	for _, t := range l.t[1:] {
		if t.form == number || t.form == star {
			return said{is: odd, score: l.t[0].value, doubt: Several}, true
		}
	}
	return said{is: plain, score: l.t[0].value}, true
}

// corrected reads "not 9, 7" and "৯ নয়, ৭": the line has two numbers, and the
// first is taken back.
func (l line) corrected() (said, bool) {
	at := 0
	switch {
	case l.has(0, negations):
		at = 1
		for at < len(l.t) && at < 4 && (l.has(at, leads) || l.t[at].spoken && l.t[at].value == 1) {
			at++
		}
		if at == len(l.t) || l.t[at].form != number {
			return said{}, false
		}
		at++
	case len(l.t) > 2 && l.t[0].form == number && (behinds[l.t[1].text] || l.t[1].text == fold("নয়")):
		at = 2
	default:
		return said{}, false
	}
	for at < len(l.t) && (l.has(at, buts) || l.is(at, ",") || l.is(at, ".") || l.is(at, ";") || l.is(at, "।") || l.is(at, "-") || l.is(at, "—")) {
		at++
	}
	if at < len(l.t) && l.t[at].form == number && l.kind.Fits(l.t[at].value) && onlyMarks(l.t[at+1:]) {
		return said{is: plain, score: l.t[at].value}, true
	}
	return said{is: odd, score: -1, doubt: Unclear}, true
}

func onlyMarks(t []token) bool {
	for _, t := range t {
		if t.form != mark || t.text == "?" {
			return false
		}
	}
	return true
}
