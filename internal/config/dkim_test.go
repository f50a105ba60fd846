package config

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDKIM(t *testing.T) {
	dir := t.TempDir()
	write := func(name, kind string, der []byte, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
			t.Fatal(err)
		}
	}
	pkcs8 := func(key any, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	write("rsa.pem", "PRIVATE KEY", pkcs8(rsaKey, nil), 0o600)
	write("old.pem", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), 0o600)
	write("ed.pem", "PRIVATE KEY", pkcs8(ed25519.NewKeyFromSeed(make([]byte, 32)), nil), 0o600)
	write("ec.pem", "PRIVATE KEY", pkcs8(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), 0o600)
	write("open.pem", "PRIVATE KEY", pkcs8(rsaKey, nil), 0o644)
	write("public.pem", "PUBLIC KEY", []byte("x"), 0o600)
	if err := os.WriteFile(filepath.Join(dir, "text.pem"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"{selector: r1, key_file: rsa.pem}":                                                                     "",
		"{selector: a.b-c, key_file: old.pem, domain: Example.COM}":                                             "",
		"{selector: r1, key_file: rsa.pem}, {selector: e1, key_file: ed.pem}":                                   "",
		"{selector: r1, key_file: rsa.pem, domain: mail.example.com}":                                           "senders[0].dkim[0].domain: a signature of mail.example.com says nothing for mail from news.example.com",
		"{selector: r1, key_file: rsa.pem, domain: s.example.com}":                                              "says nothing for mail from",
		"{selector: r_1, key_file: rsa.pem}":                                                                    `"r_1" is not a name`,
		"{selector: r1, key_file: ec.pem}":                                                                      "neither RSA nor Ed25519",
		"{selector: r1, key_file: public.pem}":                                                                  `holds a "PUBLIC KEY", no private key`,
		"{selector: r1, key_file: text.pem}":                                                                    "no key as PEM (make one by: openssl",
		"{selector: r1, key_file: open.pem}":                                                                    "chmod 600",
		"{selector: r1, key_file: none.pem}":                                                                    "cannot be used",
		"{selector: r1}":                                                                                        "senders[0].dkim[0].key_file",
		"{selector: r1, key_file: rsa.pem}, {selector: R1, key_file: ed.pem}":                                   "two keys are called R1",
		"{selector: r1, key_file: rsa.pem, domain: example.com}, {selector: e1, key_file: ed.pem, domain: com}": "public suffix",
	} {
		file := filepath.Join(dir, "rapport.yaml")
		text := "team: {domains: [example.com]}\nmailboxes: [{name: ada, host: imap.example.com, user: ada, password_command: [pw]}]\n" +
			"senders: [{name: news, host: localhost, tls: none, from: n@news.example.com, dkim: [" + key + "]}]\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(file)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", key, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", key, err, want)
		}
	}
}
