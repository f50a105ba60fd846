package relation

import (
	"encoding/binary"
	"errors"
	"time"

	"rapport/records/contact"
)

// packed is the first byte of a packed record.
const packed = 1

var errPacked = errors.New("read relation: its bytes are damaged (run: rapport store reindex)")

// Pack writes a record in few bytes: some 20 and 4 for each month and tie, and
// the addresses of the members.
func (r *Record) Pack() []byte {
	b := make([]byte, 1, 64+8*len(r.Months)+8*len(r.Ties))
	b[0] = packed
	for _, s := range []Span{r.In, r.Out, r.Calls} {
		b = appendInstant(appendInstant(b, s.First), s.Last)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Months)))
	before := 0
	for _, m := range r.Months {
		b = binary.AppendVarint(b, int64(m.Month-before))
		before = m.Month
		for _, n := range []int{m.In, m.Out, m.Calls} {
			b = binary.AppendVarint(b, int64(n))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(r.Ties)))
	var member contact.Address
	for _, t := range r.Ties {
		if t.Member == member {
			b = append(b, 0) // the one before
		} else {
			b = append(binary.AppendUvarint(b, uint64(len(t.Member))), t.Member...)
		}
		member = t.Member
		for _, n := range []int{t.Year, t.In, t.Out} {
			b = binary.AppendVarint(b, int64(n))
		}
	}
	return b
}

// appendInstant adds a time in microseconds; 0 is no time.
func appendInstant(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	n := t.UnixMicro()
	if n >= 0 {
		n++ // 1970 itself is a time
	}
	return binary.AppendVarint(b, n)
}

// Unpack reads what Pack wrote.
func Unpack(b []byte) (Record, error) {
	var r Record
	if len(b) == 0 || b[0] != packed {
		return r, errPacked
	}
	u := unpacker{rest: b[1:]}
	for _, s := range []*Span{&r.In, &r.Out, &r.Calls} {
		s.First, s.Last = u.instant(), u.instant()
	}
	before := 0
	if n := u.count(); n > 0 {
		r.Months = make([]Month, n)
		for i := range r.Months {
			m := &r.Months[i]
			before += u.number()
			m.Month, m.In, m.Out, m.Calls = before, u.number(), u.number(), u.number()
		}
	}
	var member contact.Address
	if n := u.count(); n > 0 {
		r.Ties = make([]Tie, n)
		for i := range r.Ties {
			if name := u.text(); name != "" {
				member = contact.Address(name)
			}
			r.Ties[i] = Tie{Member: member, Year: u.number(), In: u.number(), Out: u.number()}
		}
	}
	if u.bad || len(u.rest) > 0 {
		return Record{}, errPacked
	}
	return r, nil
}

type unpacker struct {
	rest []byte
	bad  bool
}

func (u *unpacker) number() int {
	n, size := binary.Varint(u.rest)
	if size <= 0 {
		u.bad, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[size:]
	return int(n)
}

// count reads how many follow, each of at least four bytes.
func (u *unpacker) count() int {
	n, size := binary.Uvarint(u.rest)
	if size <= 0 || n > uint64(len(u.rest)-size)/4 {
		u.bad, u.rest = true, nil
		return 0
	}
	u.rest = u.rest[size:]
	return int(n)
}

func (u *unpacker) text() string {
	n, size := binary.Uvarint(u.rest)
	if size <= 0 || n > uint64(len(u.rest)-size) {
		u.bad, u.rest = true, nil
		return ""
	}
	s := string(u.rest[size : size+int(n)])
	u.rest = u.rest[size+int(n):]
	return s
}

func (u *unpacker) instant() time.Time {
	n := u.number()
	switch {
	case n == 0:
		return time.Time{}
	case n > 0:
		n--
	}
	return time.UnixMicro(int64(n)).UTC()
}
