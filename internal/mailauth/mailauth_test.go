package mailauth

import (
	"context"
	"net"
	"strings"
	"testing"
)

// lookupIn answers for what is in a zone; names that begin with down get none.
func lookupIn(zone map[string][]string, down string) LookupTXT {
	return func(_ context.Context, name string) ([]string, error) {
		if down != "" && strings.HasPrefix(name, down) {
			return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
		}
		if r, ok := zone[name]; ok {
			return r, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
}

func TestCheck(t *testing.T) {
	const record = "v=DKIM1; k=rsa; p=MIIB+/x="
	good := map[string][]string{
		"news.example.com":                      {"other=1", "v=spf1 include:spf.protection.outlook.com -all"},
		"_dmarc.example.com":                    {"v=DMARC1; p=reject"},
		"r1._domainkey.example.com":             {"v=DKIM1; k=rsa; p=MIIB +/x ="},
		"selector1._domainkey.news.example.com": {"v=DKIM1; p=x"},
	}
	own := Sender{Domain: "news.example.com", Host: "relay.example.com", Keys: []Key{{"r1._domainkey.example.com", record}}}
	provider := Sender{Domain: "news.example.com", Host: "smtp.office365.com"}
	with := func(name string, values ...string) map[string][]string {
		z := map[string][]string{}
		for k, v := range good {
			z[k] = v
		}
		if z[name] = values; values == nil {
			delete(z, name)
		}
		return z
	}
	for name, tt := range map[string]struct {
		s    Sender
		zone map[string][]string
		down string
		want string // of what is wrong; "": nothing is
	}{
		"own relay":            {s: own, zone: good},
		"provider":             {s: provider, zone: good},
		"no SPF":               {s: own, zone: with("news.example.com"), want: "does not say who may send"},
		"nearly SPF":           {s: own, zone: with("news.example.com", "v=spf10 -all"), want: "does not say who may send"},
		"two SPF":              {s: own, zone: with("news.example.com", "v=spf1 -all", "V=SPF1 ~all"), want: "has 2 records"},
		"everybody":            {s: own, zone: with("news.example.com", "v=spf1 mx +all"), want: "lets everybody send"},
		"not the provider":     {s: provider, zone: with("news.example.com", "v=spf1 mx -all"), want: "does not name smtp.office365.com"},
		"redirected":           {s: provider, zone: with("news.example.com", "v=spf1 redirect=_spf.example.com")},
		"no key":               {s: own, zone: with("r1._domainkey.example.com"), want: "there is no key at r1._domainkey.example.com"},
		"another key":          {s: own, zone: with("r1._domainkey.example.com", "v=DKIM1; p=other"), want: "another than ours"},
		"revoked":              {s: own, zone: with("r1._domainkey.example.com", "v=DKIM1; p="), want: "another than ours"},
		"provider not signing": {s: provider, zone: with("selector1._domainkey.news.example.com"), want: "the mail is not signed as news.example.com"},
		"no DMARC":             {s: own, zone: with("_dmarc.example.com"), want: "has no policy"},
		"two DMARC":            {s: own, zone: with("_dmarc.example.com", "v=DMARC1; p=none", "v=DMARC1; p=reject"), want: "2 records at _dmarc.example.com"},
		"DMARC of its own":     {s: own, zone: with("_dmarc.news.example.com", "v=DMARC1;p=none")},
		"DNS down for SPF":     {s: own, zone: good, down: "news", want: "misbehaving"},
		"DNS down for DKIM":    {s: own, zone: good, down: "r1", want: "misbehaving"},
		"DNS down for DMARC":   {s: own, zone: good, down: "_dmarc", want: "misbehaving"},
	} {
		var wrong []string
		for _, f := range Check(t.Context(), lookupIn(tt.zone, tt.down), tt.s) {
			if !f.OK {
				wrong = append(wrong, f.What)
				if f.Fix == "" {
					t.Errorf("%s: %s has no fix", name, f.What)
				}
			}
		}
		if got := strings.Join(wrong, "\n"); tt.want == "" && got != "" || tt.want != "" && (len(wrong) != 1 || !strings.Contains(got, tt.want)) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
