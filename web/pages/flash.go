package pages

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The cookies of the pages. What they hold is the reader's own choice, or one
// sentence; sessions are not ours.
const (
	languageCookie = "language"
	zoneCookie     = "zone"
	themeCookie    = "theme"
	keysCookie     = "keys"
	flashCookie    = "flash"

	choiceLasts = 365 * 24 * time.Hour
	flashLasts  = time.Minute
	maxFlash    = 3 << 10
)

// flash is one sentence of the catalogue that the next page shows.
type flash struct {
	Key  string   `json:"k"`
	Args []string `json:"a,omitempty"` // names and values in turn
	Undo string   `json:"u,omitempty"` // the audit id that takes back what was done
	Bad  bool     `json:"b,omitempty"` // it was not done
}

// Say is the sentence of a flash, with the number called n as a number again.
func (v *visit) Say(f *flash) string {
	args := make([]any, len(f.Args))
	for i, a := range f.Args {
		args[i] = a
		if n, err := strconv.Atoi(a); err == nil && i%2 == 1 && f.Args[i-1] == "n" {
			args[i] = n
		}
	}
	return v.T(f.Key, args...)
}

// done redirects after a change, with a sentence and, where audit is not
// empty, the offer to undo it. args are names and values in turn.
func (v *visit) done(to, audit, key string, args ...string) error {
	return v.tell(to, flash{Key: key, Args: args, Undo: audit})
}

// notDone redirects with a sentence that says why nothing was changed.
func (v *visit) notDone(to, key string, args ...string) error {
	return v.tell(to, flash{Key: key, Args: args, Bad: true})
}

func (v *visit) tell(to string, f flash) error {
	for i, a := range f.Args {
		f.Args[i] = clip(a, 300)
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return err
	}
	v.setCookie(flashCookie, base64.RawURLEncoding.EncodeToString(raw), flashLasts)
	return v.redirect(to)
}

// takeFlash reads the sentence and has the browser forget it.
func (v *visit) takeFlash() *flash {
	f := &flash{}
	text := cookie(v.r, flashCookie)
	if text == "" {
		return f
	}
	v.setCookie(flashCookie, "", -1)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) > maxFlash || json.Unmarshal(raw, f) != nil || !v.has(f.Key) {
		return &flash{} // not ours
	}
	return f
}

func (v *visit) setCookie(name, value string, lasts time.Duration) {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(lasts / time.Second),
		HttpOnly: name == flashCookie, SameSite: http.SameSiteStrictMode, Secure: v.r.TLS != nil,
	}
	if lasts < 0 {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, c)
}

// clip shortens a text to at most n bytes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
