package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"time"
)

// maxPEM bounds a file of certificates; the whole of a system's is 250 KB.
const maxPEM = 4 << 20

// TLSConfig returns what to verify the server with: TLS 1.2 or later, and the
// configured authority alone, or the system's where there is none. The caller
// sets ServerName. It reads ca_file anew each time.
func (a Account) TLSConfig() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CAFile != "" {
		pool, err := loadPool(a.CAFile)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = pool
	}
	return cfg, nil
}

// loadPool reads the certificates of a PEM file.
func loadPool(file string) (*x509.CertPool, error) {
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, &problem{file + " is not a plain file", "name the PEM file of your certificate authority"}
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, &problem{file + " cannot be read: " + pathless(err).Error(), "name the PEM file of your certificate authority"}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPEM))
	if err != nil {
		return nil, &problem{file + " cannot be read: " + pathless(err).Error(), "name the PEM file of your certificate authority"}
	}
	pool := x509.NewCertPool()
	found, expired := 0, 0
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, &problem{file + " holds a broken certificate: " + err.Error(), "export the authority's certificate again"}
		}
		if time.Now().After(cert.NotAfter) {
			expired++
			continue
		}
		pool.AddCert(cert)
		found++
	}
	switch {
	case found == 0 && expired > 0:
		return nil, &problem{file + " holds only expired certificates", "ask for the authority's present certificate"}
	case found == 0:
		return nil, &problem{file + " holds no certificate", "it begins with -----BEGIN CERTIFICATE-----"}
	}
	return pool, nil
}
