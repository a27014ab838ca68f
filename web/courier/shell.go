package courier

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// shell is a document of the app: what every phone gets, whoever's it is.
type shell struct {
	title  string
	module string
	main   templ.Component
	policy ui.Policy
	// live: the document has an event stream, which its script signs.
	live bool
}

// documents are the shells by their addresses, with the operator's number in them.
func documents(phone string) map[string]shell {
	stops := shell{title: "shell.title", module: "app.mjs", main: appShell(phone), policy: ui.Policy{Position: true}, live: true}
	return map[string]shell{
		"/courier/{$}": stops, "/courier/stop/{accessPoint}": stops, "/courier/stop/{accessPoint}/plan-b": stops,
		"/courier/scan/{visit}": {title: "scan.title", module: "scan.mjs", main: scanShell(phone),
			policy: ui.Policy{Camera: true, Position: true, Scan: true}, live: true},
		"/courier/pair": {title: "pair.title", module: "pair.mjs", main: pairShell(phone)},
	}
}

func (a *app) shells() {
	for pattern, s := range documents(a.Phone) {
		a.mux.HandleFunc("GET "+pattern, a.document(s))
	}
	a.mux.HandleFunc("GET /courier/sw.js", a.serviceWorker)
}

// document serves a shell. Nothing in it depends on who asks, or for which stop.
func (a *app) document(s shell) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page := ui.Page{App: ui.Courier, Title: words.T(r.Context(), s.title), Step: "shell", Main: s.main, Policy: s.policy,
			Modules: []string{assets + "/js/" + s.module}, Styles: []string{assets + "/css/courier.css"}, Here: "/courier/",
			Manifest: assets + "/manifest-" + string(ui.ViewOf(r.Context()).Lang) + ".webmanifest",
			Data:     map[string]string{"words": scriptWords(ui.ViewOf(r.Context()).Lang, s.module)}}
		if s.live {
			page.Live = "/courier/live"
		}
		a.Kit.Render(w, r, page)
	}
}

// ownWords are the texts that one script alone says, by the beginning of their keys.
var ownWords = map[string]string{"js.pair.": "pair.mjs", "js.scan.": "scan.mjs"}

// scriptWords are the texts that only a script can say: one of them, and what it takes with it.
func scriptWords(lang phrase.Lang, module string) string {
	said := map[string]string{}
	for _, key := range words.Keys(lang) {
		if strings.HasPrefix(key, "js.") && saysIt(module, key) {
			said[key] = words.Text(lang, key)
		}
	}
	data, err := json.Marshal(said)
	if err != nil {
		panic(err) // texts only
	}
	return string(data)
}

func saysIt(module, key string) bool {
	for prefix, only := range ownWords {
		if strings.HasPrefix(key, prefix) && module != only {
			return false
		}
	}
	return true
}

// later are files that the app needs only at the door: the scanner, fetched when a visit begins.
const later = assets + "/vendored/"

// serviceWorker serves the script that keeps the shells and their files. Its text changes with every release.
func (a *app) serviceWorker(w http.ResponseWriter, r *http.Request) {
	kept := slices.DeleteFunc(a.Kit.AssetList("ui/", assets+"/"), func(address string) bool { return strings.Contains(address, "/"+later) })
	list, err := json.Marshal(kept)
	if err != nil {
		panic(err)
	}
	script, err := files.ReadFile("js/sw.js")
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	fmt.Fprintf(w, "const files = %s;\n%s", list, script)
}

// scanner is the addresses of what the scan page loads, for the pages before it.
func (a *app) scanner() string {
	return strings.Join(slices.DeleteFunc(a.Kit.AssetList(later), func(address string) bool { return strings.HasSuffix(address, ".txt") }), " ")
}
