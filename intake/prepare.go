package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"rapport/internal/rescue"
	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// maxIndexedText caps what of one mail's text is kept and can be searched.
const maxIndexedText = 256 << 10

// prepared is one item with all the work done that needs no transaction.
type prepared struct {
	message.Item
	parsed     bool
	msg        message.Message // without id, thread and matches
	inner      []message.Inner
	identities []message.Sum
	former     []message.Sum // what a store of format 3 knew it by
	blob       store.Blob
	doc        *store.Document
	notOurs    message.Reason // an inspected mail that is not kept, and why; "" otherwise
}

// prepare reads the bodies of a batch on all cores.
func (i *Intake) prepare(ctx context.Context, b message.Batch) ([]prepared, error) {
	out := make([]prepared, len(b.Items))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	setup := i.setup.Load()
	for n, it := range b.Items {
		it.Head.Hints = setup.hints(i.opts.Key, b.Folder.Mailbox, it.Copy, it.Head)
		out[n].Item = it
		if it.Body == nil {
			continue
		}
		g.Go(func() error {
			return rescue.Do(func() error {
				p, err := i.prepareBody(ctx, b.Folder, it)
				if err != nil {
					return fmt.Errorf("read UID %d of %s/%s: %w", it.UID, b.Folder.Mailbox, b.Folder.Name, err)
				}
				out[n] = p
				return nil
			})
		})
	}
	if err := g.Wait(); err != nil {
		i.discard(out, nil)
		return nil, err
	}
	return out, nil
}

// discard lets go of the packed bytes that were not kept, as those of a second
// copy are not. What is kept is named once, however many copies were packed.
func (i *Intake) discard(items []prepared, kept map[message.Sum]bool) {
	for _, p := range items {
		if kept[p.blob.Sum] {
			delete(kept, p.blob.Sum)
			continue
		}
		i.store.Discard(p.blob)
	}
}

// prepareBody parses one mail; an inspected one is packed only where it is
// kept, so that no stranger's mail touches the disk.
func (i *Intake) prepareBody(ctx context.Context, f message.Folder, it message.Item) (prepared, error) {
	p, err := i.read(it.Body, it.Copy, f.Mailbox)
	if err != nil {
		return prepared{}, err
	}
	p.Item = it
	if it.Wish.Action == message.Inspect {
		v, err := i.inspect(ctx, f, p)
		if err != nil {
			return prepared{}, err
		}
		if v.Action == message.Skip {
			if p.lacksText() { // whose it is, it has not said
				p.Quarantine = whyUnread
				return p, nil
			}
			p.notOurs = v.Reason
			return p, nil
		}
	}
	src := it.Body
	if b, ok := src.(message.Bytes); ok {
		src = message.Summed{Bytes: b, Sum: p.msg.Raw}
	}
	p.blob, err = i.store.Pack(ctx, src)
	if err != nil {
		return prepared{}, fmt.Errorf("pack: %w", err)
	}
	return p, nil
}

// inspect judges a mail whose body has been read, thread included.
func (i *Intake) inspect(ctx context.Context, f message.Folder, p prepared) (matcher.Verdict, error) {
	var v matcher.Verdict
	err := i.store.View(ctx, func(tx store.Tx) error {
		j := i.judging(tx)
		var err error
		if v, err = j.alone(p.candidate(f)); err != nil || v.Action == message.Skip && final(v.Reason) {
			return err
		}
		known, err := j.known(p.bears())
		if err != nil {
			return err
		}
		if known != nil {
			v = matcher.Verdict{Decision: message.Decision{Action: message.Log}}
			return nil
		}
		v, err = j.judge(p.candidate(f))
		return err
	})
	return v, err
}

// bears are all identities by which something may be known of it.
func (p prepared) bears() []message.Sum { return slices.Concat(p.identities, p.former) }

func (p prepared) candidate(f message.Folder) candidate {
	return candidate{
		head:       p.msg.Head,
		folder:     f,
		flags:      flagsOf(p.Copy),
		inner:      p.inner,
		bodyRead:   true,
		identities: p.bears(),
	}
}

// read turns a mail's bytes into what is stored of it. Foreign bytes that make
// the parser panic are filed by their header as unparsable: one hostile mail
// stops nothing.
func (i *Intake) read(src message.Source, c message.Copy, mailbox string) (prepared, error) {
	parsed, flags, err := i.parse(src, c.Head)
	if err != nil {
		return prepared{}, err
	}
	head, setup := parsed.Head, i.setup.Load()
	head.Hints = setup.hints(i.opts.Key, mailbox, c, head)
	verdict := message.Classify(parsed)
	p := prepared{parsed: true, inner: slices.Concat(parsed.Inner, reported(parsed, verdict))}
	p.msg = message.Message{
		Head:        head,
		Time:        message.SaneTime(head, c.Received, i.now()),
		Received:    c.Received,
		Size:        parsed.Size,
		Verdict:     verdict,
		Trust:       head.Trust(setup.mailboxes[mailbox].Authserv),
		Attachments: parsed.Attachments,
		Snippet:     snippet(parsed),
		Reply:       strings.ToValidUTF8(parsed.Reply[:min(len(parsed.Reply), message.MaxReply)], ""),
		Raw:         parsed.Sum,
		TextSum:     parsed.TextSum,
		Flags:       flags,
	}
	if c.Size > 0 && c.Header > 0 {
		p.msg.BodySize = c.Size - c.Header
	}
	for _, in := range p.inner {
		p.msg.Inner = append(p.msg.Inner, in.Head)
	}
	p.identities, p.former = message.IdentityKeys(head, &parsed.TextSum), parsed.FormerIdentity()
	p.doc = document(head, parsed)
	return p, nil
}

// reported are the participants of the mail a report is about: whoever it could
// not be delivered to, and whom its quoted header names.
func reported(p message.Parsed, v message.Verdict) []message.Inner {
	if v.Kind != message.Bounce && v.Kind != message.Complaint {
		return nil
	}
	var h message.Head
	if about, ok := p.About(); ok {
		h = message.Head{MessageID: about.MessageID, From: about.From, To: about.To, Cc: about.Cc, Bcc: about.Bcc}
	}
	recipients := make([]string, 0, len(v.Bounces)+1)
	for _, b := range v.Bounces {
		recipients = append(recipients, b.Recipient)
	}
	if v.Complaint != nil {
		recipients = append(recipients, v.Complaint.Recipient)
	}
	for _, r := range recipients {
		if a, err := contact.ParseAddress(r); err == nil {
			h.To = append(h.To, message.Party{Address: a})
		}
	}
	if len(h.To)+len(h.Cc)+len(h.From) == 0 {
		return nil
	}
	return []message.Inner{{Head: h}}
}

// documentsTime is how long the documents of one mail are read: none is begun
// after it.
const documentsTime = 2 * time.Second

// parse reads a mail and, where they are to be read, its documents. One that
// cannot be read says nothing, and no more comes of it.
func (i *Intake) parse(src message.Source, head message.Head) (message.Parsed, []string, error) {
	var lim message.Limits
	if i.opts.Documents != nil {
		lim.Documents = i.opts.Documents.Limit()
	}
	p, flags, err := parseGuarded(src, head, lim)
	began := time.Now() // what it costs, not when it is
	p.ReadDocuments(func(d message.Document) (text string) {
		failed := rescue.Do(func() (err error) {
			if time.Since(began) > documentsTime {
				return errors.New("the documents of this mail take too long")
			}
			text, err = i.opts.Documents.Text(d.Content)
			return err
		})
		if failed != nil {
			i.log.Debug("an attached file cannot be read", "part", d.Part, "err", failed)
		}
		return text
	})
	return p, flags, err
}

// parseGuarded parses and survives what the parser does not.
func parseGuarded(src message.Source, head message.Head, lim message.Limits) (p message.Parsed, flags []string, err error) {
	r, err := src.Open()
	if err != nil {
		return p, nil, fmt.Errorf("open body: %w", err)
	}
	defer r.Close()
	defer func() {
		if panicked := recover(); panicked != nil {
			p, err = unparsable(src, head)
			flags = []string{"unparsable"}
		}
	}()
	p, err = message.Parse(r, lim)
	if err != nil {
		return p, nil, fmt.Errorf("read body: %w", err)
	}
	if p.Size == 0 { // its header alone is known
		p.Head = head
		flags = append(flags, emptyBody)
	}
	return p, flags, nil
}

// unparsable is all that can be said of a mail the parser gave up on.
func unparsable(src message.Source, head message.Head) (message.Parsed, error) {
	r, err := src.Open()
	if err != nil {
		return message.Parsed{}, fmt.Errorf("open body: %w", err)
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return message.Parsed{}, fmt.Errorf("read body: %w", err)
	}
	sum := message.Sum(h.Sum(nil))
	return message.Parsed{Head: head, Sum: sum, TextSum: sum, Size: n, Defects: []string{"unparsable"}}, nil
}

// snippet is the beginning of what was newly written, on one line.
func snippet(p message.Parsed) string {
	text := p.Reply
	if strings.TrimSpace(text) == "" {
		text = p.Text
	}
	return firstWords(text, 200)
}

// firstWords folds white space and cuts after a number of runes.
func firstWords(text string, runes int) string {
	if len(text) > 16*runes {
		text = text[:16*runes]
	}
	out := make([]byte, 0, 4*runes)
	n, room := 0, 0 // runes, and the bytes of all but the last there is room for
	add := func(r rune) bool {
		if n++; n > runes {
			return false
		}
		if out = utf8.AppendRune(out, r); n < runes {
			room = len(out)
		}
		return true
	}
	first := true
	for word := range strings.FieldsSeq(strings.ToValidUTF8(text, "")) {
		if !first && !add(' ') {
			return strings.TrimSpace(string(out[:room])) + "…"
		}
		first = false
		for _, r := range word {
			if !add(r) {
				return strings.TrimSpace(string(out[:room])) + "…"
			}
		}
	}
	return string(out)
}

// document is what can be searched for of a mail.
func document(h message.Head, p message.Parsed) *store.Document {
	f := store.Fields{Subject: h.Subject, Text: clip(p.Text, maxIndexedText)}
	f.From = parties(h.From, h.Sender)
	f.To = parties(h.To, h.Cc, h.Bcc)
	for _, a := range p.Attachments {
		if a.Name != "" {
			f.Attachments = append(f.Attachments, a.Name)
		}
	}
	for _, file := range p.Files {
		f.Files = append(f.Files, store.FileText{Name: file.Name, Text: file.Text})
	}
	return store.LaterDocument(f)
}

// clip cuts valid UTF-8 to at most n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func parties(lists ...[]message.Party) []string {
	var out []string
	for _, l := range lists {
		for _, p := range l {
			if p.Name != "" {
				out = append(out, p.Name)
			}
			if p.Address != contact.Address("") {
				out = append(out, string(p.Address))
			} else if p.Raw != "" {
				out = append(out, p.Raw)
			}
		}
	}
	return out
}
