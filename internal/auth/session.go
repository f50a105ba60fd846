package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rapport/records/access"
	"rapport/records/phrase"
	"rapport/store"
)

// usedEvery is how often the use of a session or token is written down.
const usedEvery = 5 * time.Minute

// maxSessions bounds the sessions of one user; the least used ones end first.
const maxSessions = 30

// visit is a browser that signs in.
type visit struct {
	origin
	agent string
	old   string // what it held before: that session ends
}

func (s *Service) visitOf(r *http.Request) visit {
	o := originOf(r)
	v := visit{origin: o, agent: clip(r.UserAgent(), 300)}
	v.old, _ = sessionCookie(r, o.secure)
	return v
}

// clip makes foreign text short and printable.
func clip(text string, most int) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// begin starts a session of u in a transaction and returns what the browser
// is to hold. What it held before ends, so that nobody can have planted it.
func (s *Service) begin(tx store.Tx, u *access.Account, v visit, how string) (string, error) {
	now := s.now()
	secret, digest := newSecret()
	if v.old != "" {
		if err := tx.Sessions().Delete(idOf(digestOf(v.old))); err != nil {
			return "", err
		}
	}
	all, err := tx.Sessions().List(u.ID)
	if err != nil {
		return "", err
	}
	kept := 1
	for i := range all {
		if kept++; kept > maxSessions || !all[i].Live(u, now, s.settings.Load().Spans) {
			if err := tx.Sessions().Delete(all[i].ID); err != nil {
				return "", err
			}
		}
	}
	u.SignedIn = now
	if err := tx.Accounts().Put(*u); err != nil {
		return "", err
	}
	err = tx.Sessions().Put(access.Session{
		ID: idOf(digest), Digest: digest, User: u.ID, Epoch: u.Epoch, Created: now, Used: now,
		From: v.address.String(), Agent: v.agent, How: how,
	})
	if err != nil {
		return "", err
	}
	return secret, s.audit(tx, u.Name, "user.sign-in", string(u.Address), phrase.New("with {how} from {address}", "how", wordOf(how), "address", v.address))
}

// endAll ends every session of a user, also those whose record a restored
// backup brings back.
func endAll(tx store.Tx, u *access.Account) error {
	u.Epoch++
	all, err := tx.Sessions().List(u.ID)
	for i := range all {
		err = errors.Join(err, tx.Sessions().Delete(all[i].ID))
	}
	return err
}

// audit adds a line to the trail.
func (s *Service) audit(tx store.Tx, actor, action, object string, detail phrase.Phrase) error {
	r := store.AuditRecord{ID: store.NewID(s.now()), At: s.now(), Actor: actor, Action: action, Object: object, Detail: detail.String(), Said: detail.Translated()}
	if err := tx.Audit().Add(r); err != nil {
		return fmt.Errorf("audit %s: %w", action, err)
	}
	return nil
}

// noteFailure writes a failed sign-in down, up to so many an hour. Where the
// store cannot, the log still says it.
func (s *Service) noteFailure(ctx context.Context, who string, why phrase.Phrase, v visit) {
	write, last := s.noted.take(s.now())
	if !write {
		return
	}
	s.log.Info("sign-in refused", "why", why.String(), "from", v.address)
	detail := phrase.New("{why}, from {address}", "why", why, "address", v.address)
	if last {
		detail = phrase.List(detail, phrase.New("more failures of this hour are not written down"))
	}
	err := s.store.Update(ctx, func(tx store.Tx) error {
		return s.audit(tx, "sign-in", "user.refused", clip(who, 200), detail)
	})
	if err != nil {
		s.log.Warn("failed sign-in not written down", "err", err)
	}
}

// words are what details of the trail speak of, in a form that every language
// has.
var words = map[string]phrase.Form{
	string(access.Administrator): "administrator", string(access.Member): "member", string(access.Reader): "reader", string(access.Own): "own mailboxes only",
	"password": "password", "passkey": "passkey", "manage": "manage", "write": "write", "read": "read",
	string(access.Full): "everything", string(access.Subject): "subjects", string(access.Metadata): "who and when", string(access.Private): "nothing",
}

// wordOf is a word of the program; one that no language has stays as it is.
func wordOf(word string) phrase.Phrase {
	if form, ok := words[word]; ok {
		return phrase.New(form)
	}
	return phrase.Verbatim(word)
}

// cookieName says what the session's cookie is called. The prefix has a
// browser keep a name for this host alone, and needs TLS.
func cookieName(what string, secure bool) string {
	if secure {
		return "__Host-" + what
	}
	return what
}

const sessionName = "rapport-session"

// sessionCookie returns what the browser holds; false where it holds nothing,
// or several, of which one must have been planted.
func sessionCookie(r *http.Request, secure bool) (string, bool) {
	found := r.CookiesNamed(cookieName(sessionName, secure))
	if len(found) != 1 || len(found[0].Value) > 100 {
		return "", false
	}
	return found[0].Value, true
}

// cookie makes a cookie no script reads and no other site sends along with
// what changes anything. Coming back from an issuer is a visit from another
// site, so where one is configured the session must survive that.
func (s *Service) cookie(secure bool, what, value string, lasts time.Duration) *http.Cookie {
	same := http.SameSiteStrictMode
	if s.settings.Load().OIDC != nil {
		same = http.SameSiteLaxMode
	}
	return &http.Cookie{
		Name: cookieName(what, secure), Value: value, Path: "/", HttpOnly: true, Secure: secure,
		SameSite: same, MaxAge: int(lasts / time.Second),
	}
}

// Identify implements web.Identities for requests that came through
// [Service.Front]: by a token in the header Authorization, else by the cookie
// of a session.
func (s *Service) Identify(r *http.Request) (access.Principal, error) { return s.identify(r, true) }

// Recheck implements web.Identities.
func (s *Service) Recheck(r *http.Request) (access.Principal, error) { return s.identify(r, false) }

func (s *Service) identify(r *http.Request, used bool) (access.Principal, error) {
	o := originOf(r)
	if header := r.Header.Values("Authorization"); len(header) > 0 {
		return s.byToken(r.Context(), header, o, used)
	}
	if secret, ok := sessionCookie(r, o.secure); ok && !s.open(r) {
		return s.bySession(r.Context(), secret, used)
	}
	if s.open(r) && loopbackHost(r.Host) {
		return access.Principal{Kind: access.Open}, nil
	}
	return access.Principal{}, nil
}

var (
	errSession = errors.New("your session has ended; sign in again")
	errToken   = errors.New("the token is unknown, revoked or expired; an account page or `rapport token create` makes a new one")
)

func (s *Service) bySession(ctx context.Context, secret string, used bool) (access.Principal, error) {
	digest, now, spans := digestOf(secret), s.now(), s.settings.Load().Spans
	var session access.Session
	var user access.Account
	err := s.view(ctx, func(tx store.Tx) (err error) {
		if session, err = tx.Sessions().Get(idOf(digest)); err == nil {
			user, err = tx.Accounts().Get(session.User)
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return access.Principal{}, errSession
	case err != nil:
		return access.Principal{}, err
	case !sameDigest(digest, session.Digest) || !session.Live(&user, now, spans):
		return access.Principal{}, errSession
	}
	if now.Sub(session.Used) >= usedEvery && used {
		s.touch(ctx, func(tx store.Tx) error {
			kept, err := tx.Sessions().Get(session.ID) // it may have ended meanwhile
			if err != nil {
				return err
			}
			kept.Used = now
			return tx.Sessions().Put(kept)
		})
	}
	return user.Principal(session.ID), nil
}

func (s *Service) byToken(ctx context.Context, header []string, o origin, used bool) (access.Principal, error) {
	scheme, secret, _ := strings.Cut(header[0], " ")
	if len(header) != 1 || !strings.EqualFold(scheme, "Bearer") || len(secret) > 200 {
		return access.Principal{}, errToken
	}
	digest, now := digestOf(strings.TrimSpace(secret)), s.now()
	var token access.APIToken
	var user access.Account
	err := s.view(ctx, func(tx store.Tx) (err error) {
		if token, err = tx.APITokens().Get(idOf(digest)); err == nil {
			user, err = tx.Accounts().Get(token.User)
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return access.Principal{}, errToken
	case err != nil:
		return access.Principal{}, err
	case !sameDigest(digest, token.Digest) || !token.Live(now):
		return access.Principal{}, errToken
	}
	if from := o.address.String(); used && (now.Sub(token.Used) >= usedEvery || from != token.From) {
		s.touch(ctx, func(tx store.Tx) error {
			kept, err := tx.APITokens().Get(token.ID)
			if err != nil {
				return err
			}
			kept.Used, kept.From = now, from
			return tx.APITokens().Put(kept)
		})
	}
	return token.Principal(&user), nil
}

// touch writes down that something was used. That it could not be is no
// reason to refuse it: a full disk must not lock everybody out.
func (s *Service) touch(ctx context.Context, fn func(store.Tx) error) {
	if err := s.store.Update(ctx, fn); err != nil && !errors.Is(err, store.ErrNotFound) {
		s.log.Debug("use not written down", "err", err)
	}
}
