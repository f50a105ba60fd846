package auth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"rapport/records/access"
)

// device is an authenticator in software: one key pair, and what it says of
// itself, truly or not.
type device struct {
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte // of the user it was made for
	count  uint32

	origin string // where it believes to be
	party  string // for whom
	flags  byte   // user present 1, user verified 4
}

func newDevice(t *testing.T, origin string) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &device{key: key, id: id, origin: origin, party: "localhost", flags: 1 | 4}
}

// cbor writes the few shapes an authenticator says.
func cbor(v any) []byte {
	head := func(major byte, n int) []byte {
		switch {
		case n < 24:
			return []byte{major<<5 | byte(n)}
		case n < 256:
			return []byte{major<<5 | 24, byte(n)}
		}
		return []byte{major<<5 | 25, byte(n >> 8), byte(n)}
	}
	switch v := v.(type) {
	case int:
		if v < 0 {
			return head(1, -1-v)
		}
		return head(0, v)
	case []byte:
		return append(head(2, len(v)), v...)
	case string:
		return append(head(3, len(v)), v...)
	case [][2]any:
		out := head(5, len(v))
		for _, pair := range v {
			out = append(append(out, cbor(pair[0])...), cbor(pair[1])...)
		}
		return out
	}
	panic("a shape nobody says")
}

func (d *device) data(flags byte, more []byte) []byte {
	sum := sha256.Sum256([]byte(d.party))
	out := append(sum[:], flags)
	d.count++
	return append(binary.BigEndian.AppendUint32(out, d.count), more...)
}

func (d *device) client(kind, challenge string) []byte {
	raw, _ := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
	return raw
}

var b64 = base64.RawURLEncoding.EncodeToString

func (d *device) answer(response map[string]string) map[string]any {
	return map[string]any{"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}}
}

// make answers the offer to make a passkey.
func (d *device) make(challenge, user string) map[string]any {
	d.handle, _ = base64.RawURLEncoding.DecodeString(user)
	point, _ := d.key.PublicKey.Bytes()
	public := cbor([][2]any{{1, 2}, {3, -7}, {-1, 1}, {-2, point[1:33]}, {-3, point[33:]}})
	attested := append(make([]byte, 16), 0, byte(len(d.id)))
	attested = append(append(attested, d.id...), public...)
	object := cbor([][2]any{{"fmt", "none"}, {"attStmt", [][2]any{}}, {"authData", d.data(d.flags|0x40, attested)}})
	return d.answer(map[string]string{"clientDataJSON": b64(d.client("webauthn.create", challenge)), "attestationObject": b64(object)})
}

// sign answers the offer to sign in.
func (d *device) sign(t *testing.T, challenge string) map[string]any {
	t.Helper()
	client, data := d.client("webauthn.get", challenge), d.data(d.flags, nil)
	sum := sha256.Sum256(client)
	signed := sha256.Sum256(append(bytes.Clone(data), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, signed[:])
	if err != nil {
		t.Fatal(err)
	}
	return d.answer(map[string]string{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature), "userHandle": b64(d.handle)})
}

// call posts JSON to a door, at the name localhost.
func (b *browser) call(path string, in any) (int, map[string]any) {
	b.w.t.Helper()
	raw, _ := json.Marshal(in)
	resp, err := b.http.Post(b.w.home()+path, "application/json", bytes.NewReader(raw))
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		b.w.t.Fatal(err)
	}
	return resp.StatusCode, out
}

func (w *world) home() string { return strings.Replace(w.server.URL, "127.0.0.1", "localhost", 1) }

// options reads what a ceremony begins with.
func options(out map[string]any) (ceremony, challenge, user string) {
	ceremony, _ = out["ceremony"].(string)
	o, _ := out["options"].(map[string]any)
	key, _ := o["publicKey"].(map[string]any)
	challenge, _ = key["challenge"].(string)
	if u, ok := key["user"].(map[string]any); ok {
		user, _ = u["id"].(string)
	}
	return ceremony, challenge, user
}

// setUp makes a passkey by a one-time link.
func (b *browser) setUp(token, name, address string, d *device) (int, map[string]any) {
	b.w.t.Helper()
	who := map[string]any{"token": token, "person": name, "address": address}
	status, out := b.call("/auth/passkey/begin", who)
	if status != http.StatusOK {
		return status, out
	}
	ceremony, challenge, user := options(out)
	who["ceremony"], who["name"], who["answer"] = ceremony, "phone", d.make(challenge, user)
	return b.call("/auth/passkey", who)
}

func (b *browser) signInWith(d *device) (int, map[string]any) {
	b.w.t.Helper()
	_, out := b.call("/auth/passkey/sign-in/begin", map[string]any{})
	ceremony, challenge, _ := options(out)
	return b.call("/auth/passkey/sign-in", map[string]any{"ceremony": ceremony, "next": "/contacts", "answer": d.sign(b.w.t, challenge)})
}

// at is who at the name localhost.
func (b *browser) at() access.Principal {
	b.w.t.Helper()
	resp, err := b.http.Get(b.w.home() + "/who")
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var p access.Principal
	if resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
			b.w.t.Fatal(err)
		}
	}
	return p
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link, err := w.s.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := newDevice(t, w.home())
	b := w.browser()
	if status, out := b.setUp(tokenOf(link), "Ada Byron", "ada@example.com", d); status != http.StatusOK || out["to"] != "/account?welcome=1" {
		t.Fatalf("setting up = %d %v", status, out)
	}
	if who := b.at(); who.Address != "ada@example.com" || who.Role != access.Administrator {
		t.Errorf("whoever set up is %+v", who)
	}
	if status, out := w.browser().setUp(tokenOf(link), "Eve", "eve@example.com", newDevice(t, w.home())); status != http.StatusUnprocessableEntity || out["fault"] != "expired" {
		t.Errorf("the link a second time = %d %v", status, out)
	}
	for range 2 {
		b = w.browser()
		if status, out := b.signInWith(d); status != http.StatusOK || out["to"] != "/contacts" || b.at().Address != "ada@example.com" {
			t.Fatalf("signing in = %d %v", status, out)
		}
	}
	// A second one, in the session; then the first goes, and with it the session.
	second := newDevice(t, w.home())
	_, out := b.call("/auth/passkey/begin", map[string]any{})
	ceremony, challenge, user := options(out)
	if status, out := b.call("/auth/passkey", map[string]any{"ceremony": ceremony, "name": "laptop", "answer": second.make(challenge, user)}); status != http.StatusOK {
		t.Fatalf("a second passkey = %d %v", status, out)
	}
	ada, err := w.s.User(t.Context(), "ada@example.com")
	if err != nil || len(ada.Credentials.Passkeys) != 2 {
		t.Fatalf("Ada is %+v, %v; want two passkeys", ada, err)
	}
	if err := w.s.RemovePasskey(inside(t), b.at(), access.Proof{}, ada.Credentials.Passkeys[0].Ref()); err != nil {
		t.Fatal(err)
	}
	if who := b.at(); who.Kind != access.Nobody {
		t.Errorf("after a passkey was removed the session is still %+v", who)
	}
	if status, _ := w.browser().signInWith(d); status == http.StatusOK {
		t.Error("the removed passkey signs in")
	}
	b = w.browser()
	if status, out := b.signInWith(second); status != http.StatusOK {
		t.Fatalf("the other passkey = %d %v", status, out)
	}
	if err := w.s.RemovePasskey(inside(t), b.at(), access.Proof{}, ada.Credentials.Passkeys[1].Ref()); err == nil {
		t.Error("the only way to sign in is removed")
	}
}

// TestS8_PasskeysAreProven answers ceremonies as no honest browser and device
// would.
func TestS8_PasskeysAreProven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := newDevice(t, w.home())
	if status, out := w.browser().setUp(w.invite("ada@example.com", access.Administrator), "Ada", "", d); status != http.StatusOK {
		t.Fatalf("setting up = %d %v", status, out)
	}
	evil := []struct {
		name   string
		change func(d *device)
	}{
		{"another site", func(d *device) { d.origin = "https://evil.example" }},
		{"another port", func(d *device) { d.origin = "http://localhost:1" }},
		{"another party", func(d *device) { d.party = "evil.example" }},
		{"nobody verified", func(d *device) { d.flags = 1 }},
		{"nobody there", func(d *device) { d.flags = 0 }},
		{"another key", func(d *device) { d.key = newDevice(t, "").key }},
		{"another user", func(d *device) { d.handle = []byte("01NOBODY") }},
		{"a copy whose counter lags", func(d *device) { d.count = 0 }},
		{"another passkey", func(d *device) { d.id = make([]byte, 32) }},
	}
	for range 3 {
		if status, out := w.browser().signInWith(d); status != http.StatusOK {
			t.Fatalf("the honest device = %d %v", status, out)
		}
	}
	tries := 0
	for _, tt := range evil {
		w.pass(time.Minute)
		forged := *d
		tt.change(&forged)
		b := w.browser()
		if status, out := b.signInWith(&forged); status == http.StatusOK || b.at().Kind != access.Nobody {
			t.Errorf("%s signs in: %d %v", tt.name, status, out)
		}
		tries++
		fresh := newDevice(t, w.home())
		tt.change(fresh)
		if fresh.origin != w.home() || fresh.party != "localhost" || fresh.flags != 5 {
			if status, out := w.browser().setUp(w.invite("bob@example.com", access.Member), "Bob", "", fresh); status == http.StatusOK {
				t.Errorf("%s sets up: %d %v", tt.name, status, out)
			}
			tries++
		}
	}
	// A challenge is answered once, within ten minutes, in the session it was for.
	w.pass(time.Minute)
	b := w.browser()
	_, out := b.call("/auth/passkey/sign-in/begin", map[string]any{})
	ceremony, challenge, _ := options(out)
	in := map[string]any{"ceremony": ceremony, "answer": d.sign(t, challenge)}
	if status, out := b.call("/auth/passkey/sign-in", in); status != http.StatusOK {
		t.Fatalf("an honest answer = %d %v", status, out)
	}
	if status, _ := w.browser().call("/auth/passkey/sign-in", in); status == http.StatusOK {
		t.Error("the same answer signs in twice")
	}
	_, out = b.call("/auth/passkey/sign-in/begin", map[string]any{})
	ceremony, challenge, _ = options(out)
	w.pass(10 * time.Minute)
	if status, _ := w.browser().call("/auth/passkey/sign-in", map[string]any{"ceremony": ceremony, "answer": d.sign(t, challenge)}); status == http.StatusOK {
		t.Error("an answer of ten minutes ago signs in")
	}
	_, out = b.call("/auth/passkey/begin", map[string]any{})
	ceremony, challenge, user := options(out)
	if status, _ := w.browser().call("/auth/passkey", map[string]any{"ceremony": ceremony, "name": "x", "answer": newDevice(t, w.home()).make(challenge, user)}); status == http.StatusOK {
		t.Error("a passkey is added from another browser")
	}
	if status, _ := w.browser().call("/auth/passkey/begin", map[string]any{}); status == http.StatusOK {
		t.Error("whoever is not signed in is offered a passkey")
	}
	t.Attr("tries", strconv.Itoa(tries+4))
}
