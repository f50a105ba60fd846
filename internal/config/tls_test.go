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
