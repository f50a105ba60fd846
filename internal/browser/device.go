package browser

import (
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// Device is what a browser keeps passkeys in: one of software, which agrees to
// everything at once.
type Device struct {
	page *Page
	id   webauthn.AuthenticatorID
}

// Device gives the page a device for passkeys that knows who is before it.
func (p *Page) Device() *Device {
	p.t.Helper()
	ctx, cancel := p.bounded()
	defer cancel()
	_, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{})
	p.must("let the page have passkeys", err)
	made, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	p.must("give the page a device for passkeys", err)
	return &Device{p, made.AuthenticatorID}
}

// Knows says whether the device knows who is before it, as by a fingerprint.
func (d *Device) Knows(yes bool) {
	d.page.t.Helper()
	ctx, cancel := d.page.bounded()
	defer cancel()
	_, err := chromedp.Call(ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: d.id, IsUserVerified: yes})
	d.page.must("say who is before the device", err)
}

// Forget takes all passkeys away from the device.
func (d *Device) Forget() {
	d.page.t.Helper()
	ctx, cancel := d.page.bounded()
	defer cancel()
	_, err := chromedp.Call(ctx, webauthn.ClearCredentials, webauthn.ClearCredentialsParams{AuthenticatorID: d.id})
	d.page.must("empty the device", err)
}
