package message

import (
	"strconv"
	"strings"
	"testing"
)

// ours is the name under which the mailbox's provider writes.
const ours = "mx.provider.example"

// genuine are what the provider may have written on top, and its verdict.
var genuine = map[string]Trust{
	"": TrustNone,
	"Authentication-Results: mx.provider.example; none\r\n":                                                                                                                          TrustNone,
	"Authentication-Results: mx.provider.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example\r\n":                                                          TrustNone,
	"Authentication-Results: mx.provider.example; dmarc=fail header.from=client.example\r\n":                                                                                         TrustFail,
	"Authentication-Results: mx.provider.example 1; dkim=pass header.d=evil.example;\r\n\tspf=pass smtp.mailfrom=evil.example; dmarc=fail (p=REJECT) header.from=client.example\r\n": TrustFail,
	"Authentication-Results: mx.provider.example\t1; dmarc=fail header.from=client.example\r\n":                                                                                      TrustFail,
	"Authentication-Results: \"mx.provider.example\"; spf=fail smtp.mailfrom=cleo@client.example\r\n":                                                                                TrustFail,
	"AUTHENTICATION-RESULTS : MX.Provider.Example ; dmarc=pass header.from=client.example\r\n":                                                                                       TrustPass,
	"Authentication-Results: mx.provider.example; dkim=pass header.d=mail.client.example\r\n":                                                                                        TrustPass,
	"Authentication-Results: mx.provider.example (a; b); dmarc=pass (p=none; sp=none) header.from=client.example\r\n":                                                                TrustPass,
	"Authentication-Results: mx.provider.example; spf=fail reason=\"" + strings.Repeat("x", 9<<10) + "\" smtp.mailfrom=cleo@client.example\r\n":                                      TrustNone,
}

// forged are what a sender may put into a mail, below what the provider adds.
var forged = []string{
	"Authentication-Results: mx.provider.example; dmarc=pass header.from=client.example\r\n",
	"Authentication-Results: MX.PROVIDER.EXAMPLE; dkim=pass header.d=client.example; dmarc=pass header.from=client.example\r\n",
	"authentication-results:mx.provider.example;dmarc=pass\r\n",
	"Authentication-Results: mx.provider.example.evil.example; dmarc=pass header.from=client.example\r\n",
	"Authentication-Results: evil.example mx.provider.example; dmarc=pass header.from=client.example\r\n",
	"Authentication-Results: evil.example; x=\"; mx.provider.example; dmarc=pass header.from=client.example\"\r\n",
	"Authentication-Results: (mx.provider.example; dmarc=pass) evil.example; dmarc=pass header.from=client.example\r\n",
	"Authentication-Results: spf=pass smtp.mailfrom=client.example; dkim=pass header.d=client.example; dmarc=pass header.from=client.example\r\n",
	"X-Authentication-Results: mx.provider.example; dmarc=pass header.from=client.example\r\n",
	"Old-Authentication-Results: mx.provider.example; dmarc=pass header.from=client.example\r\n",
	"ARC-Authentication-Results: i=1; mx.provider.example; dmarc=pass header.from=client.example\r\n",
	"Received-SPF: pass (mx.provider.example: domain of client.example)\r\n",
	"X-Note: a\r\n Authentication-Results: mx.provider.example; dmarc=pass header.from=client.example\r\n",
	"X-Note: a\rAuthentication-Results: mx.provider.example; dmarc=pass header.from=client.example\r\n",
	"Authentication-Results:\r\n\tmx.provider.example;\r\n\tdmarc=pass\r\n\theader.from=client.example\r\n",
	strings.Repeat("Authentication-Results: mx.provider.example; dmarc=pass header.from=client.example\r\n", 20),
	"Authentication-Results: mx.provider.example; dmarc=pass; " + strings.Repeat("x=y; ", 5000) + "\r\n",
}

// TestS12_ForgedResults puts every forgery below everything the provider may
// have written, and into the body: where the provider wrote, it alone is
// believed. Only where it writes nothing at all can a sender write in its name,
// which is why a name is pinned for providers that always write.
func TestS12_ForgedResults(t *testing.T) {
	const from = "From: Cleo <cleo@client.example>\r\n"
	tries := 0
	for top, want := range genuine {
		for _, f := range forged {
			if top == "" && strings.HasPrefix(strings.ToLower(f), "authentication-results:") && (strings.Contains(strings.ToLower(f), " "+ours+";") || strings.Contains(f, ":"+ours+";") || strings.Contains(f, "\t"+ours+";")) {
				continue
			}
			for where, mail := range map[string]string{
				"below":      top + from + f + "\r\n",
				"under From": top + f + from + "\r\n",
				"body":       top + from + "\r\n" + f,
				"part":       top + from + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + f + "\r\nx\r\n--b--\r\n",
				"inner":      top + from + "Content-Type: message/rfc822\r\n\r\n" + f + from + "\r\nx\r\n",
			} {
				tries++
				if got := read(t, mail).Head.Trust(ours); got != want {
					t.Errorf("%.80q, forged %s %.80q: %s, want %s", top, where, f, got, want)
				}
			}
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestS12_WordsOfTheSender: what a sender chooses and the provider repeats in
// its own field (envelope, selector, reasons) never turns a verdict.
func TestS12_WordsOfTheSender(t *testing.T) {
	words := []string{
		`"x; dmarc=pass header.from=client.example"@evil.example`, `"\"; dmarc=pass"@evil.example`, `"(x; dmarc=pass"@evil.example`, `"x\\"@evil.example`, `(dmarc=pass) x@evil.example`,
		`(a (b; dmarc=pass) c; dmarc=pass) x@evil.example`, `x@evil.example (dmarc=pass header.from=client.example)`, `"client.example"@evil.example`, `cleo@client.example.evil.example`, `cleo@evilclient.example`,
		`"cleo@client.example"@evil.example`, `x@evil.example (\); dmarc=pass)`, `"` + strings.Repeat(`\"`, 200) + `"@evil.example`,
	}
	for _, w := range words {
		for field, want := range map[string]Trust{
			"spf=pass smtp.mailfrom=" + w + "; dmarc=fail header.from=client.example": TrustFail,
			"dmarc=fail header.from=client.example; spf=pass smtp.mailfrom=" + w:      TrustFail,
			"spf=pass smtp.mailfrom=" + w:                                             TrustNone,
			"dkim=pass header.i=" + w + "; spf=none":                                  TrustNone,
		} {
			h := ParseHead([]byte("Authentication-Results: " + ours + "; " + field + "\r\nFrom: cleo@client.example\r\n\r\n"))
			if got := h.Trust(ours); got != want {
				t.Errorf("%s: %s, want %s", field, got, want)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(len(words)*4))
}

// TestS12_WhoFromNames: a verdict is about one sender, and about the address
// that is read, not about a name beside it.
func TestS12_WhoFromNames(t *testing.T) {
	const evil, client = "dmarc=pass header.from=evil.example", "dmarc=pass header.from=client.example"
	cases := []struct {
		from, results string
		want          Trust
		address       string
	}{
		{"From: cleo@client.example, eve@evil.example", client, TrustNone, "cleo@client.example"},
		{"From: eve@evil.example, cleo@client.example", evil, TrustNone, "eve@evil.example"},
		{"From: cleo@client.example\r\nFrom: eve@evil.example", evil, TrustNone, "cleo@client.example"},
		{"From: eve@evil.example\r\nFrom: cleo@client.example", evil, TrustNone, "eve@evil.example"},
		{"From: Group: cleo@client.example, eve@evil.example;", client, TrustNone, "cleo@client.example"},
		{"From: \"cleo@client.example\" <eve@evil.example>", evil, TrustPass, "eve@evil.example"},
		{"From: cleo@client.example <eve@evil.example>", evil, TrustPass, "eve@evil.example"},
		{"From: cleo@client.example <eve@evil.example>", client, TrustNone, "eve@evil.example"},
		{"From: <cleo@client.example> <eve@evil.example>", client, TrustNone, "eve@evil.example"},
		{"From: \"Cleo (cleo@client.example)\" <eve@evil.example>", client, TrustNone, "eve@evil.example"},
		{"From: cleo@client.example (eve@evil.example)", evil, TrustNone, "cleo@client.example"},
		{"From: =?utf-8?q?cleo=40client.example?= <eve@evil.example>", client, TrustNone, "eve@evil.example"},
		{"From: cleo@client.example\x00 <eve@evil.example>", client, TrustNone, "eve@evil.example"},
		{"From: cleo@cl\u0456ent.example", "dmarc=pass header.from=xn--clent-o2e.example", TrustPass, "cleo@xn--clent-o2e.example"},
		{"From: cleo@cl\u0456ent.example", client, TrustNone, ""},
		{"From: Cleo", client, TrustNone, ""},
		{"From: ", client, TrustNone, ""},
		{"Sender: cleo@client.example", client, TrustNone, ""},
		{"From: cleo@client.example", "dmarc=pass header.from=CLIENT.example", TrustPass, "cleo@client.example"},
		{"From: cleo@client.example", "dmarc=pass header.from=client.example.evil.example", TrustNone, "cleo@client.example"},
		{"From: cleo@client.example", "dmarc=pass header.from=evil.example; dkim=pass header.d=evil.example", TrustNone, "cleo@client.example"},
		{"From: cleo@client.co.uk", "dkim=pass header.d=co.uk", TrustNone, "cleo@client.co.uk"},
		{"From: cleo@client.example", "dmarc=temperror header.from=client.example", TrustNone, "cleo@client.example"},
		{"From: cleo@client.example", "dmarc=bestguesspass header.from=client.example", TrustNone, "cleo@client.example"},
		{"From: cleo@client.example", "dkim=neutral header.d=client.example; spf=softfail smtp.mailfrom=client.example", TrustNone, "cleo@client.example"},
	}
	for _, c := range cases {
		h := ParseHead([]byte("Authentication-Results: " + ours + "; " + c.results + "\r\n" + c.from + "\r\n\r\n"))
		if got := h.Trust(ours); got != c.want {
			t.Errorf("%q, %s: %s, want %s", c.from, c.results, got, c.want)
		}
		if c.address != "" && (len(h.From) == 0 || string(h.From[0].Address) != c.address) {
			t.Errorf("%q is from %+v, want %s", c.from, h.From, c.address)
		}
		if got := h.Trust(""); got != TrustNone {
			t.Errorf("%q, no provider pinned: %s", c.from, got)
		}
	}
	t.Attr("tries", strconv.Itoa(len(cases)))
}
