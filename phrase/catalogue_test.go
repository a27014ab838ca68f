package phrase

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
)

// constants reads from package event's source every constant of one of its string types, so that a new one that
// has no words fails here.
func constants(t *testing.T, typ string) []string {
	t.Helper()
	files, err := filepath.Glob("../event/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				values = append(values, valuesOf(t, spec, typ)...)
			}
			return true
		})
	}
	if len(values) == 0 {
		t.Fatalf("package event has no constants of type %s", typ)
	}
	return values
}

func valuesOf(t *testing.T, spec *ast.ValueSpec, typ string) []string {
	t.Helper()
	if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typ {
		return nil
	}
	var values []string
	for _, v := range spec.Values {
		lit, ok := v.(*ast.BasicLit)
		if !ok {
			continue
		}
		value, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
	}
	return values
}

func keys[K ~string, V any](m map[K]V) []string {
	var list []string
	for k := range m {
		list = append(list, string(k))
	}
	slices.Sort(list)
	return list
}

func TestEverythingHasItsWordsInBothLanguages(t *testing.T) {
	for lang, c := range catalogues {
		for typ, got := range map[string][]string{
			"Code":         keys(c.Refusals),
			"BlockVerdict": keys(c.Blocks),
			"AlarmReason":  keys(c.Alarms),
			"PictureFault": keys(c.Pictures),
			"VisitEnd":     keys(c.Ends),
			"Question":     keys(c.Questions),
			"Bolt":         keys(c.Bolts),
			"Contact":      keys(c.Contacts),
			"Reach":        keys(c.Reaches),
			"BarrierKind":  keys(c.Barriers),
			"FallbackKind": keys(c.Fallbacks),
			"ActorKind":    keys(c.Actors),
		} {
			want := constants(t, typ)
			if typ == "ActorKind" && !slices.Contains(want, "carrier") {
				want = append(want, "carrier") // API keys have that role too
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s\n got %v\nwant %v", lang, typ, got, want)
			}
		}
	}
	codes := []string{string(event.PlaceNotReady)} // said instead of some of the others, and refused by none
	for _, c := range event.Codes() {
		codes = append(codes, string(c))
	}
	slices.Sort(codes)
	if got := keys(catalogues[English].Refusals); !slices.Equal(got, codes) {
		t.Errorf("event.Codes lists\n%v, and the words are for\n%v", codes, got)
	}
}

// said is every text of a catalogue by its place.
func said(c *catalogue) map[string]text {
	all := map[string]text{}
	c.each(func(where string, t text) { all[where] = t })
	return all
}

func TestBothLanguagesSayTheSameThings(t *testing.T) {
	en, fr := said(catalogues[English]), said(catalogues[French])
	if !slices.Equal(keys(en), keys(fr)) {
		t.Fatalf("English says\n%v\nFrench says\n%v", keys(en), keys(fr))
	}
	for where := range en {
		if len(en[where]) != len(fr[where]) {
			t.Errorf("%s: %d ways and %d ways", where, len(en[where]), len(fr[where]))
			continue
		}
		for i := range en[where] {
			a, b := names(en[where][i]), names(fr[where][i])
			slices.Sort(a)
			slices.Sort(b)
			if !slices.Equal(a, b) {
				t.Errorf("%s: %v and %v", where, a, b)
			}
		}
	}
}

// Before : ; ? ! and inside guillemets French has a no-break space, and nowhere a plain one.
func TestFrenchTypography(t *testing.T) {
	wrong := regexp.MustCompile(`[^\x{a0}][:;?!»]|«[^\x{a0}]|«$`)
	everySentence(t, catalogues[French], func(where, s string) {
		if bad := wrong.FindString(s); bad != "" {
			t.Errorf("%s: %q in %q", where, bad, s)
		}
	})
}

func TestNumbersKeepTheirUnit(t *testing.T) {
	loose := regexp.MustCompile(`\} (m|min|s)\b`)
	for _, c := range catalogues {
		everySentence(t, c, func(where, s string) {
			if loose.MatchString(s) {
				t.Errorf("%s: a plain space before the unit in %q", where, s)
			}
		})
	}
}

func everySentence(t *testing.T, c *catalogue, check func(where, s string)) {
	t.Helper()
	c.each(func(where string, ways text) {
		for _, s := range ways {
			check(where, s)
		}
	})
}

func TestTheVoice(t *testing.T) {
	forbidden := map[Lang]*regexp.Regexp{
		English: words(`please|oops|invalid|successful\w*|sorry|error|wrongly|you failed|unfortunately`),
		French:  words(`tu|ton|ta|tes|toi|oups|invalides?|désolée?s?|erreurs?|svp|merci de|veuillez|s'il vous pla[iî]t|avec succès|malheureusement`),
	}
	for lang, c := range catalogues {
		everySentence(t, c, func(where, s string) {
			if word := forbidden[lang].FindString(s); word != "" {
				t.Errorf("%s %s: %q in %q", lang, where, word, s)
			}
			if strings.Contains(s, "!") || strings.Contains(s, "  ") || strings.TrimSpace(s) != s || strings.ContainsRune(s, '’') {
				t.Errorf("%s %s: %q", lang, where, s)
			}
		})
	}
}

// words finds whole words; \b knows no accents.
func words(list string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[^\pL])(` + list + `)($|[^\pL])`)
}

// refusals are those of a catalogue, for doors and for cars.
func refusals(c *catalogue) map[string]entry {
	all := map[string]entry{}
	for code, e := range c.Refusals {
		all[string(code)] = e
	}
	for code, e := range c.Car.Refusals {
		all["car/"+string(code)] = e
	}
	for code, e := range c.PlanB {
		all["planB/"+string(code)] = e
	}
	return all
}

// What is said of a car is said of cars alone, is otherwise said than of a door, and stands for something that is said of any.
func TestACarIsNoDoor(t *testing.T) {
	for _, lang := range []Lang{English, French} {
		c := lang.catalogue()
		for code := range c.Car.Refusals {
			at, plain := lang.RefusalAt(event.Trunk, code, nil), lang.Refusal(code, nil)
			if _, known := c.Refusals[code]; !known || at == plain || lang.RefusalAt(event.Garage, code, nil) != plain {
				t.Errorf("%s %s: %+v", lang, code, at)
			}
		}
		for reason := range c.Car.Alarms {
			at, plain := lang.AlarmAt(event.Cabin, reason, nil), lang.Alarm(reason, nil)
			if _, known := c.Alarms[reason]; !known || at == plain || lang.AlarmAt(event.Lobby, reason, nil) != plain {
				t.Errorf("%s %s: %+v", lang, reason, at)
			}
		}
		for verdict := range c.Car.Blocks {
			at, plain := lang.BlockAt(event.Cabin, verdict, nil), lang.Block(verdict, nil)
			if _, known := c.Blocks[verdict]; !known || at == plain || lang.BlockAt(event.Flat, verdict, nil) != plain {
				t.Errorf("%s %s: %+v", lang, verdict, at)
			}
		}
	}
	if English.RefusalAt(event.Trunk, event.CarAsleep, nil) != English.Refusal(event.CarAsleep, nil) {
		t.Error("what has one form is said otherwise")
	}
}

// A car has words of its own for whatever its device can say.
func TestACarsOwnWord(t *testing.T) {
	for lang, c := range catalogues {
		for name, pair := range map[string][2][]string{"bolts": {keys(c.Bolts), keys(c.Car.Bolts)}, "contacts": {keys(c.Contacts), keys(c.Car.Contacts)},
			"reaches": {keys(c.Reaches), keys(c.Car.Reaches)}} {
			if !slices.Equal(pair[0], pair[1]) {
				t.Errorf("%s %s: %v of any, %v of a car", lang, name, pair[0], pair[1])
			}
		}
	}
}

// Of a car nothing is said that speaks of its door as of a house's, and of nothing that has a lock or a sensor beside it.
func TestNothingOfACarIsAHouses(t *testing.T) {
	house := map[Lang]*regexp.Regexp{English: words(`the door|this door|the lock|the sensor|the bolt|flat|building`),
		French: words(`la porte|cette porte|la serrure|le capteur|le verrou|immeuble`)}
	for lang, c := range catalogues {
		everySentence(t, &catalogue{sayings: c.Car}, func(where, s string) {
			if word := house[lang].FindString(s); word != "" {
				t.Errorf("%s car %s: %q in %q", lang, where, word, s)
			}
		})
	}
}

// A title is two to four words without a full stop; what, safe and now are whole sentences.
func TestTheFormOfWords(t *testing.T) {
	for lang, c := range catalogues {
		for code, e := range refusals(c) {
			for _, s := range e.Title {
				if n := len(strings.Fields(s)); n < 2 || n > 4 {
					t.Errorf("%s %s: the title %q has %d words", lang, code, s, n)
				}
			}
			if e.Safe == nil || e.Now == nil {
				t.Errorf("%s %s does not say what is safe or what to do", lang, code)
			}
		}
		c.each(func(where string, ways text) {
			sentence := strings.HasSuffix(where, ".what") || strings.HasSuffix(where, ".safe") || strings.HasSuffix(where, ".now")
			for _, s := range ways {
				if sentence != (strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?")) {
					t.Errorf("%s %s: %q", lang, where, s)
				}
			}
		})
	}
}

// A refusal opened nothing; only where another answer is the honest one may it say so in other words.
func TestRefusalsSayThatNothingWasOpened(t *testing.T) {
	others := []event.Code{
		event.AlreadyScanned, event.AlreadyOpened, event.AlreadyEnded, event.OutcomePending, event.CameraNotLive,
		event.NotSecured, event.NotAjar,
	}
	opened := map[Lang]*regexp.Regexp{
		English: regexp.MustCompile(`^Nothing (was|has) opened`),
		French:  regexp.MustCompile(`^Rien ne s'est (encore )?ouvert`),
	}
	for lang, c := range catalogues {
		for code, e := range refusals(c) {
			code, _ := strings.CutPrefix(code, "car/")
			if opened[lang].MatchString(e.Safe.fill(nil)) == slices.Contains(others, event.Code(code)) {
				t.Errorf("%s %s: %q", lang, code, e.Safe)
			}
		}
	}
}

func TestEveryLineIsReached(t *testing.T) {
	reached := map[string]bool{}
	for _, body := range bodies() {
		key, _ := English.subject("", body)
		reached[key] = true
	}
	for lang, c := range catalogues {
		if got, want := keys(c.Lines), keys(reached); !slices.Equal(got, want) {
			t.Errorf("%s has lines for\n%v, and events lead to\n%v", lang, got, want)
		}
	}
}

// bodies are one event of each kind, and of each variant that has words of its own.
func bodies() []event.Body {
	all := []event.Body{
		event.QuestionAnswered{Question: event.QuestionPets, Yes: true},
		event.PlanBFollowed{Fallback: event.Fallback{Kind: event.FallbackNeighbour}, Nobody: true},
		event.DeliveryDelivered{Confirmed: true},
		event.VisitBegun{Member: "a-m1"},
		event.ParcelScanned{Offline: true},
		event.VehicleFound{Code: event.CarTooFar},
		event.OpeningIntended{Permit: event.Permit{Type: event.PermitCode}},
		event.OpeningIntended{Permit: event.Permit{Recovery: true}},
		event.OpeningResolved{Outcome: event.Done},
		event.OpeningResolved{Outcome: event.Done, By: event.BySight},
		event.OpeningResolved{Outcome: event.Done, By: event.BySigns},
		event.OpeningResolved{Outcome: event.NotDone},
		event.CodeRemoved{Confirmed: true},
		event.BarrierSecured{BoltAt: 1, ContactAt: 1},
		event.BarrierSecured{ContactAt: 1},
		event.FilmingEnded{Kept: true},
		event.ClipFinished{Files: make([]event.ClipFile, 1)},
		event.PictureWatched{Clip: "a-f1"},
	}
	for _, kind := range event.Kinds() {
		all = append(all, event.Zero(kind))
	}
	return all
}

func TestLoadRefusesWhatCouldReachAPersonUnfilled(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"an unknown section":       func(s string) string { return strings.Replace(s, `"blocks"`, `"locks"`, 1) },
		"an unknown part":          func(s string) string { return strings.Replace(s, `"safe"`, `"save"`, 1) },
		"an unknown placeholder":   func(s string) string { return strings.Replace(s, "{last4}", "{last5}", 1) },
		"an empty placeholder":     func(s string) string { return strings.Replace(s, "{last4}", "{}", 1) },
		"no plain form":            func(s string) string { return strings.Replace(s, "Wrong parcel", "Wrong parcel {last4}", 1) },
		"nothing said":             func(s string) string { return strings.Replace(s, `"Wrong parcel"`, `""`, 1) },
		"no way of saying it":      func(s string) string { return strings.Replace(s, `"Wrong parcel"`, `[]`, 1) },
		"one way in a list":        func(s string) string { return strings.Replace(s, `"Wrong parcel"`, `["Wrong parcel"]`, 1) },
		"a number":                 func(s string) string { return strings.Replace(s, `"Wrong parcel"`, `7`, 1) },
		"no title":                 func(s string) string { return strings.Replace(s, `"title": "Wrong parcel",`, ``, 1) },
		"a second value":           func(s string) string { return s + "{}" },
		"half a file":              func(s string) string { return s[:len(s)/2] },
		"an empty one of unknowns": func(s string) string { return strings.Replace(s, `"unknown"`, `"Unknown"`, 1) + " x" },
	} {
		changed := change(string(english))
		if changed == string(english) {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := load([]byte(changed)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a broken file did not stop the program")
		}
	}()
	mustLoad([]byte("{"))
}

// A key that stands twice would silently lose one of its two texts.
func TestNoKeyStandsTwice(t *testing.T) {
	for name, data := range map[string][]byte{"en.json": english, "fr.json": french} {
		dec := json.NewDecoder(bytes.NewReader(data))
		if err := noTwice(t, name, dec); err != nil {
			t.Error(err)
		}
	}
}

func noTwice(t *testing.T, where string, dec *json.Decoder) error {
	t.Helper()
	tok, err := dec.Token()
	if err != nil || tok != json.Delim('{') && tok != json.Delim('[') {
		return err
	}
	seen := map[string]bool{}
	for dec.More() {
		at := where
		if tok == json.Delim('{') {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			at = where + "." + key.(string)
			if seen[at] {
				t.Errorf("%s stands there twice", at)
			}
			seen[at] = true
		}
		if err := noTwice(t, at, dec); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// Whoever adds a field to the catalogue adds it to each, or its texts go unchecked.
func TestEachVisitsEveryField(t *testing.T) {
	sections := map[string]bool{}
	catalogues[English].each(func(where string, _ text) {
		section, _, _ := strings.Cut(where, ".")
		sections[section] = true
	})
	typ := reflect.TypeFor[catalogue]()
	for _, field := range reflect.VisibleFields(typ) {
		if name := field.Tag.Get("json"); !field.Anonymous && !sections[name] {
			t.Errorf("%s is not visited", name)
		}
	}
}
