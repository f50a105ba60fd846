package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"
)

func someKeys(n ...byte) Keys {
	var ks Keys
	for _, id := range n {
		k := Key{ID: id}
		for i := range k.Secret {
			k.Secret[i] = id*31 + byte(i)
		}
		ks = append(ks, k)
	}
	return ks
}

func someID(n int) ID {
	var u ulid.ULID
	copy(u[:], fmt.Sprintf("%016d", n))
	return ID(u.String())
}

var purposes = []Purpose{ForUnsubscribe, ForSurvey, ForOptIn, ForReturn, ForReply, ForTest}

// TestTokensCannotBeForged changes every character of a thousand tokens to
// every other letter of their alphabet, uses each for every other purpose, and
// with other keys: none is accepted.
func TestTokensCannotBeForged(t *testing.T) {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	ks := someKeys(1)
	refused := func(p Purpose, ks Keys, token string) {
		t.Helper()
		if id, err := ks.Open(p, token); !errors.Is(err, ErrToken) || id != "" {
			t.Errorf("Open(%q) = %q, %v", token, id, err)
		}
	}
	for n := range 1000 {
		p := purposes[n%len(purposes)]
		token, err := ks.Token(p, someID(n))
		if err != nil {
			t.Fatal(err)
		}
		if id, err := ks.Open(p, token); err != nil || id != someID(n) || len(token) != TokenLength {
			t.Fatalf("Open(%q) = %q, %v", token, id, err)
		}
		for at := range token {
			c := alphabet[(strings.IndexByte(alphabet, token[at])+1+n%31)%len(alphabet)]
			refused(p, ks, token[:at]+string(c)+token[at+1:])
			refused(p, ks, token[:at]+token[at+1:])
		}
		for _, other := range purposes {
			if other != p {
				refused(other, ks, token)
			}
		}
		refused(p, someKeys(2), token)
		wrong := someKeys(1)
		wrong[0].Secret[0]++
		refused(p, wrong, token)
	}
}

// TestTokenUnusedBits changes the last character, some of whose bits are not
// used: another spelling of the same bytes is no token.
func TestTokenUnusedBits(t *testing.T) {
	ks := someKeys(1)
	token, err := ks.Token(ForReply, someID(7))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range "abcdefghijklmnopqrstuvwxyz234567" {
		other := token[:len(token)-1] + string(c)
		if _, err := ks.Open(ForReply, other); (err == nil) != (other == token) {
			t.Errorf("Open(%q): %v", other, err)
		}
	}
}

func TestTokenSurvivesRewriters(t *testing.T) {
	ks := someKeys(3, 1)
	id := someID(1)
	token, err := ks.Token(ForUnsubscribe, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, spelled := range []string{token, strings.ToUpper(token), token + "%27", token + "')", token + "/", token + ".", token + "%22%3E"} {
		if got, err := ks.Open(ForUnsubscribe, spelled); err != nil || got != id {
			t.Errorf("Open(%q) = %q, %v", spelled, got, err)
		}
	}
	for _, spelled := range []string{"", token + "a", token + "?x", token + strings.Repeat(".", 17), " " + token} {
		if _, err := ks.Open(ForUnsubscribe, spelled); err == nil {
			t.Errorf("Open(%q) succeeds", spelled)
		}
	}
	if old, err := someKeys(1).Token(ForUnsubscribe, id); err != nil {
		t.Fatal(err)
	} else if got, err := ks.Open(ForUnsubscribe, old); err != nil || got != id {
		t.Errorf("a token of the key before: %q, %v", got, err)
	}
}

func TestFindToken(t *testing.T) {
	ks := someKeys(1)
	id := someID(42)
	token, err := ks.Token(ForReply, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"ada+" + token + "@example.com", "<d." + token + ".abc@example.com>", "re: [" + strings.ToUpper(token) + "] hello", token,
	} {
		if got, ok := ks.Find(ForReply, text); !ok || got != id {
			t.Errorf("Find in %q = %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "x" + token, token[:TokenLength-1], strings.Repeat("r", 1<<20)} {
		if got, ok := ks.Find(ForReply, text); ok {
			t.Errorf("Find in %.80q = %q", text, got)
		}
	}
}
