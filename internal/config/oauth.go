package config

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// OAuth says how an access token is got where a server takes no password. The
// zero OAuth is none. A configuration that passed every rule has Issuer and
// Flow set wherever there is any.
type OAuth struct {
	Issuer             Issuer   `yaml:"issuer" doc:"Who gives the access: google, microsoft or other; the default is what the provider or host says."`
	Flow               Flow     `yaml:"flow" doc:"How: device (a person types a code elsewhere), code (a person signs in with a browser), app (the program itself, for every mailbox of a Microsoft directory) or service_account (Google Workspace). Default: app with a secret or certificate, service_account with its file, device at Microsoft, else code."`
	ClientID           string   `yaml:"client_id" doc:"The ID of this program at the issuer."`
	Tenant             string   `yaml:"tenant" doc:"Microsoft: the directory, by its domain or ID."`
	ClientSecretFile   string   `yaml:"client_secret_file" path:"file" doc:"File with the secret of this program at the issuer, which others must not be able to read."`
	Expires            Day      `yaml:"client_secret_expires" doc:"The day on which the secret ends, as the issuer shows it: it is announced 30 days before."`
	CertificateFile    string   `yaml:"certificate_file" path:"file" doc:"PEM file with certificate and private key, in place of a secret; when it ends is announced 30 days before."`
	ServiceAccountFile string   `yaml:"service_account_file" path:"file" doc:"Google: the JSON file of the service account's key."`
	AuthURL            string   `yaml:"auth_url" doc:"Where people sign in, for issuer: other."`
	TokenURL           string   `yaml:"token_url" doc:"Where tokens are got, for issuer: other."`
	DeviceURL          string   `yaml:"device_url" doc:"Where codes for other devices are got, for issuer: other."`
	Scopes             []string `yaml:"scopes" doc:"What is asked for, for issuer: other; the others' are known."`
}

// Issuer is who gives access tokens.
type Issuer string

// The issuers.
const (
	IssuerGoogle    Issuer = "google"
	IssuerMicrosoft Issuer = "microsoft"
	IssuerOther     Issuer = "other"
)

func (Issuer) choices() []string { return []string{"google", "microsoft", "other"} }

// Flow is how an access token is got.
type Flow string

// The flows.
const (
	FlowDevice  Flow = "device"
	FlowCode    Flow = "code"
	FlowApp     Flow = "app"
	FlowService Flow = "service_account"
)

func (Flow) choices() []string { return []string{"device", "code", "app", "service_account"} }

// Day is a date; the zero Day is none.
type Day struct{ time.Time }

// UnmarshalText reads 2027-01-31.
func (d *Day) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return &problem{fmt.Sprintf("%q is not a date", text), "write a date such as 2027-01-31"}
	}
	d.Time = t
	return nil
}

// MarshalText gives what UnmarshalText reads.
func (d Day) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.Format(time.DateOnly)), nil
}

// Enabled reports whether access tokens are used.
func (o OAuth) Enabled() bool { return o.Flow != "" }

// ByHand reports whether a person has to sign in once.
func (o OAuth) ByHand() bool { return o.Flow == FlowDevice || o.Flow == FlowCode }

// ClientSecret returns where the secret of this program at the issuer lies, a
// zero Secret where there is none.
func (c *Config) ClientSecret(o OAuth) Secret {
	if o.ClientSecretFile == "" {
		return Secret{}
	}
	return secretOf(&source{file: o.ClientSecretFile, dir: c.Dir()})
}

// KeyFile returns the file with the private key by which this program proves
// itself: of the certificate, or the service account; "" for none.
func (o OAuth) KeyFile() string {
	if o.CertificateFile != "" {
		return o.CertificateFile
	}
	return o.ServiceAccountFile
}

// Files are what proves this program; when one changes, what failed may succeed.
func (o OAuth) Files() []string {
	return slices.DeleteFunc([]string{o.ClientSecretFile, o.CertificateFile, o.ServiceAccountFile}, func(f string) bool { return f == "" })
}

// ReadPrivate reads a file with a private key, which others must not be able
// to read, anew each time.
func ReadPrivate(_ context.Context, path string) ([]byte, error) {
	text, err := readSecret(path)
	return []byte(text), err
}

// issuerOf says whose tokens a server takes, by what is known of it.
func issuerOf(p Provider, host string) Issuer {
	name, _, _ := net.SplitHostPort(host)
	of := func(domains ...string) bool {
		return slices.ContainsFunc(domains, func(d string) bool { return name == d || strings.HasSuffix(name, "."+d) })
	}
	switch {
	case p == Gmail || of("gmail.com", "googlemail.com", "google.com"):
		return IssuerGoogle
	case p == Outlook || of("office365.com", "outlook.com", "office.com"):
		return IssuerMicrosoft
	}
	return ""
}

// flowOf is the flow where none is named.
func (o OAuth) flowOf() Flow {
	switch {
	case o.ServiceAccountFile != "":
		return FlowService
	case o.Issuer == IssuerMicrosoft && (o.ClientSecretFile != "" || o.CertificateFile != ""):
		return FlowApp
	case o.Issuer == IssuerMicrosoft, o.Issuer == IssuerOther && o.DeviceURL != "":
		return FlowDevice
	}
	return FlowCode
}

// oauth checks how access tokens are got and fills in what is known.
func (v *validator) oauth(path string, a *Account, p Provider) {
	o := &a.OAuth
	known := issuerOf(p, a.Host)
	if o.Issuer == "" {
		o.Issuer = known
	}
	if o.Issuer == "" && o.TokenURL == "" {
		v.wrong(path+".issuer", "is missing: whose tokens "+a.Host+" takes is not known", "write google, microsoft, or other with token_url and auth_url")
		return
	}
	if o.Issuer == "" {
		o.Issuer = IssuerOther
	}
	if o.Flow == "" {
		o.Flow = o.flowOf()
	}
	if o.ClientID == "" && o.Flow != FlowService {
		v.wrong(path+".client_id", "is missing", "the ID of this program at the issuer; `rapport auth guide` says where to get one")
	}
	v.oauthFlow(path, o)
	v.oauthURLs(path, o)
	if o.ClientSecretFile != "" {
		v.secretFile(path+".client_secret_file", o.ClientSecretFile)
	}
	v.keyFile(path+".certificate_file", o.CertificateFile)
	v.keyFile(path+".service_account_file", o.ServiceAccountFile)
	if o.Flow == FlowApp && o.ClientSecretFile != "" && o.Expires.IsZero() && !v.given(path+".client_secret_expires") {
		v.warn(path+".client_secret_file", "nobody will be told before the secret ends", "add client_secret_expires: 2027-01-31, the date the issuer shows")
	}
	if v.given(path+".client_secret_expires") && o.ClientSecretFile == "" {
		v.wrong(path+".client_secret_expires", "has no effect without client_secret_file", "")
	}
}

// oauthFlow checks what a flow needs and has no use for.
func (v *validator) oauthFlow(path string, o *OAuth) {
	switch o.Flow {
	case FlowApp:
		switch {
		case o.Issuer == IssuerGoogle:
			v.wrong(path+".flow", "Google has no app that signs in by itself", "use service_account_file")
		case (o.ClientSecretFile == "") == (o.CertificateFile == ""):
			v.wrong(path+".flow", "app needs one of client_secret_file and certificate_file", "the certificate is the better of the two")
		case o.Issuer == IssuerMicrosoft && (o.Tenant == "" || o.Tenant == "organizations" || o.Tenant == "common" || o.Tenant == "consumers"):
			v.wrong(path+".tenant", "app needs the directory", "write its domain, such as example.onmicrosoft.com, or its ID")
		}
	case FlowService:
		if o.ServiceAccountFile == "" || o.Issuer == IssuerMicrosoft {
			v.wrong(path+".flow", "service_account is for Google Workspace, and needs service_account_file", "")
		}
	case FlowDevice:
		if o.Issuer == IssuerGoogle {
			v.wrong(path+".flow", "Google's device flow gives no access to mail", "use code; the browser may be on another machine")
		}
	case FlowCode:
		if o.Issuer == IssuerGoogle && o.ClientSecretFile == "" {
			v.wrong(path+".client_secret_file", "is missing: Google wants the client's secret too", "it stands beside the client ID, in the client of type Desktop app")
		}
	}
	if o.Tenant != "" && (o.Issuer != IssuerMicrosoft || strings.ContainsAny(o.Tenant, "/?#% ")) {
		v.wrong(path+".tenant", fmt.Sprintf("%q is no directory of Microsoft", o.Tenant), "write its domain or ID, for issuer: microsoft only")
	}
	if o.ServiceAccountFile != "" && o.Flow != FlowService || o.CertificateFile != "" && o.Flow != FlowApp {
		v.wrong(path+".flow", string(o.Flow)+" has no use for the key file", "remove one of the two")
	}
}

// oauthURLs checks addresses: secrets are sent to them.
func (v *validator) oauthURLs(path string, o *OAuth) {
	v.issuerURL(path+".auth_url", o.AuthURL, o.Issuer == IssuerOther && o.Flow == FlowCode)
	v.issuerURL(path+".token_url", o.TokenURL, o.Issuer == IssuerOther)
	v.issuerURL(path+".device_url", o.DeviceURL, o.Issuer == IssuerOther && o.Flow == FlowDevice)
	if o.Issuer != IssuerOther {
		if len(o.Scopes) > 0 {
			v.wrong(path+".scopes", "those of "+string(o.Issuer)+" are known", "remove the key")
		}
		return
	}
	if len(o.Scopes) == 0 {
		v.wrong(path+".scopes", "is missing", "what the issuer calls access to mail over IMAP or SMTP, and offline_access where it wants that")
	}
}

func (v *validator) issuerURL(path, text string, needed bool) {
	if text == "" {
		if needed {
			v.wrong(path, "is missing", "the issuer's documentation, or its /.well-known/openid-configuration, names it")
		}
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		v.wrong(path, fmt.Sprintf("%q is no address of an issuer", text), "write https://…; http is for this machine only")
	}
}

// keyFile checks a file with a private key as far as that needs no reading.
func (v *validator) keyFile(path, file string) {
	if file == "" || v.sketch {
		return
	}
	err := secretMode(file)
	if err == nil {
		var f *os.File
		if f, err = os.Open(file); err == nil {
			f.Close()
		}
	}
	if err != nil {
		v.wrong(path, file+" cannot be used: "+pathless(err).Error(), "put it there with mode 0600, for the user that the daemon runs as")
	}
}
