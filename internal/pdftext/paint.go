package pdftext

import (
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// matrix maps points: x' = a·x + c·y + e, y' = b·x + d·y + f.
type matrix struct{ a, b, c, d, e, f float64 }

var unit = matrix{a: 1, d: 1}

// then is m, and after it n.
func (m matrix) then(n matrix) matrix {
	return matrix{
		m.a*n.a + m.b*n.c, m.a*n.b + m.b*n.d,
		m.c*n.a + m.d*n.c, m.c*n.b + m.d*n.d,
		m.e*n.a + m.f*n.c + n.e, m.e*n.b + m.f*n.d + n.f,
	}
}

// state is what operators set and q and Q keep.
type state struct {
	ctm                 matrix
	font                *font
	size                float64
	char, word, leading float64
	scale, rise         float64
}

func newState() state { return state{ctm: unit, scale: 1} }

// painter follows the operators of a page and tells the layout what is written
// where.
type painter struct {
	r     *reading
	state state
	saved []state
	tm    matrix // of text
	line  matrix // at the beginning of the line
	marks []mark
}

// mark is a marked-content sequence that is open. Where it says what its
// glyphs mean, the glyphs themselves say nothing.
type mark struct {
	instead string
	is      bool // whether instead holds
	placed  bool
}

// maxOperands bounds what may stand before an operator: an array of a line of
// glyphs is the longest.
const maxOperands = 20_000

// run follows one content stream.
func (p *painter) run(content []byte, resources types.Dict, depth int) {
	l := &lexer{in: content}
	var args []token
	for {
		t := l.next()
		switch {
		case t.kind == ended:
			return
		case t.kind != operator:
			if len(args) < maxOperands {
				args = append(args, t)
			}
			continue
		}
		if p.r.ops++; p.r.ops >= maxOps || p.r.page.length+p.r.out.Len() > maxText {
			return
		}
		switch op := string(t.bytes); op {
		case "ID":
			l.passImage()
		case "Do":
			if len(args) > 0 {
				p.form(resources, string(args[len(args)-1].bytes), depth)
			}
		case "Tf":
			p.setFont(args, resources)
		case "BDC", "BMC":
			p.begin(args, resources)
		default:
			p.operate(op, args)
		}
		args = args[:0]
	}
}

// form runs a piece of content that stands by itself; pictures are passed.
func (p *painter) form(resources types.Dict, called string, depth int) {
	o := p.r.dict(resources["XObject"])[called]
	d := p.r.dict(o)
	if d == nil || depth >= maxForms || !isName(d["Subtype"], "Form") {
		return
	}
	own := resources
	if d["Resources"] != nil {
		own = p.r.dict(d["Resources"])
	}
	p.inside(o, d, own, depth+1)
}

// inside runs a form within the matrix it is drawn with.
func (p *painter) inside(o types.Object, d, resources types.Dict, depth int) {
	before, saved, marks := p.state, p.saved, p.marks
	if m := p.r.array(d["Matrix"]); len(m) == 6 {
		var n [6]float64
		for i := range n {
			n[i] = p.r.number(m[i], 0)
		}
		p.state.ctm = matrix{n[0], n[1], n[2], n[3], n[4], n[5]}.then(p.state.ctm)
	}
	p.saved, p.marks = nil, nil
	p.run(p.r.stream(o), resources, depth)
	p.state, p.saved, p.marks = before, saved, marks
}

// appearance runs what an annotation looks like: a field that is filled in, or
// text written onto the page.
func (p *painter) appearance(a, resources types.Dict) {
	o := p.r.dict(a["AP"])["N"]
	d := p.r.dict(o)
	if d != nil && d["Subtype"] == nil && d["BBox"] == nil { // one for each state
		o = d[p.r.name(a["AS"])]
		d = p.r.dict(o)
	}
	if d == nil {
		return
	}
	own := resources
	if d["Resources"] != nil {
		own = p.r.dict(d["Resources"])
	}
	p.state, p.saved, p.marks = newState(), nil, nil
	if box := p.r.array(a["Rect"]); len(box) == 4 {
		p.state.ctm.e, p.state.ctm.f = p.r.number(box[0], 0), p.r.number(box[1], 0)
	}
	p.inside(o, d, own, 1)
}

// maxSaved bounds how many states are kept.
const maxSaved = 1000

// operate does what one operator says; those that write no text are passed.
func (p *painter) operate(op string, args []token) {
	n := func(i int) float64 { // the i-th operand from the end
		if i <= len(args) {
			return args[len(args)-i].value
		}
		return 0
	}
	s := &p.state
	switch op {
	case "q":
		if len(p.saved) < maxSaved {
			p.saved = append(p.saved, *s)
		}
	case "Q":
		if k := len(p.saved); k > 0 {
			p.state, p.saved = p.saved[k-1], p.saved[:k-1]
		}
	case "cm":
		s.ctm = matrix{n(6), n(5), n(4), n(3), n(2), n(1)}.then(s.ctm)
	case "BT":
		p.tm, p.line = unit, unit
	case "Tc":
		s.char = n(1)
	case "Tw":
		s.word = n(1)
	case "Tz":
		s.scale = n(1) / 100
	case "TL":
		s.leading = n(1)
	case "Ts":
		s.rise = n(1)
	case "EMC":
		p.end()
	default:
		p.write(op, args, n)
	}
}

// write does what the operators that move in a text and show it say.
func (p *painter) write(op string, args []token, n func(int) float64) {
	switch op {
	case "Td":
		p.move(n(2), n(1))
	case "TD":
		p.state.leading = -n(1)
		p.move(n(2), n(1))
	case "Tm":
		p.tm = matrix{n(6), n(5), n(4), n(3), n(2), n(1)}
		p.line = p.tm
	case "T*":
		p.move(0, -p.state.leading)
	case "Tj":
		p.show(args)
	case "'":
		p.move(0, -p.state.leading)
		p.show(args)
	case `"`:
		p.state.word, p.state.char = n(3), n(2)
		p.move(0, -p.state.leading)
		p.show(args[max(0, len(args)-1):])
	case "TJ":
		p.show(args)
	}
}

func (p *painter) move(x, y float64) {
	p.line = matrix{1, 0, 0, 1, x, y}.then(p.line)
	p.tm = p.line
}

// show writes strings; numbers between them move by thousandths of the size.
func (p *painter) show(args []token) {
	for _, a := range args {
		switch a.kind {
		case number:
			p.advance(-a.value / 1000 * p.state.size * p.state.scale)
		case text:
			p.glyphs(a.bytes)
		}
	}
}

func (p *painter) advance(by float64) { p.tm = matrix{1, 0, 0, 1, by, 0}.then(p.tm) }

// glyphs writes one string, glyph by glyph.
func (p *painter) glyphs(b []byte) {
	s := &p.state
	if s.font == nil {
		return
	}
	for len(b) > 0 {
		g, n := s.font.glyph(b)
		at := matrix{s.size * s.scale, 0, 0, s.size, 0, s.rise}.then(p.tm).then(s.ctm)
		step := g.width*s.size + s.char
		if n == 1 && b[0] == ' ' {
			step += s.word
		}
		p.advance(step * s.scale)
		end := matrix{1, 0, 0, 1, 0, s.rise}.then(p.tm).then(s.ctm)
		p.r.page.put(p.means(g.text), at, end.e, end.f)
		b = b[n:]
	}
}

// means is what a glyph says: of a sequence that says what it means, the first
// glyph says all, the others nothing.
func (p *painter) means(said string) string {
	for i := range p.marks {
		if m := &p.marks[i]; m.is {
			if m.placed {
				return ""
			}
			m.placed = true
			return m.instead
		}
	}
	return said
}

// begin opens a marked-content sequence.
func (p *painter) begin(args []token, resources types.Dict) {
	if len(p.marks) >= maxSaved {
		return
	}
	var m mark
	for i, a := range args {
		if a.kind == name && string(a.bytes) == "ActualText" && i+1 < len(args) && args[i+1].kind == text {
			m.instead, m.is = textString(args[i+1].bytes), true
		}
	}
	if k := len(args); k == 2 && args[1].kind == name {
		switch v := p.r.value(p.r.dict(p.r.dict(resources["Properties"])[string(args[1].bytes)])["ActualText"]).(type) {
		case types.StringLiteral:
			if b, err := types.Unescape(string(v)); err == nil {
				m.instead, m.is = textString(b), true
			}
		case types.HexLiteral:
			if b, err := v.Bytes(); err == nil {
				m.instead, m.is = textString(b), true
			}
		}
	}
	p.marks = append(p.marks, m)
}

func (p *painter) end() {
	if k := len(p.marks); k > 0 {
		p.marks = p.marks[:k-1]
	}
}

// setFont takes the font the next text is written in.
func (p *painter) setFont(args []token, resources types.Dict) {
	if len(args) < 2 {
		return
	}
	p.state.size = args[len(args)-1].value
	o := p.r.dict(resources["Font"])[string(args[len(args)-2].bytes)]
	p.state.font = p.r.fontOf(o)
}
