package message

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// Conversation is what Microsoft's programs say of the conversation a message
// belongs to. Whoever writes a mail can put there what they like, so it is a
// hint to its thread and never tells who somebody is.
type Conversation struct {
	ID    string // the 16 bytes of Thread-Index that all of a conversation share, in hex; "" where there is none to rely on
	Topic string // Thread-Topic where the subject ends with it; "" otherwise
}

// A Thread-Index is a beginning of 22 bytes, with the time and the id of the
// conversation, and 5 more for every answer ([MS-OXOMSG] 2.2.1.3).
const (
	indexBeginning = 22
	indexAnswer    = 5
	maxIndex       = indexBeginning + 1000*indexAnswer
)

// A beginning is sent soon after it was made. One that is sent much later is
// of a template, and every mail made from that bears the same.
const (
	indexBefore = 2 * 24 * time.Hour  // clocks that are off
	indexUnsent = 14 * 24 * time.Hour // a draft, or a mail to be sent later
)

// conversationID reads a Thread-Index field of a message of some date.
func conversationID(field string, date time.Time) string {
	text := strings.Join(strings.Fields(clip(field, 2*maxIndex)), "")
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(raw) < indexBeginning || len(raw) > maxIndex || (len(raw)-indexBeginning)%indexAnswer != 0 || raw[0] != 1 {
		return ""
	}
	made := indexTime(raw)
	switch {
	case date.IsZero(), date.Before(made.Add(-indexBefore)):
		return ""
	case len(raw) == indexBeginning && date.After(made.Add(indexUnsent)):
		return ""
	}
	id := raw[6:indexBeginning]
	if strings.Count(string(id), string(id[:1])) == len(id) { // nobody's
		return ""
	}
	return hex.EncodeToString(id)
}

// indexTime is when a conversation began. Outlook writes the six upper bytes
// of a FILETIME, whose first is 1; Exchange a 1 and the five upper bytes.
func indexTime(raw []byte) time.Time {
	var b [8]byte
	if copy(b[:], raw[:6]); raw[1] == 1 {
		b = [8]byte{}
		copy(b[:], raw[1:6])
	}
	const unixEpoch = 116_444_736_000_000_000 // in units of 100 ns since 1601
	return time.Unix((int64(binary.BigEndian.Uint64(b[:]))-unixEpoch)/10_000_000, 0)
}

// topicOf is a Thread-Topic that the subject ends with: what gateways put
// before a subject, such as "[EXTERNAL]", does not stand in it.
func topicOf(topic, subject string) string {
	if topic == "" || len(topic) > len(subject) || !strings.EqualFold(subject[len(subject)-len(topic):], topic) {
		return ""
	}
	return topic
}
