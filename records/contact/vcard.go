package contact

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"mime/quotedprintable"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-vcard"
	"golang.org/x/text/encoding/htmlindex"
)

// ReadVCard reads people and organisations from a file of vCards, version 2.1,
// 3.0 or 4.0. It returns either every row or every error, like [ReadCSV].
// Groups, pictures and keys are read over.
func ReadVCard(r io.Reader, o ImportOptions) ([]Row, []RowError) {
	text, err := ReadText(r, o.maxBytes())
	if err != nil {
		return nil, []RowError{{1, err.Error()}}
	}
	out := rows{options: o}
	cards := splitCards(text, &out)
	for _, c := range cards {
		if out.full() {
			break
		}
		card, err := vcard.NewDecoder(strings.NewReader(c.text)).Decode()
		if err != nil {
			out.fault(c.line, "the card cannot be read: %v", err)
			continue
		}
		out.addCard(c.line, card)
	}
	if len(cards) == 0 && len(out.errors) == 0 {
		out.fault(1, "there is no BEGIN:VCARD in the file")
	}
	return out.done()
}

// cardText is one card in the plain form go-vcard reads: unfolded, in UTF-8,
// each parameter with a name. Semicolons within values stand as hidden.
type cardText struct {
	line int
	text string
}

// hidden stands for an escaped semicolon, which go-vcard does not know.
const hidden = '\uE000'

// unread are properties that hold no text about a person.
var unread = []string{"PHOTO", "LOGO", "SOUND", "KEY", "X-MS-CARDPICTURE"}

// splitCards cuts a file into its cards.
func splitCards(text string, out *rows) []cardText {
	var cards []cardText
	var card strings.Builder
	begun := 0
	for _, l := range logicalLines(text) {
		key := strings.ToUpper(strings.TrimSpace(l.text))
		switch {
		case key == "BEGIN:VCARD" && begun > 0:
			out.fault(begun, "the card has no END:VCARD before the next one begins")
			fallthrough
		case key == "BEGIN:VCARD":
			begun = l.number
			card.Reset()
			card.WriteString("BEGIN:VCARD\n")
		case begun == 0:
			// Between cards nothing counts.
		case key == "END:VCARD":
			card.WriteString("END:VCARD\n")
			cards = append(cards, cardText{begun, card.String()})
			begun = 0
		default:
			if p, ok := plainProperty(l.text); ok {
				card.WriteString(p + "\n")
			}
		}
	}
	if begun > 0 {
		out.fault(begun, "the card has no END:VCARD: the file is cut off")
	}
	return cards
}

type logicalLine struct {
	number int
	text   string
}

// logicalLines joins folded lines and the soft breaks of quoted-printable.
func logicalLines(text string) []logicalLine {
	var out []logicalLine
	var b strings.Builder
	begun, soft := 0, false
	flush := func() {
		if begun > 0 {
			out = append(out, logicalLine{begun, b.String()})
		}
		b.Reset()
	}
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		switch {
		case soft:
			b.WriteString("\n" + line)
		case begun > 0 && line != "" && (line[0] == ' ' || line[0] == '\t'):
			b.WriteString(line[1:])
			continue
		default:
			flush()
			begun = number
			b.WriteString(line)
			params, _, _ := strings.Cut(line, ":")
			soft = strings.Contains(strings.ToUpper(params), "QUOTED-PRINTABLE")
		}
		soft = soft && strings.HasSuffix(line, "=")
	}
	flush()
	return out
}

// plainProperty rewrites a property for go-vcard; ok is false where it is not
// one, or one that is not read.
func plainProperty(line string) (text string, ok bool) {
	const maxHead = 4096 // bytes of a property's name and parameters
	head, value, ok := cutValue(line)
	if !ok || len(head) > maxHead {
		return "", false
	}
	params := strings.Split(head, ";")
	key := params[0]
	if i := strings.IndexByte(key, '.'); i >= 0 {
		key = key[i+1:]
	}
	if slices.Contains(unread, strings.ToUpper(key)) {
		return "", false
	}
	out, charset, encoded := key, "", false
	for _, p := range params[1:] {
		name, val, named := strings.Cut(p, "=")
		switch {
		case strings.EqualFold(name, "charset"):
			charset = val
		case strings.EqualFold(name, "encoding") || !named && (strings.EqualFold(name, "quoted-printable") || strings.EqualFold(name, "base64")):
			encoded = encoded || strings.EqualFold(cmp.Or(val, name), "quoted-printable")
		case !named && name != "":
			out += ";TYPE=" + name
		case named && !strings.Contains(val, `"`):
			out += ";" + p
		}
	}
	if encoded {
		value = decodeQuoted(value, charset)
	}
	return out + ":" + hideSemicolons(value), true
}

// cutValue cuts a property at its first colon outside quotes.
func cutValue(line string) (head, value string, ok bool) {
	quoted := false
	for i := range len(line) {
		switch line[i] {
		case '"':
			quoted = !quoted
		case ':':
			if !quoted {
				return line[:i], line[i+1:], true
			}
		}
	}
	return "", "", false
}

// decodeQuoted reads a quoted-printable value; what cannot be read stays.
func decodeQuoted(value, charset string) string {
	raw, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(value)))
	if err != nil {
		return value
	}
	if enc, err := htmlindex.Get(charset); err == nil {
		if text, err := enc.NewDecoder().Bytes(raw); err == nil {
			raw = text
		}
	}
	raw = bytes.ReplaceAll(raw, []byte("\r"), nil)
	return strings.ReplaceAll(decodeText(raw), "\n", `\n`)
}

func hideSemicolons(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case ';':
			b.WriteRune(hidden)
		case 'N':
			b.WriteString(`\n`)
		case ':':
			b.WriteByte(':') // some writers escape it
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func shown(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, string(hidden), ";")) }

// addCard makes a row of a card.
func (r *rows) addCard(line int, card vcard.Card) {
	if card.Kind() == vcard.KindGroup {
		return
	}
	c := cellsOf{values: make(map[field][]string), custom: make(map[string]string)}
	put := func(f field, values ...string) {
		for _, v := range values {
			if v = shown(v); v != "" {
				c.values[f] = append(c.values[f], v)
			}
		}
	}
	for key, f := range cardFields {
		put(f, card.Values(key)...)
	}
	firm, _, _ := strings.Cut(card.Value(vcard.FieldOrganization), ";")
	put(organisation, firm)
	isFirm := card.Kind() == vcard.KindOrganization || strings.EqualFold(card.Value("X-ABSHOWAS"), "COMPANY")
	if isFirm {
		put(organisation, card.Value(vcard.FieldFormattedName))
		delete(c.values, email)
	} else {
		put(name, cmp.Or(card.Value(vcard.FieldFormattedName), cardName(card)))
	}
	if zone := c.one(timeZone); !strings.Contains(zone, "/") {
		delete(c.values, timeZone) // an offset names no zone
	}
	for _, pair := range card.Values("X-RAPPORT-CUSTOM") {
		if key, value, ok := strings.Cut(pair, ";"); ok {
			c.custom[shown(key)] = shown(value)
		}
	}
	c.values[email] = preferred(card, c.values[email])
	for i, number := range c.values[phone] {
		if rest, ok := cutPrefixFold(number, "tel:"); ok {
			c.values[phone][i] = strings.ReplaceAll(rest, ";", " ") // parameters such as ;ext=12
		}
	}
	row, faults := c.row(line)
	for _, f := range faults {
		r.fault(line, "%s", f)
	}
	if len(faults) == 0 {
		r.add(row)
	}
}

// cardFields are the properties of cards, our own among them.
var cardFields = map[string]field{
	vcard.FieldEmail: email, vcard.FieldTelephone: phone, vcard.FieldTitle: jobTitle, vcard.FieldNote: note,
	vcard.FieldLanguage: languageTag, vcard.FieldTimezone: timeZone, vcard.FieldCategories: tags,
	"X-RAPPORT-KIND": kind, "X-RAPPORT-STAGE": stage, "X-RAPPORT-ROLE": role, "X-RAPPORT-OWNER": owner,
	"X-RAPPORT-DOMAIN": domain, "X-RAPPORT-DECISION-ROLE": decisionRole, "X-RAPPORT-PINNED-NOTE": pinnedNote, "X-RAPPORT-CONSENT": consent,
}

// cardName puts a name together where a card, as 2.1 allows, has no FN.
func cardName(card vcard.Card) string {
	parts := strings.Split(card.Value(vcard.FieldName), ";")
	parts = append(parts, "", "", "")
	return strings.Join(strings.Fields(parts[1]+" "+parts[2]+" "+parts[0]), " ")
}

// preferred puts the address the card prefers first.
func preferred(card vcard.Card, list []string) []string {
	best, least := "", 101
	for _, f := range card[vcard.FieldEmail] {
		rank, err := strconv.Atoi(f.Params.Get(vcard.ParamPreferred))
		if err != nil && f.Params.HasType("pref") {
			rank, err = 1, nil
		}
		if err == nil && rank < least {
			best, least = shown(f.Value), rank
		}
	}
	if i := slices.Index(list, best); i > 0 {
		list = slices.Insert(slices.Delete(slices.Clone(list), i, i+1), 0, best)
	}
	return list
}

// WriteVCard writes rows as vCards 4.0, which [ReadVCard] reads again. What
// vCard has no property for stands in properties of our own, X-RAPPORT-….
func WriteVCard(w io.Writer, list []Row) error {
	var out cardWriter
	for _, r := range list {
		out.card(r)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return errors.Join(errors.New("write vCards"), err)
	}
	return nil
}

type cardWriter struct{ bytes.Buffer }

func (w *cardWriter) card(r Row) {
	own, who, firm := r.subject(), Contact{}, Organisation{}
	if r.Contact != nil {
		who = *r.Contact
	}
	if r.Organisation != nil {
		firm = *r.Organisation
	}
	w.WriteString("BEGIN:VCARD\r\nVERSION:4.0\r\n")
	if r.Contact == nil {
		w.line("KIND", "org")
	}
	w.always("FN", cmp.Or(who.Name, string(who.Primary()), firm.Name))
	for _, a := range who.Addresses {
		w.line("EMAIL", string(a))
	}
	w.lines("TEL;VALUE=text", *own.phones)
	w.line("ORG", firm.Name)
	w.line("TITLE", r.Title)
	w.line("LANG", *own.language)
	w.line("TZ", *own.timeZone)
	w.lines("CATEGORIES", *own.tags)
	w.line("NOTE", r.Note)
	w.line("X-RAPPORT-KIND", string(*own.kind))
	w.line("X-RAPPORT-STAGE", string(*own.stage))
	w.line("X-RAPPORT-ROLE", *own.role)
	w.line("X-RAPPORT-OWNER", string(*own.owner))
	w.line("X-RAPPORT-DECISION-ROLE", r.DecisionRole)
	w.line("X-RAPPORT-PINNED-NOTE", *own.note)
	for _, d := range firm.Domains {
		w.line("X-RAPPORT-DOMAIN", d.String())
	}
	for _, c := range who.Consents {
		w.line("X-RAPPORT-CONSENT", c.String())
	}
	for _, k := range sortedKeys(*own.custom) {
		w.fold("X-RAPPORT-CUSTOM:" + escapeCard(k) + ";" + escapeCard((*own.custom)[k]))
	}
	w.WriteString("END:VCARD\r\n")
}

func (w *cardWriter) lines(key string, values []string) {
	for _, v := range values {
		w.line(key, v)
	}
}

func (w *cardWriter) line(key, value string) {
	if value != "" {
		w.always(key, value)
	}
}

func (w *cardWriter) always(key, value string) { w.fold(key + ":" + escapeCard(value)) }

var cardEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, ",", `\,`, ";", `\;`)

func escapeCard(s string) string { return cardEscapes.Replace(s) }

// fold writes a line in pieces of at most 75 bytes, never within a rune.
func (w *cardWriter) fold(s string) {
	room := 75
	for _, r := range s {
		size := len(string(r))
		if room < size {
			w.WriteString("\r\n ")
			room = 74
		}
		w.WriteRune(r)
		room -= size
	}
	w.WriteString("\r\n")
}
