package message

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// aliases maps labels seen in mail and unknown to the web's index to those it
// knows.
var aliases = map[string]string{
	"cp932": "shift_jis", "ms932": "shift_jis", "windows-932": "shift_jis", "sjis": "shift_jis", "shiftjis": "shift_jis",
	"cp51932": "euc-jp", "eucjp": "euc-jp", "eucjp-ms": "euc-jp",
	"iso-2022-jp-1": "iso-2022-jp", "iso-2022-jp-2": "iso-2022-jp", "iso-2022-jp-3": "iso-2022-jp", "iso-2022-jp-ms": "iso-2022-jp", "cp50220": "iso-2022-jp", "cp50221": "iso-2022-jp",
	"cp936": "gbk", "windows-936": "gbk", "gb-2312": "gbk", "gb18030-2000": "gb18030", "cp950": "big5", "windows-950": "big5",
	"cp949": "euc-kr", "uhc": "euc-kr", "windows-949-2000": "euc-kr", "ksc5601": "euc-kr", "ks_c_5601": "euc-kr",
	"utf8": "utf-8", "utf_8": "utf-8", "utf-8-sig": "utf-8", "utf8mb4": "utf-8", "unicode": "utf-16", "ucs-2": "utf-16",
	"cp-1252": "windows-1252", "windows1252": "windows-1252", "win-1252": "windows-1252", "ansi": "windows-1252", "iso8859_1": "windows-1252", "iso-8859-1-windows-3.1-latin-1": "windows-1252", "latin-1": "windows-1252", "iso-latin-1": "windows-1252",
	"windows1251": "windows-1251", "win-1251": "windows-1251", "windows1250": "windows-1250", "koi8r": "koi8-r", "koi8u": "koi8-u",
	"latin-9": "iso-8859-15", "latin9": "iso-8859-15", "iso8859_15": "iso-8859-15", "mac": "macintosh", "macroman": "macintosh",
}

// cleanLabel normalises a charset label: case, quotes, stray punctuation.
func cleanLabel(label string) string {
	label, _, _ = strings.Cut(label, ";")
	label = strings.ToLower(strings.Trim(label, " \t\"'<>,:"))
	if a, ok := aliases[label]; ok {
		return a
	}
	return label
}

// toUTF8 decodes b from the named charset. An unknown or plainly wrong label
// is overruled by a guess; the result is valid UTF-8 but may hold controls.
func toUTF8(label string, b []byte) string {
	label = cleanLabel(label)
	switch label {
	case "utf-7", "unicode-1-1-utf-7", "x-utf-7", "utf7", "csunicode11utf7":
		return decodeUTF7(b)
	case "iso-2022-kr", "csiso2022kr":
		return decodeISO2022KR(b)
	case "hz-gb-2312", "hz":
		return decodeWith(simplifiedchinese.HZGB2312, b)
	case "utf-16", "utf-16le", "utf-16be":
		return decodeUTF16(label, b)
	case "", "utf-8", "us-ascii", "ascii", "ansi_x3.4-1968", "windows-1252", "iso-8859-1", "iso8859-1", "latin1", "cp1252",
		"unknown-8bit", "x-unknown", "unknown", "default", "8bit", "7bit", "binary":
		if label != "utf-8" && hasEscapes(b) {
			return decodeCharset("iso-2022-jp", b) // Japanese mail that names no charset
		}
		return guessText(string(b), "")
	}
	if strings.HasPrefix(label, "iso-2022-jp") && !hasEscapes(b) && !isASCII(string(b)) {
		return decodeRawJapanese(b)
	}
	return decodeCharset(label, b)
}

// decodeRawJapanese decodes Japanese in eight bits that is labelled as one of
// seven: UTF-8, EUC-JP or Shift_JIS, whichever has no error.
func decodeRawJapanese(b []byte) string {
	for _, e := range []encoding.Encoding{unicode.UTF8, japanese.EUCJP, japanese.ShiftJIS} {
		if out, err := e.NewDecoder().Bytes(b); err == nil && !bytes.Contains(out, []byte("\uFFFD")) {
			return string(out)
		}
	}
	return guessText(string(b), "")
}

// decodeCharset decodes b by the web's index, then by go-message's.
func decodeCharset(label string, b []byte) string {
	if e, err := htmlindex.Get(label); err == nil && e != encoding.Replacement {
		return decodeWith(e, b)
	}
	if r, err := charset.Reader(label, bytes.NewReader(b)); err == nil {
		if out, err := io.ReadAll(r); err == nil || len(out) > 0 {
			return strings.ToValidUTF8(string(out), "\uFFFD")
		}
	}
	return guessText(string(b), "")
}

// decodeWith decodes b, and guesses where the encoding refuses it.
func decodeWith(e encoding.Encoding, b []byte) string {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil || bytes.Contains(out, []byte("\uFFFD")) && utf8.Valid(b) {
		return guessText(string(b), "") // UTF-8 under a wrong label
	}
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

// hasEscapes reports whether b holds an ISO-2022-JP designation.
func hasEscapes(b []byte) bool {
	return bytes.Contains(b, []byte("\x1b$B")) || bytes.Contains(b, []byte("\x1b$@"))
}

// guessText reads bytes of unknown charset: UTF-8 where it is valid, else the
// hinted charset, else each stray byte as Windows-1252.
func guessText(s, hint string) string {
	if utf8.ValidString(s) {
		return s
	}
	switch hint = cleanLabel(hint); hint {
	case "", "utf-8", "us-ascii", "iso-8859-1", "windows-1252":
	default:
		return toUTF8(hint, []byte(s))
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			b.WriteByte(s[i])
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(s[i])
		}
		b.WriteRune(r)
		i += n
	}
	return b.String()
}

// decodeUTF7 decodes RFC 2152; what is malformed stays as it stands.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] != '+' {
			out.WriteByte(b[i] & 0x7f)
			continue
		}
		j := i + 1
		for j < len(b) && (b[j] >= 'A' && b[j] <= 'Z' || b[j] >= 'a' && b[j] <= 'z' || b[j] >= '0' && b[j] <= '9' || b[j] == '+' || b[j] == '/') {
			j++
		}
		if j == i+1 {
			out.WriteByte('+')
			if j < len(b) && b[j] == '-' {
				i = j
			}
			continue
		}
		units, _ := base64.RawStdEncoding.DecodeString(string(b[i+1 : i+1+(j-i-1)/4*4+remainder((j-i-1)%4)]))
		u := make([]uint16, 0, len(units)/2)
		for k := 0; k+1 < len(units); k += 2 {
			u = append(u, uint16(units[k])<<8|uint16(units[k+1]))
		}
		out.WriteString(string(utf16.Decode(u)))
		i = j - 1
		if j < len(b) && b[j] == '-' {
			i = j
		}
	}
	return out.String()
}

// remainder returns how many characters of an incomplete base64 group decode.
func remainder(n int) int {
	if n == 1 {
		return 0
	}
	return n
}

// decodeISO2022KR decodes RFC 1557 by way of EUC-KR.
func decodeISO2022KR(b []byte) string {
	b = bytes.ReplaceAll(b, []byte("\x1b$)C"), nil)
	out, shifted := make([]byte, 0, len(b)), false
	for _, c := range b {
		switch {
		case c == 0x0e:
			shifted = true
		case c == 0x0f:
			shifted = false
		case c == '\n':
			shifted = false
			out = append(out, c)
		case shifted && c > ' ':
			out = append(out, c|0x80)
		default:
			out = append(out, c)
		}
	}
	return decodeWith(korean.EUCKR, out)
}

// decodeUTF16 decodes UTF-16; without a mark the place of the zero bytes tells
// the byte order.
func decodeUTF16(label string, b []byte) string {
	big := label == "utf-16be"
	if label == "utf-16" && len(b) >= 2 {
		switch {
		case b[0] == 0xfe && b[1] == 0xff:
			big = true
		case b[0] == 0xff && b[1] == 0xfe:
		default:
			big = b[0] == 0
		}
	}
	u := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		if big {
			u = append(u, uint16(b[i])<<8|uint16(b[i+1]))
		} else {
			u = append(u, uint16(b[i+1])<<8|uint16(b[i]))
		}
	}
	return strings.TrimPrefix(string(utf16.Decode(u)), "\ufeff")
}
