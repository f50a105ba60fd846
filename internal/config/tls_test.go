package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rapport/internal/mailtest"
)

// authority returns a self-signed certificate in PEM that ends at the time.
func authority(t *testing.T, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestTLSConfig(t *testing.T) {
	good, old := authority(t, time.Now().Add(time.Hour)), authority(t, time.Now().Add(-time.Hour))
	dir := t.TempDir()
	for _, tt := range []struct{ name, pem, err string }{
		{"good", good, ""},
		{"one of two expired", old + good, ""},
		{"with a comment and a key", "Example CA\n" + good + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ""},
		{"expired", old, "only expired"},
		{"empty", "", "no certificate"},
		{"broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "broken certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(tt.name, " ", "-"))
			if err := os.WriteFile(file, []byte(tt.pem), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, err := Account{CAFile: file}.TLSConfig()
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("TLSConfig: %v, want %q", err, tt.err)
			}
			if err == nil && (cfg.RootCAs == nil || cfg.MinVersion != tls.VersionTLS12) {
				t.Errorf("TLSConfig = %+v, want one authority and TLS 1.2", cfg)
			}
		})
	}
	if cfg, err := (Account{}).TLSConfig(); err != nil || cfg.RootCAs != nil || cfg.MinVersion != tls.VersionTLS12 {
		t.Errorf("without ca_file: %+v, %v; want the system's authorities", cfg, err)
	}
	if _, err := (Account{CAFile: dir}).TLSConfig(); err == nil {
		t.Error("a directory is taken for certificates")
	}
}

// TestWebCertificate takes a certificate and its key as they are issued, the
// key in several lines, and refuses keys that do not do.
func TestWebCertificate(t *testing.T) {
	t.Parallel()
	ca, err := mailtest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	cert, key, err := ca.Issue(now.Add(-time.Hour), now.Add(time.Hour), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ca.Issue(now.Add(-time.Hour), now.Add(time.Hour), "localhost")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		key  []byte
		mode os.FileMode
		want string // of the error; "" is none
	}{
		{"as issued", key, 0o600, ""},
		{"readable by its group", key, 0o640, ""},
		{"readable by others", key, 0o644, "others can read or change"},
		{"of another certificate", other, 0o600, "private key does not match"},
		{"a password", []byte("hunter2"), 0o600, "the certificate cannot be used"},
		{"not there", nil, 0, "as PEM, with mode 0600"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			files := map[string][]byte{"config.yaml": []byte("data_dir: data\nteam: {domains: [example.com]}\nmailboxes: [{name: ada, host: imap.example.com, user: ada@example.com, password_file: password}]\n" +
				"web: {listen: \"127.0.0.1:8025\", url: \"https://localhost:8025\", cert_file: cert.pem, key_file: key.pem}\n"), "password": []byte("hunter2\n"), "cert.pem": cert}
			if tt.key != nil {
				files["key.pem"] = tt.key
			}
			for name, content := range files {
				if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if tt.key != nil {
				if err := os.Chmod(filepath.Join(dir, "key.pem"), tt.mode); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Load(filepath.Join(dir, "config.yaml"))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Load = %v, want %q", err, tt.want)
			}
		})
	}
}
