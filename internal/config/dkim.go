package config

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// DKIM is a key that a sender's mail is signed with.
type DKIM struct {
	Domain   string `yaml:"domain" doc:"Domain that signs: that of the author, which it is without this key, or one above it."`
	Selector string `yaml:"selector" required:"true" doc:"Name of the key: its record is SELECTOR._domainkey.DOMAIN."`
	KeyFile  string `yaml:"key_file" path:"file" required:"true" doc:"PEM file of the private key, RSA or Ed25519, which others must not be able to read."`

	key crypto.Signer // as it was when the configuration was read
}

// Key returns the private key as it was when the configuration was read.
func (d DKIM) Key() crypto.Signer { return d.key }

// selectors are one or more labels of a domain (RFC 6376 section 3.1).
var selectors = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

const keyBits = 1024 // RFC 8301 section 3.2: verifiers do not take shorter ones

func (d DKIM) readKey() (crypto.Signer, error) {
	const hint = "make one by: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out FILE"
	text, err := os.ReadFile(d.KeyFile)
	if err != nil {
		return nil, &problem{"the key cannot be read: " + pathless(err).Error(), hint}
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, &problem{"the file holds no key as PEM", hint}
	}
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, &problem{fmt.Sprintf("the file holds a %.40q, no private key", block.Type), hint}
	}
	if err != nil {
		return nil, &problem{"the key cannot be read: " + err.Error(), hint}
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < keyBits {
			return nil, &problem{fmt.Sprintf("the key has %d bits, and nobody takes one of less than %d", key.N.BitLen(), keyBits), hint}
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	default:
		return nil, &problem{"the key is neither RSA nor Ed25519", hint}
	}
}

// dkim checks the keys of a sender; from is the domain of its author.
func (v *validator) dkim(path string, all []DKIM, from string) {
	for i := range all {
		d, at := &all[i], index(path, i)
		if d.Domain == "" {
			d.Domain = from
		}
		if v.domain(at+".domain", &d.Domain); from != d.Domain && !strings.HasSuffix(from, "."+d.Domain) {
			v.wrong(at+".domain", fmt.Sprintf("a signature of %s says nothing for mail from %s", d.Domain, from), "the domain of from, or one above it")
		}
		if d.Selector != "" && !selectors.MatchString(d.Selector) {
			v.wrong(at+".selector", fmt.Sprintf("%q is not a name", d.Selector), "letters, digits and hyphens, such as rapport1")
		}
		for _, before := range all[:i] {
			if before.Domain == d.Domain && strings.EqualFold(before.Selector, d.Selector) {
				v.wrong(at+".selector", fmt.Sprintf("two keys are called %s", d.Selector), "each key has a name and a record of its own")
			}
		}
		if d.KeyFile == "" || !v.hiddenFile(at+".key_file", d.KeyFile, signingHint) {
			continue
		}
		var err error
		if d.key, err = d.readKey(); err != nil {
			p := asProblem(err)
			v.wrong(at+".key_file", p.what, p.hint)
		}
	}
}

func signingHint(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "it is another user's: give it to the daemon's, with mode 0600"
	}
	return "it holds the private key as PEM, with mode 0600"
}
