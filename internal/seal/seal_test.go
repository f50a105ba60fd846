package seal_test

import (
	"bytes"
	"slices"
	"testing"

	"rapport/internal/seal"
)

func TestBox(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	box := seal.NewBox(key, "a purpose")
	sealed := box.Seal([]byte("secret"), "ada")
	if bytes.Contains(sealed, []byte("secret")) || bytes.Equal(sealed, box.Seal([]byte("secret"), "ada")) {
		t.Error("what is sealed shows what it is")
	}
	if plain, err := box.Open(sealed, "ada"); err != nil || string(plain) != "secret" {
		t.Errorf("Open = %q, %v", plain, err)
	}
	for what, open := range map[string]func() ([]byte, error){
		"another name":    func() ([]byte, error) { return box.Open(sealed, "bob") },
		"another purpose": func() ([]byte, error) { return seal.NewBox(key, "b").Open(sealed, "ada") },
		"another key":     func() ([]byte, error) { return seal.NewBox(key[1:], "a purpose").Open(sealed, "ada") },
		"nothing":         func() ([]byte, error) { return box.Open(nil, "ada") },
	} {
		if plain, err := open(); err == nil {
			t.Errorf("%s opens it: %q", what, plain)
		}
	}
	for i := range sealed {
		bad := slices.Clone(sealed)
		bad[i] ^= 1
		if _, err := box.Open(bad, "ada"); err == nil {
			t.Fatalf("it opens with byte %d changed", i)
		}
	}
}
