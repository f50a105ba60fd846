package contact_test

import (
	"strings"
	"testing"

	"rapport/records/contact"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"ada@example.org", "ada@example.org"},
		{"Ada <ADA@Example.org>", "ada@example.org"},
		{"ada@bücher.example", "ada@xn--bcher-kva.example"},
		{"ada@BÜCHER.example", "ada@xn--bcher-kva.example"},
		{"ada@faß.example", "ada@xn--fa-hia.example"},
		{"ada@例え。テスト", "ada@xn--r8jz45g.xn--zckzah"},
		{"ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"},
		{" \tada@example.org\r\n", "ada@example.org"},
		{"ada@example.org.", "ada@example.org"},
		{"<ada@example.org>", "ada@example.org"},
		{"<ada@example.org", "ada@example.org"},
		{"Ada Byron <ada@example.org> (home)", "ada@example.org"},
		{"ada@example.org (Ada (of) Lovelace)", "ada@example.org"},
		{"ada(work)@example.org", "ada@example.org"},
		{`"Byron, Ada" <ada@example.org>`, "ada@example.org"},
		{`"victim@bank.example" <evil@x.example>`, "evil@x.example"},
		{`"<victim@bank.example>" <evil@x.example>`, "evil@x.example"},
		{`victim@bank.example <evil@x.example>`, "evil@x.example"},
		{`Ada :( <ada@example.org>`, "ada@example.org"},
		{`"Ada <ada@example.org>`, "ada@example.org"},
		{`=?utf-8?q?Ada_=3Cx=40y=3E?= <ada@example.org>`, "ada@example.org"},
		{"<@relay.example,@b.example:ada@example.org>", "ada@example.org"},
		{"'ada@example.org'", "ada@example.org"},
		{`"ada@example.org"`, "ada@example.org"},
		{"<'ada@example.org'>", "ada@example.org"},
		{"mailto:ada@example.org?subject=hi", "ada@example.org"},
		{`"ada"@example.org`, "ada@example.org"},
		{`"a\da"@example.org`, "ada@example.org"},
		{`"foo@bar"@example.org`, `"foo@bar"@example.org`},
		{`"a\"b\\c"@example.org`, `"a\"b\\c"@example.org`},
		{`"a>b"@example.org`, `"a>b"@example.org`},
		{`<"a>b"@example.org>`, `"a>b"@example.org`},
		{"o'brien@example.org", "o'brien@example.org"},
		{"a..b.@example.org", "a..b.@example.org"},
		{"ada+news@example.org", "ada+news@example.org"},
		{"ÄDA@example.org", "äda@example.org"},
		{"a\u0308da@example.org", "äda@example.org"},
		{"用户@例子.example", "用户@xn--fsqu00a.example"},
		{"root@localhost", "root@localhost"},
		{"x@foo_bar.example.org", "x@foo_bar.example.org"},
		{"x@[192.0.2.1]", "x@[192.0.2.1]"},
		{"x@[IPv6:2001:DB8::1]", "x@[ipv6:2001:db8::1]"},
		{"x@[2001:db8::1]", "x@[ipv6:2001:db8::1]"},
		{"SRS0=abc=de=example.net=bob@fwd.example", "srs0=abc=de=example.net=bob@fwd.example"},
		{strings.Repeat("a", 64) + "@example.org", strings.Repeat("a", 64) + "@example.org"},
	} {
		got, err := contact.ParseAddress(tt.in)
		if err != nil || string(got) != tt.want {
			t.Errorf("ParseAddress(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
		again, err := contact.ParseAddress(string(got))
		if err != nil || again != got {
			t.Errorf("ParseAddress(%q) = %q, %v; want it unchanged", got, again, err)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, why string }{
		{"", "empty"},
		{"  ", "empty"},
		{"<>", "empty"},
		{"ada", "no @"},
		{"Ada Byron", "no @"},
		{"@example.org", "before the @"},
		{`""@example.org`, "before the @"},
		{"ada@", "after the @"},
		{"ada@.", "after the @"},
		{"ada@example..org", "empty part"},
		{"ada@.example.org", "empty part"},
		{"ada byron@example.org", "space"},
		{`"ada byron"@example.org`, "space"},
		{`"foo@psres.net> ORCPT=admin@admin.com"@test.com`, "space"},
		{"ada @example.org", "space"},
		{"ada@exam ple.org", "space"},
		{"ada\x00@example.org", "control"},
		{"ada\r\nBcc: x@example.org", ""},
		{"<ada@example.org\r\nRCPT TO:<x@y.example>", "more than one"},
		{"\"a\r\nb\"@example.org", "control"},
		{"a\u200bda@example.org", "control or invisible"},
		{"a\u202eda@example.org", "control or invisible"},
		{"ada@example.org\x7f", "control"},
		{"ada@exa\x01mple.org", "control"},
		{"ada@example.org, bob@example.org", "more than one"},
		{"ada@example.org;bob@example.org", "more than one"},
		{"<ada@example.org> <bob@example.org>", "more than one"},
		{"<ada@example.org>, bob@example.org", "more than one"},
		{"ada@bob@example.org", "more than one"},
		{"ada\xff@example.org", "UTF-8"},
		{"a:b@example.org", "cannot stand"},
		{`a\b@example.org`, "cannot stand"},
		{"ada@exa!mple.org", "cannot stand"},
		{strings.Repeat("a", 65) + "@example.org", "64 bytes"},
		{"a@" + strings.Repeat("b", 64) + ".org", "63 bytes"},
		{"a@" + strings.Repeat("b.", 130) + "org", "too long"},
		{strings.Repeat("x", 5000) + " <a@example.org>", "too long"},
		{"x@[example.org]", "literal"},
		{"x@[]", "literal"},
		{"x@[1.2.3.4", "literal"},
	} {
		got, err := contact.ParseAddress(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("ParseAddress(%q) = %q, %v; want an error with %q", tt.in, got, err, tt.why)
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("ParseAddress(%.20q) fails with %d bytes of text", tt.in, len(err.Error()))
		}
	}
}

func TestFolded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want contact.Address }{
		{"ada@example.org", "ada@example.org"},
		{"ada+news@example.org", "ada@example.org"},
		{"ada+a+b@example.org", "ada@example.org"},
		{"+ada@example.org", "+ada@example.org"},
		{"a.d.a@example.org", "a.d.a@example.org"},
		{"a.d.a+x@gmail.com", "ada@gmail.com"},
		{"a.d.a@googlemail.com", "ada@gmail.com"},
		{"ada@gmail.com", "ada@gmail.com"},
		{"...@gmail.com", "...@gmail.com"},
		{"a.da@mail.gmail.com", "a.da@mail.gmail.com"},
		{`"a+ b"@example.org`, `"a+ b"@example.org`},
		{"", ""},
	} {
		if got := tt.in.Folded(); got != tt.want {
			t.Errorf("%q.Folded() = %q; want %q", tt.in, got, tt.want)
		}
		if got := tt.want.Folded(); got != tt.want {
			t.Errorf("%q.Folded() = %q; want it unchanged", tt.want, got)
		}
	}
}

func TestRegistrable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"example.org", "example.org"},
		{"mail.eu.example.org", "example.org"},
		{"example.co.uk", "example.co.uk"},
		{"a.b.example.co.uk", "example.co.uk"},
		{"co.uk", ""},
		{"org", ""},
		{"localhost", ""},
		{"x.customer.example", "customer.example"},
		{"notexample.com", "notexample.com"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"[192.0.2.1]", ""},
		{"", ""},
		{"a..b", ""},
		{".", ""},
	} {
		if got := contact.Registrable(tt.in); got != tt.want {
			t.Errorf("Registrable(%q) = %q; want %q", tt.in, got, tt.want)
		}
	}
}

func TestNormalDomain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{" Example.ORG. ", "example.org"},
		{"@example.org", "example.org"},
		{"Bücher.example", "xn--bcher-kva.example"},
		{"", ""}, {"a b", ""}, {"[192.0.2.1]", ""}, {"a@b", ""}, {"..", ""},
	} {
		got, err := contact.NormalDomain(tt.in)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("NormalDomain(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"Ada <ada@example.org>", `"a\"b"@x.y`, "x@[IPv6:::1]", "İ@bücher.example", "<@a:b@c>", `"(<"@b.c`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := contact.ParseAddress(s)
		if err != nil {
			return
		}
		if len(a) > 254 || a.Local() == "" || a.Domain() == "" || strings.ContainsAny(string(a), "\x00\r\n \t") {
			t.Errorf("ParseAddress(%q) = %q", s, a)
		}
		if again, err := contact.ParseAddress(string(a)); err != nil || again != a {
			t.Errorf("ParseAddress(%q) = %q, then %q, %v", s, a, again, err)
		}
		if f := a.Folded(); f.Folded() != f {
			t.Errorf("%q folds to %q, then to %q", a, f, f.Folded())
		}
	})
}

func BenchmarkParseAddress(b *testing.B) {
	for b.Loop() {
		if _, err := contact.ParseAddress("Ada.Byron+news@mail.example.org"); err != nil {
			b.Fatal(err)
		}
	}
}
