package auth

import (
	"context"
	"errors"
	"strings"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/phrase"
	"rapport/store"
)

// signIn lets somebody in by password and code, and returns what the browser
// is to hold. The answer and the time it takes are the same whether the user
// is unknown, the password wrong or the code wrong.
func (s *Service) signIn(ctx context.Context, v visit, address, password, code string) (secret string, err error) {
	if !s.limits.begin(v.address, s.now()) {
		s.noteFailure(ctx, address, phrase.New("too many attempts"), v)
		return "", ErrTooMany
	}
	who := addressForm(address)
	secret, err = s.tryPassword(ctx, v, who, password, code)
	if err == nil {
		s.limits.fine(v.address)
		s.limits.succeeded(who)
		return secret, nil
	}
	if !errors.Is(err, ErrWrong) {
		return "", err
	}
	delay := s.limits.failed(who, s.now())
	s.noteFailure(ctx, who, phrase.New("wrong address, password or code"), v)
	if err := s.wait(ctx, delay); err != nil {
		return "", err
	}
	return "", ErrWrong
}

// addressForm is an address as users have it; of what is none, the text.
func addressForm(text string) string {
	if a, err := contact.ParseAddress(strings.TrimSpace(text)); err == nil {
		return string(a)
	}
	return clip(text, 200)
}

func (s *Service) tryPassword(ctx context.Context, v visit, who, password, code string) (secret string, err error) {
	var user access.Account
	err = s.view(ctx, func(tx store.Tx) (err error) {
		user, err = byAddress(tx, who)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	digest := user.Credentials.Password
	right, err := s.matches(ctx, clip(password, 1024), digest)
	if err != nil {
		return "", err
	}
	if !right {
		return "", ErrWrong
	}
	err = s.store.Update(ctx, func(tx store.Tx) error {
		u, err := tx.Accounts().Get(user.ID) // as it is now: a code is used up once
		if err != nil {
			return err
		}
		used, err := s.useCode(&u, code)
		if err != nil {
			return err
		}
		if !used || u.Credentials.Password != digest {
			return ErrWrong
		}
		secret, err = s.begin(tx, &u, v, "password")
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = ErrWrong
	}
	return secret, err
}

// signOut ends the session a browser holds.
func (s *Service) signOut(ctx context.Context, v visit) error {
	if v.old == "" {
		return nil
	}
	return s.store.Update(ctx, func(tx store.Tx) error { return tx.Sessions().Delete(idOf(digestOf(v.old))) })
}

// proven reports whether whoever uses a session knows the user's password.
// Wrong ones count as failed sign-ins.
func (s *Service) proven(ctx context.Context, u *access.Account, p access.Proof) error {
	if u.Credentials.Password == "" {
		return nil // the session is all there is
	}
	o, _ := ctx.Value(originKey{}).(origin)
	if !s.limits.begin(o.address, s.now()) {
		return ErrTooMany
	}
	right, err := s.matches(ctx, clip(p.Password, 1024), u.Credentials.Password)
	if err != nil {
		return err
	}
	if !right {
		if err := s.wait(ctx, s.limits.failed(string(u.Address), s.now())); err != nil {
			return err
		}
		return errors.New("the present password is not right")
	}
	s.limits.fine(o.address)
	return nil
}
