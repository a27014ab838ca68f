package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/loquet/loquet/phrase"
)

// Words is the catalogue of one app, in both languages: a flat JSON object each, of the same keys, with placeholders
// in braces.
//
//	{"u2.block": "Block now", "u2.won": "Blocked at {time}.", "parcels#one": "{n} parcel", "parcels#other": "{n} parcels"}
//
// A key with #one and #other is chosen by the value of {n}. Texts are plain: templ escapes them.
type Words struct {
	texts map[phrase.Lang]map[string]string
}

// MustWords reads a catalogue that is part of the program; it panics on one that is broken.
func MustWords(english, french []byte) Words {
	return Words{map[phrase.Lang]map[string]string{phrase.English: mustRead(english), phrase.French: mustRead(french)}}
}

func mustRead(data []byte) map[string]string {
	var texts map[string]string
	if err := json.Unmarshal(data, &texts); err != nil {
		panic(fmt.Sprintf("ui: a catalogue is not a flat object of texts: %v", err))
	}
	return texts
}

// T is the text of a key in the context's language. Pairs are names of placeholders and their values. A key that
// is missing is shown as itself.
func (w Words) T(ctx context.Context, key string, pairs ...string) string {
	return w.In(ViewOf(ctx).Lang, key, pairs...)
}

// In is T in a named language.
func (w Words) In(lang phrase.Lang, key string, pairs ...string) string {
	texts, ok := w.texts[lang]
	if !ok {
		texts = w.texts[phrase.English]
	}
	text, ok := texts[key]
	if !ok {
		text, ok = texts[key+"#"+plural(lang, pairs)]
	}
	if !ok {
		return key
	}
	return fillIn(text, pairs)
}

// Has says whether the catalogue has a key, for those that are made of codes.
func (w Words) Has(key string) bool {
	texts := w.texts[phrase.English]
	_, one := texts[key]
	_, many := texts[key+"#other"]
	return one || many
}

// Keys are the catalogue's keys in a language, sorted, as they stand in the file.
func (w Words) Keys(lang phrase.Lang) []string {
	return slices.Sorted(maps.Keys(w.texts[lang]))
}

// Text is what stands in the file for a key, unfilled.
func (w Words) Text(lang phrase.Lang, key string) string { return w.texts[lang][key] }

func fillIn(text string, pairs []string) string {
	if len(pairs) == 0 {
		return text
	}
	braced := make([]string, len(pairs))
	for i, p := range pairs {
		if braced[i] = p; i%2 == 0 {
			braced[i] = "{" + p + "}"
		}
	}
	return strings.NewReplacer(braced...).Replace(text)
}

// plural chooses between one and other, by the number in {n}: in French nothing and one and a half are singular.
func plural(lang phrase.Lang, pairs []string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != "n" {
			continue
		}
		n, err := strconv.ParseFloat(strings.ReplaceAll(pairs[i+1], ",", "."), 64)
		if err == nil && (n == 1 || lang == phrase.French && n >= 0 && n < 2) {
			return "one"
		}
	}
	return "other"
}
