package uitest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

const sound = `<!DOCTYPE html><html lang="en"><head><title>T</title></head><body><main><h1>T</h1>%s</main></body></html>`

func TestLintFindsWhatNoPageMayHave(t *testing.T) {
	for body, want := range map[string]string{
		``:                                          "",
		`<p style="color: red">a</p>`:               "an inline style",
		`<style>p {}</style>`:                       "a style element",
		`<script>x()</script>`:                      "an inline script",
		`<script src="/a.js"></script>`:             "",
		`<p onclick="x()">a</p>`:                    "an inline handler onclick",
		`<p hx-on:click="x()">a</p>`:                "an inline handler hx-on:click",
		`<img src="/a.jpg">`:                        "img without alt",
		`<img src="/a.jpg" alt="">`:                 "",
		`<img src="https://evil.example/a" alt="">`: "src leads to another host",
		`<a href="//evil.example">a</a>`:            "href leads to another host",
		`<a href="javascript:x()">a</a>`:            "href leads to another host",
		`<a rel="external noreferrer" href="https://maker.example/a">a</a>`:      "",
		`<a rel="external" href="https://maker.example/a">a</a>`:                 "href leads to another host",
		`<a rel="external noreferrer" href="http://maker.example/a">a</a>`:       "href leads to another host",
		`<a rel="external noreferrer" href="javascript:x()">a</a>`:               "href leads to another host",
		`<form rel="external noreferrer" action="https://maker.example"></form>`: "action leads to another host",
		`<a href="tel:+33100000000">a</a>`:                                       "",
		`<a href="/a?b=c:d">a</a>`:                                               "",
		`<a href="/a"></a>`:                                                      "says nothing",
		`<a href="/a" aria-label="b"></a>`:                                       "",
		`<a href="/a"><img src="/a.jpg" alt="b"></a>`:                            "",
		`<button>a</button>`:                                                     "button without type",
		`<button type="submit"><svg aria-hidden="true"></svg></button>`:          "says nothing",
		`<svg></svg>`:                            "svg neither hidden nor with a role",
		`<svg role="img" aria-label="a"></svg>`:  "",
		`<input name="a">`:                       "has no label",
		`<input type="hidden" name="a">`:         "",
		`<label for="a">A</label><input id="a">`: "",
		`<label>A <input></label>`:               "",
		`<select aria-label="a"></select>`:       "",
		`<h1>again</h1>`:                         "2 elements h1",
		`<p id="a"></p><p id="a"></p>`:           `id "a" stands 2 times`,
		`<label for="b">A</label>`:               `for names "b"`,
		`<p aria-describedby="a b" id="a"></p>`:  `aria-describedby names "b"`,
		`<p tabindex="3">a</p>`:                  "tabindex 3",
		`<form method="put"></form>`:             `form with method "put"`,
		`<main></main>`:                          "2 elements main",
	} {
		found := uitest.Findings(uitest.Parse(t, fmt.Sprintf(sound, body)))
		if want == "" && len(found) > 0 || want != "" && !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%s: found %q, want %q", body, found, want)
		}
	}
	for page, want := range map[string]string{
		`<html><head><title>T</title></head><main><h1>T</h1></main>`:          "html has no lang",
		`<html lang="en"><head><title></title></head><main><h1>T</h1></main>`: "no title",
		`<html lang="en"><head><title>T</title></head><main></main>`:          "0 elements h1",
	} {
		if found := uitest.Findings(uitest.Parse(t, page)); len(found) != 1 || !strings.Contains(found[0], want) {
			t.Errorf("%s: found %q", page, found)
		}
	}
}

// witness takes what a check reports.
type witness struct {
	testing.TB
	errors []string
}

func (w *witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) {
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}

func TestCheckWordsFindsWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("page.go", "package p\n\n// words.T(ctx, \"comment\")\nvar a = words.T(ctx, \"used\") + words.In(lang, \"absent\") + words.T(ctx, \"code.\"+code) + words.T(ctx, \"n\", \"n\", \"2\")\n")
	write("page.templ", "package p\n\ntempl page() { <p>{ words.T(ctx, \"intempl\") }</p> }\n")
	write("page_test.go", "package p\n\nvar b = \"onlytest\"\n")
	good := ui.MustWords([]byte(`{"used": "a {time}", "code.x": "b", "intempl": "c", "n#one": "d", "n#other": "e"}`), []byte(`{"used": "a {time}", "code.x": "b", "intempl": "c", "n#one": "d", "n#other": "e"}`))
	bad := ui.MustWords([]byte(`{"used": "a {time}", "intempl": "", "unused": "d", "onlytest": "e", "en": "f", "code.x": "g"}`), []byte(`{"used": "a {zeit}", "intempl": "c", "unused": "d", "onlytest": "e", "fr": "f", "code.x": "Quoi ?"}`))
	for name, c := range map[string]struct {
		words ui.Words
		want  []string
	}{
		"sound": {good, []string{`asks for "absent"`}},
		"broken": {bad, []string{`asks for "absent"`, `asks for "n"`, `"used": placeholders [{time}] in English, [{zeit}]`, `"intempl" says nothing`, `no code names "unused"`,
			`no code names "onlytest"`, `"en" is not in French`, `"fr" is not in English`, `"code.x": a line can break`, `no code names "en"`}},
	} {
		w := &witness{TB: t}
		uitest.CheckWords(w, dir, c.words)
		for _, want := range c.want {
			if !slices.ContainsFunc(w.errors, func(s string) bool { return strings.Contains(s, want) }) {
				t.Errorf("%s: %q was not found in %q", name, want, w.errors)
			}
		}
		if len(w.errors) != len(c.want) {
			t.Errorf("%s: found %q", name, w.errors)
		}
	}
}

// A form is filled in as people do, and spoiled in one field at a time and in all.
func TestSheets(t *testing.T) {
	t.Parallel()
	const page = `<form method="post" action="/home/rules"><input type="hidden" name="key" value="k"><input name="who" required><input name="vin">
		<input type="time" name="from" required><select name="kind"><option value="">-</option><option value="safe"></select>
		<input type="checkbox" name="days" value="1"><input type="checkbox" name="days" value="2"><button name="do" value="add">Add</button></form>
		<form method="get" action="/elsewhere"><input name="q"></form>`
	all := uitest.Sheets(t, page, "/home/", map[string]string{"who": "Paul"})
	if len(all) != 1 {
		t.Fatalf("%d forms", len(all))
	}
	s := all[0]
	if got := s.Fields.Encode(); got != "days=1&do=add&from=09%3A00&key=k&kind=safe&vin=&who=Paul" {
		t.Errorf("filled in as %s", got)
	}
	if got := strings.Join(s.Typed, " "); got != "key who vin from kind days" || !s.Text {
		t.Errorf("the fields: %s, %t", got, s.Text)
	}
	spoiled := s.Hostile()
	if len(spoiled) != 3*(len(s.Typed)+1) {
		t.Fatalf("%d requests", len(spoiled))
	}
	keys := map[string]bool{}
	for _, fields := range spoiled {
		keys[fields.Get("key")] = true
	}
	if one := spoiled[1]; one.Get("who") != uitest.Script+`"'&` || one.Get("from") != "09:00" || len(keys) < len(spoiled)-6 {
		t.Errorf("%v, and %d keys", one, len(keys))
	}
	if got := s.Address(spoiled[1]); got != "/home/rules" {
		t.Errorf("it goes to %s", got)
	}
}
