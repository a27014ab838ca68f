package uitest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// CheckWords checks a catalogue against the Go and templ files of a directory: both languages have the same keys with
// the same placeholders, no text is empty, every key that the code names exists, and every key is named. A key that is
// put together ("refusal." + code) is named by its beginning, which then ends with a dot.
func CheckWords(t testing.TB, dir string, w ui.Words) {
	t.Helper()
	checkLanguages(t, w)
	named := literals(t, dir)
	for _, key := range asked(t, dir) {
		if !w.Has(key) {
			t.Errorf("the code asks for %q, which no catalogue has", key)
		}
	}
	for _, key := range w.Keys(phrase.English) {
		base, _, _ := strings.Cut(key, "#")
		if !slices.ContainsFunc(named, func(s string) bool {
			return s == base || strings.HasSuffix(s, ".") && strings.HasPrefix(base, s)
		}) {
			t.Errorf("no code names %q", key)
		}
	}
}

func checkLanguages(t testing.TB, w ui.Words) {
	t.Helper()
	english, french := w.Keys(phrase.English), w.Keys(phrase.French)
	for _, key := range english {
		if !slices.Contains(french, key) {
			t.Errorf("%q is not in French", key)
			continue
		}
		en, fr := w.Text(phrase.English, key), w.Text(phrase.French, key)
		if strings.TrimSpace(en) == "" || strings.TrimSpace(fr) == "" {
			t.Errorf("%q says nothing", key)
		}
		if a, b := placeholders(en), placeholders(fr); !slices.Equal(a, b) {
			t.Errorf("%q: placeholders %v in English, %v in French", key, a, b)
		}
		if spaced.MatchString(fr) {
			t.Errorf("%q: a line can break before a sign in %q", key, fr)
		}
	}
	for _, key := range french {
		if !slices.Contains(english, key) {
			t.Errorf("%q is not in English", key)
		}
	}
}

// spaced is a sign before which French has a space that must not break.
var spaced = regexp.MustCompile(` [:;?!»]|« `)

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

func placeholders(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// quoted is a Go string in a templ file, and call is one that is asked of a catalogue.
var (
	quoted = regexp.MustCompile(`"((?:[^"\\\n]|\\.)*)"`)
	call   = regexp.MustCompile(`\.(?:T\(ctx|T\(r\.Context\(\)|In\([^",()]+), "([^"\n]+)"[,)]`)
)

// comment is a line of one.
var comment = regexp.MustCompile(`(?m)^\s*//.*$`)

// literals are all strings of a directory's own code.
func literals(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	for _, name := range sources(t, dir) {
		if strings.HasSuffix(name, ".templ") {
			for _, m := range quoted.FindAllStringSubmatch(text(t, name), -1) {
				found = append(found, m[1])
			}
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					found = append(found, s)
				}
			}
			return true
		})
	}
	return found
}

// asked are the keys that code asks a catalogue for by name.
func asked(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	for _, name := range sources(t, dir) {
		for _, m := range call.FindAllStringSubmatch(comment.ReplaceAllString(text(t, name), ""), -1) {
			found = append(found, m[1])
		}
	}
	return found
}

func sources(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.go", "*.templ"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, "_templ.go") {
				found = append(found, name)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no code in %s", dir)
	}
	return found
}

func text(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
