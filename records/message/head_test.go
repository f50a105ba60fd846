package message

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func day(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"Tue, 22 Nov 2022 05:19:32 +0200", "2022-11-22 03:19:32"},
		{"22 Nov 2022 05:19 GMT", "2022-11-22 05:19:00"},
		{"Tue Nov 22 05:19:32 2022", "2022-11-22 05:19:32"},
		{"Tue Nov 22 05:19:32 CET 2022", "2022-11-22 04:19:32"},
		{"2022-11-22T05:19:32Z", "2022-11-22 05:19:32"},
		{"2022-11-22 05:19:32.123456+01:00", "2022-11-22 04:19:32"},
		{"22-Nov-22 5:19:32 PM EST", "2022-11-22 22:19:32"},
		{"Tue, 22 Nov 122 05:19:32 -0000", "2022-11-22 05:19:32"},
		{"Wed, 01 May 0102 08:40:01 +0800", "2002-05-01 00:40:01"},
		{"Tue, 22 Nov 2022 05:19:32 +0200 (EET)", "2022-11-22 03:19:32"},
		{"Tue, 22 Nov 2022 05:19:32 (CET) +0100", "2022-11-22 04:19:32"},
		{"22/11/2022 05:19", "2022-11-22 05:19:00"},
		{"11/22/2022 5:19 AM", "2022-11-22 05:19:00"},
		{"Mo., 21. Nov. 2022 um 10:00 Uhr", "2022-11-21 10:00:00"},
		{"mardi 22 novembre 2022 05:19", "2022-11-22 05:19:00"},
		{"mar. 22 nov. 2022 à 05:19", "2022-11-22 05:19:00"},
		{"mar. 1 mars 2022 05:19", "2022-03-01 05:19:00"},
		{"Nov 22, 2022, at 5:19 PM", "2022-11-22 17:19:00"},
		{"Thu, 10 Jul 1997 14:53:31 EST5EDT", "1997-07-10 19:53:31"},
		{"Tue, 22 Nov 2022 25:61:00 +0000", "2022-11-22 00:00:00"},
		{"Tue, 22 Nov 2022 05:19:32 -2400", "2022-11-22 05:19:32"},
		{"Tue, 22 Nov 1601 05:19:32 +0000", ""},
		{"Tue, 22 Nov 9999 05:19:32 +0000", ""},
		{"Tue, 42 Nov 2022", ""},
		{"Whenever", ""},
		{"", ""},
		{"Date: x", ""},
	} {
		got, ok := parseDate(tt.in)
		if tt.want == "" {
			if ok {
				t.Errorf("parseDate(%q) = %v, want none", tt.in, got)
			}
			continue
		}
		if !ok || !got.Equal(day(tt.want)) {
			t.Errorf("parseDate(%q) = %v, %v; want %v", tt.in, got, ok, tt.want)
		}
	}
}

func TestHeaderText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"plain", "plain"},
		{"=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"},
		{"=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"},
		{"=?utf-8?B?R3LDvMOfZQ?= x", "Grüße x"},
		{"=?utf-8?Q?a_=C3?= =?utf-8?Q?=A9?=", "a é"},
		{"=?utf-8?Q?a?=\t =?utf-8?Q?b?= c", "ab c"},
		{"=?utf-8?Q?a b c?= d", "a b c d"},
		{"=?iso-8859-1*de?Q?=FC?=", "ü"},
		{"=?x-unknown?Q?=FC?=", "ü"},
		{"=?utf-8?Q?=FC?=", "ü"},
		{"=?iso-8859-1?Q?=C3=A9?=", "é"},
		{"=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本"},
		{"=?iso-2022-kr?B?GyQpQw5HUTFbD2E=?=", "한글a"},
		{"=?gb2312?B?1tDOxA==?=", "中文"},
		{"=?ks_c_5601-1987?B?x9Gx2w==?=", "한글"},
		{"=?koi8-r?B?7sXU?=", "Нет"},
		{"=?utf-7?Q?+AOk-?=", "é"},
		{"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
		{"=?utf-8?Q?never ended", "never ended"},
		{"raw \xfc", "raw ü"},
		{"nul\x00 and bell\x07", "nul and bell"},
		{"a  b\t c", "a b c"},
		{"=?utf-8?Q?a=00b=0Ac?=", "ab c"},
	} {
		if got := headerText(tt.in, ""); got != tt.want {
			t.Errorf("headerText(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10_000)
	h := ParseHead([]byte("Message-ID: <" + long + "@a>\nIn-Reply-To: <" + long + "@a> <" + long + "@b>\n\n"))
	if len(h.MessageID) > maxID || h.MessageID == "" || h.InReplyTo[0] != h.MessageID || h.InReplyTo[1] == h.MessageID {
		t.Errorf("long ids: %.20q, %.20q", h.MessageID, h.InReplyTo)
	}
	var refs strings.Builder
	for i := range 1000 {
		refs.WriteString(" <" + string(rune('a'+i%26)) + strings.Repeat("z", i/26) + ">\n")
	}
	h = ParseHead([]byte("References:" + refs.String() + "\n\n"))
	if len(h.References) != 100 || h.References[0] != "a" || h.References[99] != string(rune('a'+999%26))+strings.Repeat("z", 999/26) || h.References[20] != string(rune('a'+920%26))+strings.Repeat("z", 920/26) {
		t.Errorf("References of 1,000: %d, first %q, last %q", len(h.References), h.References[0], h.References[len(h.References)-1])
	}
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"<a@b>", []string{"a@b"}},
		{"a@b", []string{"a@b"}},
		{"<a@b><c@d>", []string{"a@b", "c@d"}},
		{"<a@b> (comment) <c @d>", []string{"a@b", "c@d"}},
		{"<a@b", []string{"a@b"}},
		{"<> <a@b>", []string{"a@b"}},
		{"", nil},
	} {
		if diff := cmp.Diff(tt.want, messageIDs(tt.in, 20, 80)); diff != "" {
			t.Errorf("messageIDs(%q) (-want +got):\n%s", tt.in, diff)
		}
	}
}

func TestSaneTime(t *testing.T) {
	t.Parallel()
	now := day("2026-11-22 12:00:00")
	arrived := day("2026-11-20 10:00:00")
	for name, tt := range map[string]struct {
		date, relayed, received, want time.Time
	}{
		"as it should be":                  {day("2026-11-20 09:59:00"), day("2026-11-20 09:59:30"), arrived, day("2026-11-20 09:59:00")},
		"clock slightly ahead":             {day("2026-11-20 20:00:00"), time.Time{}, arrived, day("2026-11-20 20:00:00")},
		"no date":                          {time.Time{}, time.Time{}, arrived, arrived},
		"no date, but a hop":               {time.Time{}, day("2026-11-20 09:59:30"), arrived, day("2026-11-20 09:59:30")},
		"nothing at all":                   {time.Time{}, time.Time{}, time.Time{}, now},
		"far future":                       {day("2036-11-20 10:00:00"), time.Time{}, arrived, arrived},
		"future, no arrival":               {day("2036-11-20 10:00:00"), time.Time{}, time.Time{}, now},
		"ten years behind, by the hop":     {day("2016-11-20 10:00:00"), day("2026-11-20 09:59:30"), arrived, day("2026-11-20 09:59:30")},
		"copied from an old mailbox":       {day("2016-11-20 10:00:00"), day("2016-11-20 10:00:10"), arrived, day("2016-11-20 10:00:00")},
		"sent mail copied from an archive": {day("2016-11-20 10:00:00"), time.Time{}, arrived, day("2016-11-20 10:00:00")},
		"hop in the future":                {time.Time{}, day("2036-11-20 10:00:00"), arrived, arrived},
		"arrival in the future":            {day("2026-11-20 10:00:00"), time.Time{}, day("2036-11-20 10:00:00"), day("2026-11-20 10:00:00")},
	} {
		if got := SaneTime(Head{Date: tt.date, Relayed: tt.relayed}, tt.received, now); !got.Equal(tt.want) {
			t.Errorf("%s: SaneTime = %v, want %v", name, got, tt.want)
		}
	}
}

func TestIdentityKeys(t *testing.T) {
	t.Parallel()
	head := func(more string) Head {
		return ParseHead([]byte("From: Ada <ada@example.com>\nDate: Tue, 22 Nov 2022 05:19:32 +0200\nSubject: x\n" + more + "\n"))
	}
	a := IdentityKeys(head("Message-ID: <a@b>\n"), nil)
	same := func(name string, b []Sum, want bool) {
		t.Helper()
		got := false
		for _, x := range a {
			for _, y := range b {
				got = got || x == y
			}
		}
		if got != want {
			t.Errorf("%s: same = %v, want %v", name, got, want)
		}
	}
	if len(a) != 1 {
		t.Fatalf("%d keys, want 1", len(a))
	}
	same("again", IdentityKeys(head("Message-ID: <a@b>\n"), &Sum{1}), true)
	same("rewritten id", IdentityKeys(head("Message-ID: <c@d>\nX-Microsoft-Original-Message-ID: <a@b>\n"), nil), true)
	same("other id", IdentityKeys(head("Message-ID: <c@d>\n"), nil), false)
	same("other date", IdentityKeys(ParseHead([]byte("From: ada@example.com\nDate: Tue, 22 Nov 2022 05:19:33 +0200\nMessage-ID: <a@b>\n\n")), nil), false)
	same("other zone, same time", IdentityKeys(ParseHead([]byte("From: ADA@example.com\nDate: Tue, 22 Nov 2022 03:19:32 +0000\nMessage-ID: <a@b>\n\n")), nil), true)
	same("other sender", IdentityKeys(ParseHead([]byte("From: eve@example.com\nDate: Tue, 22 Nov 2022 05:19:32 +0200\nMessage-ID: <a@b>\n\n")), nil), false)
	if got := IdentityKeys(head(""), nil); got != nil {
		t.Errorf("without id and text: %v, want nil", got)
	}
	x, y := IdentityKeys(head(""), &Sum{1}), IdentityKeys(head(""), &Sum{2})
	if len(x) != 1 || len(y) != 1 || x[0] == y[0] {
		t.Errorf("by text: %v, %v", x, y)
	}
}

func TestLooks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header string
		want   string // letters: report, automatic, list, forwarded
	}{
		{"From: ada@example.com\nSubject: hello", ""},
		{"From: ada@example.com\nSubject: Re: hello\nX-Auto-Response-Suppress: All", ""},
		{"From: ada@example.com\nSubject: Re: hello\nIn-Reply-To: <a@b>\nX-Auto-Response-Suppress: All", "a"},
		{"From: MAILER-DAEMON@example.com\nSubject: failure notice", "ra"},
		{"From: postmaster@example.com\nSubject: hello", "ra"},
		{"From: x@example.com\nReturn-Path: <>", "ra"},
		{"From: x@example.com\nReturn-Path: <x@example.com>", ""},
		{"From: x@example.com\nContent-Type: multipart/report; report-type=delivery-status; boundary=x", "ra"},
		{"From: x@example.com\nSubject: Undelivered Mail Returned to Sender", "r"},
		{"From: x@example.com\nSubject: Re: Undelivered Mail Returned to Sender", ""},
		{"From: x@example.com\nSubject: Automatische Antwort: hallo", "a"},
		{"From: no-reply@example.com", "a"},
		{"From: noreply@example.com\nList-Unsubscribe: <mailto:x@y>", "al"},
		{"From: x@example.com\nAuto-Submitted: no", ""},
		{"From: x@example.com\nAuto-Submitted: auto-generated (x)", "a"},
		{"From: x@example.com\nPrecedence: list\nList-Id: <x.y>", "l"},
		{"From: x@example.com\nSubject: Fwd: hello", "f"},
		{"From: x@example.com\nSubject: WG: AW: hello", "f"},
		{"From: x@example.com\nSubject: AW: WG: hello", ""},
		{"From: x@example.com\nSubject: =?utf-8?q?=E8=BD=AC=E5=8F=91=EF=BC=9Ahello?=", "f"},
		{"From: x@example.com\nSubject: hello (fwd)", "f"},
		{"From: x@example.com\nSubject: I am here: hello", ""},
	} {
		h := ParseHead([]byte(tt.header + "\n\n"))
		got := ""
		for _, l := range []struct {
			letter string
			is     bool
		}{{"r", h.LooksReport()}, {"a", h.LooksAutomatic()}, {"l", h.LooksList()}, {"f", h.LooksForwarded()}} {
			if l.is {
				got += l.letter
			}
		}
		if got != tt.want {
			t.Errorf("%q looks %q, want %q", tt.header, got, tt.want)
		}
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	const from = "From: Ada <ada@example.com>\n"
	for name, tt := range map[string]struct {
		header, authserv string
		want             Trust
	}{
		"no results":            {from, "mx.example.net", TrustNone},
		"not pinned":            {from + "Authentication-Results: mx.example.net; dmarc=pass header.from=example.com", "", TrustNone},
		"dmarc":                 {from + "Authentication-Results: mx.example.net; dmarc=pass header.from=example.com", "mx.example.net", TrustPass},
		"version":               {from + "Authentication-Results: mx.example.net 1; dmarc=pass header.from=example.com", "mx.example.net", TrustPass},
		"dmarc fails":           {from + "Authentication-Results: mx.example.net; dkim=pass header.d=example.com; dmarc=fail header.from=example.com", "mx.example.net", TrustFail},
		"aligned dkim":          {from + "Authentication-Results: mx.example.net; dkim=pass (2048-bit; key) header.d=mail.example.com", "mx.example.net", TrustPass},
		"dkim of another":       {from + "Authentication-Results: mx.example.net; dkim=pass header.d=evil.example", "mx.example.net", TrustNone},
		"aligned spf":           {from + "Authentication-Results: mx.example.net;\n spf=pass smtp.mailfrom=bounce@example.com", "mx.example.net", TrustPass},
		"spf fails":             {from + "Authentication-Results: mx.example.net; spf=fail smtp.mailfrom=ada@example.com", "mx.example.net", TrustFail},
		"forged below":          {from + "Authentication-Results: mx.example.net; dmarc=fail\nAuthentication-Results: mx.example.net; dmarc=pass header.from=example.com", "mx.example.net", TrustFail},
		"forged by another":     {from + "Authentication-Results: evil.example; dmarc=pass header.from=example.com", "mx.example.net", TrustNone},
		"hidden in a comment":   {from + "Authentication-Results: mx.example.net; spf=fail (x; dmarc=pass) smtp.mailfrom=ada@example.com", "mx.example.net", TrustFail},
		"hidden in a string":    {from + "Authentication-Results: mx.example.net; spf=fail reason=\"x; dmarc=pass\" smtp.mailfrom=ada@example.com", "mx.example.net", TrustFail},
		"microsoft":             {from + "Authentication-Results: spf=pass (sender IP is 192.0.2.1)\n smtp.mailfrom=example.com; dkim=pass (signature was verified)\n header.d=example.com;dmarc=pass action=none header.from=example.com;compauth=pass reason=100", "microsoft", TrustPass},
		"microsoft, not pinned": {from + "Authentication-Results: spf=pass smtp.mailfrom=example.com; dmarc=pass header.from=example.com", "mx.example.net", TrustNone},
		"dmarc for another":     {from + "Authentication-Results: mx.example.net; dmarc=pass header.from=evil.example", "mx.example.net", TrustNone},
		"two senders":           {"From: ada@example.com, eve@evil.example\nAuthentication-Results: mx.example.net; dmarc=pass", "mx.example.net", TrustNone},
		"none":                  {from + "Authentication-Results: mx.example.net; none", "mx.example.net", TrustNone},
	} {
		if got := ParseHead([]byte(tt.header + "\n\n")).Trust(tt.authserv); got != tt.want {
			t.Errorf("%s: Trust = %q, want %q", name, got, tt.want)
		}
	}
}

func TestParticipants(t *testing.T) {
	t.Parallel()
	h := ParseHead([]byte("From: Ada <ada@example.com>\nSender: office@example.com\nTo: bob@example.org, ADA@example.com, nonsense\nCc: Bob <bob@example.org>, nonsense\nDelivered-To: copy@example.org\nResent-To: carol@example.net\n\n"))
	var got []string
	for _, p := range h.Roles() {
		got = append(got, p.Role+" "+p.String())
	}
	want := []string{"from Ada <ada@example.com>", "sender office@example.com", "to bob@example.org", "to nonsense", "resent carol@example.net"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Roles (-want +got):\n%s", diff)
	}
	if got := len(h.Participants()); got != len(want) {
		t.Errorf("%d participants, want %d", got, len(want))
	}
	h = ParseHead([]byte("Message-ID: <a@b>\nIn-Reply-To: <c@d>\nReferences: <e@f> <c@d> <a@b>\nX-Microsoft-Original-Message-ID: <g@h>\n\n"))
	if diff := cmp.Diff([]string{"a@b", "g@h", "c@d", "e@f"}, h.ThreadIDs()); diff != "" {
		t.Errorf("ThreadIDs (-want +got):\n%s", diff)
	}
	h.Subject = "Re: AW[2]: WG: hello"
	if h.BaseSubject() != "hello" || h.ReplySubject() != "Re: hello" {
		t.Errorf("subjects %q, %q", h.BaseSubject(), h.ReplySubject())
	}
}
