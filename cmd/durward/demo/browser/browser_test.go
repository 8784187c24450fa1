package browser

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormsAsABrowserReadsThem(t *testing.T) {
	at, _ := url.Parse("http://127.0.0.1:1/a/page?x=y")
	p, err := readPage(&http.Response{
		Header:  http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Referrer-Policy": {"no-referrer"}},
		Request: &http.Request{URL: at},
		Body: io.NopCloser(strings.NewReader(`<h1>One <b>two</b></h1><h1>Three</h1>
			<form action="b" method="POST"><input type=hidden name=csrf value="&quot;x"><input name=text value=typed><input type=password name=secret><input value=unnamed>
			<button name=d value=yes>Let <i>it</i></button><button type=button name=no>No</button>
			<noscript><input type=submit name=s value=Send></noscript></form><form></form>`)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.Heading != "One two" || len(p.forms) != 2 || p.formOrigin() != "null" {
		t.Fatalf("page %+v", p)
	}
	f := p.forms[0]
	if to := at.ResolveReference(f.action).String(); to != "http://127.0.0.1:1/a/b" || f.method != http.MethodPost {
		t.Errorf("%s to %s", f.method, to)
	}
	if diff := cmp.Diff(url.Values{"csrf": {`"x`}, "text": {"typed"}, "secret": {""}}, f.values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if err := errors.Join(p.Fill("text", "other"), p.Fill("secret", "s")); err != nil || p.Has("csrf") || !p.Has("text") {
		t.Errorf("fill in: %v", err)
	}
	if diff := cmp.Diff(url.Values{"csrf": {`"x`}, "text": {"other"}, "secret": {"s"}}, f.values); diff != "" {
		t.Errorf("values, filled in (-want +got):\n%s", diff)
	}
	for _, name := range []string{"csrf", "none"} {
		if p.Fill(name, "x") == nil {
			t.Errorf("a person could type into %q", name)
		}
	}
	want := []Button{{"d", "yes", "Let it"}, {"s", "Send", "Send"}}
	if diff := cmp.Diff(want, f.buttons, cmp.AllowUnexported(Button{})); diff != "" {
		t.Errorf("buttons (-want +got):\n%s", diff)
	}
	if second := p.forms[1]; second.method != http.MethodGet || at.ResolveReference(second.action).Path != "/a/page" {
		t.Errorf("second form %+v", second)
	}
}

func TestAPageThatSaysWhatIsWrong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `<title>T</title><style>p{}</style><h1>No</h1><p>Not <b>you</b></p><form><button>Back</button></form>`)
	}))
	defer server.Close()
	b, err := New(http.DefaultTransport, "http://127.0.0.1:41739/callback")
	if err != nil {
		t.Fatal(err)
	}
	at, err := b.Open(t.Context(), server.URL)
	wrong, ok := errors.AsType[*PageError](err)
	if !ok || at.Page != nil {
		t.Fatalf("%+v, %v", at, err)
	}
	if p := wrong.Page; p.Status != 403 || p.Heading != "No" || p.Text != "No Not you Back" {
		t.Errorf("the page %+v", p)
	}
	if want := server.URL + " answers 403 Forbidden: No Not you Back"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if _, err = b.Press(t.Context(), wrong.Page, func(b Button) bool { return b.Text == "Back" }); err == nil {
		t.Error("its button leads nowhere")
	}
}

func TestHeadersThatSayWhoSentAForm(t *testing.T) {
	var got []string
	record := func(r *http.Request) {
		got = append(got, r.Method+" "+r.URL.Path+" site="+r.Header.Get("Sec-Fetch-Site")+
			" origin="+strings.TrimPrefix(r.Header.Get("Origin"), "http://127.0.0.1:"))
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		record(r)
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<form method=get action="/search"><input type=hidden name=q value=1><button>Go</button></form>`)
	}))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		record(r)
		switch r.URL.Path {
		case "/start":
			http.SetCookie(w, &http.Cookie{Name: "bound", Value: "1", Path: "/"})
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, `<form method=post action="/send"><button>Go</button></form>`)
		case "/send":
			if _, err := r.Cookie("bound"); err != nil {
				t.Error("the cookie did not come back")
			}
			http.Redirect(w, r, "/on", http.StatusSeeOther)
		case "/on":
			http.Redirect(w, r, other.URL+"/page", http.StatusFound)
		}
	}))
	defer server.Close()
	b, err := New(http.DefaultTransport, "http://127.0.0.1:41739/callback")
	if err != nil {
		t.Fatal(err)
	}
	first := func(Button) bool { return true }
	at, err := b.Open(t.Context(), server.URL+"/start")
	if err != nil {
		t.Fatal(err)
	}
	if at, err = b.Press(t.Context(), at.Page, first); err != nil {
		t.Fatal(err)
	}
	if _, err = b.Press(t.Context(), at.Page, first); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET /start site=none origin=",
		"POST /send site=same-origin origin=" + strings.TrimPrefix(server.URL, "http://127.0.0.1:"),
		"GET /on site=same-origin origin=",
		"GET /page site=same-site origin=",
		"GET /search site=same-origin origin=",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
