package pdftext

import (
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// standardHigh are the letters of StandardEncoding from 0xA1 on (ISO 32000-1,
// annex D.2); a space stands for none.
const standardHigh = "¡¢£⁄¥ƒ§¤'“«‹›\ufb01\ufb02 –†‡· ¶•‚„”»…‰ ¿ `´ˆ˜¯˘˙¨ ˚¸ ˝˛ˇ—"

// standard is the encoding of fonts that name none.
func standard() (out [256]string) {
	for c := ' '; c < 0x7F; c++ {
		out[c] = string(c)
	}
	out['\''], out['`'] = "’", "‘"
	c := 0xA1
	for _, l := range standardHigh {
		if l != ' ' {
			out[c] = string(l)
		}
		c++
	}
	for c, l := range map[int]string{0xE1: "Æ", 0xE3: "ª", 0xE8: "Ł", 0xE9: "Ø", 0xEA: "Œ", 0xEB: "º", 0xF1: "æ", 0xF5: "ı", 0xF8: "ł", 0xF9: "ø", 0xFA: "œ", 0xFB: "ß"} {
		out[c] = l
	}
	return out
}

// named are letters whose names say neither their number nor their parts.
var named = func() map[string]string {
	out := map[string]string{}
	for line := range strings.FieldsSeq(`
space=\u0020 exclam=! quotedbl=" numbersign=# dollar=$ percent=% ampersand=& quotesingle=' parenleft=( parenright=) asterisk=* plus=+
comma=, hyphen=- period=. slash=/ zero=0 one=1 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 colon=: semicolon=; less=< equal=\u003d
greater=> question=? at=@ bracketleft=[ backslash=\u005c bracketright=] asciicircum=^ underscore=_ grave=` + "`" + ` braceleft={ bar=| braceright=} asciitilde=~
quoteleft=‘ quoteright=’ quotedblleft=“ quotedblright=” quotesinglbase=‚ quotedblbase=„ guillemotleft=« guillemotright=» guilsinglleft=‹ guilsinglright=›
endash=– emdash=— bullet=• ellipsis=… dagger=† daggerdbl=‡ perthousand=‰ minus=− multiply=× divide=÷ plusminus=± degree=° mu=µ
onehalf=½ onequarter=¼ threequarters=¾ onesuperior=¹ twosuperior=² threesuperior=³ fraction=⁄ periodcentered=· section=§ paragraph=¶
copyright=© registered=® trademark=™ Euro=€ euro=€ sterling=£ yen=¥ cent=¢ currency=¤ florin=ƒ exclamdown=¡ questiondown=¿ ordfeminine=ª ordmasculine=º
germandbls=ß ae=æ AE=Æ oe=œ OE=Œ oslash=ø Oslash=Ø aring=å Aring=Å lslash=ł Lslash=Ł dotlessi=ı eth=ð Eth=Ð thorn=þ Thorn=Þ dcroat=đ Dcroat=Đ
ff=ff fi=fi fl=fl ffi=ffi ffl=ffl f_f=ff f_i=fi f_l=fl f_f_i=ffi f_f_l=ffl brokenbar=¦ logicalnot=¬ notequal=≠ lessequal=≤ greaterequal=≥ infinity=∞
nbspace=\u0020 nonbreakingspace=\u0020 sfthyphen=- Alpha=Α Beta=Β Gamma=Γ Delta=Δ Epsilon=Ε Zeta=Ζ Eta=Η Theta=Θ Iota=Ι Kappa=Κ Lambda=Λ Mu=Μ Nu=Ν Xi=Ξ
Omicron=Ο Pi=Π Rho=Ρ Sigma=Σ Tau=Τ Upsilon=Υ Phi=Φ Chi=Χ Psi=Ψ Omega=Ω alpha=α beta=β gamma=γ delta=δ epsilon=ε zeta=ζ eta=η theta=θ iota=ι kappa=κ lambda=λ
nu=ν xi=ξ omicron=ο pi=π rho=ρ sigma=σ sigma1=ς tau=τ upsilon=υ phi=φ chi=χ psi=ψ omega=ω afii10023=Ё afii10071=ё afii61352=№`) {
		called, letter, _ := strings.Cut(line, "=")
		if code, ok := strings.CutPrefix(letter, `\u`); ok {
			n, _ := strconv.ParseUint(code, 16, 16)
			letter = string(rune(n))
		}
		out[called] = letter
	}
	return out
}()

// accents are the ends of names such as eacute, as combining marks.
var accents = []struct{ called, mark string }{
	{"grave", "\u0300"}, {"acute", "\u0301"}, {"circumflex", "\u0302"}, {"tilde", "\u0303"}, {"macron", "\u0304"}, {"breve", "\u0306"},
	{"dotaccent", "\u0307"}, {"dieresis", "\u0308"}, {"ring", "\u030a"}, {"hungarumlaut", "\u030b"}, {"caron", "\u030c"}, {"cedilla", "\u0327"},
	{"commaaccent", "\u0327"}, {"ogonek", "\u0328"}, {"tonos", "\u0301"},
}

// letterNamed is the letter a glyph is named after (the rules of Adobe's glyph
// list, and its names for European languages); "" for one that is not known.
func letterNamed(glyph string) string {
	glyph, _, _ = strings.Cut(glyph, ".") // a.sc is an a
	if l, ok := named[glyph]; ok {
		return l
	}
	if len(glyph) == 1 {
		return glyph
	}
	for _, lead := range []string{"uni", "u"} {
		if code, ok := strings.CutPrefix(glyph, lead); ok && len(code) >= 4 && len(code) <= 6 {
			if n, err := strconv.ParseUint(code, 16, 21); err == nil {
				return clean(string(rune(n)))
			}
		}
	}
	if code, ok := strings.CutPrefix(glyph, "afii"); ok {
		return cyrillic(code)
	}
	for _, a := range accents {
		if base, ok := strings.CutSuffix(glyph, a.called); ok && (len(base) == 1 || named[base] != "") {
			if l, ok := named[base]; ok {
				base = l
			}
			return norm.NFC.String(base + a.mark)
		}
	}
	return ""
}

// cyrillic reads the numbers 10017 to 10049 and 10065 to 10097 of the AFII
// glyphs, the Russian alphabet with Ё behind Е.
func cyrillic(code string) string {
	n, err := strconv.Atoi(code)
	first, at := 'А', n-10017
	if n >= 10065 {
		first, at = 'а', n-10065
	}
	if err != nil || at < 0 || at > 32 {
		return ""
	}
	if at > 6 {
		at--
	}
	return string(first + rune(at))
}
