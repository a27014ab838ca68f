package ui

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/loquet/loquet/phrase"
)

// dataOf is what the page's scripts and style sheets read of it.
func dataOf(v *View, p Page) templ.OrderedAttributes {
	list := set("data-zone", p.Zone, "data-theme", string(v.Theme))
	for _, name := range slices.Sorted(maps.Keys(p.Data)) {
		list = append(list, templ.KeyValue[string, any]{Key: "data-" + name, Value: p.Data[name]})
	}
	return list
}

// unlessChosen ties what is said to the phone's own choice, unless the person made one.
func unlessChosen(t Theme, scheme string) templ.OrderedAttributes {
	if t != ThemeAuto {
		return nil
	}
	return set("media", "(prefers-color-scheme: "+scheme+")")
}

func liveOf(p Page) templ.OrderedAttributes {
	if p.Live == "" {
		return nil
	}
	return templ.OrderedAttributes{{Key: "sse-connect", Value: p.Live}, {Key: "sse-swap", Value: "view"}}
}

func colorScheme(t Theme) string {
	if t == ThemeAuto {
		return "light dark"
	}
	return string(t)
}

// scriptWords are the texts that only a script can say, because they count.
func scriptWords(lang phrase.Lang) string {
	said := map[string]string{}
	for _, key := range own.Keys(lang) {
		if name, ok := strings.CutPrefix(key, "js."); ok {
			said[name] = own.Text(lang, key)
		}
	}
	data, err := json.Marshal(said)
	if err != nil {
		panic(err) // it is a map of texts
	}
	return string(data)
}
