package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"

	"rapport/internal/config"
)

// certLook is how often a changed certificate is looked for.
const certLook = 10 * time.Second

// certKeeper hands out the certificate, read again once its files have changed.
type certKeeper struct {
	web    config.Web
	faults *faults

	mu     sync.Mutex // guards what follows
	pair   *tls.Certificate
	looked time.Time
	seen   [2]passwordFile // as they were when read
}

func newCertKeeper(w config.Web, f *faults) (*certKeeper, error) {
	k := &certKeeper{web: w, faults: f}
	var err error
	if k.pair, err = w.Certificate(); err != nil {
		return nil, err
	}
	k.seen, k.looked = k.files(), time.Now()
	return k, nil
}

func (k *certKeeper) files() (out [2]passwordFile) {
	for i, name := range []string{k.web.CertFile, k.web.KeyFile} {
		if info, err := os.Stat(name); err == nil {
			out[i] = passwordFile{info.ModTime(), info.Size()}
		}
	}
	return out
}

// config is what the listener speaks TLS with, nil where it does not.
func (k *certKeeper) config() *tls.Config {
	if k == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.certificate(time.Now()), nil },
	}
}

// certificate returns the present one. Files that are changed and not yet
// whole leave the old one in use until the next look.
func (k *certKeeper) certificate(now time.Time) *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.looked) < certLook {
		return k.pair
	}
	k.looked = now
	if files := k.files(); files != k.seen {
		pair, err := k.web.Certificate()
		if err == nil {
			k.pair, k.seen = pair, files
		}
		k.faults.report("the certificate of the pages", err)
	}
	return k.pair
}

// look has changed files read at the next connection.
func (k *certKeeper) look() {
	if k == nil {
		return
	}
	k.mu.Lock()
	k.looked = time.Time{}
	k.mu.Unlock()
}

// The end of a certificate of the pages is announced when so much of its time
// is left, and never earlier than announceCertificate before it: by then what
// renews it has tried for long.
const (
	announceCertificate = 14 * 24 * time.Hour
	announcePart        = 6 // of its time
)

// certificateTroubles announces a certificate of the pages that is not renewed,
// or was and cannot be used.
func (s *system) certificateTroubles() []trouble {
	w, now := s.config().Web, s.now()
	if !w.Enabled() || w.CertFile == "" {
		return nil
	}
	t := trouble{Object: "certificate of the pages", state: well}
	pair, err := w.Certificate()
	if err != nil { // a renewal under way is over within the hour that is waited
		t.state, t.Since = wrong, changedLast(w.CertFile, w.KeyFile, now)
		t.Text = fmt.Sprintf("%v. Until a restart the pages go on with the one read before. Put a certificate into %s and its key into %s that belong together.",
			err, escape(w.CertFile), escape(w.KeyFile))
		return []trouble{t}
	}
	if ends := pair.Leaf.NotAfter; now.After(ends.Add(-announcing(pair.Leaf))) {
		t.state, t.Urgent, t.Since = wrong, true, ends.Add(-announcing(pair.Leaf))
		t.Text = fmt.Sprintf("it ends on %s and was not renewed; browsers refuse the pages from then on. Renew it, and put it into %s and its key into %s: they are read again by themselves.",
			ends.UTC().Format(time.DateOnly), escape(w.CertFile), escape(w.KeyFile))
	}
	return []trouble{t}
}

// changedLast is when either of two files last changed; otherwise is for files
// that are gone.
func changedLast(one, other string, otherwise time.Time) (at time.Time) {
	for _, name := range []string{one, other} {
		info, err := os.Stat(name)
		if err != nil {
			return otherwise
		}
		if info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at
}

// announcing is how long before its end a certificate is spoken of.
func announcing(c *x509.Certificate) time.Duration {
	return min(announceCertificate, c.NotAfter.Sub(c.NotBefore)/announcePart)
}
